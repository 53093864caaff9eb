/**
 * csn audit verify, prove, export, witness and keep, as users start them, on a log that a real writer made: without a kernel and, but for
 * keep, without a daemon.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { cosign, parseVkey, segments, Writer } from "../audit/index.ts";
import { logs } from "../audit/testing.ts";
import { csn, type Ended, type FakeDaemon, fakeDaemon } from "./testing.ts";

const BOOT = "01234567-89ab-cdef-0123-456789abcdef";
const { contextRecords, contextWith, file, flowRecord, process: program } = logs;

type Made = { folder: string; log: string; keyFile: string; daemon: FakeDaemon; run: (...args: string[]) => Promise<Ended & { text: string }> }; // prettier-ignore

async function made(t: TestContext): Promise<Made> {
  const folder = mkdtempSync(join(tmpdir(), "csn-evidence-"));
  const daemon = await fakeDaemon({ "POST /v1/audit/keep": { body: { compressed: 2, gone: null, exported: null } } }); // prettier-ignore
  t.after(async () => {
    await daemon.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const run = async (...args: string[]) => {
    const ended = await csn(daemon, ["audit", ...args]);
    return { ...ended, text: ended.stdout.toString() };
  };
  const found = { folder, log: join(folder, "log"), keyFile: join(folder, "log-key.pem"), daemon, run };
  write(found, 1);
  return found;
}

/** Goes on with the log. @returns its keys */
function write({ log, keyFile }: Pick<Made, "log" | "keyFile">, first: number): readonly string[] {
  const writer = new Writer({ folder: log, keyFile, bootId: BOOT, wallOffset: () => 0n });
  const contexts = [[], [1]].map((tags, id) => contextRecords(id, contextWith(tags)));
  const flows = Array.from({ length: 20 }, (_, n) =>
    flowRecord({ source: file(first + n), sink: program(10), from: 1, to: 1, time: first + n }),
  );
  writer.append(Buffer.concat([...contexts, ...flows]), true);
  writer.close();
  return writer.vkeys;
}

test("verify says 0 of a log as it was written, with its key and an older checkpoint, and 2 of a changed one", async (t) => {
  const at = await made(t);
  const older = join(at.folder, "older.checkpoint");
  cpSync(join(at.log, "checkpoint"), older);
  const [key] = write(at, 100);
  const good = await at.run("verify", "--folder", at.log, "--key", key!, "--checkpoint", older);
  assert.deepEqual([good.code, good.text.split("\n")[0]], [0, "the log is as it was written"], good.stderr);
  const path = segments(at.log)[0]!.path;
  const bytes = readFileSync(path);
  bytes[96 * 8 + 40]! ^= 1;
  writeFileSync(path, bytes);
  const bad = await at.run("verify", "--folder", at.log, "--json");
  const report = JSON.parse(bad.text) as { ok: boolean; findings: { record: number }[] };
  assert.deepEqual([bad.code, report.ok, report.findings[0]!.record], [2, false, 8]);
});

test("prove writes a proof that verify-proof accepts without the log, and not when it is bent", async (t) => {
  const at = await made(t);
  const proof = join(at.folder, "proof.json");
  const proved = await at.run("prove", "7", "--folder", at.log);
  assert.equal(proved.code, 0, proved.stderr);
  writeFileSync(proof, proved.text);
  rmSync(at.log, { recursive: true });
  assert.equal((await at.run("verify-proof", proof)).code, 0);
  const value = JSON.parse(proved.text) as { proofs: { record: string }[] };
  value.proofs[0]!.record = Buffer.alloc(96, 7).toString("base64");
  writeFileSync(proof, JSON.stringify(value));
  assert.equal((await at.run("verify-proof", proof)).code, 2);
  assert.match((await at.run("prove", "012345-7", "--folder", at.log)).stderr, /E_USAGE/);
  assert.match((await at.run("prove", "seven")).stderr, /E_USAGE/);
});

test("export writes a line for each flow of a copy of the log", async (t) => {
  const at = await made(t);
  const { code, text } = await at.run("export", "--log", at.log, "--format", "jsonl");
  const lines = text.trim().split("\n").map((line) => JSON.parse(line) as object); // prettier-ignore
  assert.deepEqual([code, lines.length], [0, 20]);
});

test("a witness cosigns what continues the log, and refuses a fork; verify wants its signature", async (t) => {
  const at = await made(t);
  const [home, socket] = [join(at.folder, "witness"), join(at.folder, "w.sock")];
  const logKey = write(at, 100)[0]!;
  const fork = join(at.folder, "fork");
  cpSync(at.log, fork, { recursive: true });
  let stop: () => void = () => undefined;
  const vkeys = new Promise<string[]>((told) => {
    const args = ["audit", "witness", "serve", "--name", "w.example/1", "--home", home, "--socket", socket];
    const ended = csn(at.daemon, [...args, "--log", logKey], {
      with: (child) => {
        let text = "";
        child.stdout!.on("data", (chunk: Buffer) => {
          text += chunk.toString();
          const lines = text.split("\n").slice(0, -1);
          if (lines.length >= 2) told(lines);
        });
        stop = () => child.kill();
      },
    });
    t.after(async () => {
      stop();
      await ended;
    });
  });
  const keys = (await vkeys).map(parseVkey);
  const ask = (body: string) => post(socket, body);
  await cosign(at.log, keys, ask);
  write(at, 200);
  await cosign(at.log, keys, ask);
  const good = await at.run("verify", "--folder", at.log, "--witness", (await vkeys)[0]!);
  assert.deepEqual([good.code, /cosigned by w\.example\/1/.test(good.text)], [0, true], good.text);
  write({ log: fork, keyFile: at.keyFile }, 300);
  write({ log: fork, keyFile: at.keyFile }, 400);
  await assert.rejects(cosign(fork, keys, ask), { code: "E_LOG_FORK" });
  assert.equal((await at.run("verify", "--folder", fork, "--witness", (await vkeys)[0]!)).code, 2);
  assert.ok(readdirSync(home).length > 0, "it remembers what it saw");
});

test("keep asks the daemon for what was said, and wants a reason for what it removes", async (t) => {
  const at = await made(t);
  assert.equal((await at.run("keep", "--compress")).text, "2 segments compressed\n");
  await at.run("keep", "--retain-before", "#17", "--reason", "a year has passed", "--export", "/srv/store");
  const asked = at.daemon.asked.filter(({ url }) => url === "/v1/audit/keep").map(({ body }) => body);
  assert.deepEqual(asked, [
    { compress: true },
    { compress: false, retain: { before: 17, reason: "a year has passed" }, export: "/srv/store" },
  ]);
  for (const args of [
    ["--retain-before", "17"],
    ["--retain-before", "soon", "--reason", "x"],
  ])
    // prettier-ignore
    assert.match((await at.run("keep", ...args)).stderr, /E_USAGE/);
});

function post(socketPath: string, body: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: "/add-checkpoint", method: "POST" }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() })); // prettier-ignore
    });
    asking.on("error", reject);
    asking.end(body);
  });
}
