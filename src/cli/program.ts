/**
 * The command line as a whole: each command registers itself.
 */
import { Command } from "commander";
import { registerAudit } from "./commands/audit.ts";
import { registerBus } from "./commands/bus.ts";
import { registerCheck } from "./commands/check.ts";
import { registerConflict } from "./commands/conflict.ts";
import { registerContext } from "./commands/context.ts";
import { registerCompletion } from "./commands/completion.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerDown } from "./commands/down.ts";
import { registerGate } from "./commands/gate.ts";
import { registerHelp } from "./commands/help.ts";
import { registerExplain } from "./commands/explain.ts";
import { registerLabel } from "./commands/label.ts";
import { registerLeak } from "./commands/leak.ts";
import { registerLog } from "./commands/log.ts";
import { registerMachine } from "./commands/machine.ts";
import { registerNetwork } from "./commands/network.ts";
import { registerPrincipal } from "./commands/principal.ts";
import { registerPolicy } from "./commands/policy.ts";
import { registerPs } from "./commands/ps.ts";
import { registerReport } from "./commands/report.ts";
import { registerRun } from "./commands/run.ts";
import { registerShare } from "./commands/share.ts";
import { registerStatement } from "./commands/statement.ts";
import { registerStatus } from "./commands/status.ts";
import { registerTag } from "./commands/tag.ts";
import { registerSql } from "./commands/sql.ts";
import { registerTrace } from "./commands/trace.ts";
import { registerToken } from "./commands/token.ts";
import { registerUp } from "./commands/up.ts";
import { example } from "./example.ts";
import { version } from "./version.ts";

/** Grouped as the help shows them. */
const GROUPS: Readonly<Record<string, readonly ((program: Command) => void)[]>> = {
  "Start and stop:": [registerUp, registerDown, registerStatus, registerDoctor, registerDemo],
  "Labels and programs:": [registerTag, registerLabel, registerNetwork, registerBus, registerRun, registerPs],
  "Owners decide:": [
    registerPrincipal,
    registerToken,
    registerShare,
    registerContext,
    registerConflict,
    registerPolicy,
    registerGate,
    registerStatement,
  ],
  "What happened and why:": [
    registerLog,
    registerExplain,
    registerCheck,
    registerTrace,
    registerSql,
    registerLeak,
    registerReport,
    registerAudit,
  ],
  "More:": [registerMachine, registerCompletion, registerHelp],
};

export function makeProgram(): Command {
  const program = new Command("csn")
    .description("Makes Linux enforce where data may flow: labels for data, unmodified programs.")
    .version(`csn ${version}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "how a command is used")
    .enablePositionalOptions() // options after `run PROGRAM` are the program's
    .helpCommand(false) // ours also knows subcommands
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride()
    .configureOutput({ outputError: () => {} }); // main.ts shows errors
  for (const [group, registrations] of Object.entries(GROUPS)) {
    program.commandsGroup(group);
    for (const register of registrations) register(program);
  }
  return example(
    program,
    "$ csn tag create lab/patient",
    "$ csn label set --secrecy lab/patient ./trial",
    "$ csn run --secrecy lab/patient -- sort ./trial/data.csv",
    "$ csn log --refused",
  );
}
