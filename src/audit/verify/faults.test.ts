/**
 * Verify is the oracle: a log with one thing changed is found to be changed, whatever it was and wherever.
 *
 * The faults are data. Each is tried at many places, chosen by a seed; how many were found is printed. A fault that
 * takes away nothing that was promised (a second copy of a checkpoint) is counted apart.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  AuditError,
  parseCheckpoint,
  RECORD_BYTES,
  type Report,
  segments,
  verify,
  Writer,
} from "../index.ts";
import { parseVkey, type Verifier } from "../proof/note.ts";
import { makeKeys, newOrigin, vkeysOf } from "../proof/keys.ts";
import { random } from "../testing.ts";

const BOOT = "01234567-89ab-cdef-0123-456789abcdef";
let base: string;
let key: Verifier;

function writerIn(folder: string): Writer {
  return new Writer({
    folder: join(folder, "log"),
    keyFile: join(folder, "log-key.pem"),
    bootId: BOOT,
    wallOffset: () => 0n,
    segmentBytes: 700 * RECORD_BYTES,
  });
}

function fill(writer: Writer, batches: number, seed: number): void {
  for (let i = 0, n = seed; i < batches; i++) {
    const records = Buffer.alloc(30 * RECORD_BYTES);
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      records[at] = 1;
      records[at + 1] = 1;
      records.writeBigUInt64LE(BigInt(n++), at + 16);
    }
    writer.append(records, i % 4 === 0);
  }
}

before(() => {
  base = mkdtempSync(join(tmpdir(), "csn-faults-"));
  const writer = writerIn(base);
  key = parseVkey(writer.vkeys[0]!);
  fill(writer, 40, 0);
  writer.rotateKeys();
  fill(writer, 30, 1200);
  writer.close();
});
after(() => rmSync(base, { recursive: true, force: true }));

/** A copy of the log to be spoiled. */
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "csn-faults-"));
  cpSync(join(base, "log"), folder, { recursive: true });
  return folder;
}

type Next = () => number;
type Fault = {
  name: string;
  times: number;
  /** @returns the first record that is bad, when that is known */
  do(folder: string, next: Next): number | undefined | "harmless";
};

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const pick = <T>(all: readonly T[], next: Next): T => all[Math.floor(next() * all.length)]!;
/** A segment, and the place of one of its records. */
const anyRecord = (folder: string, next: Next) => {
  const segment = pick(segments(folder), next);
  const index = Math.floor(next() * segment.count);
  return {
    path: segment.path,
    index,
    at: index * RECORD_BYTES,
    id: segment.first + index,
    last: index === segment.count - 1,
  };
};
const isExtra = (path: string) => /checkpoints\/\d+$/.test(path);

const FAULTS: readonly Fault[] = [
  {
    name: "a bit of a record is flipped",
    times: 60,
    do(folder, next) {
      const { path, at, id } = anyRecord(folder, next);
      const bytes = readFileSync(path);
      bytes[at + Math.floor(next() * RECORD_BYTES)]! ^= 1 << Math.floor(next() * 8);
      writeFileSync(path, bytes);
      return id;
    },
  },
  {
    name: "a bit of any file is flipped: tiles, checkpoints, headers",
    times: 150,
    do(folder, next) {
      const path = pick(files(folder), next);
      const bytes = readFileSync(path);
      bytes[Math.floor(next() * bytes.length)]! ^= 1 << Math.floor(next() * 8);
      writeFileSync(path, bytes);
      return undefined;
    },
  },
  {
    name: "a file is deleted",
    times: 30,
    do(folder, next) {
      const path = pick(files(folder), next);
      rmSync(path);
      // what another checkpoint says as well is no loss; the one that ended the first keys is
      return isExtra(path) && !isRotation(folder, path) ? "harmless" : undefined;
    },
  },
  {
    name: "a file is cut short",
    times: 60,
    do(folder, next) {
      const path = pick(files(folder), next);
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.subarray(0, Math.floor(next() * bytes.length)));
      return undefined;
    },
  },
  {
    name: "two records are swapped",
    times: 40,
    do(folder, next) {
      const { path, at, id } = anyRecord(folder, next);
      const bytes = readFileSync(path);
      const other =
        (at + RECORD_BYTES * (1 + Math.floor(next() * (bytes.length / RECORD_BYTES - 1)))) % bytes.length;
      const [one, two] = [at, other].map((from) => Buffer.from(bytes.subarray(from, from + RECORD_BYTES)));
      if (one!.equals(two!)) return "harmless";
      two!.copy(bytes, at);
      one!.copy(bytes, other);
      writeFileSync(path, bytes);
      return Math.min(id, id + (other - at) / RECORD_BYTES);
    },
  },
  {
    name: "a record is taken out",
    times: 40,
    do(folder, next) {
      const { path, at } = anyRecord(folder, next);
      const bytes = readFileSync(path);
      writeFileSync(path, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + RECORD_BYTES)]));
      return undefined;
    },
  },
  {
    name: "a record is put in",
    times: 40,
    do(folder, next) {
      const { path, at } = anyRecord(folder, next);
      const bytes = readFileSync(path);
      const made = Buffer.alloc(RECORD_BYTES, 1);
      writeFileSync(path, Buffer.concat([bytes.subarray(0, at), made, bytes.subarray(at)]));
      return undefined;
    },
  },
  {
    name: "a record is played again over another",
    times: 40,
    do(folder, next) {
      const from = anyRecord(folder, next);
      const to = anyRecord(folder, next);
      const old = readFileSync(from.path).subarray(from.at, from.at + RECORD_BYTES);
      const bytes = readFileSync(to.path);
      if (old.equals(bytes.subarray(to.at, to.at + RECORD_BYTES))) return "harmless";
      old.copy(bytes, to.at);
      writeFileSync(to.path, bytes);
      return to.id;
    },
  },
  {
    name: "two files are swapped",
    times: 30,
    do(folder, next) {
      const all = files(folder);
      const [one, two] = [pick(all, next), pick(all, next)];
      if (readFileSync(one).equals(readFileSync(two))) return "harmless";
      renameSync(one, `${one}.aside`);
      renameSync(two, one);
      renameSync(`${one}.aside`, two);
      return isExtra(one) && isExtra(two) ? undefined : undefined;
    },
  },
  {
    name: "the newest checkpoint is replaced by an older one",
    times: 1,
    do(folder) {
      const [oldest] = readdirSync(join(folder, "checkpoints")).sort();
      writeFileSync(join(folder, "checkpoint"), readFileSync(join(folder, "checkpoints", oldest!)));
      return undefined;
    },
  },
  {
    name: "bytes are added at the end of a segment",
    times: 10,
    do(folder, next) {
      const { path } = anyRecord(folder, next);
      writeFileSync(path, Buffer.alloc(1 + Math.floor(next() * 95), 1), { flag: "a" });
      return path === segments(folder).at(-1)!.path ? "harmless" : undefined; // as a write that was cut leaves it
    },
  },
  {
    name: "a record and its hash are changed together",
    times: 20,
    do(folder, next) {
      const { path, at, id } = anyRecord(folder, next);
      const bytes = readFileSync(path);
      bytes[at + 40]! ^= 1;
      writeFileSync(path, bytes);
      const tiles = readFileSync(join(folder, "tiles/0"));
      const { leafHash } = merkle;
      leafHash(bytes.subarray(at, at + RECORD_BYTES)).copy(tiles, id * 32);
      writeFileSync(join(folder, "tiles/0"), tiles);
      return undefined;
    },
  },
];

const merkle = await import("../proof/merkle.ts");

function isRotation(folder: string, path: string): boolean {
  const { note } = parseCheckpoint(readFileSync(join(base, "log", path.slice(folder.length)), "utf8"));
  const first = note.signatures[0]!.id;
  const following = readdirSync(join(base, "log/checkpoints")).sort();
  const own = following.indexOf(path.slice(path.lastIndexOf("/") + 1));
  const later = following[own + 1];
  const next = parseCheckpoint(
    readFileSync(
      later === undefined ? join(base, "log/checkpoint") : join(base, "log/checkpoints", later),
      "utf8",
    ),
  );
  return !next.note.signatures[0]!.id.equals(first);
}

describe("verify", () => {
  it("finds nothing in a log that is as it was written, read from a copy", () => {
    const report = verify(join(base, "log"), { keys: [key] });
    deepStrictEqual([report.findings, report.notes, report.ok, report.trusted], [[], [], true, true]);
    strictEqual(report.signed, report.records);
  });

  for (const fault of FAULTS)
    it(`finds it when ${fault.name}`, (t) => {
      const counts = { found: 0, harmless: 0, named: 0 };
      for (let seed = 1; seed <= fault.times; seed++) {
        const folder = copy();
        try {
          const bad = fault.do(folder, random(seed));
          let report: Report | null = null;
          try {
            report = verify(folder, { keys: [key] });
          } catch (error) {
            if (!(error instanceof AuditError)) throw error;
          }
          if (bad === "harmless") counts.harmless++;
          else {
            ok(report?.ok !== true, `seed ${seed}: not found`);
            counts.found++;
            if (typeof bad === "number") {
              strictEqual(report?.findings[0]?.record, bad, `seed ${seed}: another record is named`);
              counts.named++;
            }
          }
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }
      const apart = counts.harmless > 0 ? `, ${counts.harmless} took nothing away` : "";
      t.diagnostic(
        `${fault.name}: ${counts.found} found${counts.named > 0 ? `, the first bad record named in ${counts.named}` : ""}${apart}`,
      );
    });

  it("notes flows that the kernel numbered and no record tells of", () => {
    const folder = mkdtempSync(join(tmpdir(), "csn-faults-"));
    const writer = writerIn(folder);
    fill(writer, 4, 0);
    fill(writer, 4, 500);
    writer.close();
    const { ok: isWhole, notes } = verify(join(folder, "log"));
    deepStrictEqual([isWhole, notes], [true, ["380 records of flows that the kernel counted are missing, and no gap record says so"]]); // prettier-ignore
    rmSync(folder, { recursive: true });
  });
  it("finds a log that was cut back as a whole, by a checkpoint from elsewhere or a witness", () => {
    const folder = copy();
    const [first, second] = readdirSync(join(folder, "checkpoints")).sort();
    const newest = parseCheckpoint(readFileSync(join(folder, "checkpoint"), "utf8"));
    const size = Number(first);
    for (const { path, first: from } of segments(folder)) if (from >= size) rmSync(path);
    for (const name of readdirSync(join(folder, "checkpoints")))
      if (name !== first) rmSync(join(folder, "checkpoints", name));
    writeFileSync(join(folder, "checkpoint"), readFileSync(join(folder, "checkpoints", first!)));
    for (const level of [0, 1, 2]) {
      const path = join(folder, "tiles", String(level));
      if (!readdirSync(join(folder, "tiles")).includes(String(level))) continue;
      writeFileSync(path, readFileSync(path).subarray(0, Math.floor(size / 256 ** level) * 32));
    }
    ok(second !== undefined);
    strictEqual(verify(folder).ok, true); // nothing in the folder itself can tell
    const report = verify(folder, { checkpoints: [newest] });
    deepStrictEqual(report.findings.map(({ code, record }) => [code, record]), [["E_LOG_DAMAGED", size]]); // prettier-ignore
    rmSync(folder, { recursive: true, force: true });
  });

  it("refuses another log's key, another log's checkpoint, and an old key's signature for later", () => {
    const other = parseVkey(vkeysOf(makeKeys(newOrigin()))[0]!);
    deepStrictEqual(verify(join(base, "log"), { keys: [other] }).findings.map(({ code }) => code), ["E_LOG_KEY"]); // prettier-ignore
  });
});
