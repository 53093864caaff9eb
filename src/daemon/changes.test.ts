/**
 * Property 5 of docs/model.md: after every change that is accepted, all that is held is legal; who may change what; and
 * no lineage has two members of a conflict set. Real processes and real descriptors, random contexts, against model/.
 */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert";
import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { allLegal, mayChange } from "../../model/changes.ts";
import type { Said } from "../../model/owners.ts";
import { contextFrom } from "../../model/vectors.ts";
import { type Monitor, WORLD } from "../kernel/index.ts";
import { BASE, type Context, UNLABELLED } from "../label/index.ts";
import { Authority } from "./authority.ts";
import { judgeEndpoints } from "./endpoints.ts";
import type { Caller } from "./identity.ts";
import { requireApart, requireChange } from "./privileges.ts";
import { Store } from "./store.ts";
import { readContext } from "./views.ts";

const TAGS = ["ann/a", "ann/b", "ben/c"];
const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const ANN: Caller = { uid: 70_001, gid: 1, groups: [], name: "ann" };
const label = fc.subarray(TAGS);
const context = fc.record({ secrecy: label, integrity: label });

let home: string;
let authority: Authority;
let store: Store;
before(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "csn-changes-")));
  store = new Store(join(home, "store"));
  authority = new Authority(store);
  authority.createPrincipal("ann", "person", ANN.uid, null);
  authority.createPrincipal("ben", "person", null, null);
  authority.createTags(ROOT, TAGS);
});
after(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});

const read = (text: { secrecy: string[]; integrity: string[] }): Context => readContext(text, authority);

/** How a program may hold a file. */
const HELD = [
  { name: "r", flags: constants.O_RDONLY, reads: true, writes: false },
  { name: "w", flags: constants.O_WRONLY, reads: false, writes: true },
  { name: "rw", flags: constants.O_RDWR, reads: true, writes: true },
  { name: "a", flags: constants.O_WRONLY | constants.O_APPEND, reads: false, writes: true },
] as const;

test("[CHG-3] property 5: a change is accepted exactly when everything that a process holds is legal under it", async () => {
  const work = join(home, "work");
  mkdirSync(work);
  const descriptors = HELD.map(({ name, flags }) =>
    openSync(join(home, name), flags | constants.O_CREAT, 0o600),
  );
  const child = spawn("sleep", ["1000"], { cwd: work, stdio: descriptors, env: {} });
  for (const fd of descriptors) closeSync(fd);
  try {
    await new Promise((resolve, reject) => child.on("spawn", resolve).on("error", reject));
    const contexts = new Map<string, Context>();
    // the kernel's part: what the inode behind a descriptor of ours is; programs and libraries are base
    const monitor = {
      inodeOf: (fd: number) => {
        const path = readlinkSync(`/proc/self/fd/${fd}`);
        return { context: contexts.get(path) ?? BASE, dev: 1, ino: 1n, magic: 0, world: WORLD.LABELLED };
      },
    } as unknown as Monitor;
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.array(context, { minLength: HELD.length + 1, maxLength: HELD.length + 1 }),
        context,
        fc.boolean(),
        (drawn, other, keeps) => {
          // half of them hold all in one context, so that changes within reach are met
          const of = drawn.map((each) => (keeps ? drawn[0]! : each));
          const to = keeps && other.secrecy.length === 0 ? drawn[0]! : other;
          for (const [i, { name }] of HELD.entries()) contexts.set(join(home, name), read(of[i]!));
          contexts.set(work, read(of.at(-1)!));
          const { refused } = judgeEndpoints(monitor, [child.pid!], {
            from: UNLABELLED,
            to: read(to),
            devices: new Set(),
            streams: new Map(),
          });
          const held = [
            ...HELD.map(({ reads, writes }, i) => ({ object: contextFrom(of[i]!), reads, writes })),
            { object: contextFrom(of.at(-1)!), reads: true, writes: false },
          ];
          strictEqual(refused === null, allLegal(held, contextFrom(to)), JSON.stringify({ of, to, refused }));
          if (refused === null) accepted++;
        },
      ),
      { numRuns: 150 },
    );
    ok(accepted > 3, `${accepted} were accepted`);
    // what can't be found out is refused [CTX-5]
    const blind = { inodeOf: () => { throw new Error("gone"); } } as unknown as Monitor; // prettier-ignore
    const change = {
      from: UNLABELLED,
      to: UNLABELLED,
      devices: new Set<number>(),
      streams: new Map<string, null>(),
    };
    ok(judgeEndpoints(blind, [child.pid!], change).refused !== null);
  } finally {
    child.kill("SIGKILL");
  }
});

test("[CHG-1, CHG-2] a change is allowed exactly when each of its tags is, or none changes", () => {
  const said: Said[] = [];
  const grant = (privileges: string[]) => {
    const id = said.length;
    const body = { id: String(id).padStart(32, "0"), to: "ann", tag: "ben/c", privileges, delegate: false };
    authority.say(ROOT, "ben", { kind: "grant", ...body, until: null, purpose: "", via: null } as never);
    said.push({ say: "grant", by: "ben", ...body, id, until: Infinity, via: null });
  };
  let allowed = 0;
  for (const more of [[], ["s+"], ["i-"], ["s-", "i+"]]) {
    if (more.length > 0) grant(more);
    fc.assert(
      fc.property(context, context, (from, to) => {
        const isAllowed = attempt(() => requireChange(authority, ANN, read(from), read(to), "change"));
        strictEqual(isAllowed, mayChange(said, "ann", from, to, 0), JSON.stringify({ more, from, to }));
        if (isAllowed) allowed++;
      }),
      { numRuns: 100 },
    );
  }
  ok(allowed > 15, `${allowed} of 400`);
});

test("[COI-1] no lineage of programs has two members of a set, root's neither", () => {
  authority.say(ROOT, "platform", {
    kind: "conflict",
    name: "platform/c",
    tags: ["ann/a", "ben/c"],
  } as never);
  const [a, c] = [read({ secrecy: ["ann/a"], integrity: [] }), read({ secrecy: ["ben/c"], integrity: [] })];
  requireApart(authority, a, UNLABELLED);
  throws(() => requireApart(authority, a, c), { code: "E_CONFLICT" });
  const together = read({ secrecy: ["ann/a", "ben/c"], integrity: [] });
  throws(() => requireChange(authority, ROOT, UNLABELLED, together, "run"), { code: "E_CONFLICT" });
  deepStrictEqual(attempt(() => requireChange(authority, ANN, UNLABELLED, c, "run")), false); // prettier-ignore
});

function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
