/**
 * Labels of files and directories: set, clear, read, bring back after a reboot. [OBJ-1..4, CHG-1, CHG-2]
 *
 * Guarantee: when `set` returns, the label is enforced and stored; when it throws, it is neither. The
 * order is: kernel, look for holders, disk; so nothing is ever stored that is not enforced, and a crash
 * in between loses a label that nobody was told of. That a label changes is on disk before it does, and what was undone too.
 *
 * One entry covers a whole tree (what is below inherits it), so the walk changes nothing but files with
 * several links, which get an entry of their own: a second link may lie outside [OBJ-3].
 */
import { lstatSync, opendirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf, type InodeState, KernelError, type Monitor, native } from "../kernel/index.ts";
import {
  type Context,
  contextEquals,
  contextKey,
  parseContextKey,
  SEALED,
  UNLABELLED,
} from "../label/index.ts";
import { CsnError } from "./errors.ts";
import { inodeKey } from "./holder.ts";
import { findHolder } from "./holders.ts";
import { type Mounts } from "./mounts.ts";
import type { Store, StoredLabel } from "./store.ts";

const EXT = 0xef53;
const XFS = 0x58465342;
const TMPFS = 0x01021994;
/** File systems whose inode numbers and handles stay the same, and how long a label on them lives. */
const LABELLED_FS: ReadonlyMap<number, "kept" | "until it is unmounted"> = new Map([
  [EXT, "kept"],
  [XFS, "kept"],
  [TMPFS, "until it is unmounted"],
]);
export const LABEL_XATTR = "security.bpf.csn";
const STEP = 500;

export type SetResult = { before: Context | null; inodes: number; skipped: string[]; path: string };
type Progress = (inodes: number, links: number) => void;
/** Records that its label changes, before it does. */
type Tell = (from: Context, to: Context) => void;

/** The path with its folder's symbolic links resolved, but not its own: a link can have a label itself. */
export function resolvePath(path: string): string {
  try {
    const name = basename(path);
    if (name === "" || name === "." || name === "..") return realpathSync(path);
    return join(realpathSync(dirname(path)), name);
  } catch {
    return path; // the next step says what is wrong with it
  }
}

/** @throws CsnError E_IN_USE, E_SEALED, E_STORE; KernelError E_NOT_FOUND, E_FS_UNSUPPORTED, E_NO_MEMORY */
export async function setLabel(
  monitor: Monitor,
  store: Store,
  path: string,
  context: Context,
  progress: Progress,
  tell: Tell = () => {},
): Promise<SetResult> {
  const before = monitor.inode(path);
  requireLabelable(path, before);
  const was = before.context ?? UNLABELLED;
  const changed: { path: string; before: InodeState }[] = [];
  const apply = (target: string) => changed.push({ path: target, before: monitor.setInode(target, context) });
  tell(was, context);
  try {
    apply(path);
    const inodes = new Set<string>([inodeKey(before.dev, before.ino)]);
    const skipped: string[] = [];
    const files = [path];
    if (lstatSync(path).isDirectory())
      await walk(path, {
        inodes,
        skipped,
        files,
        applyOwn: apply,
        progress: () => progress(inodes.size, changed.length - 1),
      });
    const holder = findHolder(monitor, inodes, context);
    if (holder !== null) {
      throw new CsnError(
        "E_IN_USE",
        `expected nobody without clearance to hold \`${path}\`, found ${holder.who}, which ${holder.how}`,
        `end it, or let it let go, and label again`,
        409,
      );
    }
    // tmpfs keeps its pages for ever; that a context without secrets is read on tells nothing
    if (
      LABELLED_FS.get(before.magic) === "kept" &&
      !(Array.isArray(context.secrecy) && context.secrecy.length === 0)
    )
      await settlePages(path, files);
    if (LABELLED_FS.get(before.magic) === "kept")
      store.putLabels(changed.map((c) => storedLabel(c.path, context)));
    mirror(
      changed.map((c) => c.path),
      contextKey(context),
    );
    return { before: before.context, inodes: inodes.size, skipped, path };
  } catch (error) {
    tell(context, was);
    for (const { path: target, before: old } of changed.reverse()) restoreInode(monitor, target, old);
    throw error;
  }
}

/** Takes the label off; files with several links in the tree, which got it by the tree, lose it too. */
export async function clearLabel(
  monitor: Monitor,
  store: Store,
  path: string,
  tell: Tell,
): Promise<InodeState> {
  const before = monitor.inode(path);
  requireLabelable(path, before);
  if (!before.own) return before;
  const was = before.context ?? UNLABELLED;
  const becomes = contextAbove(monitor, path);
  tell(was, becomes);
  try {
    takeOff(monitor, store, path, before);
  } catch (error) {
    tell(becomes, was);
    throw error;
  }
  const after = monitor.inode(path);
  tell(becomes, after.context ?? UNLABELLED);
  return after;
}

/** What it has without a label of its own. */
function contextAbove(monitor: Monitor, path: string): Context {
  const above = dirname(path);
  if (lstatSync(path).dev !== lstatSync(above).dev) return UNLABELLED;
  return monitor.inode(above).context ?? UNLABELLED;
}

function takeOff(monitor: Monitor, store: Store, path: string, before: InodeState): void {
  const key = before.context ? contextKey(before.context) : "";
  const below = store.labels().filter((l) => l.path.startsWith(`${path}/`) && l.context === key);
  const own = identify(path);
  store.removeLabel(own.fsid, own.handle);
  monitor.clearInode(path);
  unmirror(path);
  for (const label of below) {
    store.removeLabel(label.fsid, label.handle);
    try {
      monitor.clearInode(label.path);
      unmirror(label.path);
    } catch {
      // it was moved or removed; its entry protects until the next boot
    }
  }
}

/**
 * Brings stored labels back into a kernel that lacks them.
 *
 * @returns how many, and how many are not in force: their file system is not mounted, or they can't be opened
 */
export function restoreLabels(
  monitor: Monitor,
  store: Store,
  mounts: Mounts,
): { restored: number; waiting: number } {
  let restored = 0;
  let waiting = 0;
  for (const label of store.labels()) {
    const mount = mounts.descriptorOf(label.fsid);
    if (mount === null) {
      waiting++;
      continue;
    }
    let fd: number;
    try {
      fd = native().handleOpen(mount, label.handle);
    } catch (error) {
      if (errnoOf(error) === "ESTALE") store.removeLabel(label.fsid, label.handle); // the inode is gone for good
      else waiting++; // kept, and shown as not in force
      continue;
    }
    try {
      monitor.setInodeOf(fd, parseContextKey(label.context));
      restored++;
    } finally {
      native().closeFd(fd);
    }
  }
  return { restored, waiting };
}

/**
 * A pipe or socket may hold pages of a file since before the label (splice, sendfile), and would show what is
 * written into them later. Pages that can't be dropped from the cache are held by somebody.
 *
 * @throws CsnError E_IN_USE
 */
async function settlePages(root: string, files: readonly string[]): Promise<void> {
  native().syncFs(lstatSync(root).isDirectory() ? root : dirname(root));
  for (const [i, file] of files.entries()) {
    if (native().settle(file) > 0 && native().settle(file) > 0) {
      throw new CsnError(
        "E_IN_USE",
        `expected nobody to hold pages of \`${file}\`, found some that can't be dropped from memory: a pipe, a socket or a mapping has them`,
        "end the programs that use it, and label again",
        409,
      );
    }
    if (i % STEP === STEP - 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

type Walk = {
  inodes: Set<string>;
  skipped: string[];
  files: string[];
  /** For a file that has several links. */
  applyOwn: (path: string) => void;
  progress: () => void;
};

/** Each inode of the tree once, in steps that let others work. */
async function walk(root: string, { inodes, skipped, files, applyOwn, progress }: Walk): Promise<void> {
  const device = lstatSync(root, { bigint: true }).dev;
  const kernelDevice =
    Number(((device >> 8n) & 0xfffn) << 20n) | Number((device & 0xffn) | ((device >> 12n) & 0xfff00n));
  const folders = [root];
  let seen = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = opendirSync(folder, { bufferSize: 256 });
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
      const path = join(folder, entry.name);
      const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined) continue; // it has gone: nothing to protect
      if (stat.dev !== device) {
        skipped.push(path);
        continue;
      }
      inodes.add(inodeKey(kernelDevice >>> 0, stat.ino));
      if (stat.isDirectory()) folders.push(path);
      else if (stat.nlink > 1n) applyOwn(path);
      if (stat.isFile()) files.push(path);
      if (++seen % STEP === 0) {
        progress();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    entries.closeSync();
  }
  progress();
}

function requireLabelable(path: string, state: InodeState): void {
  const fs = native().fsOf(path).magic;
  if (state.context !== null && contextEquals(state.context, SEALED)) {
    throw new CsnError(
      "E_SEALED",
      `\`${path}\` is csn's own state and keeps its label`,
      "choose another place",
      403,
    );
  }
  if (LABELLED_FS.has(fs)) return;
  throw new KernelError(
    "E_FS_UNSUPPORTED",
    `expected a file system whose inodes keep their identity (ext4, xfs, tmpfs) under \`${path}\`, found one of type 0x${fs.toString(16)}`,
    "copy the data to one of these and label it there; in the virtual machine that is `/data`",
  );
}

function identify(path: string): { fsid: string; handle: Buffer } {
  const fd = native().openPath(path);
  try {
    const { fsid, handle } = native().handleOf(fd);
    return { fsid: fsid.toString("hex"), handle };
  } finally {
    native().closeFd(fd);
  }
}

function storedLabel(path: string, context: Context): StoredLabel {
  return { ...identify(path), context: contextKey(context), path };
}

function restoreInode(monitor: Monitor, path: string, old: InodeState): void {
  try {
    if (old.own && old.context !== null) monitor.setInode(path, old.context);
    else monitor.clearInode(path);
  } catch {
    // it has gone; an entry that nothing leads to protects nothing and harms nobody
  }
}

/** The label on the object itself, for people and for a later boot with another store. Never read back to
 * decide: only the store is. Best effort: a symbolic link or a full inode can't hold it. */
function mirror(paths: readonly string[], key: string): void {
  for (const path of paths) {
    try {
      native().xattrSet(path, LABEL_XATTR, Buffer.from(key));
    } catch {
      continue;
    }
  }
}

function unmirror(path: string): void {
  try {
    native().xattrRemove(path, LABEL_XATTR);
  } catch {
    // best effort, as above
  }
}
