/**
 * The suite "mosquitto": the tests that mosquitto's authors wrote for their broker, run on our bus in its place.
 *
 * The source package is fetched from Debian when the suite is asked for; nothing of it is kept here. Our changes to it: the
 * program `mosquitto` is broker.ts, and what tests read is put into the form that they compare with (canonical.py).
 *
 * Guarantee: each of their tests passes, or is named in explained.ts with the reason why it can't; one that is named and
 * passes is a failure, and so is an explanation that nothing needs.
 * Usage: npm test -- --only mosquitto; CSN_CASE='07-' runs the tests whose names begin so (`msg_`: the sequences)
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { ensureSource, type Need, type Progress, ROOT } from "../../src/setup/index.ts";
import type { Count, Suite } from "../../tools/suite.ts";
import { ensurePrograms } from "../software/packages.ts";
import { EXPLAINED, OPTIONS, SEQUENCES, VERSION } from "./explained.ts";

const why = "run mosquitto's own tests on the bus";
const PYTHON = "/usr/bin/python3";
const needs: readonly Need[] = [
  { files: [PYTHON], package: "python3", why },
  { files: ["/usr/lib/python3/dist-packages/psutil/__init__.py"], package: "python3-psutil", why },
  { command: "openssl", package: "openssl", why },
];
const progress: Progress = {
  step: (text) => void process.stderr.write(`  ${text}\n`),
  done: () => undefined,
};
/** Far more than any of them takes. */
const TIMEOUT_SECONDS = 900;
/** The first that a test is given. */
const FIRST_PORT = 21_900;
/** Their sequences of packets, and the port that these are written for. */
const SEQUENCES_TEST = "msg_sequence_test";
const SEQUENCES_PORT = 1888;

export const mosquittoSuite: Suite = { name: "mosquitto", onDemand: true, run: runSuite };

/** How one of their tests ended; `explained`: why it could not pass. */
interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly explained: string | null;
  readonly output: string;
}

async function runSuite(): Promise<Count> {
  await ensurePrograms(needs);
  const archive = await ensureSource("mosquitto", progress);
  const home = mkdtempSync(join(tmpdir(), "csn-mosquitto-"));
  try {
    const tests = await unpacked(archive, home);
    const chosen = testsOf(tests).filter(({ name }) => name.startsWith(process.env.CSN_CASE ?? ""));
    progress.step(`mosquitto ${VERSION}: ${chosen.length} tests`);
    const outcomes = await runAll(tests, chosen);
    const isWhole = process.env.CSN_CASE === undefined;
    if (SEQUENCES_TEST.startsWith(process.env.CSN_CASE ?? "")) outcomes.push(...(await runSequences(tests)));
    return counted(outcomes, isWhole);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The folder of the tests, with our bus in mosquitto's place. */
async function unpacked(archive: string, home: string): Promise<string> {
  await tool(["tar", "xf", archive, "-C", home], home);
  const [folder = ""] = readdirSync(home);
  if (folder !== `mosquitto-${VERSION}`)
    throw new Error(
      `expected mosquitto-${VERSION}, found ${folder}: explained.ts is written for another version`,
    );
  const broker = join(home, folder, "src", "mosquitto");
  writeFileSync(
    broker,
    `#!/bin/sh\nexec sh ${ROOT}/tools/node.sh ${ROOT}/conformance/mosquitto/broker.ts "$@"\n`,
  );
  chmodSync(broker, 0o755);
  const tests = join(home, folder, "test");
  const helper = join(tests, "mosq_test.py");
  const canonical = readFileSync(join(import.meta.dirname, "canonical.py"));
  writeFileSync(helper, Buffer.concat([readFileSync(helper), canonical]));
  // The certificates in the archive can't be read; the program that made them is beside them.
  await tool(["sh", "gen.sh"], join(tests, "ssl"));
  return join(tests, "broker");
}

/** What their own runner runs, with the number of ports that each is given. */
function testsOf(folder: string): { name: string; ports: number }[] {
  const lines = readFileSync(join(folder, "test.py"), "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, ports, name] = /^\s*\((\d), '\.\/(.*)\.py'\)/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, ports: Number(ports) }];
  });
}

async function runAll(folder: string, tests: ReturnType<typeof testsOf>): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  let port = FIRST_PORT;
  const work = async (): Promise<void> => {
    while (next < tests.length) {
      const { name, ports } = tests[next++] as { name: string; ports: number };
      const given = Array.from({ length: ports }, () => String(port++));
      const { code, output } = await run([PYTHON, `${name}.py`, ...given], folder);
      outcomes.push({ name, ok: code === 0, explained: explanationOf(name, output), output });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return outcomes;
}

function explanationOf(name: string, output: string): string | null {
  const option = /the bus has nothing for: ([a-z_]+)/.exec(output)?.[1];
  return (option && OPTIONS[option]) ?? EXPLAINED[name] ?? null;
}

/** Some 1,500 short exchanges of packets, as data of theirs: each is a test. */
async function runSequences(folder: string): Promise<Outcome[]> {
  const { output } = await run([PYTHON, `${SEQUENCES_TEST}.py`, String(SEQUENCES_PORT)], folder);
  // eslint-disable-next-line no-control-regex
  const lines = output
    .split("\n")
    .flatMap((line) => /^\u001b\[3([12])m(.*)\u001b\[0m$/.exec(line)?.slice(1) ?? []);
  const outcomes: Outcome[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    const text = lines[at + 1] as string;
    const found = SEQUENCES.find(({ line }) => line.test(text));
    outcomes.push({ name: text, ok: lines[at] === "2", explained: found?.why ?? null, output: "" });
  }
  const total = Number(/^(\d+) tests total$/m.exec(output)?.[1] ?? 0);
  if (total === 0 || total !== outcomes.length)
    outcomes.push({
      name: `${outcomes.length} of ${total} sequences have a result`,
      ok: false,
      explained: null,
      output,
    });
  return outcomes;
}

function counted(outcomes: readonly Outcome[], isWhole: boolean): Count {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const reasons = new Map<string, number>();
  const fail = (what: string): void => {
    count.failed++;
    console.log(`  FAILED: ${what}`);
  };
  for (const { name, ok, explained, output } of outcomes) {
    if (explained !== null && !ok) {
      count.skipped++;
      reasons.set(explained, (reasons.get(explained) ?? 0) + 1);
    } else if (!ok) fail(`${name}\n${output.replace(/^/gm, "    ")}`);
    else if (Object.hasOwn(EXPLAINED, name)) fail(`${name}: passes, and is in explained.ts`);
    else count.passed++;
  }
  for (const [reason, times] of reasons) console.log(`  not applicable, ${times}: ${reason}`);
  if (isWhole) for (const fault of idle(outcomes, reasons)) fail(fault);
  return count;
}

/** Explanations that explain nothing, or another number of sequences than they say. */
function idle(outcomes: readonly Outcome[], reasons: ReadonlyMap<string, number>): string[] {
  const names = new Set(outcomes.map(({ name }) => name));
  const unused = Object.values(OPTIONS).filter((reason) => !reasons.has(reason));
  const unknown = Object.keys(EXPLAINED).filter((name) => !names.has(name));
  const failed = outcomes
    .filter(({ ok }) => !ok)
    .map(({ name }) => SEQUENCES.find(({ line }) => line.test(name)));
  const miscounted = SEQUENCES.flatMap((one) => {
    const found = failed.filter((other) => other === one).length;
    return found === one.count ? [] : [`${one.line}: expected ${one.count} sequences, found ${found}`];
  });
  return [
    ...unused.map((reason) => `nothing needs: ${reason}`),
    ...unknown.map((name) => `no test ${name}`),
    ...miscounted,
  ];
}

/** @throws an error with what it said when it fails */
async function tool(argv: readonly string[], folder: string): Promise<void> {
  const { code, output } = await run(argv, folder);
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${output}`);
}

/** Runs one program in a group of its own, and ends what it left behind. */
async function run(argv: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...argv], { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] }); // prettier-ignore
  const endGroup = (): void => {
    try {
      process.kill(-(child.pid as number), "SIGKILL");
    } catch {
      // Nobody is left of it.
    }
  };
  const clock = setTimeout(endGroup, TIMEOUT_SECONDS * 1000);
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(clock);
  endGroup();
  return { code, output: Buffer.concat(said).toString() };
}
