/**
 * csn demo: a cancer registry's file gets a label, and unmodified programs meet it.
 *
 * Guarantee: nothing is played. Each step runs a real program under the real monitor; what happened is
 * judged by its exit and by an independent look at the effect. Exit 0 only if each was as expected.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ensureSystemPackages, isPresent, programNeeds, ROOT, SetupError } from "../../setup/index.ts";
import type { Client } from "../client.ts";
import { connect } from "../connect.ts";
import { Refusal } from "../errors.ts";
import { makeUi, type Ui } from "../ui.ts";
import { type Outcome, perform } from "./stage.ts";
import { PATIENT, type Step, steps, VALIDATED } from "./steps.ts";

type Result = {
  title: string;
  expected: string;
  found: string;
  ok: boolean;
  seconds: number;
  detail: string;
};

/** @returns the exit code: 0 when every step was as expected, else 1 */
export async function runDemo(options: { json: boolean; keep?: boolean }): Promise<number> {
  const ui = makeUi(options);
  const absent = await absentPrograms(ui);
  const client = await connect("start", ui);
  const begun = Date.now();
  const at = await setUp(client, ui);
  const results: Result[] = [];
  const list = steps(at);
  if (!ui.json) ui.print("", ui.paint.bold(`${list.length} programs try what they would on any computer`));
  for (const step of list) {
    const lacks = absent.find((program) => `${step.argv.join(" ")} ${step.verify ?? ""}`.includes(program));
    if (lacks !== undefined) {
      ui.note(`left out, since ${lacks} is not on this computer: ${step.title}`);
      continue;
    }
    const result = await attempt(client, step);
    results.push(result);
    show(ui, result);
  }
  const refusals = await countRefusals(client);
  if (!options.keep) await cleanUp(client, at);
  const failed = results.filter((r) => !r.ok).length;
  const seconds = Math.round((Date.now() - begun) / 1000);
  if (ui.json)
    ui.answer({
      passed: results.length - failed,
      failed,
      seconds,
      refusalsOnRecord: refusals,
      steps: results,
    });
  ui.print(...(ui.json ? [] : closing(ui, results.length - failed, failed, seconds, refusals, client)));
  return failed === 0 ? 0 : 1;
}

/** Makes the folders, the tags, the labels. @returns the demo's folder */
async function setUp(client: Client, ui: Ui): Promise<string> {
  const at = `${client.machine === null ? "/var/lib" : "/data"}/csn-demo-${Date.now().toString(36)}`;
  ui.note(`making data in ${at}${client.machine === null ? "" : ` of the machine \`${client.machine}\``}`);
  const root = (script: string) => perform(client, { plain: true }, ["sh", "-c", script]);
  await must(
    root(`set -e
      mkdir -p ${at}/registry ${at}/public ${at}/clinic
      cp ${ROOT}/examples/lung.csv ${at}/registry/
      head -20 ${ROOT}/examples/lung.csv > ${at}/clinic/input.csv
      tail -20 ${ROOT}/examples/lung.csv > ${at}/public/unvalidated.csv
      echo unlabelled > ${at}/public/existing.txt
      ! command -v git > /dev/null || git init -q ${at}/public/repo
      mkfifo ${at}/public/fifo`),
  );
  await must(
    root(
      `setsid sh -c 'exec timeout 100 cat < ${at}/public/fifo > ${at}/public/from-fifo' </dev/null >/dev/null 2>&1 & sleep 0.2; rm -f ${at}/public/nothing`,
    ),
  );
  // opens the file while nothing is labelled, waits for the label, then reads
  await must(
    root(`setsid sh -c 'exec 3< ${at}/registry/lung.csv; : > ${at}/public/open-ready
        until test -e ${at}/public/open-go; do sleep 0.1; done
        cat <&3 > ${at}/public/from-open; : > ${at}/public/open-done' </dev/null >/dev/null 2>&1 &
      until test -e ${at}/public/open-ready; do sleep 0.1; done`),
  );
  for (const tag of [PATIENT, VALIDATED]) await makeTag(client, tag);
  ui.note(`\`${at}/registry\` becomes secret: ${PATIENT}`);
  await label(client, `${at}/registry`, { secrecy: [PATIENT], integrity: [] });
  ui.note(`\`${at}/clinic\` becomes trusted: ${VALIDATED}`);
  await label(client, `${at}/clinic`, { secrecy: [], integrity: [VALIDATED] });
  await must(
    root(`: > ${at}/public/open-go
      until test -e ${at}/public/open-done; do sleep 0.1; done
      rm ${at}/public/open-ready ${at}/public/open-go`),
  );
  return at;
}

/** Takes the labels off, as their owner may, and removes the data. */
async function cleanUp(client: Client, at: string): Promise<void> {
  for (const folder of ["registry", "clinic"])
    await client.call("clearLabel", { body: { path: `${at}/${folder}` } });
  await must(perform(client, { plain: true }, ["rm", "-rf", at]));
}

/** Installs what the steps use, where that can be done. @returns what is still not there */
async function absentPrograms(ui: Ui): Promise<string[]> {
  try {
    await ensureSystemPackages(programNeeds, ui.progress);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
  }
  return programNeeds.filter((need) => !isPresent(need)).map((need) => need.command ?? need.package);
}

async function attempt(client: Client, step: Step): Promise<Result> {
  const begun = Date.now();
  const outcome = await perform(client, step.actor, step.argv);
  const checked =
    step.verify === undefined ? null : await perform(client, { plain: true }, ["sh", "-c", step.verify]);
  const effect = checked === null || checked.code === 0;
  const found =
    outcome.withheld && outcome.output === "" && step.expected === "withheld"
      ? "withheld"
      : outcome.code === 0
        ? "allowed"
        : "refused";
  return {
    title: step.title,
    expected: step.expected,
    found: effect ? found : `${found}, but it had an effect`,
    ok: effect && found === step.expected,
    seconds: (Date.now() - begun) / 1000,
    detail: lastLine(outcome),
  };
}

function show(ui: Ui, result: Result): void {
  if (ui.json) return;
  const { paint } = ui;
  const mark = result.ok ? paint.green("ok  ") : paint.red("FAIL");
  ui.print(
    `${mark} ${result.title}`,
    paint.dim(
      `     should be ${result.expected}, was ${result.found} (${result.seconds.toFixed(1)} s)${result.ok ? "" : `  ${result.detail}`}`,
    ),
  );
}

function closing(
  ui: Ui,
  passed: number,
  failed: number,
  seconds: number,
  refusals: number,
  client: Client,
): string[] {
  const count = `${passed} as expected, ${failed} different, in ${seconds} s`;
  return [
    "",
    failed === 0 ? ui.paint.green(count) : ui.paint.red(count),
    `${refusals} refusals are on the record: csn log --refused`,
    ...(client.machine === null
      ? []
      : [`the machine \`${client.machine}\` goes on; csn machine stop ends it`]),
  ];
}

async function makeTag(client: Client, name: string): Promise<void> {
  try {
    await client.call("createTag", { body: { name } });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "E_TAG_EXISTS") throw error;
  }
}

async function label(
  client: Client,
  path: string,
  context: { secrecy: string[]; integrity: string[] },
): Promise<void> {
  for await (const line of client.lines("setLabel", { body: { path, context } })) void line;
}

async function countRefusals(client: Client): Promise<number> {
  await sleep(100); // the last batch is on its way from the ring
  let count = 0;
  for await (const entry of client.lines("log", { query: { refused: true, limit: 100_000 } }))
    if (entry) count++;
  return count;
}

async function must(outcome: Promise<Outcome>): Promise<void> {
  const { code, error } = await outcome;
  if (code !== 0) throw new Error(`the demo's data could not be made (exit ${code}): ${error.trim()}`);
}

function lastLine(outcome: Outcome): string {
  return (outcome.error.trim() || outcome.output.trim()).split("\n").at(-1) ?? "";
}
