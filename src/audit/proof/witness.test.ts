import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { parseCheckpoint, parseVkey, RECORD_BYTES, verify, Writer } from "../index.ts";
import { cosign, overHttp } from "./cosign.ts";
import { parseNote, TYPE, type Verifier, verifies, vkeyOf } from "./note.ts";
import { Witness } from "./witness.ts";

let base: string;
beforeEach(() => (base = mkdtempSync(join(tmpdir(), "csn-witness-"))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

const open = (folder = base) =>
  new Writer({
    folder: join(folder, "log"),
    keyFile: join(folder, "log-key.pem"),
    bootId: "01234567-89ab-cdef-0123-456789abcdef",
    wallOffset: () => 0n,
  });
function add(writer: Writer, tag: number): void {
  const record = Buffer.alloc(RECORD_BYTES, tag);
  record[0] = 1;
  record[1] = 1;
  writer.append(record, true);
  writer.signCheckpoint();
}
const keysOf = (witness: Witness): Verifier[] => witness.vkeys.map(parseVkey);
const direct = (witness: Witness) => async (body: string) => witness.addCheckpoint(body);

describe("a witness", () => {
  it("cosigns a log that goes on, over HTTP, and verify asks for it", async () => {
    const writer = open();
    add(writer, 1);
    const make = () => new Witness(join(base, "w"), "witness.example/w1", [parseVkey(writer.vkeys[0]!)]);
    let witness = make();
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        const { status, type, body: answer } = witness.addCheckpoint(body);
        response.writeHead(status, { "content-type": type }).end(answer);
      });
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const ask = overHttp(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await cosign(join(base, "log"), keysOf(witness), ask);
    add(writer, 2);
    witness = make(); // it remembers
    const cosigned = await cosign(join(base, "log"), keysOf(witness), ask);
    deepStrictEqual(keysOf(witness).map((key) => verifies(key, cosigned.note)), [true, true]); // prettier-ignore
    writer.close();
    const report = verify(join(base, "log"), { witnesses: keysOf(witness) });
    deepStrictEqual([report.findings, report.witnesses.length], [[], 2]);
    const other = new Witness(join(base, "w2"), "witness.example/w2", []);
    deepStrictEqual(verify(join(base, "log"), { witnesses: keysOf(other) }).findings.map(({ code }) => code), ["E_WITNESS", "E_WITNESS"]); // prettier-ignore
    server.close();
  });

  it("finds a fork of the log shown to two readers, and a log that was set back", async () => {
    const writer = open();
    add(writer, 1);
    const witness = new Witness(join(base, "w"), "w", [parseVkey(writer.vkeys[0]!)]);
    const fork = mkdtempSync(join(tmpdir(), "csn-witness-"));
    writer.close();
    cpSync(base, fork, { recursive: true });
    const here = open();
    const there = open(fork);
    add(here, 2);
    add(there, 3);
    await cosign(join(base, "log"), keysOf(witness), direct(witness));
    await rejects(cosign(join(fork, "log"), keysOf(witness), direct(witness)), { code: "E_LOG_FORK" });
    add(there, 4);
    await rejects(cosign(join(fork, "log"), keysOf(witness), direct(witness)), { code: "E_LOG_FORK" });
    const mine = parseCheckpoint(readFileSync(join(base, "log/checkpoint"), "utf8"));
    there.close();
    strictEqual(verify(join(fork, "log"), { checkpoints: [mine] }).findings[0]?.code, "E_LOG_FORK");
    add(here, 5);
    await cosign(join(base, "log"), keysOf(witness), direct(witness));
    here.close();
    rmSync(join(base, "log"), { recursive: true });
    cpSync(join(fork, "log"), join(base, "log"), { recursive: true });
    await rejects(cosign(join(base, "log"), keysOf(witness), direct(witness)), { code: "E_LOG_FORK" });
    rmSync(fork, { recursive: true });
  });

  it("answers what the specification says", () => {
    const writer = open();
    add(writer, 1);
    const { text, size } = writer.checkpoint!;
    const witness = new Witness(join(base, "w"), "w", [parseVkey(writer.vkeys[0]!)]);
    const stranger = new Witness(join(base, "w2"), "w", []);
    const status = (body: string, by = witness) => by.addCheckpoint(body).status;
    strictEqual(status(`old 0\n\n${text}`, stranger), 404);
    strictEqual(status(`old 0\n\n${text.replace(/\n— [^\n]+\n— /, "\n— ")}`), 403); // only the key that it does not know
    strictEqual(status(`old ${size + 1}\n\n${text}`), 400);
    for (const bad of [
      "",
      "old\n\n",
      `old 00\n\n${text}`,
      `old 0\n${text}`,
      `old 0\nAAAA\n\n${text}`,
      `old 0\n\n${text.trimEnd()}`,
      `old 0\n${`${"A".repeat(43)}=\n`.repeat(64)}\n${text}`,
    ])
      strictEqual(status(bad), 400, bad.slice(0, 40));
    const proof = `${"A".repeat(43)}=\n`;
    strictEqual(status(`old 0\n${proof}\n${text}`), 422);
    const good = witness.addCheckpoint(`old 0\n\n${text}`);
    deepStrictEqual([good.status, parseNote(text + good.body).signatures.length], [200, 4]);
    match(good.body, /^(— w [A-Za-z0-9+/=]+\n){2}$/);
    const late = witness.addCheckpoint(`old 0\n\n${text}`);
    deepStrictEqual([late.status, late.type, late.body], [409, "text/x.tlog.size", `${size}\n`]);
    strictEqual(status(`old ${size}\n\n${text}`), 200); // the same again
    add(writer, 2);
    strictEqual(status(`old ${size}\n\n${writer.checkpoint!.text}`), 422);
    writer.close();
  });
});

describe("signed notes", () => {
  /** From c2sp.org/signed-note and c2sp.org/tlog-cosignature: the key id of a name and key, and what is signed. */
  it("have key ids that commit to name, type and key", () => {
    const writer = open();
    const [ed25519, mldsa44] = writer.vkeys.map(parseVkey);
    deepStrictEqual([ed25519?.type, mldsa44?.type], [TYPE.ed25519, TYPE.mldsa44]);
    deepStrictEqual(writer.vkeys.map((vkey) => vkeyOf(parseVkey(vkey))), writer.vkeys); // prettier-ignore
    add(writer, 1);
    const { note } = writer.checkpoint!;
    const changed = { ...note, text: note.text.replace("\n", "x\n") };
    for (const key of [ed25519!, mldsa44!]) {
      ok(verifies(key, note));
      try {
        ok(!verifies(key, changed));
      } catch (error) {
        strictEqual((error as { code: string }).code, "E_LOG_KEY");
      }
    }
    writer.close();
  });
});
