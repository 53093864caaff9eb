/**
 * What the log costs: appending with checkpoints, verifying, reading, and how long until an allowed flow is on disk.
 *
 * Usage: sh tools/node.sh bench/log.ts [--records 20000000] [--write]: --write makes docs/bench-log.md anew.
 * Seconds are of this computer and its disk, and of what else runs on it: the load is printed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readChunks, RECORD_BYTES, segments, verify, Writer } from "../src/audit/index.ts";
import { HASH_BYTES, hasher } from "../src/audit/proof/hash.ts";
import { LogKeeper } from "../src/daemon/log-keeper.ts";
import { ensureBuilt, ROOT, silent } from "../src/setup/index.ts";

const { values } = parseArgs({
  options: { records: { type: "string", default: "20000000" }, write: { type: "boolean", default: false } },
});
const RECORDS = Number(values.records);
const BOOT = "01234567-89ab-cdef-0123-456789abcdef";
const PROMISED_MS = 15;
const BATCH = 8192;

/** Seconds by the wall clock, and of processor time. */
type Spent = { wall: number; cpu: number };

function spend(work: () => void): Spent {
  const [begun, before] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 };
}

/** Reads the disk itself, past the page cache. */
const DIRECT = `for file in "$0" "$@"; do dd if="$file" of=/dev/null iflag=direct bs=4M status=none || exit; done`;

/** Of another program, whose processor time the shell tells. @param script gets the paths as its words; null: it can't do that here */
function spendOf(script: string, paths: readonly string[]): Spent | null {
  const begun = performance.now();
  let said: string;
  try {
    said = execFileSync("bash", ["-c", `{ ${script}; } > /dev/null && times`, ...paths], {
      encoding: "utf8",
    });
  } catch {
    return null;
  }
  const times = [
    ...said
      .trim()
      .split("\n")
      .at(-1)!
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  const cpu = times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
  return { wall: (performance.now() - begun) / 1000, cpu };
}

/** What verify can't do without. */
function hashing(count: number): Spent {
  const batch = records(BATCH);
  return spend(() => {
    for (let done = 0; done < count; done += BATCH) {
      let hashes = hasher().leaves(batch, RECORD_BYTES);
      while (hashes.length > HASH_BYTES) hashes = hasher().nodes(hashes);
    }
  });
}

function records(count: number): Buffer {
  const buffer = Buffer.alloc(count * RECORD_BYTES);
  for (let i = 0; i < count; i++) {
    buffer[i * RECORD_BYTES] = 1;
    buffer[i * RECORD_BYTES + 1] = 1;
    buffer.writeUInt32LE(i, i * RECORD_BYTES + 16);
  }
  return buffer;
}

const base = mkdtempSync(join(process.env.CSN_BENCH_FOLDER ?? tmpdir(), "csn-bench-log-"));
function open(name: string): Writer {
  return new Writer({
    folder: join(base, name),
    keyFile: join(base, `${name}-key.pem`),
    bootId: BOOT,
    wallOffset: () => 0n,
  });
}

/** Records appended a second. @param every how many are one batch */
function append(
  name: string,
  count: number,
  every: number,
  each: (writer: Writer) => void,
  durable: boolean,
): Spent {
  const writer = open(name);
  const batch = records(every);
  const spent = spend(() => {
    for (let done = 0; done < count; done += every) {
      writer.append(batch, durable);
      each(writer);
    }
  });
  writer.close();
  return spent;
}

/** From when a record is made until the disk has it, ms, by the daemon's own pace. */
async function latencies(): Promise<number[]> {
  const found: number[] = [];
  let made: number[] = [];
  const keeper: LogKeeper = new LogKeeper({
    folder: join(base, "latency"),
    bootId: BOOT,
    wallOffset: () => 0n,
    describe: () => ({}),
    onBeat: () => {
      const waiting = made;
      made = [];
      if (waiting.length > 0) {
        keeper.append(records(waiting.length), false);
        keeper.writer.onSynced(() => {
          const now = performance.now();
          for (const at of waiting) found.push(now - at);
        });
      }
      return true;
    },
  });
  keeper.wake();
  for (let i = 0; i < 1000; i++) {
    made.push(performance.now());
    await sleep(Math.random() * 6);
  }
  await sleep(100);
  keeper.close();
  return found.sort((a, b) => a - b);
}

const million = (count: number, { wall, cpu }: Spent) => [thousands(count / wall), thousands(count / cpu)];
const thousands = (n: number) => `${Math.round(n / 1000).toLocaleString("en")},000`;

try {
  await ensureBuilt(silent);
  const sign = (writer: Writer) => void writer.signCheckpoint();
  const nothing = () => undefined;
  const rows: string[][] = [["what", "records/s by the clock", "records/s of processor time"]];
  rows.push([
    "append and hash, batches of 8192, no fdatasync",
    ...million(RECORDS, append("plain", RECORDS, 8192, nothing, false)),
  ]);
  for (const every of [1000, 100, 10]) {
    const count = Math.min(RECORDS, every * 1000);
    rows.push([
      `append, fdatasync and signed checkpoint every ${every}`,
      ...million(count, append(`signed-${every}`, count, every, sign, true)),
    ]);
    rows.push([
      `append, fdatasync every ${every}`,
      ...million(count, append(`synced-${every}`, count, every, nothing, true)),
    ]);
  }
  const folder = join(base, "plain");
  const total = segments(folder).reduce((sum, { count }) => sum + count, 0);
  let read = 0;
  rows.push(["read in chunks", ...million(total, spend(() => {
    for (const chunk of readChunks(folder)) read += chunk.records.length;
  }))]); // prettier-ignore
  let ok = false;
  const verified = spend(() => (ok = verify(folder).ok));
  rows.push(["verify", ...million(total, verified)]);
  if (!ok || read === 0) throw new Error("the log does not verify");
  const paths = segments(folder).map(({ path }) => path);
  const bytes = total * RECORD_BYTES;
  const speeds = [
    ["`csn audit verify`", verified],
    ["the hashes of the records and of the tree, and nothing else", hashing(total)],
    ["`sha256sum` of the same files", spendOf(`sha256sum "$0" "$@"`, paths)],
    ["`cat` of the same files", spendOf(`cat "$0" "$@"`, paths)],
    ["`dd` of the same files from the disk, past the page cache", spendOf(DIRECT, paths)],
  ] as const;
  const speed = (spent: Spent | null, of: "wall" | "cpu") => (spent === null ? "can't" : (bytes / 1e6 / spent[of]).toFixed(0)); // prettier-ignore
  const late = await latencies();
  const at = (part: number) => late[Math.min(late.length - 1, Math.floor(late.length * part))]!.toFixed(1);
  const lines = [
    "# What the log costs",
    "",
    "Generated by `sh tools/node.sh bench/log.ts --write`. Not written by hand.",
    "",
    `${cpus()[0]?.model.trim()}, ${cpus().length} processors, ${new Date().toISOString().slice(0, 10)}. Load average while it ran: ${loadavg()[0]!.toFixed(1)}: with more than one process to a processor, what counts is the last column.`,
    `Records of ${RECORD_BYTES} bytes, a leaf each; checkpoints are signed with Ed25519 and ML-DSA-44.`,
    "",
    ...rows.map((row, i) => `| ${row.join(" | ")} |${i === 0 ? "\n|---|---:|---:|" : ""}`),
    "",
    `Of ${(bytes / 1e9).toFixed(2)} GB of segments, which the page cache has, in one run. Verify hashes each record and each node of the tree, four blocks where sha256sum hashes one and a half; a second thread makes as many of the hashes as the processors have time for.`,
    "",
    "| what | MB/s by the clock | MB/s of processor time |",
    "|---|---:|---:|",
    ...speeds.map(([what, spent]) => `| ${what} | ${speed(spent, "wall")} | ${speed(spent, "cpu")} |`),
    "",
    `- from an allowed flow's record until the disk has it, at the daemon's pace, of ${late.length}: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, most ${at(1)} ms; promised ${PROMISED_MS} ms on a disk that answers in ${PROMISED_MS - 8}.`,
  ];
  console.log(lines.join("\n"));
  if (values.write) writeFileSync(join(ROOT, "docs/bench-log.md"), `${lines.join("\n")}\n`);
} finally {
  rmSync(base, { recursive: true, force: true });
}
