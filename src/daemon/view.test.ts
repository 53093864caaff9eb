/** What a person is shown, and that a gate runs, is on the record before anybody gets it (view.ts, gate-run.ts, Showing of run-events.ts). [TERM-1, AUD-1, AUD-3] */
import { deepStrictEqual, match, strictEqual } from "node:assert";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { RunRequest } from "../api/index.ts";
import type { Gate } from "../policy/index.ts";
import { Authority } from "./authority.ts";
import type { Csn } from "./csn.ts";
import { ReadyGate } from "./gate-run.ts";
import type { Caller } from "./identity.ts";
import type { Said } from "./records.ts";
import { Showing } from "./run-events.ts";
import { Streams } from "./stage.ts";
import { Store } from "./store.ts";
import { View } from "./view.ts";
import { readContext } from "./views.ts";

const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const MALLORY: Caller = { uid: 70_009, gid: 1, groups: [], name: "mallory" };
const READY = Buffer.from("data");

let home: string;
let store: Store;
let authority: Authority;
/** What the log was told; it takes no more when it is full. */
let told: { op: string; bytes: number; pid: number; isSoon: boolean | undefined }[];
let isFull: boolean;
/** Something came into the stream. */
let hasNews: boolean;

before(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "csn-view-")));
  store = new Store(join(home, "store"));
  authority = new Authority(store);
  authority.createTags(ROOT, ["ann/a"]);
});
after(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});
beforeEach(() => {
  [told, isFull, hasNews] = [[], false, false];
  store.refuseOnFull = false;
});

function csnWithLog(): Csn {
  const records = {
    watch: () => ({
      hasNews: () => {
        const had = hasNews;
        hasNews = false;
        return had;
      },
      end: () => {},
    }),
    events: ([said]: [Said], isSoon?: boolean) => {
      const { op, bytes, pid } = said.event;
      return !isFull && told.push({ op, bytes, pid, isSoon }) > 0;
    },
  };
  return { authority, store, records } as unknown as Csn;
}

function started(): Streams {
  const streams = new Streams();
  for (const line of ["stream 1 7", "stream 2 7", "stream 3 7", "started 42"]) streams.take(line);
  return streams;
}

function shown(caller: Caller) {
  const csn = csnWithLog();
  const request = { shows: { output: "other", error: "other" }, release: true } as RunRequest;
  const context = readContext({ secrecy: ["ann/a"], integrity: [] }, authority);
  const view = new View(csn, context, caller, request);
  const showing = new Showing(csn, caller, started(), "output");
  return { showing, pass: () => view.pass("output", READY, showing) };
}

describe("what a person sees", () => {
  it("is told at once, and again when there is something new, and at the end", () => {
    const { showing, pass } = shown(ROOT);
    strictEqual(pass()!.includes(READY), true);
    const first = { op: "release", bytes: 4, pid: 42, isSoon: false };
    deepStrictEqual(told, [first]);
    for (let n = 0; n < 3; n++) pass();
    deepStrictEqual(told.length, 1);
    hasNews = true;
    pass();
    pass();
    showing.end();
    const later = { ...first, isSoon: true };
    deepStrictEqual(told, [first, { ...later, bytes: 16 }, later]);
  });

  it("is kept from who is not cleared, and that is told at once, too", () => {
    const { showing, pass } = shown(MALLORY);
    match(pass()!.toString(), /withheld/);
    deepStrictEqual([pass(), pass()], [null, null]);
    showing.end();
    deepStrictEqual(told.map(({ op, bytes, isSoon }) => [op, bytes, isSoon]), [["withhold", 4, false], ["withhold", 8, true]]); // prettier-ignore
  });

  it("is shown and counted when the log is full, or kept back where that is asked for", () => {
    isFull = true;
    strictEqual(shown(ROOT).pass()!.includes(READY), true);
    store.refuseOnFull = true;
    const { pass, showing } = shown(ROOT);
    const kept = pass()!;
    strictEqual(kept.includes(READY), false);
    match(kept.toString(), /withheld.*recorded/);
    // nor what follows, which is no more on the record than that
    deepStrictEqual([pass(), pass()], [null, null]);
    isFull = false;
    strictEqual(pass()!.includes(READY), true);
    showing.end();
    deepStrictEqual(told, [{ op: "release", bytes: 4, pid: 42, isSoon: false }]);
  });
});

describe("a gate's run", () => {
  const nothing = { secrecy: [], integrity: [] };
  const parts = { program: "/usr/bin/cat", digest: "", args: [], files: [], in: nothing, out: nothing };
  const gate = {
    ...{ name: "ann/g", holder: "gate:ann/g@0" as Gate["holder"], users: [], seq: 0 },
    gate: { ...parts, consent: [], purpose: "" } as Gate["gate"],
  };
  const ready = () => new ReadyGate(csnWithLog(), ROOT, gate);

  it("is told once its program runs, and not when it never did [GATE-2]", () => {
    strictEqual(ready().started(started()), true);
    deepStrictEqual(told, [{ op: "gate", bytes: 0, pid: 42, isSoon: undefined }]);
    strictEqual(ready().started(new Streams()), true);
    strictEqual(told.length, 1);
  });

  it("goes on when the log is full, or may not, where that is asked for [AUD-3]", () => {
    isFull = true;
    strictEqual(ready().started(started()), true);
    store.refuseOnFull = true;
    strictEqual(ready().started(started()), false);
  });
});
