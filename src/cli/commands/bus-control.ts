/**
 * csn bus map|unmap|divert|relabel|isolate|glass: who runs the bus steers it, and its applications need not know. Each holds from
 * the next message on, for what waits too, and is on the record.
 */
import type { Command } from "commander";
import type { BusControl } from "../../api/index.ts";
import { addTags } from "../arguments.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { makeUi } from "../ui.ts";

type Json = { json?: true };
type Tags = { secrecy?: string[]; integrity?: string[] };

const TARGET = "a client's name, for all its connections, or NAME:CLIENT-ID";
const FILTER = "topics, as in MQTT: `ward/+/pulse`, `plant/#`";
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

export function registerControl(bus: Command): void {
  const map = bus.command("map").description("subscribe a client to topics").argument("<client>", TARGET).argument("<filter>", FILTER).option("--qos <n>", "0, 1 or 2", qosOf, 1 as const).option(...JSON_OPTION); // prettier-ignore
  map.action((target: string, filter: string, options: { qos: 0 | 1 | 2 } & Json) =>
    send({ action: "map", target, filter, qos: options.qos }, options, `${target} gets ${filter}`),
  );
  example(map, "$ csn bus map ward/console 'ward/+/pulse'");

  const unmap = bus.command("unmap").description("end a client's subscription").argument("<client>", TARGET).argument("<filter>", "as it was subscribed to").option(...JSON_OPTION); // prettier-ignore
  unmap.action((target: string, filter: string, options: Json) =>
    send({ action: "unmap", target, filter }, options, `${target} does not get ${filter} any more`),
  );
  example(unmap, "$ csn bus unmap ward/console 'ward/+/pulse'");

  const divert = bus.command("divert").description("let topics go through a client that is a gate: it alone gets what others publish there, they get what it publishes").argument("<filter>", FILTER).argument("[gate]", TARGET).option("--off", "no more").option(...JSON_OPTION); // prettier-ignore
  divert.action((filter: string, gate: string | undefined, options: { off?: true } & Json) => {
    if ((gate === undefined) !== (options.off === true))
      throw new CliError(
        "E_USAGE",
        "expected a gate, or --off, found neither or both",
        "`csn bus divert 'plant/#' plant/validator`",
      );
    return send(
      { action: "divert", filter, gate: gate ?? null },
      options,
      gate === undefined ? `${filter}: as published` : `${filter}: through ${gate}`,
    );
  });
  example(
    divert,
    "$ csn bus divert 'plant/command/#' plant/validator",
    "$ csn bus divert 'plant/command/#' --off",
  );

  const relabel = labelled(bus.command("relabel").description("give a client another context, at once").argument("<client>", TARGET).option("--off", "its own again")).option(...JSON_OPTION); // prettier-ignore
  relabel.action((target: string, options: Tags & { off?: true } & Json) => {
    const hasTags = options.secrecy !== undefined || options.integrity !== undefined;
    if (hasTags === (options.off === true))
      throw new CliError(
        "E_USAGE",
        "expected --secrecy, --integrity or both, or --off, found neither or both",
        "`csn bus relabel console/3 --secrecy ops/secret`",
      );
    return send(
      { action: "relabel", target, context: options.off ? null : contextOf(options) },
      options,
      `${target}: relabelled`,
    );
  });
  example(relabel, "$ csn bus relabel console/3 --secrecy ops/secret", "$ csn bus relabel console/3 --off");

  const isolate = bus.command("isolate").description("cut a client off: it neither publishes nor receives").argument("<client>", TARGET).option("--off", "let it in again").option(...JSON_OPTION); // prettier-ignore
  isolate.action((target: string, options: { off?: true } & Json) =>
    send(
      { action: "isolate", target, isolated: options.off !== true },
      options,
      `${target}: ${options.off ? "let in again" : "cut off"}`,
    ),
  );
  example(isolate, "$ csn bus isolate home/camera", "$ csn bus isolate home/camera --off");

  const glass = labelled(bus.command("glass").description("break glass: a client receives more, for a reason and a limited time").argument("<client>", TARGET)).requiredOption("--reason <text>", "why; it is on the record").requiredOption("--for <time>", "as 90s, 30m, 2h; at most 24h", secondsOf).option(...JSON_OPTION); // prettier-ignore
  glass.action((target: string, options: Tags & { reason: string; for: number } & Json) =>
    send(
      { action: "glass", target, context: contextOf(options), reason: options.reason, seconds: options.for },
      options,
      `${target}: for ${options.for} s`,
    ),
  );
  example(
    glass,
    "$ csn bus glass ward/doctor --secrecy ward/patient --reason 'cardiac arrest, room 4' --for 30m",
  );
}

function labelled(command: Command): Command {
  return command
    .option("--secrecy <tags>", "separated by commas", addTags)
    .option("--integrity <tags>", "separated by commas", addTags);
}

const contextOf = ({ secrecy = [], integrity = [] }: Tags) => ({ secrecy, integrity });

async function send(body: BusControl, options: Json, done: string): Promise<void> {
  const ui = makeUi(options);
  const answer = await (await connect("look", ui)).call("busControl", { body });
  if (ui.json) return ui.answer(answer);
  ui.print(done);
}

/** @throws CliError E_USAGE */
function qosOf(text: string): 0 | 1 | 2 {
  const qos = Number(text);
  if (qos === 0 || qos === 1 || qos === 2) return qos;
  throw new CliError(
    "E_USAGE",
    `expected 0, 1 or 2, found \`${text}\``,
    "1 is at least once, 2 exactly once",
  );
}

/** @throws CliError E_USAGE */
function secondsOf(text: string): number {
  const [, number, unit = "s"] = /^(\d+)([smh])?$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * SECONDS[unit]!;
  throw new CliError("E_USAGE", `expected a time, found \`${text}\``, "as 90s, 30m or 2h");
}
