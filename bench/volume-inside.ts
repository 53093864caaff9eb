/**
 * In the machine: how much is recorded of one unit of work, by csn and by auditd, the same programs after each other on the same
 * kernel; and a flood of calls that can't be merged, which shows what is lost.
 *
 * csn's bytes are those of the kernel's records and descriptions, as they are on disk; what the log adds (contexts once a
 * segment, the tree) is in docs/bench-log.md. auditd's are those of its log, in its own format.
 */
import { ok } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RECORD_BYTES } from "../src/audit/index.ts";
import { Records } from "../src/daemon/records.ts";
import { KIND, Monitor, native, type Ring, SHAPE } from "../src/kernel/index.ts";
import { ROOT } from "../src/setup/index.ts";
import { DATA, detached, kernel, makeSubject, newFolder, openStore, start, stopped, untilStopped } from "./stage.ts"; // prettier-ignore
import { type AuditVolume, type CsnVolume, type Flood, type UnitId, unitIds, type VolumeReport } from "./volume-report.ts"; // prettier-ignore
import { type Workload, workloads } from "./workloads.ts";

const FLOOD_SECONDS = 10;
const PROCESSES = 2;
const QUIET_MS = 3000;
/** The session that auditd's rules are about (peers/audit-all.rules). */
const SESSION = 5001;
const AUDIT_LOG = `${DATA}/audit-log`;
/** A process can say of itself alone whose session it is. */
const IN_SESSION = ["-c", `echo ${SESSION} > /proc/self/loginuid; exec "$@"`, "sh"];
const nothing = (): void => undefined;

const units = (archive: string): Record<UnitId, Workload> => {
  const { unpack, compile, pgbench, nginx } = workloads(archive);
  return {
    pipe: { prepare: "", begin: "", round: "dd if=/dev/zero bs=64k count=15259 status=none | dd of=/dev/null bs=64k status=none", end: "" }, // prettier-ignore
    unpack,
    compile,
    sqlite: {
      prepare: "sqlite3 db 'create table t (id integer primary key, name text)'",
      begin: "",
      round: `(for i in $(seq 10); do echo 'begin;'; for j in $(seq 100); do echo "insert into t (name) values ('row $i $j');"; done; echo 'commit;'; done; for i in $(seq 100); do echo "select name from t where id = $i;"; done) | sqlite3 db > answers`,
      end: "",
    },
    pgbench,
    page: { ...nginx, round: "curl -sf http://127.0.0.1:8080/page > page2" },
  };
};

/** Before and after the round. */
type Watch = { begin: () => Promise<void> | void; end: () => Promise<void> | void; meanwhile: () => void };

export async function measureVolume(tools: string, archive: string): Promise<VolumeReport> {
  const all = units(archive);
  for (const id of unitIds) {
    console.log(`prepare: ${id}`);
    await stopped(newFolder(`prepared/${id}`), () => undefined, "./bench-calls", ["--room", "sh", "-ec", all[id].prepare]); // prettier-ignore
  }
  const idle = await flood("nothing", nothing, () => 0, () => 0); // prettier-ignore
  const csn = await byCsn(all);
  const auditd = await byAuditd(all, tools);
  return {
    kernel,
    units: Object.fromEntries(unitIds.map((id) => [id, { csn: csn.units[id], auditd: auditd.units[id] }])) as VolumeReport["units"], // prettier-ignore
    flood: { nothing: idle, csn: csn.flood, auditd: auditd.flood },
  };
}

async function byCsn(all: Record<UnitId, Workload>) {
  const { store, context } = openStore();
  const { monitor } = Monitor.attach(store);
  mkdirSync(`${DATA}/labelled`);
  monitor.setInode(`${DATA}/labelled`, context);
  const id = monitor.contexts.idOf(context);
  const found: Partial<Record<UnitId, CsnVolume>> = {};
  const ring = monitor.openRing();
  for (const unit of unitIds) {
    const counter = new Counter(ring);
    let before = monitor.counters();
    const watch: Watch = {
      begin: () => {
        counter.drain();
        counter.reset();
        before = monitor.counters();
      },
      meanwhile: () => counter.drain(),
      end: async () => {
        await sleep(50);
        counter.drain();
        const after = monitor.counters();
        found[unit] = { ...counter.counts, merged: counter.merged + after.merged - before.merged, lost: after.lost - before.lost }; // prettier-ignore
      },
    };
    await once(all[unit], unit, "labelled", (pid, folder) => makeSubject(pid, id, folder), watch);
  }
  const records = new Records(`${DATA}/log`, readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(), () => ({})); // prettier-ignore
  records.start(monitor, true);
  let before = monitor.counters();
  const recorded = () => monitor.counters().recorded - before.recorded;
  const lost = () => monitor.counters().lost - before.lost;
  const measured = await flood(
    "labelled/flood",
    (pid, folder) => {
      makeSubject(pid, id, folder);
      before = monitor.counters();
    },
    recorded,
    lost,
  );
  records.close();
  await detached();
  store.close();
  return { units: found as Record<UnitId, CsnVolume>, flood: measured };
}

/** What comes out of the rings. */
class Counter {
  counts = { bytes: 0, flows: 0, descriptions: 0 };
  merged = 0;
  readonly #ring: Ring;
  readonly #buffer = Buffer.alloc(RECORD_BYTES * 8192);

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  reset(): void {
    this.counts = { bytes: 0, flows: 0, descriptions: 0 };
    this.merged = 0;
  }

  drain(): void {
    for (;;) {
      const length = native().ringDrain(this.#ring, this.#buffer);
      if (length === 0) return;
      this.counts.bytes += length;
      for (let at = 0; at < length; at += RECORD_BYTES) {
        const isFlow = this.#buffer[at + SHAPE.csn_record.kind] === KIND.FLOW;
        this.counts[isFlow ? "flows" : "descriptions"]++;
        if (isFlow) this.merged += this.#buffer.readUInt32LE(at + SHAPE.csn_record.count) - 1;
      }
    }
  }
}

async function byAuditd(all: Record<UnitId, Workload>, tools: string) {
  for (const name of ["proc", "sys", "dev", "data"]) must("mount", "--rbind", `/${name}`, `${tools}/${name}`);
  mkdirSync(AUDIT_LOG, { recursive: true });
  must("mount", "--bind", AUDIT_LOG, `${tools}/var/log/audit`);
  mkdirSync("/run/audit", { recursive: true });
  const run = (...argv: string[]) => must("chroot", tools, ...argv);
  writeFileSync(`${DATA}/audit.rules`, readFileSync(`${ROOT}/bench/peers/audit-all.rules`));
  const config = readFileSync(`${tools}/etc/audit/auditd.conf`, "utf8");
  writeFileSync(`${tools}/etc/audit/auditd.conf`, config.replace(/^max_log_file_action.*$/m, "max_log_file_action = IGNORE")); // prettier-ignore
  run("auditd", "-s", "enable");
  run("auditctl", "-R", `${DATA}/audit.rules`);
  const said = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(run("auditctl", "-s"))?.[1]);
  // what the kernel has handed over waits in auditd's own queue
  const settled = async () => {
    for (let before = -1; said("backlog") !== 0 || size() !== before; await sleep(QUIET_MS)) before = size();
  };
  const size = () => readdirSync(AUDIT_LOG).reduce((sum, name) => sum + statSync(join(AUDIT_LOG, name)).size, 0); // prettier-ignore
  const events = () => {
    const count = spawnSync("sh", ["-c", `cat ${AUDIT_LOG}/* | grep -c '^type=SYSCALL.*key="csn-bench"'`], { encoding: "utf8" }); // prettier-ignore
    return Number(count.stdout);
  };
  const found: Partial<Record<UnitId, AuditVolume>> = {};
  for (const unit of unitIds) {
    let before = { bytes: 0, events: 0, lost: 0 };
    const watch: Watch = {
      begin: async () => {
        await settled();
        before = { bytes: size(), events: events(), lost: said("lost") };
      },
      meanwhile: () => undefined,
      end: async () => {
        await settled();
        found[unit] = { bytes: size() - before.bytes, events: events() - before.events, lost: said("lost") - before.lost }; // prettier-ignore
        ok(found[unit].events > 0, `auditd has written nothing of ${unit}`);
      },
    };
    await once(all[unit], unit, "audited", nothing, watch);
  }
  await settled();
  const before = { events: events(), lost: said("lost") };
  let written = 0;
  const measured = await flood(
    "audited/flood",
    nothing,
    () => written,
    () => said("lost") - before.lost,
    async () => {
      // prettier-ignore
      await settled();
      written = events() - before.events;
    },
  );
  return { units: found as Record<UnitId, AuditVolume>, flood: measured };
}

async function once(
  work: Workload,
  unit: UnitId,
  column: string,
  prepare: (pid: number, folder: string) => void,
  { begin, end, meanwhile }: Watch,
): Promise<void> {
  console.log(`${column}: ${unit}`);
  const folder = `${DATA}/${column}/${unit}`;
  mkdirSync(`${DATA}/${column}`, { recursive: true });
  execFileSync("cp", ["-a", `${DATA}/prepared/${unit}`, folder]);
  const script = `export HOME="$PWD" TMPDIR="$PWD" LC_ALL=C
    ${work.begin}
    kill -STOP $$
    ${work.round}
    kill -STOP $$
    ${work.end}`;
  const program = start(folder, "sh", [...IN_SESSION, "./bench-calls", "--room", "sh", "-ec", script]);
  const goOn = async () => {
    process.kill(program.pid, "SIGCONT");
    await untilStopped(program.pid, program.ended, meanwhile);
  };
  await untilStopped(program.pid, program.ended);
  prepare(program.pid, folder);
  await goOn();
  await begin();
  await goOn();
  await end();
  process.kill(program.pid, "SIGCONT");
  await program.ended;
}

async function flood(
  name: string,
  prepare: (pid: number, folder: string) => void,
  recorded: () => number,
  lost: () => number,
  settle: () => Promise<void> = async () => undefined,
): Promise<Flood> {
  console.log(`flood: ${name}`);
  const folder = newFolder(name);
  const args = ["--flood", String(FLOOD_SECONDS), String(PROCESSES)];
  await stopped(folder, (pid) => prepare(pid, folder), "sh", [...IN_SESSION, "./bench-calls", ...args]);
  await settle();
  const pipes = Number(readFileSync(`${folder}/result.json`, "utf8"));
  return { seconds: FLOOD_SECONDS, pipes, recorded: recorded(), lost: lost() };
}

function must(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8" });
}
