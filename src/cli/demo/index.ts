/**
 * csn demo: unmodified programs meet labels (registry.ts), owners who don't trust each other share (hospital.ts), the
 * record settles who leaked what (evidence.ts), and messages carry their labels (bus.ts).
 *
 * Guarantee: nothing is played. Each step runs a real program under the real monitor; what happened is
 * judged by its exit and by an independent look at the effect. Exit 0 only if each was as expected.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ensureSystemPackages, isPresent, programNeeds, SetupError } from "../../setup/index.ts";
import type { Client } from "../client.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { makeUi, type Ui } from "../ui.ts";
import { bus } from "./bus.ts";
import { evidence } from "./evidence.ts";
import { hospital } from "./hospital.ts";
import { registry } from "./registry.ts";
import { type Outcome, perform, type Scene } from "./stage.ts";
import type { Step } from "./steps.ts";

export const SCENES: readonly Scene[] = [registry, hospital, evidence, bus];

type Result = {
  title: string;
  expected: string;
  found: string;
  ok: boolean;
  seconds: number;
  detail: string;
};

/** @returns the exit code: 0 when every step was as expected, else 1 */
export async function runDemo(options: { name: string; json: boolean; keep?: boolean }): Promise<number> {
  const scene = SCENES.find(({ name }) => name === options.name);
  if (scene === undefined)
    throw new CliError(
      "E_USAGE",
      `expected the name of a demo, found \`${options.name}\``,
      `there are ${SCENES.map(({ name }) => `\`${name}\``).join(" and ")}`,
    );
  const ui = makeUi(options);
  await ensureSystemPackages(scene.needs ?? [], ui.progress);
  const absent = await absentPrograms(ui);
  const client = await connect("start", ui);
  const begun = Date.now();
  const at = `${client.machine === null ? "/var/lib" : "/data"}/csn-demo-${Date.now().toString(36)}`;
  ui.note(`making data in ${at}${client.machine === null ? "" : ` of the machine \`${client.machine}\``}`);
  await scene.setUp(client, ui, at);
  const results: Result[] = [];
  const list = scene.steps(at);
  if (!ui.json) ui.print("", ui.paint.bold(`${list.length} steps, each tried for real`));
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
  if (!options.keep) await scene.cleanUp(client, at);
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
  const ok = effect && found === step.expected;
  return {
    title: step.title,
    expected: step.expected,
    found: effect ? found : `${found}, but it had an effect`,
    ok,
    seconds: (Date.now() - begun) / 1000,
    detail: ok ? lastLine(outcome) : said(outcome),
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

async function countRefusals(client: Client): Promise<number> {
  await sleep(100); // the last batch is on its way from the ring
  let count = 0;
  for await (const entry of client.lines("log", { query: { refused: true, limit: 100_000 } }))
    if (entry) count++;
  return count;
}

function said(outcome: Outcome): string {
  return outcome.error.trim() || outcome.output.trim();
}

function lastLine(outcome: Outcome): string {
  return said(outcome).split("\n").at(-1) ?? "";
}
