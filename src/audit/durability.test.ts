/**
 * The log under a disk that fails at every single call: after a restart it verifies, and what was promised is there.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Checkpoint, KIND_LOG, readRecords, RECORD_BYTES, verify, Writer } from "./index.ts";
import { Death, FaultyDisk, random } from "./testing.ts";

const BOOT = "01234567-89ab-cdef-0123-456789abcdef";
const OTHER_BOOT = "11234567-89ab-cdef-0123-456789abcdef";

/** A flow with a number of its own. */
function flow(n: number, refused: boolean): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record[0] = 1;
  record[1] = 1;
  record[2] = Number(refused);
  record.writeBigUInt64LE(BigInt(n), 16);
  return record;
}

/** What the daemon told others. */
type Promised = { records: Map<number, Buffer>; checkpoints: Checkpoint[]; lost: number };

/** Some work: batches of flows and refusals, checkpoints, a rotation of keys, several segments. */
function work(folder: string, faulty: FaultyDisk, seed: number, promised: Promised): Writer | null {
  const next = random(seed);
  let writer: Writer | null = null;
  try {
    try {
      writer = open(folder, faulty);
    } catch (error) {
      if (error instanceof Death) throw error;
      faulty.fullFrom = Infinity; // the daemon does not come up on such a disk; it is tried again
      writer = open(folder, faulty);
    }
    for (let batch = 0, n = seed * 1000; batch < 12; batch++) {
      const durable = next() < 0.5;
      const records = Array.from({ length: 1 + Math.floor(next() * 9) }, (_, i) =>
        flow(n++, durable && i === 0),
      );
      const first = writer.append(Buffer.concat(records), durable);
      if (first === null) promised.lost += records.length;
      else if (durable) for (const [i, record] of records.entries()) promised.records.set(first + i, record);
      if (next() < 0.25) {
        const checkpoint = writer.signCheckpoint();
        if (checkpoint !== null) promised.checkpoints.push(checkpoint);
      }
      if (batch === 6) {
        try {
          writer.rotateKeys();
        } catch (error) {
          if (!(error instanceof Error && "code" in error && error.code === "E_LOG_WRITE")) throw error;
        }
      }
    }
    return writer;
  } catch (error) {
    if (!(error instanceof Death)) throw error;
    return null;
  }
}

function open(folder: string, faulty: FaultyDisk, bootId = BOOT): Writer {
  return new Writer({
    folder: join(folder, "log"),
    keyFile: join(folder, "log-key.pem"),
    bootId,
    wallOffset: () => 0n,
    segmentBytes: 40 * RECORD_BYTES,
    disk: faulty.disk,
    now: () => 1_700_000_000_000,
  });
}

/** Opened again as after a restart, everything told holds. */
function check(folder: string, promised: Promised, what: string, bootId = BOOT): void {
  const again = open(folder, new FaultyDisk(), bootId);
  again.append(flow(1, true), true);
  again.close();
  ok(!existsSync(join(folder, "log.1")), `${what}: the log was set aside`);
  const report = verify(join(folder, "log"), { checkpoints: promised.checkpoints });
  deepStrictEqual(report.findings, [], what);
  const there = new Map([...readRecords(join(folder, "log"))].map(({ id, record }) => [id, record]));
  for (const [id, record] of promised.records)
    deepStrictEqual(there.get(id), record, `${what}: record ${id}`);
}

/** Runs it with a fault; counts how it ended. */
function tryAt(
  seed: number,
  fault: (faulty: FaultyDisk) => void,
  after: ((faulty: FaultyDisk) => void) | null,
  what: string,
): number {
  const folder = mkdtempSync(join(tmpdir(), "csn-fault-"));
  try {
    const faulty = new FaultyDisk();
    fault(faulty);
    const promised: Promised = { records: new Map(), checkpoints: [], lost: 0 };
    // closing is work too: without power nothing is written any more
    work(folder, faulty, seed, promised)?.close();
    after?.(faulty);
    check(folder, promised, what, after === null ? BOOT : OTHER_BOOT);
    return promised.records.size;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How many calls the work makes. */
function calls(seed: number): number {
  const folder = mkdtempSync(join(tmpdir(), "csn-fault-"));
  const faulty = new FaultyDisk();
  work(folder, faulty, seed, { records: new Map(), checkpoints: [], lost: 0 })?.close();
  rmSync(folder, { recursive: true, force: true });
  return faulty.calls;
}

describe("a log whose", () => {
  it("process is killed at every call to the disk keeps what was promised", (t) => {
    let kept = 0;
    const all = calls(1);
    for (let at = 1; at <= all; at++) kept += tryAt(1, (f) => (f.dieAt = at), null, `killed at call ${at}`);
    t.diagnostic(`killed at each of ${all} calls: nothing promised was lost, ${kept} promises looked at`);
  });

  it("power is cut at every call to the disk keeps what was promised", (t) => {
    let kept = 0;
    let cuts = 0;
    for (const seed of [1, 2]) {
      const all = calls(seed);
      for (let at = 1; at <= all; at++, cuts++)
        kept += tryAt(
          seed,
          (f) => (f.dieAt = at),
          (f) => f.cutPower(random(at * 7 + seed)),
          `seed ${seed}: power cut at call ${at}`,
        );
    }
    t.diagnostic(`power cut at each of ${cuts} calls: nothing promised was lost, ${kept} promises looked at`);
  });

  it("disk is full, or fails, from any call on and for any time, goes on, and counts what was lost [AUD-3]", (t) => {
    let kept = 0;
    const all = calls(1);
    for (let at = 2; at <= all; at++)
      for (const length of [1, 20])
        kept += tryAt(
          1,
          (f) => ((f.fullFrom = at), (f.fullTo = at + length)),
          null,
          `full from call ${at} for ${length}`,
        );
    for (let at = 2; at <= all; at++)
      kept += tryAt(1, (f) => (f.brokenAt = at), null, `failing at call ${at}`);
    t.diagnostic(
      `disk full at each of ${all - 1} calls, for 1 and for 20 calls, and failing at each: nothing promised was lost, ${kept} promises looked at`,
    );
  });

  it("disk was full says afterwards exactly how many records are missing [AUD-3]", () => {
    const folder = mkdtempSync(join(tmpdir(), "csn-fault-"));
    const faulty = new FaultyDisk();
    const promised: Promised = { records: new Map(), checkpoints: [], lost: 0 };
    const w = open(folder, faulty);
    w.append(flow(1, false), false);
    faulty.fullFrom = faulty.calls + 1;
    for (let i = 0; i < 10; i++)
      w.append(Buffer.concat([flow(i, true), flow(i, false), flow(i, false)]), true);
    faulty.fullFrom = Infinity;
    w.append(flow(2, false), true);
    w.close();
    check(folder, promised, "full");
    const { losses } = verify(join(folder, "log"));
    deepStrictEqual(losses.map(({ kind, refused, count }) => [kind, refused, count]), [[1, true, 10], [1, false, 20]]); // prettier-ignore
    const records = [...readRecords(join(folder, "log"))].filter(({ record }) => record[1]! < KIND_LOG);
    strictEqual(records.length, 2 + 2 + 1);
    rmSync(folder, { recursive: true, force: true });
  });
});
