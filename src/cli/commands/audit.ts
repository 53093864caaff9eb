/**
 * csn audit: the record as a whole.
 */
import type { Command } from "commander";
import { example } from "../example.ts";
import { addExport } from "./audit-export.ts";

export function registerAudit(program: Command): void {
  const audit = program.command("audit").description("the record as a whole: give it to other tools");
  example(audit, "$ csn audit export --format prov-json > record.json");
  addExport(audit);
}
