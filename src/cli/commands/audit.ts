/**
 * csn audit: is the record as it was written? Checkpoints, proofs, keys; with --folder all of it offline. Questions to it
 * and exports of it are in files of their own.
 *
 * Exit codes of verify and verify-proof: 0 it is, 2 it is not, 1 it could not be found out.
 */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { AuditReport } from "../../api/index.ts";
import {
  AuditError,
  checkProofDocument,
  parseCheckpoint,
  parseVkey,
  proofDocument,
  verify,
} from "../../audit/index.ts";
import { connect } from "../connect.ts";
import { recordOf } from "../arguments.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { count, safe } from "../text.ts";
import { makeUi, type Ui } from "../ui.ts";
import { addAsk } from "./audit-ask.ts";
import { addExport } from "./audit-export.ts";
import { registerKeep, registerWitness } from "./audit-keep.ts";
import { registerScope } from "./audit-scope.ts";

/** The evidence is broken. */
const BROKEN = 2;

type Against = { key?: string[]; checkpoint?: string[]; witness?: string[] };
type VerifyOptions = Against & { folder?: string; json?: true };

export function registerAudit(program: Command): void {
  const audit = program
    .command("audit")
    .description("is the record as it was written, and does it say what was promised?");
  example(
    audit,
    "$ csn audit verify",
    "$ csn audit prove 17 > proof.json",
    "$ csn audit verify-proof proof.json",
  );

  const verifying = audit
    .command("verify")
    .description("check every promise of the log against its files (exit code 2: it is broken)")
    .option("--folder <dir>", "a log, or a copy of one: nothing else is needed")
    .option("--key <vkey>", "the log's key, known from elsewhere (again for more)", add)
    .option("--checkpoint <file>", "an older checkpoint: the log must continue it (again for more)", add)
    .option("--witness <vkey>", "a witness that must have cosigned (again for more)", add)
    .option(...JSON_OPTION)
    .action(async (options: VerifyOptions) => {
      const ui = makeUi(options);
      const report =
        options.folder === undefined ? await byDaemon(ui, options) : offline(ui, options.folder, options);
      process.exitCode = report.ok ? 0 : BROKEN;
      if (ui.json) ui.answer(report);
      else ui.print(...reportLines(report, ui));
    });
  example(
    verifying,
    "$ csn audit verify",
    "$ csn audit verify --folder /mnt/backup/csn/log --key 'host/csn/d00d+9490b4ca+AY07...'",
  );

  const checkpoint = audit
    .command("checkpoint")
    .description("the log's tree as it is now, signed: keep it elsewhere, and hold the log against it later")
    .action(async () => {
      const ui = makeUi();
      process.stdout.write((await (await connect("look", ui)).call("auditCheckpoint")).checkpoint);
    });
  example(
    checkpoint,
    "$ csn audit checkpoint > monday.checkpoint",
    "$ csn audit verify --checkpoint monday.checkpoint",
  );

  const prove = audit
    .command("prove")
    .description("the proof that a record is in the log, as JSON that stands alone")
    .argument("<id>", "what `csn log` calls the record, at the end of a line; its number with `--folder`")
    .option("--folder <dir>", "of a log, or a copy of one")
    .action(async (id: string, options: { folder?: string }) => {
      const ui = makeUi();
      const name = recordOf(id);
      if (options.folder !== undefined && name.includes("-"))
        throw new CliError(
          "E_USAGE",
          `expected a record's number, found \`${name}\``,
          "who has the folder sees all of it: `csn trace --log` shows numbers",
        );
      if (options.folder !== undefined) return ui.answer(proofDocument(options.folder, Number(name)));
      ui.answer(await (await connect("look", ui)).call("auditProof", { parameters: { id: name } }));
    });
  example(prove, "$ csn audit prove 17 > proof.json");

  const verifyProof = audit
    .command("verify-proof")
    .description("check a proof, without the log (exit code 2: it does not hold)")
    .argument("<file>", "as `csn audit prove` wrote it")
    .option("--key <vkey>", "the log's key, known from elsewhere (again for more)", add)
    .option(...JSON_OPTION)
    .action((file: string, options: Against & { json?: true }) => {
      const ui = makeUi(options);
      const value = readJson(file);
      try {
        const {
          checkpoint: head,
          record,
          signers,
        } = checkProofDocument(value, (options.key ?? []).map(parseVkey));
        const id = (value as { record: number }).record;
        if (ui.json)
          return ui.answer({
            ok: true,
            record: id,
            origin: head.origin,
            size: head.size,
            bytes: record.toString("base64"),
            signers,
          });
        ui.print(
          `record ${id} is in \`${safe(head.origin)}\`, by its signed checkpoint of ${head.size} records`,
        );
        if (options.key === undefined)
          ui.print("the key is the one that the proof states itself: give --key to hold it against yours");
      } catch (error) {
        if (!(error instanceof AuditError) || error.code === "E_VKEY") throw error;
        process.exitCode = BROKEN;
        if (ui.json) return ui.answer({ ok: false, code: error.code, message: error.message });
        ui.print(`${ui.paint.red("does not hold")}: ${error.code}: ${safe(error.message)}`);
      }
    });
  example(verifyProof, "$ csn audit verify-proof proof.json");

  const key = audit
    .command("key")
    .description("the public keys that sign the log now, one a line")
    .action(async () => {
      const ui = makeUi();
      ui.print(...(await (await connect("look", ui)).call("auditCheckpoint")).keys);
    });
  example(key, "$ csn audit key", "$ csn audit key rotate");
  const rotate = key
    .command("rotate")
    .description("other keys take over: stated in the log, signed by the ones before")
    .action(async () => {
      const ui = makeUi();
      ui.print(...(await (await connect("look", ui)).call("auditRotate")).keys);
    });
  example(rotate, "$ csn audit key rotate");
  addAsk(audit);
  addExport(audit);
  registerScope(audit);
  registerKeep(audit);
  registerWitness(audit);
}

function add(value: string, all: string[] = []): string[] {
  return [...all, value];
}

async function byDaemon(ui: Ui, { key = [], checkpoint = [], witness = [] }: Against): Promise<AuditReport> {
  const body = {
    keys: key,
    checkpoints: checkpoint.map((file) => readFileSync(file, "utf8")),
    witnesses: witness,
  };
  const client = await connect("look", ui);
  for await (const line of client.lines("auditVerify", { body })) {
    if ("report" in line) return line.report;
    showProgress(ui, line.progress);
  }
  throw new CliError(
    "E_DAEMON_LOST",
    "expected a report, found that the daemon stopped",
    "`csn status` shows whether it runs",
  );
}

function offline(ui: Ui, folder: string, { key = [], checkpoint = [], witness = [] }: Against): AuditReport {
  const options = {
    keys: key.map(parseVkey),
    checkpoints: checkpoint.map((file) => parseCheckpoint(readFileSync(file, "utf8"))),
    witnesses: witness.map(parseVkey),
  };
  let shown = performance.now();
  return verify(folder, options, (progress) => {
    if (performance.now() - shown < 500) return;
    shown = performance.now();
    showProgress(ui, progress);
  });
}

function showProgress(ui: Ui, { done, all }: { done: number; all: number }): void {
  ui.progress.step(`verifying: ${(done / 1e6).toFixed(0)} of ${(all / 1e6).toFixed(0)} MB`);
}

function reportLines(report: AuditReport, { paint }: Ui): string[] {
  const rate = report.bytes / 1e6 / Math.max(report.seconds, 0.001);
  const lines = [
    report.ok ? paint.green("the log is as it was written") : paint.red("the log is NOT as it was written"),
    `${safe(report.origin)}: ${count(report.records, "record")}, ${report.signed} of them signed, in ${count(report.segments, "segment")} (${rate.toFixed(0)} MB/s)`,
    ...report.signers.map((name) => `signed by ${safe(name)}`),
    ...report.witnesses.map((name) => `cosigned by ${safe(name)}`),
  ];
  if (report.ok && !report.trusted)
    lines.push("the keys are those that the log states itself: give --key to hold it against yours");
  for (const { code, message, file } of report.findings)
    lines.push(`${paint.red(code)} ${safe(file)}: ${safe(message)}`);
  if (report.more > 0) lines.push(`and ${report.more} more`);
  for (const { from, to } of report.gone)
    lines.push(`records ${from} to ${to - 1} were removed; their hashes are there`);
  return [...lines, ...report.notes.map((note) => `note: ${safe(note)}`)];
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return null; // no proof: that is the answer
    throw new CliError(
      "E_USAGE",
      `\`${file}\` can't be read: ${error instanceof Error ? error.message : String(error)}`,
      "give the file that `csn audit prove` wrote",
    );
  }
}
