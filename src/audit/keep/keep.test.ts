/**
 * A log that is kept long: compressed, shortened by retention, exported; and read by a verifier that others wrote
 * (@sigstore/verify, docs/decisions/0014).
 */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert";
import { hash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  checkProofs,
  compressClosed,
  copyLog,
  exportLog,
  parseCheckpoint,
  parseVkey,
  prove,
  readRecords,
  RECORD_BYTES,
  segments,
  verify,
  Writer,
} from "../index.ts";
import { tileName } from "./export.ts";

type Foreign = {
  verifyMerkleInclusion(entry: unknown, checkpoint: unknown): void;
  verifyCheckpoint(entry: unknown, logs: readonly unknown[]): { logSize: bigint };
};
const require = createRequire(import.meta.url);
const foreign = {
  ...(require("@sigstore/verify/dist/tlog/merkle.js") as object),
  ...(require("@sigstore/verify/dist/tlog/checkpoint.js") as object),
} as Foreign;

let base: string;
const log = () => join(base, "log");
beforeEach(() => (base = mkdtempSync(join(tmpdir(), "csn-keep-"))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

const open = () =>
  new Writer({
    folder: log(),
    keyFile: join(base, "log-key.pem"),
    bootId: "01234567-89ab-cdef-0123-456789abcdef",
    wallOffset: () => 0n,
    segmentBytes: 300 * RECORD_BYTES,
  });

function fill(writer: Writer, batches: number): void {
  for (let i = 0; i < batches; i++) {
    const records = Buffer.alloc(20 * RECORD_BYTES);
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      records[at] = 1;
      records[at + 1] = 1;
      records.writeUInt32LE(i * 100 + at, at + 16);
    }
    writer.append(records, true);
  }
}

describe("a log that is kept long", () => {
  it("says the same when it is compressed", () => {
    const writer = open();
    fill(writer, 60);
    writer.close();
    const before = [...readRecords(log())].map(({ id, record }) => [id, record.toString("hex")]);
    const proof = prove(log(), [5, 900]);
    strictEqual(compressClosed(log()), segments(log()).length - 1);
    deepStrictEqual([...readRecords(log())].map(({ id, record }) => [id, record.toString("hex")]), before); // prettier-ignore
    deepStrictEqual(prove(log(), [5, 900]), proof);
    deepStrictEqual(verify(log()).findings, []);
    const again = open();
    fill(again, 2);
    again.close();
    deepStrictEqual(verify(log()).findings, []);
  });

  it("keeps the proofs of what retention removed, and says by which statement; removed otherwise, it is damage", () => {
    const writer = open();
    fill(writer, 30);
    writer.rotateKeys();
    fill(writer, 30);
    writer.signCheckpoint();
    const old = prove(log(), [30]);
    compressClosed(log(), 1);
    const range = writer.retain(1000, "a year has passed", "root");
    fill(writer, 5);
    const key = parseVkey(writer.vkeys[0]!);
    writer.close();
    ok(range !== null && range.from === 0 && range.to <= 1000 && range.to > 700);
    checkProofs(old);
    throws(() => prove(log(), [30]), { code: "E_LOG_GONE" });
    const report = verify(log(), { keys: [key] });
    deepStrictEqual([report.findings, report.gone], [[], [range]]);
    open().close();
    deepStrictEqual(verify(log()).findings, []);
    rmSync(segments(log())[0]!.path);
    const [finding] = verify(log()).findings;
    deepStrictEqual([finding?.code, finding?.record], ["E_LOG_DAMAGED", range.to]);
  });

  it("is copied as it is, into a new folder, and the copy verifies by itself", () => {
    const writer = open();
    fill(writer, 40);
    writer.rotateKeys();
    fill(writer, 5);
    const checkpoint = writer.signCheckpoint()!;
    const copy = join(base, "copy");
    strictEqual(copyLog(log(), copy).size, checkpoint.size);
    fill(writer, 5);
    writer.close();
    const report = verify(copy, { keys: [parseVkey(writer.vkeys[0]!)] });
    deepStrictEqual([report.findings, report.records], [[], checkpoint.size]);
    throws(() => copyLog(log(), copy), { code: "E_LOG_COPY" });
    throws(() => copyLog(log(), join(log(), "inside")), { code: "E_LOG_COPY" });
    throws(() => copyLog(join(base, "nothing"), join(base, "other")), { code: "E_LOG_NONE" });
    deepStrictEqual(
      readdirSync(base).filter((name) => name.includes("key") && name !== "log-key.pem"),
      [],
    );
  });

  it("is exported in the layout of tlog-tiles, and every tile and entry leads to the checkpoint", () => {
    const writer = open();
    fill(writer, 70);
    writer.close();
    const target = join(base, "store");
    const { checkpoint, written } = exportLog(log(), target);
    ok(written > 0 && exportLog(log(), target).written === 0);
    const { size } = parseCheckpoint(readFileSync(join(target, "checkpoint"), "utf8"));
    strictEqual(size, checkpoint.size);
    strictEqual(
      readdirSync(join(target, "tile/0")).filter((name) => !name.includes(".p")).length,
      Math.floor(size / 256),
    );
    for (let index = 0; index * 256 < size; index++) {
      const width = Math.min(256, size - index * 256);
      const tile = readFileSync(join(target, "tile/0", tileName(index, width)));
      const entries = readFileSync(join(target, "tile/entries", tileName(index, width)));
      strictEqual(tile.length, width * 32);
      for (let i = 0, at = 0; i < width; i++) {
        const length = entries.readUInt16BE(at);
        const entry = entries.subarray(at + 2, at + 2 + length);
        deepStrictEqual(
          hash("sha256", Buffer.concat([Buffer.of(0), entry]), "buffer"),
          tile.subarray(i * 32, i * 32 + 32),
        );
        at += 2 + length;
      }
    }
    ok(existsSync(join(target, "tile/1", tileName(0, Math.floor(size / 256)))));
  });

  it("names tiles as the specification does", () => {
    deepStrictEqual([tileName(1234067, 256), tileName(0, 256), tileName(273, 112)], ["x001/x234/067", "000", "273.p/112"]); // prettier-ignore
  });
});

describe("a verifier that others wrote", () => {
  it("accepts proofs and checkpoints, and nothing that was bent", () => {
    const writer = open();
    fill(writer, 40);
    const key = parseVkey(writer.vkeys[0]!);
    writer.close();
    const count = segments(log()).reduce((sum, { count: n }) => sum + n, 0);
    const { checkpoint, proofs } = prove(
      log(),
      Array.from({ length: count }, (_, id) => id),
    );
    const head = parseCheckpoint(checkpoint);
    const logs = [{ logID: key.id, baseURL: key.name, publicKey: key.key }];
    const entry = ({ id, record, path }: (typeof proofs)[number]) => ({
      canonicalizedBody: Buffer.from(record, "base64"),
      inclusionProof: {
        logIndex: String(id),
        hashes: path.map((one) => Buffer.from(one, "base64")),
        checkpoint: { envelope: checkpoint },
      },
    });
    for (const proof of proofs) {
      const found = foreign.verifyCheckpoint(entry(proof), logs);
      strictEqual(found.logSize, BigInt(head.size));
      foreign.verifyMerkleInclusion(entry(proof), found);
    }
    const [first, second] = proofs;
    throws(() =>
      foreign.verifyMerkleInclusion(
        entry({ ...first!, record: second!.record }),
        foreign.verifyCheckpoint(entry(first!), logs),
      ),
    );
    const bent = entry(first!);
    bent.inclusionProof.checkpoint.envelope = checkpoint.replace(`\n${head.size}\n`, `\n${head.size - 1}\n`);
    throws(() => foreign.verifyCheckpoint(bent, logs));
  });
});
