/**
 * What the kernel records besides labelled parties: the maps that bpf/scope.bpf.h asks. [AUD-1]
 *
 * Guarantee: nothing is left of what was asked for before. Until `replace` returns both scopes, or a part of one, may be in
 * force; that says what is recorded besides, never what is allowed.
 */
import { ASK, LIMITS, MARK, SCOPE, SHAPE } from "./abi.ts";
import { u32 } from "./contexts.ts";
import { KernelError } from "./errors.ts";
import { type Fd, native } from "./native.ts";

/** Numbers of users, ids of cgroups, paths of files and folders. */
export type KernelScope = {
  all: boolean;
  /** Also what tells nothing new. */
  repeats: boolean;
  users: readonly number[];
  cgroups: readonly bigint[];
  watched: readonly string[];
  opaque: readonly string[];
};

type Maps = Record<"scope_users" | "scope_cgroups" | "marks", Fd>;
/** Asks the kernel about an inode; `flags` are the question's. */
type AskOf = (path: string, ask: number, flags: number) => void;

export class Scope {
  readonly #maps: Maps;
  readonly #ask: AskOf;

  constructor(maps: Maps, ask: AskOf) {
    this.#maps = maps;
    this.#ask = ask;
  }

  /** @throws KernelError E_NOT_FOUND, E_NO_MEMORY */
  replace({ all, repeats, users, cgroups, watched, opaque }: KernelScope): void {
    const { scope_users, scope_cgroups, marks } = this.#maps;
    empty(scope_users, 4);
    empty(scope_cgroups, 8);
    empty(marks, SHAPE.csn_key.size);
    try {
      for (const user of users) native().mapSet(scope_users, u32(user), u32(1), 0);
      for (const cgroup of cgroups) native().mapSet(scope_cgroups, u64(cgroup), u32(1), 0);
    } catch (error) {
      throw new KernelError(
        "E_NO_MEMORY",
        `the kernel could not keep what is to be recorded (${error instanceof Error ? error.message : String(error)})`,
        `at most ${LIMITS.MAX_SCOPE} users and ${LIMITS.MAX_SCOPE} cgroups; \`all\` needs none`,
        error,
      );
    }
    for (const path of watched) this.#ask(path, ASK.MARK, MARK.WATCHED);
    for (const path of opaque) this.#ask(path, ASK.MARK, MARK.OPAQUE);
    const bits =
      (all ? SCOPE.ALL : 0) |
      (repeats ? SCOPE.REPEATS : 0) |
      (users.length > 0 ? SCOPE.USERS : 0) |
      (cgroups.length > 0 ? SCOPE.CGROUPS : 0) |
      (watched.length + opaque.length > 0 ? SCOPE.MARKS : 0);
    this.#ask("/", ASK.SCOPE, bits);
  }
}

function empty(map: Fd, keySize: number): void {
  for (let key = native().mapNext(map, null, keySize); key; key = native().mapNext(map, null, keySize))
    native().mapDelete(map, key);
}

function u64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer;
}
