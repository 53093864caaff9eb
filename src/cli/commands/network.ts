/**
 * csn network set|unset|list: the contexts of addresses outside the host. [NET-1]
 *
 * All ranges are checked before the first is set; each is its own request, and a fault with one does not keep the
 * others from being done: the exit code is 1 then.
 */
import type { Command } from "commander";
import { type ContextInput, type NetworkRule, parseRange, rangeText } from "../../api/index.ts";
import { addTags, parseContext } from "../arguments.ts";
import type { Client } from "../client.ts";
import { connect, type Need } from "../connect.ts";
import { CliError, codedOf, Refusal, showError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { safe, shortContext, table } from "../text.ts";
import { makeUi, type Ui } from "../ui.ts";

type SetOptions = { context?: string; secrecy?: string[]; integrity?: string[]; json?: true };

const RANGE = "ADDRESS[/BITS][:PORT[-PORT]]; IPv6 in brackets before a port";

export function registerNetwork(program: Command): void {
  const network = program
    .command("network")
    .description("which addresses outside the host labelled programs may talk to");
  example(network, "$ csn network set 10.2.0.0/16:5432 --secrecy lab/patient", "$ csn network list");

  const set = network
    .command("set")
    .description(
      "give addresses outside the host a context: only programs of exactly that context may talk to them",
    )
    .argument("<addresses...>", RANGE)
    .option(
      "--context <context>",
      "`S=a/b,c/d;I=e/f`, or `unlabelled` to take addresses out of a wider range",
    )
    .option("--secrecy <tags>", "whose concerns may go there; separated by commas", addTags)
    .option("--integrity <tags>", "who vouches for what comes from there; separated by commas", addTags)
    .option(...JSON_OPTION)
    .action((addresses: string[], options: SetOptions) => {
      const context = contextOf(options);
      return forEach(addresses, "start", makeUi(options), (client, address) =>
        client.call("setNetwork", { body: { address, context } }),
      );
    });
  example(
    set,
    "$ csn network set 10.2.0.0/16:5432 --secrecy lab/patient",
    "$ csn network set '[2001:db8::]/32:443' --context 'S=lab/patient;I=clinic/validated'",
    "$ csn network set 10.2.7.7 --context unlabelled",
  );

  const unset = network
    .command("unset")
    .aliases(["rm"])
    .description("take the context of addresses away: a wider range decides again, or none")
    .argument("<addresses...>", "as `csn network list` shows them")
    .option(...JSON_OPTION)
    .action((addresses: string[], options: { json?: true }) =>
      forEach(addresses, "look", makeUi(options), (client, address) =>
        client.call("unsetNetwork", { body: { address } }),
      ),
    );
  example(unset, "$ csn network unset 10.2.0.0/16:5432");

  const list = network
    .command("list")
    .alias("ls")
    .description("all addresses that have a context, and whether packets get there")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const rules = await (await connect("look", ui)).call("networks");
      if (ui.json) return ui.answer(rules);
      const rows = rules.map((rule) => [safe(rule.address), shortContext(rule.context), reach(rule)]);
      ui.print(...table([["ADDRESS", "CONTEXT", "REACHABLE"], ...rows]));
      for (const why of new Set(rules.map((rule) => rule.why).filter((text) => text !== ""))) ui.note(why);
    });
  example(list, "$ csn network list");
}

function contextOf({ context, secrecy = [], integrity = [] }: SetOptions): ContextInput {
  const hasTags = secrecy.length + integrity.length > 0;
  if ((context === undefined) === hasTags)
    return context === undefined ? { secrecy, integrity } : parseContext(context);
  throw new CliError(
    "E_USAGE",
    `expected --context, or --secrecy, --integrity or both, found ${hasTags ? "both ways" : "neither"}`,
    "`--context unlabelled` takes addresses out of a wider range; `csn network unset` takes a context away",
  );
}

async function forEach(
  addresses: readonly string[],
  need: Need,
  ui: Ui,
  work: (client: Client, address: string) => Promise<NetworkRule>,
): Promise<void> {
  const wanted = addresses.map(canonical);
  const client = await connect(need, ui);
  const answers: unknown[] = [];
  const unreachable = new Set<string>();
  for (const address of wanted) {
    try {
      const rule = await work(client, address);
      answers.push(rule);
      if (ui.json) continue;
      ui.print(
        need === "start"
          ? `${safe(rule.address)}: ${shortContext(rule.context)}`
          : `${safe(rule.address)}: unset`,
      );
      if (need === "start" && !rule.reachable) unreachable.add(rule.why);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      showError(error);
      answers.push({ address, error: codedOf(error) });
      process.exitCode = 1;
    }
  }
  for (const why of unreachable) ui.note(`not reachable: ${why}`);
  if (ui.json) ui.answer(answers);
}

/** @throws CliError E_NETWORK_ADDRESS */
function canonical(text: string): string {
  const parsed = parseRange(text);
  if (parsed.ok) return rangeText(parsed.range);
  throw new CliError("E_NETWORK_ADDRESS", parsed.message, parsed.hint);
}

function reach(rule: NetworkRule): string {
  return rule.reachable ? "yes" : "no";
}
