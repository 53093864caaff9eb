/**
 * Steps on open files and on files by path: data, size, attributes, mappings, locks, copies.
 */
import { type Act, Fails, NotModelled } from "./act.ts";
import {
  type Draw,
  drawPath,
  drawSlot,
  drawUsed,
  drawWay,
  isDir,
  isFile,
  type Kind,
  number,
  text,
  type Wish,
} from "./kind.ts";
import type { Inode, OpenFile } from "./world.ts";

/** What the actor's `take` reads at most; files stay smaller. */
export const MOST = 96;
const TOKEN = 8;

const isStream = (inode: Inode): boolean => inode.kind === "fifo" || inode.kind === "pipe";
const isRegular = (inode: Inode): boolean => inode.kind === "file" || inode.kind === "memfd";

/** What is read with it: refused to those who did not open it for that, before any rule. */
function readable(act: Act, n: number): OpenFile {
  const file = act.file(n);
  if (!file.read) throw new Fails("EBADF");
  return file;
}
function writable(act: Act, n: number): OpenFile {
  const file = act.file(n);
  if (!file.write) throw new Fails("EBADF");
  return file;
}

/** Bytes over what is at `offset`, with zeros up to there. */
export function overwrite(data: string, offset: number, bytes: string): string {
  const before = data.slice(0, offset).padEnd(offset, "\0");
  return before + bytes + data.slice(offset + bytes.length);
}

const useSlot = (
  weight: number,
  command: (args: readonly (string | number)[]) => string,
  play: Kind["play"],
  more: { want?: (file: OpenFile) => boolean; args?: (draw: Draw) => readonly (string | number)[] } = {},
): Kind => ({
  weight,
  draw: (draw) => {
    const n = drawUsed(draw, more.want);
    return n === null ? null : [n, drawWay(draw), ...(more.args?.(draw) ?? [])];
  },
  command: (args) => `slots ${args[0]} ${args[0]} ${text(args, 1)}${command(args)}`,
  play,
});

/** The same by path. */
const onPath = (weight: number, wish: Wish, command: (args: readonly (string | number)[]) => string, play: Kind["play"], args?: (draw: Draw) => readonly (string | number)[]): Kind => ({
  weight,
  draw: (draw) => [drawPath(draw, wish), drawWay(draw), ...(args?.(draw) ?? [])],
  command: (values) => `${text(values, 1)}${command(values)}`,
  play,
}); // prettier-ignore

/** Offsets at which a write keeps a file small. */
const offset = ({ random }: Draw): number => TOKEN * random.below(4);

function put(act: Act, file: OpenFile, at: number, token: string): null {
  const { inode } = file;
  act.check("OP-2", inode, "write");
  if (!isRegular(inode)) throw new NotModelled();
  act.tells(inode);
  // on Linux, O_APPEND wins over the offset of pwrite
  inode.data = overwrite(inode.data, file.append ? inode.data.length : at, token);
  return null;
}

const isSmall = (file: OpenFile): boolean => file.inode.data.length <= MOST - 2 * TOKEN;

const size = (inode: Inode): string =>
  `${isRegular(inode) ? inode.data.length : -1},${inode.kind === "dir" ? -1 : inode.links}`;

const mayHaveMark = (inode: Inode): boolean => isRegular(inode) || inode.kind === "dir";
const hasMark = ({ attribute }: Inode): boolean => attribute !== null;

function marks(inode: Inode, error: string): void {
  if (!mayHaveMark(inode)) throw new Fails(error);
}

export const fileKinds: Readonly<Record<string, Kind>> = {
  take: useSlot(8, () => "g take", (act, args) => {
    const { inode, read } = act.file(number(args, 0));
    if (isStream(inode)) throw new Fails("ESPIPE");
    if (!read) throw new Fails("EBADF");
    act.check("OP-1", inode, "read");
    if (inode.kind === "dir") throw new Fails("EISDIR");
    act.learns(inode);
    return inode.data.slice(0, MOST);
  }),
  next: useSlot(4, () => "g next", (act, args) => {
    const { inode } = readable(act, number(args, 0));
    if (!isStream(inode)) throw new NotModelled();
    act.check("OP-1", inode, "read");
    if (inode.data === "" && inode.writers > 0) throw new Fails("EAGAIN");
    act.learns(inode);
    const data = inode.data.slice(0, MOST);
    inode.data = inode.data.slice(MOST);
    return data;
  }, { want: ({ inode }) => isStream(inode) }),
  put: useSlot(8, (args) => `g put ${args[2]} ${args[3]}`, (act, args) => {
    const file = act.file(number(args, 0));
    if (isStream(file.inode)) throw new Fails("ESPIPE");
    if (!file.write) throw new Fails("EBADF");
    if (!isSmall(file)) throw new NotModelled();
    return put(act, file, number(args, 2), text(args, 3));
  }, { want: ({ write, inode }) => write && isRegular(inode), args: (draw) => [offset(draw), draw.token()] }),
  push: useSlot(4, (args) => `g push ${args[2]}`, (act, args) => {
    const file = writable(act, number(args, 0));
    const { inode } = file;
    if (!isStream(inode)) {
      if (!file.append || !isSmall(file)) throw new NotModelled();
      return put(act, file, 0, text(args, 2));
    }
    if (inode.data.length > 2000) throw new NotModelled();
    act.check("OP-2", inode, "write");
    if (inode.readers === 0) throw new Fails("EPIPE");
    act.tells(inode);
    inode.data += text(args, 2);
    return null;
  }, { want: ({ write, append, inode }) => write && (append || isStream(inode)), args: (draw) => [draw.token()] }),
  cut: useSlot(2, (args) => `g cut ${args[2]}`, (act, args) => {
    const { inode, write } = act.file(number(args, 0));
    if (!isRegular(inode) || !write) throw new Fails("EINVAL");
    act.check("OP-2", inode, "truncate");
    act.check("OP-2", inode, "setattr");
    act.tells(inode);
    resize(inode, number(args, 2));
    return null;
  }, { want: ({ inode }) => isRegular(inode), args: (draw) => [offset(draw)] }),
  names: useSlot(3, () => "g names", (act, args) => {
    const { inode } = act.file(number(args, 0));
    if (inode.kind !== "dir") throw new Fails("ENOTDIR");
    act.check("OP-1", inode, "read");
    if (inode.links === 0) throw new Fails("ENOENT");
    act.learns(inode);
    return [".", "..", ...inode.entries.keys()].sort().join("/");
  }, { want: ({ inode }) => inode.kind === "dir" }),
  size: useSlot(2, () => "g size", (act, args) => {
    const file = act.world.slot(act.who, number(args, 0)); // with O_PATH too
    if (!file) throw new Fails("EBADF");
    act.check("OP-1", file.inode, "stat");
    act.learns(file.inode);
    return size(file.inode);
  }),
  chmod: useSlot(1, () => "g chmod", (act, args) => {
    act.check("OP-2", act.file(number(args, 0)).inode, "setattr");
    return null;
  }),
  utimens: useSlot(1, () => "g utimens", (act, args) => {
    act.check("OP-2", act.file(number(args, 0)).inode, "setattr");
    return null;
  }),
  flock: useSlot(2, () => "g flock 1", (act, args) => {
    act.check("OP-3", act.file(number(args, 0)).inode, "lock");
    return null;
  }),
  setlk: useSlot(1, () => "g ofdlk 0", (act, args) => {
    const { inode } = readable(act, number(args, 0));
    act.check("OP-3", inode, "lock");
    return null;
  }, { want: ({ inode }) => isRegular(inode) }),
  peek: mapping("peek", 4),
  poke: mapping("poke", 4),
  change: mapping("change", 2),
  mark: useSlot(2, (args) => `g mark ${args[2]}`, (act, args) => mark(act, act.file(number(args, 0)).inode, text(args, 2)), { args: (draw) => [draw.token()] }),
  marked: useSlot(1, () => "g marked", (act, args) => marked(act, act.file(number(args, 0)).inode), { want: ({ inode }) => hasMark(inode) }),
  unmark: useSlot(1, () => "g unmark", (act, args) => unmark(act, act.file(number(args, 0)).inode), { want: ({ inode }) => hasMark(inode) }),

  "take-path": onPath(6, { is: isFile }, (args) => `gwith r+nonblock @${args[0]} take`, (act, args) => {
    const inode = open(act, text(args, 0), ["r"]);
    if (isStream(inode)) throw new Fails("ESPIPE");
    act.check("OP-1", inode, "read");
    if (inode.kind === "dir") throw new Fails("EISDIR");
    act.learns(inode);
    return inode.data.slice(0, MOST);
  }),
  "put-path": onPath(4, { is: isFile, op: "OP-3" }, (args) => `gwith w+nonblock @${args[0]} put ${args[2]} ${args[3]}`, (act, args) => {
    const inode = open(act, text(args, 0), ["w"]);
    if (isStream(inode)) throw new Fails("ESPIPE");
    if (inode.data.length > MOST - 2 * TOKEN) throw new NotModelled();
    return put(act, { inode, read: false, write: true, append: false, path: false }, number(args, 2), text(args, 3));
  }, (draw) => [offset(draw), draw.token()]),
  "names-path": onPath(3, { is: isDir }, (args) => `gwith r+dir @${args[0]} names`, (act, args) => {
    const inode = act.find(text(args, 0));
    if (inode.kind !== "dir") throw new Fails("ENOTDIR");
    act.check("OP-1", inode, "lookup");
    act.check("OP-1", inode, "open");
    act.check("OP-1", inode, "read");
    act.learns(inode);
    return [".", "..", ...inode.entries.keys()].sort().join("/");
  }),
  "size-path": onPath(3, {}, (args) => `size @${args[0]}`, (act, args) => {
    const inode = act.find(text(args, 0));
    act.check("OP-1", inode, "stat");
    act.learns(inode);
    return size(inode);
  }),
  shrink: onPath(2, { is: isFile, op: "OP-3" }, (args) => `shrink @${args[0]} ${args[2]}`, (act, args) => {
    const inode = act.find(text(args, 0));
    if (inode.kind === "dir") throw new Fails("EISDIR");
    if (!isRegular(inode)) throw new Fails("EINVAL");
    act.check("OP-2", inode, "lookup");
    act.check("OP-2", inode, "setattr", "truncate");
    act.tells(inode);
    resize(inode, number(args, 2));
    return null;
  }, (draw) => [offset(draw)]),
  "chmod-path": onPath(2, { op: "OP-3" }, (args) => `chmod @${args[0]}`, (act, args) => {
    act.check("OP-2", act.find(text(args, 0)), "setattr");
    return null;
  }),
  "utimens-path": onPath(1, { op: "OP-3" }, (args) => `utimens @${args[0]}`, (act, args) => {
    act.check("OP-2", act.find(text(args, 0)), "setattr");
    return null;
  }),
  "mark-path": onPath(2, { is: mayHaveMark, op: "OP-3" }, (args) => `mark @${args[0]} ${args[2]}`, (act, args) => mark(act, act.find(text(args, 0)), text(args, 2)), (draw) => [draw.token()]),
  "marked-path": onPath(2, { is: hasMark }, (args) => `marked @${args[0]}`, (act, args) => marked(act, act.find(text(args, 0)))),
  "unmark-path": onPath(1, { is: hasMark, op: "OP-3" }, (args) => `unmark @${args[0]}`, (act, args) => unmark(act, act.find(text(args, 0)))),

  send: copy("send", (act, from, to, at) => {
    act.check("OP-1", from.inode, "read");
    if (!to.write) throw new Fails("EBADF");
    act.check("OP-2", to.inode, "write");
    if (to.append) throw new Fails("EINVAL");
    return at;
  }),
  range: copy("range", (act, from, to, at) => {
    if (!from.read || !to.write || to.append) throw new Fails("EBADF");
    if (from.inode === to.inode && at < Math.min(16, from.inode.data.length) && from.inode.data.length > 0) throw new NotModelled();
    act.check("OP-1", from.inode, "read");
    act.check("OP-2", to.inode, "write");
    return at;
  }),
  memfd: {
    weight: 1,
    draw: (draw) => [drawSlot(draw)],
    command: (args) => `slots ${args[0]} ${args[0]} memfd`,
    play: (act, args) => {
      const inode = act.world.createOwn("memfd", act.context);
      inode.data = "memory";
      act.check("OP-2", inode, "write");
      act.world.put(act.who, number(args, 0), { inode, read: true, write: true, append: false, path: false });
      act.made.push({ inode, slot: number(args, 0) });
      return null;
    },
  },
  pipes: {
    weight: 1,
    draw: (draw) => {
      const [a, b] = [drawSlot(draw), drawSlot(draw)];
      return a === b ? null : [a, b];
    },
    command: (args) => `slots ${args[0]} ${args[1]} pipes`,
    play: (act, args) => {
      const inode = act.world.createOwn("pipe", act.context);
      // the two ends come before what was in the slots goes
      const ends = { inode, append: false, path: false };
      act.world.put(act.who, number(args, 0), { ...ends, read: true, write: false });
      act.world.put(act.who, number(args, 1), { ...ends, read: false, write: true });
      act.made.push({ inode, slot: number(args, 0) });
      return null;
    },
  },
  close: {
    weight: 2,
    draw: (draw) => {
      const n = drawUsed(draw);
      return n === null ? null : [n];
    },
    command: (args) => `slots ${args[0]} ${args[0]} close`,
    play: (act, args) => {
      act.world.put(act.who, number(args, 0), null);
      return null;
    },
  },
}; // prettier-ignore

function resize(inode: Inode, to: number): void {
  inode.data = inode.data.slice(0, to).padEnd(to, "\0");
}

function mapping(how: "peek" | "poke" | "change", weight: number): Kind {
  return useSlot(
    weight,
    (args) => `g ${how} ${args[2]}`,
    (act, args) => {
      const file = act.file(number(args, 0));
      const { inode } = file;
      if (inode.data.length > 0 && inode.data.length < TOKEN && how === "poke") throw new NotModelled();
      act.check(how === "poke" ? "OP-3" : "OP-1", inode, "mmap");
      // ordinary Linux: the file's mode, then whether such a thing can be mapped
      if (how === "poke" && !file.write) throw new Fails("EACCES");
      if (!file.read) throw new Fails("EACCES");
      if (!isRegular(inode)) throw new Fails("ENODEV");
      if (how === "change") {
        if (!file.write) throw new Fails("EACCES");
        act.check("OP-3", inode, "mprotect");
      }
      act.learns(inode);
      if (how === "poke" && inode.data.length >= TOKEN) {
        act.tells(inode);
        inode.data = overwrite(inode.data, 0, text(args, 2));
      }
      return inode.data.slice(0, TOKEN);
    },
    { want: ({ inode }) => isRegular(inode), args: (draw) => [draw.token()] },
  );
}

function copy(how: "send" | "range", checks: (act: Act, from: OpenFile, to: OpenFile, at: number) => number): Kind {
  return {
    weight: 6,
    draw: (draw) => {
      const [a, b] = [drawUsed(draw, ({ inode, read }) => isRegular(inode) && read), drawUsed(draw, ({ inode, write }) => isRegular(inode) && write)];
      return a === null || b === null || a === b ? null : [a, b, drawWay(draw), offset(draw)];
    },
    command: (args) => `slots ${args[0]} ${args[1]} ${text(args, 2)}g ${how} ${args[3]}`,
    play: (act, args) => {
      const from = how === "send" ? readable(act, number(args, 0)) : act.file(number(args, 0));
      if (how === "send" && isStream(from.inode)) throw new Fails("ESPIPE");
      const other = act.world.slot(act.who, number(args, 1));
      if (!other || other.path) {
        if (how === "send") act.check("OP-1", from.inode, "read");
        throw new Fails("EBADF");
      }
      const to = other;
      // between pipes and the like see kinds.ts; between file systems Linux answers by the kind of both
      if (!isRegular(from.inode) || !isRegular(to.inode)) throw new NotModelled();
      if (how === "range" && from.inode.kind !== to.inode.kind) throw new NotModelled();
      if (to.inode.data.length > MOST - 4 * TOKEN || (how === "send" && from.inode === to.inode)) throw new NotModelled();
      const at = checks(act, from, to, number(args, 3));
      const bytes = from.inode.data.slice(0, 16);
      act.learns(from.inode);
      act.tells(to.inode);
      if (bytes !== "") to.inode.data = overwrite(to.inode.data, at, bytes);
      return null;
    },
  };
} // prettier-ignore

function mark(act: Act, inode: Inode, token: string): null {
  marks(inode, "EPERM");
  act.check("OP-2", inode, "lookup");
  act.check("OP-3", inode, "setxattr");
  act.tells(inode);
  inode.attribute = token;
  return null;
}

function marked(act: Act, inode: Inode): string {
  marks(inode, "ENODATA");
  act.check("OP-1", inode, "lookup");
  act.check("OP-1", inode, "getxattr");
  if (inode.attribute === null) throw new Fails("ENODATA");
  act.learns(inode);
  return inode.attribute;
}

function unmark(act: Act, inode: Inode): null {
  marks(inode, "EPERM");
  act.check("OP-2", inode, "lookup");
  act.check("OP-3", inode, "setxattr");
  if (inode.attribute === null) throw new Fails("ENODATA");
  inode.attribute = null;
  return null;
}

/**
 * Opens a path (never waits: FIFOs with O_NONBLOCK). `modes` as in the actor: r, w, rw, then trunc, creat, excl,
 * append, dir, nofollow, path.
 */
export function open(act: Act, path: string, modes: readonly string[]): Inode {
  const has = (mode: string): boolean => modes.includes(mode);
  const [read, write] = [has("r") || has("rw"), has("w") || has("rw")];
  const follow = !has("nofollow") && !(has("creat") && has("excl"));
  const { dir, name, inode } = act.walk(path, follow);
  if (!inode) {
    if (!has("creat")) throw new Fails("ENOENT");
    act.make(dir, "create");
    const made = act.world.create("file", dir, name);
    // opened in the same call, with the context that it got
    act.check(write ? "OP-3" : "OP-1", made, "open");
    act.made.push({ inode: made });
    return made;
  }
  if (has("creat") && has("excl")) throw new Fails("EEXIST");
  if (has("creat") && inode.kind === "dir") throw new Fails("EISDIR");
  if (has("path")) return inode;
  if (has("dir") && inode.kind !== "dir") throw new Fails("ENOTDIR");
  if (inode.kind === "symlink") throw new Fails("ELOOP");
  if (inode.kind === "dir" && write) throw new Fails("EISDIR");
  act.check(read && write ? "OP-3" : write ? "OP-2" : "OP-1", inode, "lookup");
  act.check(inode.kind === "fifo" || (inode.kind === "file" && write) ? "OP-3" : "OP-1", inode, "open");
  if (inode.kind === "fifo" && write && !read && inode.readers === 0) throw new Fails("ENXIO");
  if (has("trunc") && inode.kind === "file") {
    act.check("OP-2", inode, "truncate");
    act.check("OP-2", inode, "setattr");
    inode.data = "";
  }
  return inode;
}
