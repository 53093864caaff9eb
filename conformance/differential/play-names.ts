/**
 * Steps on names: opening, making, linking, removing, renaming, reading links.
 */
import { type Act, Fails, NotModelled } from "./act.ts";
import { type Draw, drawFresh, drawPath, drawSlot, isDir, isFile, type Kind, number, text } from "./kind.ts";
import { open } from "./play-files.ts";
import { type Inode, isOrdinary, PLATFORM, type World } from "./world.ts";

const MODES = [
  "r", "r", "r", "rw", "rw", "rw", "w", "w+append", "w+trunc", "rw+creat", "rw+creat", "rw+creat+excl", "w+creat+trunc",
  "path", "r+dir", "r+nofollow", "path+nofollow",
]; // prettier-ignore

/** A path to open, and how. */
const opening: Kind = {
  weight: 16,
  draw: (draw) => {
    const modes = draw.random.pick(MODES);
    const op = modes === "r" ? "OP-1" : "OP-3";
    const is = modes.includes("dir") ? isDir : ({ kind }: Inode) => kind !== "dir" && kind !== "symlink";
    return [
      drawSlot(draw),
      modes,
      modes.includes("creat") && draw.random.chance(70) ? drawFresh(draw) : drawPath(draw, { is, op }),
    ];
  },
  command: (args) => `slots ${args[0]} ${args[0]} open ${args[1]}+nonblock @${args[2]}`,
  play: (act, args) => {
    const modes = text(args, 1).split("+");
    const inode = open(act, text(args, 2), modes);
    act.world.put(act.who, number(args, 0), {
      inode,
      read: modes.includes("r") || modes.includes("rw"),
      write: modes.includes("w") || modes.includes("rw"),
      append: modes.includes("append"),
      path: modes.includes("path"),
    });
    // by its descriptor: the path may lead through a link
    for (const made of act.made) made.slot = number(args, 0);
    return null;
  },
};

/** A new name for a new thing. */
const making = (kind: "dir" | "fifo" | "symlink", op: "mkdir" | "mknod" | "symlink", weight: number): Kind => ({
  weight,
  draw: (draw) => [draw.random.chance(85) ? drawFresh(draw) : drawPath(draw), ...(kind === "symlink" ? [drawTarget(draw)] : [])],
  command: (args) =>
    kind === "symlink" ? `symlink ${args[1]} @${args[0]}` : `${kind === "dir" ? "mkdir" : "mkfifo"} @${args[0]}`,
  play: (act, args) => {
    const { dir, name, inode } = act.walk(text(args, 0), false);
    if (inode) throw new Fails("EEXIST");
    act.make(dir, op);
    const made = act.world.create(kind, dir, name);
    if (kind === "symlink") made.data = text(args, 1);
    act.made.push({ inode: made, path: text(args, 0) });
    return null;
  },
}); // prettier-ignore

/** Where a link leads: to a neighbour, or to a file in one of the program's folders. */
function drawTarget({ random, world }: Draw): string {
  const folders = [...world.root.entries.keys()];
  const name = random.pick(["f", "g", "s", "s/f"]);
  return random.chance(50) || folders.length === 0 ? name : `../${random.pick(folders)}/${name}`;
}

/** The rules for one name that goes away, or that something moves over. */
function victim(act: Act, inode: Inode, op: "unlink" | "rmdir" | "rename"): void {
  // a directory's answer tells whether it is empty
  act.check(inode.kind === "dir" ? "OP-3" : "OP-2", inode, op);
}

function mayDelete(act: Act, dir: Inode, inode: Inode, asDirectory: boolean): void {
  act.check("OP-3", dir, "lookup");
  if (asDirectory && inode.kind !== "dir") throw new Fails("ENOTDIR");
  if (!asDirectory && inode.kind === "dir") throw new Fails("EISDIR");
}

function remove(act: Act, path: string, op: "unlink" | "rmdir"): null {
  const { dir, name, inode } = act.walk(path, false);
  if (!inode) throw new Fails("ENOENT");
  mayDelete(act, dir, inode, op === "rmdir");
  act.check("OP-3", dir, op);
  victim(act, inode, op);
  if (inode.entries.size > 0) throw new Fails("ENOTEMPTY");
  dir.entries.delete(name);
  drop(inode);
  return null;
}

/** A name less. */
function drop(inode: Inode): void {
  inode.links--;
}

const NOREPLACE = 1;
const EXCHANGE = 2;

function isBelow(dir: Inode, above: Inode): boolean {
  for (let at: Inode | null = dir; at; at = at.home) if (at === above) return true;
  return false;
}

function rename(act: Act, from: string, to: string, flags: number): null {
  const old = act.walk(from, false);
  const next = act.walk(to, false);
  const [source, target] = [old.inode, next.inode];
  if (!source) throw new Fails("ENOENT");
  const faults: string[] = [];
  if (target && flags & NOREPLACE) faults.push("EEXIST");
  if (!target && flags & EXCHANGE) faults.push("ENOENT");
  if (source.kind === "dir" && isBelow(next.dir, source)) faults.push("EINVAL");
  if (target?.kind === "dir" && isBelow(old.dir, target)) faults.push(flags & EXCHANGE ? "EINVAL" : "ENOTEMPTY");
  if (faults.length > 0) throw new Fails(...faults);
  if (source === target) return null;
  if (hasOtherNames(act.world, source, next.dir) || (target && flags & EXCHANGE && hasOtherNames(act.world, target, old.dir)))
    throw new NotModelled();

  const exchange = (flags & EXCHANGE) !== 0;
  const asDir = source.kind === "dir";
  mayDelete(act, old.dir, source, asDir);
  if (target) mayDelete(act, next.dir, target, exchange ? target.kind === "dir" : asDir);
  else act.check("OP-3", next.dir, "lookup");
  if (old.dir !== next.dir) {
    if (asDir) act.check("OP-2", source, "lookup");
    if (exchange && target?.kind === "dir") act.check("OP-2", target, "lookup");
  }
  // an exchange is judged from the other side first
  for (const [dir, inode] of exchange ? [[next.dir, target], [old.dir, source]] as const : [[old.dir, source], [next.dir, target]] as const) {
    act.check("OP-3", dir, "rename");
    if (inode) victim(act, inode, "rename");
  }
  if (exchange && target) act.keep(target, old.dir, "rename");
  act.keep(source, next.dir, "rename");
  if (!exchange && target && target.entries.size > 0) throw new Fails("ENOTEMPTY", "EEXIST");

  if (exchange && target) {
    old.dir.entries.set(old.name, target);
    rehome(target, old.dir);
  } else {
    old.dir.entries.delete(old.name);
    if (target) drop(target);
  }
  next.dir.entries.set(next.name, source);
  rehome(source, next.dir);
  return null;
} // prettier-ignore

/**
 * Would a file get one context by this name and another one by a name elsewhere? That can be only between
 * unlabelled and base, and which of both it then has is not said [CTX-3].
 */
function hasOtherNames(world: World, inode: Inode, dir: Inode): boolean {
  if (world.below(dir) === (inode.home ? world.below(inode.home) : "base")) return false;
  if (inode.kind !== "dir") return inode.homes.size > 1;
  return [...world.inodes()].some(
    (each) => each.homes.size > 1 && [...each.homes].some((home) => isBelow(home, inode)),
  );
}

function rehome(inode: Inode, dir: Inode): void {
  inode.home = dir;
  inode.homes.add(dir);
  if (inode.kind === "dir" || inode.links === 1) inode.homes = new Set([dir]);
}

export const nameKinds: Readonly<Record<string, Kind>> = {
  open: opening,
  tmpfile: {
    weight: 1,
    draw: (draw) => [drawSlot(draw), drawPath(draw, { is: isDir, op: "OP-3" })],
    command: (args) => `slots ${args[0]} ${args[0]} open rw+tmpfile @${args[1]}`,
    play: (act, args) => {
      const dir = act.find(text(args, 1));
      if (dir.kind !== "dir") throw new Fails("ENOTDIR");
      act.check("OP-3", dir, "lookup", "write");
      const inode = act.world.create("file", dir, null);
      act.check("OP-3", inode, "open");
      act.world.put(act.who, number(args, 0), { inode, read: true, write: true, append: false, path: false });
      act.made.push({ inode, slot: number(args, 0) });
      return null;
    },
  },
  mkdir: making("dir", "mkdir", 4),
  mkfifo: making("fifo", "mknod", 2),
  symlink: making("symlink", "symlink", 3),
  link: {
    weight: 6,
    draw: (draw) => [drawPath(draw, { is: isFile, op: "OP-3" }), drawFresh(draw)],
    command: (args) => `link @${args[0]} @${args[1]}`,
    play: (act, args) => {
      const inode = act.find(text(args, 0), false);
      const { dir, name, inode: there } = act.walk(text(args, 1), false);
      // between unlabelled and base it is not said which of both it would be [CTX-3]
      if (!inode.label && isOrdinary(act.world.contextOf(inode)) && act.world.contextOf(inode) !== act.world.below(dir)) throw new NotModelled();
      if (there) throw new Fails("EEXIST");
      // protected_hardlinks: asked first, and root may without
      if (inode.kind === "file") act.probe("OP-3", inode, "lookup");
      act.check("OP-3", dir, "lookup");
      if (inode.kind === "dir") throw new Fails("EPERM");
      act.check("OP-3", dir, "link");
      act.check("OP-2", inode, "link");
      act.keep(inode, dir, "link");
      dir.entries.set(name, inode);
      inode.homes.add(dir);
      inode.links++;
      return null;
    },
  },
  unlink: {
    weight: 4,
    draw: (draw) => [drawPath(draw, { is: ({ kind }) => kind !== "dir", op: "OP-3" })],
    command: (args) => `unlink @${args[0]}`,
    play: (act, args) => remove(act, text(args, 0), "unlink"),
  },
  rmdir: {
    weight: 2,
    draw: (draw) => [drawPath(draw, { is: (inode) => isDir(inode) && inode.entries.size === 0, op: "OP-3" })],
    command: (args) => `rmdir @${args[0]}`,
    play: (act, args) => remove(act, text(args, 0), "rmdir"),
  },
  rename: {
    weight: 10,
    draw: (draw) => [drawPath(draw, { op: "OP-3" }), draw.random.chance(60) ? drawFresh(draw) : drawPath(draw), draw.random.pick([0, 0, 0, NOREPLACE, EXCHANGE])],
    command: (args) => `rename @${args[0]} @${args[1]} ${args[2]}`,
    play: (act, args) => rename(act, text(args, 0), text(args, 1), number(args, 2)),
  },
  readlink: {
    weight: 2,
    draw: (draw) => [drawPath(draw, { is: ({ kind }) => kind === "symlink" })],
    command: (args) => `readlink @${args[0]}`,
    play: (act, args) => {
      const inode = act.find(text(args, 0), false);
      if (inode.kind !== "symlink") throw new Fails("EINVAL");
      act.check("OP-1", inode, "readlink");
      act.learns(inode);
      return inode.data;
    },
  },
  /** By the platform, to begin with. */
  file: {
    weight: 0,
    platform: true,
    draw: () => null,
    command: (args) => `gwith rw+creat+excl @${args[0]} size`,
    play: (act, args) => {
      const { dir, name, inode } = act.walk(text(args, 0), false);
      if (inode) throw new Fails("EEXIST");
      act.made.push({ inode: act.world.create("file", dir, name), path: text(args, 0) });
      return null;
    },
  },
  folder: {
    weight: 0,
    platform: true,
    draw: () => null,
    command: (args) => `mkdir @${args[0]}`,
    play: (act, args) => {
      const { dir, name, inode } = act.walk(text(args, 0), false);
      if (inode) throw new Fails("EEXIST");
      const made = act.world.create("dir", dir, name);
      if (act.who === PLATFORM) act.made.push({ inode: made, path: text(args, 0) });
      return null;
    },
  },
}; // prettier-ignore
