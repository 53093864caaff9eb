/**
 * csn gate create|list|show|run|remove: vetted programs that take a label off, or vouch.
 */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { GateView } from "../../api/index.ts";
import { parseContext } from "../arguments.ts";
import type { Client } from "../client.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { gateLines } from "../gate-views.ts";
import { ROOT } from "../../setup/index.ts";
import { streamProgram, surroundings } from "../program-run.ts";
import { safe, shortContext, table } from "../text.ts";
import { makeUi } from "../ui.ts";
import { addText } from "./run.ts";

const SUPPLIED = ["deidentify", "aggregate", "validate", "lines", "scanned", "consented", "released"];
/** How often to look for files that have come. */
const WATCH_MS = 1000;

type CreateOptions = {
  program?: string;
  supplied?: string;
  file?: string[];
  in?: string;
  out?: string;
  consent?: string[];
  purpose?: string;
  users?: string;
  json?: true;
};

export function registerGate(program: Command): void {
  const gate = program
    .command("gate")
    .description("vetted programs that may take a label off, or vouch; the tags' owners decide for each");
  example(
    gate,
    "$ csn gate create lab/anonymise --program /usr/bin/cut --in S=lab/patient -- -d, -f2-",
    "$ csn tag grant lab/patient s- --to gate:lab/anonymise",
    "$ csn gate run lab/anonymise < patients.csv > open.csv",
  );

  const create = gate
    .command("create")
    .description("offer a gate; its program and files are hashed, and a change of any makes it another gate")
    .usage("[options] <name> [-- ARGS...]")
    .argument("<name>", "OWNER/NAME")
    .argument("[args...]", "what the program is always started with; a path of --file is that file")
    .option("--program <path>", "the program, in ELF format: a script is a --file of its interpreter")
    .option("--supplied <name>", `one of csn's own instead: ${SUPPLIED.join(", ")}`)
    .option("--file <path>", "a file that decides what it does: a script, a schema", addText)
    .option("--in <context>", "what it may read: `S=lab/patient`")
    .option("--out <context>", "what its output has: `unlabelled` if left out")
    .option(
      "--consent <tags>",
      "it also reads what has these tags, while their owners let it: `*/medical`",
      addText,
    )
    .option("--purpose <text>", "what for; on the record of each run")
    .option("--users <principals>", "who may run it; separated by commas (default: everybody)")
    .option(...JSON_OPTION)
    .action(async (name: string, args: string[], options: CreateOptions) => {
      const ui = makeUi(options);
      const client = await connect("start", ui);
      const made = await client.call("createGate", {
        body: {
          name,
          ...madeOf(options, args),
          in: parseContext(options.in ?? "unlabelled"),
          out: parseContext(options.out ?? "unlabelled"),
          consent: options.consent ?? [],
          purpose: options.purpose ?? "",
          users: options.users?.split(",") ?? ["*"],
        },
      });
      if (ui.json) return ui.answer(made);
      ui.print(...gateLines(made, ui.paint));
      for (const { by, tag, privilege } of made.tags)
        if (by === null)
          ui.note(
            `${safe(tag.slice(0, tag.indexOf("/")))} may grant it: \`csn tag grant ${safe(tag)} ${privilege} --to gate:${safe(name)}\``,
          );
    });
  example(
    create,
    "$ csn gate create lab/anonymise --program /usr/bin/cut --in S=lab/patient --purpose research -- -d, -f2-",
    "$ csn gate create lab/ages --supplied deidentify --in S=lab/patient -- --keep sex --drop name --decade age",
    "$ csn gate create clinic/check --program /usr/bin/python3 --file ./check.py --out I=clinic/validated -- -I ./check.py",
  );

  const list = gate
    .command("list")
    .alias("ls")
    .description("the gates that you may run, or own")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const gates = await (await connect("look", ui)).call("gates");
      if (ui.json) return ui.answer(gates);
      const rows = gates.map((one) => [
        safe(one.name),
        shortContext(one.in),
        shortContext(one.out),
        one.ready ? "yes" : "no",
        safe(one.purpose),
      ]);
      ui.print(...table([["GATE", "IN", "OUT", "READY", "PURPOSE"], ...rows]));
    });
  example(list, "$ csn gate list");

  const show = gate
    .command("show")
    .description("what a gate does, and for each tag by whose grant, or whose is missing")
    .argument("<name>", "OWNER/NAME")
    .option(...JSON_OPTION)
    .action(async (name: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const found = (await (await connect("look", ui)).call("gates")).find((one) => one.name === name);
      if (found === undefined) throw unknown(name);
      if (ui.json) return ui.answer(found);
      ui.print(...gateLines(found, ui.paint));
    });
  example(show, "$ csn gate show lab/anonymise");

  const run = gate
    .command("run")
    .description("run a gate as a filter, or on each file of a folder")
    .argument("<name>", "OWNER/NAME")
    .option("--from <directory>", "instead of your input, each file of this folder that was not done yet")
    .option("--to <directory>", "where the results go")
    .option("--watch", "go on with files that come")
    .option("--release", "take labelled output on your own responsibility")
    .action(async (name: string, options: RunOptions) => {
      const client = await connect("start", makeUi());
      if (options.from !== undefined || options.to !== undefined || options.watch)
        return runFolder(client, name, options);
      const { shows } = surroundings({});
      const body = { name, shows, release: options.release === true };
      const { id } = await client.call("runGate", { body });
      process.exitCode = await streamProgram(client, id, { shows, tty: null });
    });
  example(
    run,
    "$ csn gate run lab/anonymise < patients.csv > open.csv",
    "$ csn gate run lab/anonymise --from /data/in --to /data/out --watch",
  );

  const remove = gate
    .command("remove")
    .alias("rm")
    .description("take a gate away, and with it all that was granted to it")
    .argument("<name>", "OWNER/NAME")
    .option(...JSON_OPTION)
    .action(async (name: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const gone: GateView = await (await connect("look", ui)).call("removeGate", { body: { name } });
      if (ui.json) return ui.answer(gone);
      ui.print(`removed ${safe(gone.name)}`);
    });
  example(remove, "$ csn gate remove lab/anonymise");
}

type RunOptions = { from?: string; to?: string; watch?: true; release?: true };

/** Exit code 1 when there is a file without a result. */
async function runFolder(client: Client, name: string, { from, to, watch }: RunOptions): Promise<void> {
  if (from === undefined || to === undefined)
    throw new CliError("E_USAGE", "expected --from and --to, found one of them", "both are folders");
  const ui = makeUi();
  for (let again = true; ; again = false) {
    const body = { name, from: resolve(from), to: resolve(to), again };
    for await (const line of client.lines("runGateFolder", { body })) {
      if (!("result" in line)) continue;
      const file = line.file === null ? "a file" : safe(line.file);
      if (line.result !== null) ui.print(`${file} -> ${safe(line.result)}`);
      else {
        ui.note(`${file}: ${line.why}`);
        process.exitCode = 1;
      }
    }
    if (!watch) return;
    await sleep(WATCH_MS);
  }
}

/** A supplied gate is a script in `gates/`, whose first lines say what it does and which arguments it takes. */
function madeOf(
  options: CreateOptions,
  args: string[],
): { program: string; args: string[]; files: string[] } {
  const { program, supplied, file = [] } = options;
  const own = args.map((arg) => (file.includes(arg) ? pathOf(arg) : arg));
  const files = file.map(pathOf);
  if ((program === undefined) === (supplied === undefined))
    throw new CliError(
      "E_USAGE",
      "expected either --program or --supplied, found both or neither",
      "name one",
    );
  if (program !== undefined) return { program: pathOf(program), args: own, files };
  if (!SUPPLIED.includes(supplied!))
    throw new CliError(
      "E_USAGE",
      `expected a supplied gate, found \`${supplied}\``,
      `there are ${SUPPLIED.join(", ")}`,
    );
  const script = `${ROOT}/gates/${supplied}.py`;
  return { program: "/usr/bin/python3", args: ["-I", script, ...own], files: [script, ...files] };
}

function pathOf(text: string): string {
  if (text.includes("/")) return resolve(text);
  throw new CliError(
    "E_USAGE",
    `expected a path, found \`${text}\``,
    "a gate's program and files are named by path: /usr/bin/cut, ./check.py",
  );
}

function unknown(name: string): CliError {
  return new CliError(
    "E_GATE_UNKNOWN",
    `expected a gate that you may run, found \`${name}\``,
    "`csn gate list` shows them",
  );
}
