/**
 * Property 4 of docs/model.md for `csn log` and `csn explain`: two logs that differ only in what a reader may not see look the
 * same to him, to the byte. Of questions, exports and reports: src/audit/ask/ask.test.ts. [AUD-4]
 */
import { deepStrictEqual, match, ok, rejects, throws } from "node:assert";
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { FastifyReply } from "fastify";
import { LogQuery } from "../api/index.ts";
import { answer, Loader, Writer } from "../audit/index.ts";
import { logs } from "../audit/testing.ts";
import { type Context, contextOf, integrityOf, secrecyOf } from "../label/index.ts";
import { readerOf } from "./asking.ts";
import { Authority } from "./authority.ts";
import type { Csn } from "./csn.ts";
import { explainRecord } from "./handlers.ts";
import type { Caller } from "./identity.ts";
import { streamLog } from "./log-stream.ts";
import { Records } from "./records.ts";
import { readable } from "./record-names.ts";
import { Store } from "./store.ts";

const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const ANN: Caller = { uid: 70_000, gid: 1, groups: [], name: "ann" };
const BOOT = "01234567-89ab-cdef-0123-456789abcdef";

let home: string;
let authority: Authority;
/** Nothing, ann's, ben's, both's. */
let contexts: Context[];
let count = 0;
before(() => {
  home = mkdtempSync(join(tmpdir(), "csn-record-names-"));
  authority = new Authority(new Store(join(home, "store")));
  authority.createPrincipal("ann", "person", ANN.uid, null);
  authority.createPrincipal("ben", "person", 70_001, null);
  const [a, b] = authority.createTags(ROOT, ["ann/a", "ben/b"]).map(({ id }) => id);
  contexts = [[], [a!], [b!], [a!, b!]].map((tags) => contextOf(secrecyOf(tags), integrityOf([])));
});
after(() => rmSync(home, { recursive: true, force: true }));

type Part = { flows: readonly logs.Flow[]; wallOffset: bigint };

/** A log of one boot, each part a segment of its own, as the daemon has it after a restart. */
function open(parts: readonly Part[], boot: string): { csn: Csn; close: () => void } {
  const folder = join(home, `log-${count++}`);
  for (const { flows, wallOffset } of parts) {
    const writer = new Writer({ folder, bootId: boot, wallOffset: () => wallOffset });
    const described = contexts.map((context, id) => logs.contextRecords(id, context));
    writer.append(Buffer.concat([...described, ...flows.map(logs.flowRecord)]), true);
    writer.close();
  }
  const records = new Records(folder, boot, () => ({}));
  return {
    csn: { authority, records, host: "here", store: { bootId: boot } } as unknown as Csn,
    close: () => {
      records.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function logOf(csn: Csn, caller: Caller, query: Record<string, unknown>): Promise<string[]> {
  const lines: string[] = [];
  const raw = Object.assign(new EventEmitter(), {
    destroyed: false,
    writeHead: () => undefined,
    write: (text: string) => lines.push(text) > 0,
    end: () => undefined,
  });
  const reply = { raw, hijack: () => undefined } as unknown as FastifyReply;
  await streamLog(csn, caller, LogQuery.parse(query), reply);
  return lines;
}

/** All that log and explain say to him. */
async function allSaid(csn: Csn, caller: Caller): Promise<string[]> {
  const log = await logOf(csn, caller, {});
  const names = log.map((line) => String((JSON.parse(line) as { id: unknown }).id));
  deepStrictEqual(new Set(names).size, names.length, "each has a name of its own");
  const queries = [{ refused: true }, { tag: "ann/a" }, { tag: "ben/b" }, { limit: 2 }];
  const more = await Promise.all(queries.map((query) => logOf(csn, caller, query)));
  const explained = names.map((name) => JSON.stringify(explainRecord(csn, caller, name)));
  const proved = names.map((name) => readable(csn, caller, name).entry.record.toString("hex"));
  return [...log, ...more.map((lines) => lines.join("")), ...explained, ...proved];
}

describe("what records are called [AUD-4]", () => {
  const end = fc.oneof(
    fc.nat(3).map((n) => logs.process(10 + n)),
    fc.nat(3).map((n) => logs.file(1 + n)),
  );
  const times = { time: fc.nat(30), event: fc.boolean() };
  const visible = fc.record({ source: end, sink: end, from: fc.constantFrom(0, 1), to: fc.constant(1), verdict: fc.constantFrom(0, 1), ...times }); // prettier-ignore
  const hidden = fc.record({ source: end, sink: end, from: fc.constantFrom(0, 2, 3), to: fc.constantFrom(2, 3), verdict: fc.constantFrom(0, 1), ...times }); // prettier-ignore
  const others = fc.array(fc.tuple(hidden, fc.boolean(), fc.bigInt({ min: 0n, max: 1n << 40n })), { maxLength: 8 }); // prettier-ignore
  const op = (flow: logs.Flow): logs.Flow => (flow.event === true ? { ...flow, op: "release" } : flow);

  /** Segments begin, and clocks are set, where others' records are. */
  const parts = (mine: readonly logs.Flow[], theirs: readonly [logs.Flow, boolean, bigint][]): Part[] => {
    const all: { flow: logs.Flow; cut: bigint | null }[] = [
      ...mine.map((flow) => ({ flow, cut: null })),
      ...theirs.map(([flow, isCut, offset]) => ({ flow, cut: isCut ? offset : null })),
    ];
    const made: { flows: logs.Flow[]; wallOffset: bigint }[] = [{ flows: [], wallOffset: 5_000_000n }];
    for (const { flow, cut } of all.toSorted((a, b) => a.flow.time! - b.flow.time!)) {
      if (cut !== null) made.push({ flows: [], wallOffset: cut });
      made.at(-1)!.flows.push(op(flow));
    }
    return made;
  };

  it("two logs that differ only in what the reader may not see say the same", async () => {
    let said = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(visible, { maxLength: 6 }), others, others, async (mine, one, other) => {
        const [a, b] = [open(parts(mine, one), BOOT), open(parts(mine, other), BOOT)];
        try {
          const told = await allSaid(a.csn, ANN);
          deepStrictEqual(await allSaid(b.csn, ANN), told);
          said += told.length;
        } finally {
          a.close();
          b.close();
        }
      }),
      { numRuns: 25 },
    );
    ok(said > 200, `hardly anything was said: ${said}`);
  });

  it("a name is what questions call the record, and a number is root's", async () => {
    const mine: logs.Flow[] = [
      { source: logs.file(1), sink: logs.process(10), from: 1, to: 1, time: 7 },
      { source: logs.principal(0), sink: logs.principal(0), from: 1, to: 1, time: 9, event: true, op: "tag" },
      { source: logs.process(10), sink: logs.file(2), from: 1, to: 1, time: 9, lost: 4 },
      { source: logs.process(10), sink: logs.file(3), from: 1, to: 1, time: 9 },
    ];
    const { csn, close } = open([{ flows: mine, wallOffset: 0n }], BOOT);
    try {
      const entries = (await logOf(csn, ANN, {})).map((line) => JSON.parse(line) as { id: string; lost: number | null }); // prettier-ignore
      deepStrictEqual(entries.map(({ id }) => id), ["012345-7", "012345-9", "012345-9.1", "012345-9.2"]); // prettier-ignore
      deepStrictEqual(entries.map(({ lost }) => lost), [0, 0, null, 0]); // prettier-ignore
      const graph = new Loader(csn.records.folder).refresh();
      const { edges } = answer(graph, readerOf(csn, ANN), { ask: "trace", from: "8:1:1:1" }, 0);
      deepStrictEqual(edges.map(({ step }) => step.record), ["012345-7", "012345-9.1", "012345-9.2"]); // prettier-ignore
      const numbers = (await logOf(csn, ROOT, {})).map((line) => JSON.parse(line) as { id: number; lost: number }); // prettier-ignore
      deepStrictEqual(numbers.map(({ lost }) => lost), [0, 0, 4, 0]); // prettier-ignore
      for (const { id } of numbers) {
        match(explainRecord(csn, ROOT, String(id)).text, /./);
        throws(() => explainRecord(csn, ANN, String(id)), { code: "E_NO_RECORD" });
      }
      throws(() => explainRecord(csn, ANN, "012345-8"), { code: "E_NO_RECORD" });
      await rejects(logOf(csn, ANN, { since: 1 }), { code: "E_BAD_REQUEST" });
    } finally {
      close();
    }
  });
});
