/**
 * The record can't be bent: proofs for single records, the log whole after the daemon's and the machine's sudden end
 * under load, and a changed byte found (docs/evidence.md).
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { machineStatus } from "../../src/machine/index.ts";
import type { Bench } from "./bench.ts";
import { checkDisk } from "../record-checks.ts";
import type { Case } from "./suite.ts";

const TAG = "ward/evidence";
const GATE = "ward/evidence-through";

/** Labelled programs that read and are refused, until they are killed. */
const LOAD = `setsid sh -c 'while :; do cat /data/ev/f >> /tmp/ev-got 2>/dev/null; done' </dev/null >/dev/null 2>&1 &`;

type Report = {
  ok: boolean;
  records: number;
  signed: number;
  findings: { code: string; record: number | null }[];
  notes: string[];
};

async function verified(b: Bench, ...args: string[]): Promise<Report> {
  const report = JSON.parse((await b.csn(["audit", "verify", "--json", ...args])).out) as Report;
  deepStrictEqual(report.findings, []);
  return report;
}

/** Numbers of the refusals that were told. */
async function refused(b: Bench): Promise<number[]> {
  const lines = (await b.ok("log", "--refused", "--json", "-n", "100000")).trim().split("\n");
  return lines.filter((line) => line !== "").map((line) => (JSON.parse(line) as { id: number }).id);
}

export const evidenceDemo: readonly Case[] = [
  {
    name: "evidence: the demo: a claim that is false, one that is true, and a log that was changed",
    run: (b) => b.demo("evidence"),
  },
];

export const evidence: readonly Case[] = [
  {
    name: "evidence: a record is proved, by a proof that stands alone, and a changed one is found",
    async run(b) {
      await b.ok("tag", "create", TAG);
      await b.shellOk("mkdir -p /data/ev && echo secret > /data/ev/f");
      await b.ok("label", "set", "/data/ev", "--secrecy", TAG);
      ok((await b.shell("cat /data/ev/f")).code !== 0);
      const id = (await refused(b)).at(-1)!;
      const proof = join(b.home, "proof.json");
      writeFileSync(proof, await b.ok("audit", "prove", String(id)), "latin1"); // as Bench keeps it
      const [key] = (await b.ok("audit", "key")).split("\n");
      match(await b.ok("audit", "verify-proof", proof, "--key", key!), /is in/);
      const bent = JSON.parse(readFileSync(proof, "utf8")) as { proofs: { record: string }[] };
      const bytes = Buffer.from(bent.proofs[0]!.record, "base64");
      bytes[2] = 0; // allowed, it now says
      bent.proofs[0]!.record = bytes.toString("base64");
      writeFileSync(proof, JSON.stringify(bent));
      strictEqual((await b.csn(["audit", "verify-proof", proof])).code, 2);
      await b.fails("E_NO_RECORD", ["audit", "prove", "99999999"]);
      ok((await verified(b, "--key", key!)).ok);
    },
  },
  {
    name: "evidence: what is shown, and by which gate, is on the record while the program runs, also after the daemon was killed",
    async run(b) {
      await b.ok(
        "gate",
        "create",
        GATE,
        "--program",
        "/usr/bin/cat",
        "--in",
        `S=${TAG}`,
        "--purpose",
        "audit",
      );
      await b.ok("tag", "grant", TAG, "s-", "--to", `gate:${GATE}`);
      // so that the record knows the file
      await b.ok("run", "--secrecy", TAG, "--volume", "/data/ev:/data/ev", "--", "cat", "/data/ev/f");
      for (const [to, through] of [
        ["outside", ["--via", GATE]],
        ["uid:0", []],
      ] as const) {
        const asked = async () => await b.csn(["leak", "--of", "/data/ev/f", "--to", to, "--json"]);
        strictEqual((await asked()).code, 0, to);
        const run = ["run", "--release", "--secrecy", TAG, "--volume", "/data/ev:/data/ev", ...through];
        const running = b.begin([...run, "--", "sh", "-c", "cat /data/ev/f; exec sleep 600"]);
        await once(running.child.stdout!, "data");
        for (const when of ["while it runs", "after a kill"]) {
          const { code, out } = await asked();
          deepStrictEqual([to, when, code, out.includes(`"${GATE}"`)], [to, when, 2, through.length > 0]);
          if (when === "after a kill") break;
          await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
          await running.ended;
          await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
        }
      }
    },
  },
  {
    name: "evidence: other keys take over; the log holds, and the first key still vouches for it",
    async run(b) {
      const [key] = (await b.ok("audit", "key")).split("\n");
      writeFileSync(join(b.home, "old.checkpoint"), await b.ok("audit", "checkpoint"), "latin1");
      await b.ok("audit", "key", "rotate");
      ok((await b.ok("audit", "key")).split("\n")[0] !== key);
      ok((await b.shell("cat /data/ev/f")).code !== 0);
      ok((await verified(b, "--key", key!, "--checkpoint", join(b.home, "old.checkpoint"))).ok);
    },
  },
  {
    name: "evidence: the daemon killed (SIGKILL) under load: the log verifies, and no refusal that was told is gone",
    async run(b) {
      await b.shellOk(LOAD);
      for (let i = 0; i < 3; i++) {
        const before = await refused(b);
        writeFileSync(join(b.home, "before.checkpoint"), await b.ok("audit", "checkpoint"), "latin1");
        await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
        await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
        const after = new Set(await refused(b));
        deepStrictEqual(before.filter((id) => !after.has(id)), []); // prettier-ignore
        await verified(b, "--checkpoint", join(b.home, "before.checkpoint"));
      }
    },
  },
  {
    name: "evidence: a power cut under load: the log verifies, and no refusal that was told is gone",
    async run(b) {
      await b.shellOk(LOAD);
      const before = await refused(b);
      ok(before.length > 0);
      writeFileSync(join(b.home, "before.checkpoint"), await b.ok("audit", "checkpoint"), "latin1");
      process.kill(machineStatus(b.home, "system").state!.qemu.pid, "SIGKILL");
      await b.until("the machine to be gone", async () => !machineStatus(b.home, "system").running);
      await b.ok("up");
      const after = new Set(await refused(b));
      deepStrictEqual(before.filter((id) => !after.has(id)), []); // prettier-ignore
      await verified(b, "--checkpoint", join(b.home, "before.checkpoint"));
    },
  },
  {
    name: "evidence: properties 2 and 4 hold on the whole record of this machine, and merging lost nothing [AUD-2, AUD-4]",
    async run(b) {
      // where the cases of scope.ts ran as well
      const hasRepeats = (await b.ok("log", "--json", "-n", "1000000")).includes('"note":"scope ');
      await b.ok("machine", "stop");
      const outcome = await Promise.allSettled([
        (async () => checkDisk(join(b.home, "machine/system/disk.img"), { hasRepeats }))(),
      ]);
      const started = await b.csn(["machine", "start"]); // what follows goes into another segment
      if (outcome[0].status === "rejected") throw outcome[0].reason;
      process.stderr.write(`  ${JSON.stringify(outcome[0].value)}\n`);
      strictEqual(started.code, 0, started.err);
    },
  },
];

/** Behind all others: the log is damaged then. */
export const evidenceAtLast: readonly Case[] = [
  {
    name: "evidence: one byte of the log changed on the machine's disk: verify names the record",
    async run(b) {
      const id = (await refused(b))[0]!;
      const proof = JSON.parse(await b.ok("audit", "prove", String(id))) as { proofs: { record: string }[] };
      await b.ok("machine", "stop");
      flip(join(b.home, "machine/system/disk.img"), Buffer.from(proof.proofs[0]!.record, "base64"));
      await b.ok("machine", "start");
      const result = await b.csn(["audit", "verify", "--json"]);
      strictEqual(result.code, 2);
      deepStrictEqual((JSON.parse(result.out) as Report).findings.map(({ code, record }) => [code, record]), [["E_LOG_DAMAGED", id]]); // prettier-ignore
    },
  },
];

/** Says of a record, wherever it lies on a disk, that the flow was allowed. */
function flip(disk: string, record: Buffer): void {
  const fd = openSync(disk, "r+");
  const piece = Buffer.alloc(64 * 1024 * 1024);
  let found = 0;
  for (let at = 0; ; at += piece.length - record.length) {
    const length = readSync(fd, piece, 0, piece.length, at);
    for (
      let i = piece.subarray(0, length).indexOf(record);
      i !== -1;
      i = piece.subarray(0, length).indexOf(record, i + 1), found++
    )
      writeSync(fd, Buffer.of(0), 0, 1, at + i + 2);
    if (length < piece.length) break;
  }
  closeSync(fd);
  ok(found > 0, "the record is not on the disk");
}
