import { deepStrictEqual, strictEqual } from "node:assert";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import {
  readHeader,
  readRecords,
  readTextPart,
  RECORD_BYTES,
  segments,
  textRecords,
  Writer,
  writeHeader,
} from "./index.ts";

const BOOT = "01234567-89ab-cdef-0123-456789abcdef";
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "csn-audit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const writer = () => new Writer({ folder, bootId: BOOT, wallOffset: () => -5n });

function record(tag: number): Buffer {
  const buffer = Buffer.alloc(RECORD_BYTES, tag);
  buffer[1] = 1;
  return buffer;
}

const contents = () => [...readRecords(folder)].map(({ id, record: r }) => [id, r[0]]);

describe("segments", () => {
  it("gives back what was appended, numbered over all segments", () => {
    const first = writer();
    strictEqual(first.append(Buffer.concat([record(1), record(2)]), false), 1);
    strictEqual(first.append(record(3), true), 3);
    first.close();
    const second = writer();
    strictEqual(second.append(record(4), false), 4);
    second.close();
    deepStrictEqual(contents(), [[1, 1], [2, 2], [3, 3], [4, 4]]); // prettier-ignore
    strictEqual(segments(folder).length, 2);
  });

  it("ignores half a record at the end, as a power cut leaves it, and touches it no more", () => {
    const first = writer();
    first.append(Buffer.concat([record(1), record(2)]), false);
    first.close();
    const path = segments(folder)[0]!.path;
    truncateSync(path, RECORD_BYTES * 2 + 10);
    const before = readFileSync(path);
    const second = writer();
    strictEqual(second.append(record(9), false), 2);
    second.close();
    deepStrictEqual(contents(), [[1, 1], [2, 9]]); // prettier-ignore
    deepStrictEqual(readFileSync(path), before);
  });

  it("reports a damaged header and reads the rest", () => {
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
    const read = [...readRecords(folder, 0, (path) => reported.push(path))].map(({ id }) => id);
    deepStrictEqual([read, reported], [[2], [damaged]]);
  });

  it("counts what could not be written, and says so in a gap record when it can again", () => {
    const w = writer();
    w.append(record(1), false);
    w.close();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, ""); // a file where the folder was: nothing can be made in it
    strictEqual(w.append(record(2), false), null);
    strictEqual(w.append(Buffer.concat([record(3), record(4)]), false), null);
    strictEqual(w.trouble?.unwritten, 3);
    rmSync(folder);
    const again = join(folder);
    appendFileSync(`${again}.marker`, "");
    rmSync(`${again}.marker`);
    new Writer({ folder, bootId: BOOT, wallOffset: () => 0n }).close(); // makes the folder
    strictEqual(w.append(record(5), false), 3);
    w.close();
    const read = [...readRecords(folder)];
    deepStrictEqual(
      read.map(({ record: r }) => [r[1], r.readUInt32LE(88)]),
      [
        [5, 3],
        [1, record(5).readUInt32LE(88)],
      ],
    );
    strictEqual(w.trouble, null);
  });
});

describe("format", () => {
  it("header and text of any length survive", () => {
    const header = { first: 7, bootId: BOOT.replaceAll("-", ""), wallOffset: -123n };
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
