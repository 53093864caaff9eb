/**
 * The first demo's data: a cancer registry's file, secret, and a clinic's, trusted.
 */
import { ROOT } from "../../setup/index.ts";
import type { Client } from "../client.ts";
import { Refusal } from "../errors.ts";
import type { Ui } from "../ui.ts";
import { must, perform, type Scene } from "./stage.ts";
import { PATIENT, steps, VALIDATED } from "./steps.ts";

export const registry: Scene = { name: "registry", setUp, steps, cleanUp };

/** Makes the folders, the tags, the labels. */
async function setUp(client: Client, ui: Ui, at: string): Promise<void> {
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
}

/** Takes the labels off, as their owner may, and removes the data. */
async function cleanUp(client: Client, at: string): Promise<void> {
  for (const folder of ["registry", "clinic"])
    await client.call("clearLabel", { body: { path: `${at}/${folder}` } });
  await must(perform(client, { plain: true }, ["rm", "-rf", at]));
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
