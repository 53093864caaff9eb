import { deepStrictEqual, strictEqual, throws } from "node:assert";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { type Disk, realDisk } from "./disk.ts";
import {
  checkProofs,
  KIND_LOG,
  parseCheckpoint,
  parseStatement,
  prove,
  readChunks,
  readHeader,
  readRecords,
  readTextPart,
  RECORD_BYTES,
  segments,
  statementsOf,
  textRecords,
  Writer,
  type WriterOptions,
  writeHeader,
} from "./index.ts";
import { parseVkey, verifies } from "./proof/note.ts";

const BOOT = "01234567-89ab-cdef-0123-456789abcdef";
const OTHER_BOOT = "11234567-89ab-cdef-0123-456789abcdef";
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "csn-audit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const writer = (options: Partial<WriterOptions> = {}) =>
  new Writer({ folder, bootId: BOOT, wallOffset: () => -5n, ...options });

function record(tag: number): Buffer {
  const buffer = Buffer.alloc(RECORD_BYTES, tag);
  buffer[1] = 1;
  return buffer;
}

/** All but what the log says of itself. */
const contents = () =>
  [...readRecords(folder)].filter(({ record: r }) => r[1]! < KIND_LOG).map(({ id, record: r }) => [id, r[0]]);
/** A header and the segment's statement. */
const START = 2;

describe("segments", () => {
  it("gives back what was appended, numbered over all segments by its place in the tree", () => {
    const first = writer();
    strictEqual(first.append(Buffer.concat([record(1), record(2)]), false), START);
    strictEqual(first.append(record(3), true), START + 2);
    first.close();
    const second = writer();
    strictEqual(second.append(record(4), false), 2 * START + 4); // a mark follows what is durable
    second.close();
    deepStrictEqual(contents(), [[2, 1], [3, 2], [4, 3], [8, 4]]); // prettier-ignore
    strictEqual(segments(folder).length, 2);
    strictEqual(second.next, 9);
  });

  it("cuts off half a record at the end, as a power cut leaves it, and says so", () => {
    const first = writer();
    first.append(Buffer.concat([record(1), record(2)]), false);
    first.close();
    const path = segments(folder)[0]!.path;
    truncateSync(path, RECORD_BYTES * 3 + 10);
    const second = writer();
    second.append(record(9), false);
    second.close();
    deepStrictEqual(contents().map(([, tag]) => tag), [1, 9]); // prettier-ignore
    strictEqual(statSync(path).size, RECORD_BYTES * 3);
    const said = [...statementsOf(readChunks(folder))].map(({ text }) => parseStatement(text));
    deepStrictEqual(said[2], { recovered: { cut: 10 } });
  });

  it("sets a log aside whose header is damaged, and begins another that says so", () => {
    const first = writer();
    first.append(record(1), false);
    first.close();
    const damaged = segments(folder)[0]!.path;
    const bytes = readFileSync(damaged);
    bytes[12] = 1; // as the versions before wrote it
    writeFileSync(damaged, bytes);
    const second = writer();
    second.append(record(2), false);
    second.close();
    deepStrictEqual(contents().map(([, tag]) => tag), [2]); // prettier-ignore
    strictEqual(segments(`${folder}.1`).length, 1);
    rmSync(`${folder}.1`, { recursive: true });
  });

  it("cuts off a segment whose header was half written when the power went, and sets nothing aside", () => {
    const first = writer();
    first.append(record(1), false);
    first.close();
    const path = segments(folder)[0]!.path;
    writeFileSync(path, readFileSync(path).fill(0, 12));
    const second = writer();
    second.append(record(2), false);
    second.close();
    strictEqual(existsSync(`${folder}.1`), false);
    deepStrictEqual(contents().map(([, tag]) => tag), [2]); // prettier-ignore
  });

  it("reports a damaged header to whoever reads", () => {
    const first = writer();
    first.append(record(1), false);
    first.close();
    const second = writer();
    second.append(record(2), false);
    second.close();
    const damaged = segments(folder)[0]!.path;
    const bytes = readFileSync(damaged);
    bytes[0]! ^= 1;
    writeFileSync(damaged, bytes);
    const reported: string[] = [];
    const read = [...readRecords(folder, 0, (path) => reported.push(path))].map(({ record: r }) => r[0]);
    deepStrictEqual([read, reported], [[1, 2], [damaged]]); // 1: the statement
  });

  it("counts by kind what could not be written, and says so in gap records when it can again", () => {
    let full = false;
    const disk: Disk = {
      ...realDisk,
      writeSync: ((...args: Parameters<typeof realDisk.writeSync>) => {
        if (full) throw new Error("ENOSPC: no space left on device");
        return realDisk.writeSync(...args);
      }) as typeof realDisk.writeSync,
    };
    const refused = record(3);
    const allowed = record(2);
    allowed[2] = 0;
    const w = writer({ disk });
    w.append(record(1), false);
    full = true;
    strictEqual(w.append(refused, true), null);
    strictEqual(w.append(Buffer.concat([refused, allowed]), true), null);
    deepStrictEqual(w.trouble, { unwritten: 3, error: "ENOSPC: no space left on device" });
    full = false;
    strictEqual(w.append(record(5), false), 5);
    w.close();
    const read = [...readRecords(folder)].filter(({ record: r }) => r[1] === 5);
    deepStrictEqual(
      read.map(({ record: r }) => [r[2], r[3], r.readUInt32LE(88)]),
      [
        [1, 1, 2],
        [0, 1, 1],
      ],
    );
    strictEqual(w.trouble, null);
  });
});

describe("proofs", () => {
  const keyFile = () => join(folder, "..", `${basename(folder)}-key.pem`);
  afterEach(() => rmSync(keyFile(), { force: true }));

  it("prove records to a signed checkpoint, over segments and rotations of keys", () => {
    const w = writer({ keyFile: keyFile(), segmentBytes: 200 * RECORD_BYTES });
    const ids: number[] = [];
    for (let i = 0; i < 30; i++) {
      ids.push(
        w.append(
          Buffer.concat(Array.from({ length: 50 }, (_, n) => record(1 + ((i + n) % 200)))),
          i % 3 === 0,
        )!,
      );
      if (i === 15) w.rotateKeys();
    }
    w.close();
    strictEqual(statSync(keyFile()).mode & 0o777, 0o600);
    const proofs = prove(folder, ids);
    strictEqual(checkProofs(proofs).size, w.next);
    const verifiers = w.vkeys.map(parseVkey);
    const { note } = parseCheckpoint(proofs.checkpoint);
    deepStrictEqual(verifiers.map((verifier) => verifies(verifier, note)), [true, true]); // prettier-ignore
    const bent = structuredClone(proofs);
    bent.proofs[3]!.record = record(255).toString("base64");
    throws(() => checkProofs(bent), { code: "E_PROOF" });
    throws(() => prove(folder, [w.next]), { code: "E_LOG_RECORD" });
  });

  it("go on after a restart with the same tree, whatever of the tiles was lost", () => {
    let w = writer({ keyFile: keyFile(), segmentBytes: 300 * RECORD_BYTES });
    for (let i = 0; i < 20; i++)
      w.append(Buffer.concat(Array.from({ length: 60 }, () => record(1 + i))), false);
    const root = w.signCheckpoint()!;
    w.close();
    truncateSync(join(folder, "tiles/0"), 1000 * 32 + 5);
    truncateSync(join(folder, "tiles/1"), 32);
    w = writer({ keyFile: keyFile(), segmentBytes: 300 * RECORD_BYTES });
    strictEqual(w.next, root.size);
    w.append(record(7), true);
    strictEqual(w.signCheckpoint()!.origin, root.origin);
    w.close();
    checkProofs(prove(folder, [5, 600, 1200]));
    strictEqual(
      readdirSync(join(folder, "..")).filter((name) => name.startsWith(`${basename(folder)}.`)).length,
      0,
    );
  });
});

describe("tiles that the power's end left as long as they were, and empty", () => {
  const keyFile = () => join(folder, "..", `${basename(folder)}-key.pem`);
  afterEach(() => rmSync(keyFile(), { force: true }));

  for (const levels of [[0], [1], [0, 1]])
    it(`of level ${levels.join(" and ")} are made again: the records are whole`, () => {
      let w = writer({ keyFile: keyFile(), segmentBytes: 300 * RECORD_BYTES });
      for (let i = 0; i < 20; i++)
        w.append(Buffer.concat(Array.from({ length: 60 }, () => record(1 + i))), true);
      const root = w.signCheckpoint()!;
      w.close();
      for (const level of levels) {
        const path = join(folder, `tiles/${level}`);
        writeFileSync(path, Buffer.alloc(statSync(path).size));
      }
      w = writer({ keyFile: keyFile(), bootId: OTHER_BOOT });
      strictEqual(w.next, root.size);
      strictEqual(w.signCheckpoint()!.origin, root.origin);
      w.close();
      deepStrictEqual(readdirSync(join(folder, "..")).filter((name) => name.startsWith(`${basename(folder)}.`)), []); // prettier-ignore
    });

  it("a record that was changed is found all the same", () => {
    const w = writer({ keyFile: keyFile() });
    w.append(Buffer.concat(Array.from({ length: 60 }, () => record(1))), true);
    w.close();
    writeFileSync(join(folder, "tiles/0"), Buffer.alloc(statSync(join(folder, "tiles/0")).size));
    const path = segments(folder)[0]!.path;
    const bytes = readFileSync(path);
    bytes[40 * RECORD_BYTES + 50]! ^= 1;
    writeFileSync(path, bytes);
    writer({ keyFile: keyFile(), bootId: OTHER_BOOT }).close();
    strictEqual(existsSync(`${folder}.1`), true, "it was not set aside");
    rmSync(`${folder}.1`, { recursive: true, force: true });
  });
});

describe("format", () => {
  it("header and text of any length survive", () => {
    const header = {
      first: 7,
      bootId: BOOT.replaceAll("-", ""),
      wallOffset: -123n,
      root: Buffer.alloc(32, 3),
    };
    deepStrictEqual(readHeader(writeHeader(header)), header);
    strictEqual(readHeader(Buffer.alloc(RECORD_BYTES)), null);
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{0,600}$/), fc.nat(0xffff), (text, id) => {
        const records = textRecords(4, id, text);
        const parts = Array.from({ length: records.length / RECORD_BYTES }, (_, i) =>
          readTextPart(records.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES)),
        );
        strictEqual(Buffer.concat(parts.map((p) => p.bytes)).toString(), text);
        deepStrictEqual(
          parts.map((p) => [p.part, p.parts, p.id]),
          parts.map((_, i) => [i, parts.length, id]),
        );
      }),
    );
  });
});
