/**
 * csn bus: messages between programs, devices and people, under the same rules as files. [MSG-1..3]
 *
 * Messages go over the bus itself, by MQTT or HTTP; here it is set up, its clients are made known, and who runs it steers it
 * (bus-control.ts).
 */
import { isAbsolute, resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import type { Command } from "commander";
import type { BusClient, BusListening, BusStatus, BusUp } from "../../api/index.ts";
import { addTags } from "../arguments.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { safe, shortContext, table } from "../text.ts";
import { makeUi, type Ui } from "../ui.ts";
import { registerControl } from "./bus-control.ts";

type UpOptions = { tcp?: Address[]; tls?: Address[]; websocket?: Address[]; http?: Address[]; cert?: string; key?: string; ca?: string; jwtKey?: string; jwtAlgorithm: string; jwtIssuer?: string; jwtAudience: string; anonymous?: true; json?: true }; // prettier-ignore
const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"] as const;
type Address = { host: string; port: number };
type ClientOptions = { secrecy?: string[]; integrity?: string[]; certificate?: true; token?: true; jwt?: true; passwordStdin?: true; principal?: string; json?: true }; // prettier-ignore

export function registerBus(program: Command): void {
  const bus = program
    .command("bus")
    .description("messages between programs, devices and people, with their labels");
  example(bus, "$ csn bus up --tcp 127.0.0.1:1883", "$ csn bus status");

  const up = bus
    .command("up")
    .description("run the bus from now on; programs under a label find it at $CSN_BUS")
    .option("--tcp <host:port>", "MQTT for clients from elsewhere, in the open", addAddress)
    .option("--tls <host:port>", "MQTT over TLS, with --cert and --key", addAddress)
    .option("--websocket <host:port>", "MQTT over WebSocket", addAddress)
    .option("--http <host:port>", "CloudEvents in, Server-Sent Events out", addAddress)
    .option("--cert <file>", "PEM; where the daemon sees it. WebSocket and HTTP are over TLS then, too")
    .option("--key <file>", "PEM")
    .option("--ca <file>", "PEM: who signs clients' certificates")
    .option(
      "--jwt-key <file>",
      "PEM of the public key that signs JSON Web Tokens; they are given as password",
    )
    .option("--jwt-algorithm <name>", "RS256, PS256, ES256 or EdDSA", "ES256")
    .option("--jwt-issuer <text>", "who must have issued them")
    .option("--jwt-audience <text>", "for whom they must be", "csn")
    .option("--anonymous", "clients need not say who they are; they are unlabelled")
    .option(...JSON_OPTION)
    .action(async (options: UpOptions) => {
      const ui = makeUi(options);
      const body = {
        listen: listenings(options),
        anonymous: options.anonymous === true,
        ...webTokens(options),
      };
      show(await (await connect("start", ui)).call("busUp", { body }), ui);
    });
  example(
    up,
    "$ csn bus up",
    "$ csn bus up --tls 0.0.0.0:8883 --cert bus.pem --key bus.key --ca devices.pem",
  );

  example(
    bus
      .command("down")
      .description("end the bus; what waits for clients, and what is retained, stays")
      .option(...JSON_OPTION)
      .action(async (options: { json?: true }) => {
        const ui = makeUi(options);
        show(await (await connect("look", ui)).call("busDown"), ui);
      }),
    "$ csn bus down",
  );

  example(
    bus
      .command("status")
      .description("where it listens, and for root how much there is")
      .option(...JSON_OPTION)
      .action(async (options: { json?: true }) => {
        const ui = makeUi(options);
        show(await (await connect("look", ui)).call("bus"), ui);
      }),
    "$ csn bus status",
  );

  example(
    bus
      .command("metrics")
      .description("the bus's counts as text for Prometheus; root's alone")
      .action(async () => {
        for await (const piece of (await connect("look", makeUi({}))).pieces("busMetrics"))
          process.stdout.write(piece);
      }),
    "$ csn bus metrics",
    "$ curl --unix-socket /run/csn/csnd.sock http://csn/v1/bus/metrics",
  );
  registerClients(bus);
  registerGates(bus);
  registerControl(bus);
}

function registerClients(bus: Command): void {
  const client = bus.command("client").description("who may connect from elsewhere, and with which context");
  example(
    client,
    "$ csn bus client set ward/sensor --secrecy ward/patient --password-stdin < password",
    "$ csn bus client list",
  );

  const set = client
    .command("set")
    .description("make a client known; it holds from its next message on")
    .argument("<name>", "your own, or below it: `alice/phone`; of a certificate, its common name")
    .option("--secrecy <tags>", "what it is trusted with; separated by commas", addTags)
    .option(
      "--integrity <tags>",
      "what you vouch for of what it sends, and it demands of what it gets",
      addTags,
    )
    .option("--password-stdin", "it gives its name and this password, one line")
    .option("--certificate", "it shows a certificate that an authority of `csn bus up --ca` signed")
    .option("--token", "it gives a token of the principal of its name as password (`csn token create`)")
    .option(
      "--jwt",
      "it gives a JSON Web Token as password, whose `sub` is its name (`csn bus up --jwt-key`)",
    )
    .option("--principal <name>", "whose privileges it may use to publish in other contexts; default: none")
    .option(...JSON_OPTION)
    .action(async (name: string, options: ClientOptions) => {
      const ui = makeUi(options);
      const { secrecy = [], integrity = [], principal } = options;
      const proved = await proofOf(options);
      const body = {
        name,
        context: { secrecy, integrity },
        ...proved,
        ...(principal === undefined ? {} : { principal }),
      };
      const answer = await (await connect("start", ui)).call("setBusClient", { body });
      if (ui.json) return ui.answer(answer);
      ui.print(`${safe(answer.name)}: ${shortContext(answer.context)}, by ${answer.proof}`);
    });
  example(
    set,
    "$ csn bus client set ward/sensor --secrecy ward/patient --password-stdin < password",
    "$ csn bus client set ward/gateway --secrecy ward/patient --certificate",
  );

  const remove = client
    .command("remove")
    .alias("rm")
    .description("forget a client: it sends and gets nothing any more")
    .argument("<name>", "as `csn bus client list` shows it")
    .option(...JSON_OPTION)
    .action(async (name: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const answer = await (await connect("look", ui)).call("removeBusClient", { body: { name } });
      if (ui.json) return ui.answer(answer);
      ui.print(`${safe(answer.name)}: removed`);
    });
  example(remove, "$ csn bus client remove ward/sensor");

  const list = client
    .command("list")
    .alias("ls")
    .description("those that are yours; for root, all")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const clients = await (await connect("look", ui)).call("busClients");
      if (ui.json) return ui.answer(clients);
      ui.print(...table([["CLIENT", "CONTEXT", "BY", "PRIVILEGES OF"], ...clients.map(rowOf)]));
    });
  example(list, "$ csn bus client list");
}

function registerGates(bus: Command): void {
  const gate = bus
    .command("gate")
    .description("gates between topics: each gets messages in one context and publishes in another");
  example(
    gate,
    "$ csn bus gate set plant/validate --from plant/1/request --to plant/1/command",
    "$ csn bus gate list",
  );

  const set = gate
    .command("set")
    .description("let a gate get the messages of some topics, a line each, and publish what it lets through")
    .argument("<gate>", "as `csn gate list` shows it")
    .requiredOption("--from <filter>", "topics, as in MQTT")
    .requiredOption("--to <topic>", "where what it lets through goes")
    .option(...JSON_OPTION)
    .action(async (name: string, options: { from: string; to: string; json?: true }) => {
      const ui = makeUi(options);
      const body = { gate: name, from: options.from, to: options.to };
      const answer = await (await connect("look", ui)).call("setBusGate", { body });
      if (ui.json) return ui.answer(answer);
      ui.print(`${safe(answer.from)} -> ${safe(answer.gate)} -> ${safe(answer.to)}`);
      if (answer.why !== "") ui.note(`it does not run: ${safe(answer.why)}`);
    });
  example(set, "$ csn bus gate set plant/validate --from plant/1/request --to plant/1/command");

  const remove = gate
    .command("remove")
    .alias("rm")
    .description("take a gate off the bus")
    .argument("<gate>", "as `csn bus gate list` shows it")
    .option(...JSON_OPTION)
    .action(async (name: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const answer = await (await connect("look", ui)).call("removeBusGate", { body: { gate: name } });
      if (ui.json) return ui.answer(answer);
      ui.print(`${safe(answer.gate)}: off the bus`);
    });
  example(remove, "$ csn bus gate remove plant/validate");

  const list = gate
    .command("list")
    .alias("ls")
    .description("the gates on the bus, and why one does not run")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const gates = await (await connect("look", ui)).call("busGates");
      if (ui.json) return ui.answer(gates);
      const rows = gates.map((one) => [
        safe(one.gate),
        safe(one.from),
        safe(one.to),
        one.running ? "runs" : safe(one.why),
      ]);
      ui.print(...table([["GATE", "FROM", "TO", "STATE"], ...rows]));
    });
  example(list, "$ csn bus gate list");
}

function rowOf({ name, context, proof, principal }: BusClient): string[] {
  return [safe(name), shortContext(context), proof, safe(principal ?? "")];
}

function show(status: BusStatus, ui: Ui): void {
  if (ui.json) return ui.answer(status);
  ui.print(
    status.up ? "the bus is up" : `the bus is not up${status.why === "" ? "" : `: ${safe(status.why)}`}`,
  );
  for (const { transport, host, port, tls } of status.listening)
    ui.print(
      `  ${transport}${tls !== undefined && transport !== "tls" ? " over TLS" : ""} ${safe(host)}:${port}`,
    );
  if (status.socket !== null)
    ui.print(
      `  unlabelled programs of this host: ${safe(status.socket)}`,
      "  labelled ones: $CSN_BUS in each",
    );
  if (status.up && status.anonymous) ui.print("  anonymous clients may connect, as unlabelled ones");
  for (const [name, count] of Object.entries(status.counts ?? {})) ui.print(`  ${name}: ${count}`);
  for (const problem of status.types) ui.note(`message type ${safe(problem)}`);
}

/** @throws CliError E_USAGE */
function listenings({
  tcp = [],
  tls = [],
  websocket = [],
  http = [],
  cert,
  key,
  ca,
}: UpOptions): BusListening[] {
  if ((cert === undefined) !== (key === undefined) || (tls.length > 0 && cert === undefined))
    throw new CliError(
      "E_USAGE",
      "expected a certificate and its key for TLS, found one of them or none",
      "`--cert FILE --key FILE`",
    );
  const path = (text: string) => (isAbsolute(text) ? text : resolve(text));
  const secured = cert === undefined || key === undefined ? {} : { tls: { cert: path(cert), key: path(key), ...(ca === undefined ? {} : { ca: path(ca) }) } }; // prettier-ignore
  return [
    ...tcp.map((at) => ({ transport: "tcp" as const, ...at })),
    ...tls.map((at) => ({ transport: "tls" as const, ...at, ...secured })),
    ...websocket.map((at) => ({ transport: "websocket" as const, ...at, ...secured })),
    ...http.map((at) => ({ transport: "http" as const, ...at, ...secured })),
  ];
}

/** @throws CliError E_USAGE */
function webTokens({ jwtKey, jwtAlgorithm, jwtIssuer, jwtAudience }: UpOptions): Pick<BusUp, "jwt"> {
  if (jwtKey === undefined && jwtIssuer === undefined) return {};
  const algorithm = ALGORITHMS.find((one) => one === jwtAlgorithm);
  if (jwtKey === undefined || jwtIssuer === undefined || algorithm === undefined)
    throw new CliError("E_USAGE", "expected a key, an algorithm and an issuer for web tokens, found not all of them", "`--jwt-key FILE --jwt-issuer https://login.example`"); // prettier-ignore
  return { jwt: { key: resolve(jwtKey), algorithm, issuer: jwtIssuer, audience: jwtAudience } };
}

/** @throws CliError E_USAGE */
function addAddress(text: string, before: Address[] = []): Address[] {
  const [, v6, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name;
  if (host !== undefined && Number(port) <= 65535) return [...before, { host, port: Number(port) }];
  throw new CliError(
    "E_USAGE",
    `expected HOST:PORT, found \`${text}\``,
    "as `127.0.0.1:1883` or `[::1]:1883`; port 0 is any that is free",
  );
}

/** @throws CliError E_USAGE */
async function proofOf({
  passwordStdin,
  certificate,
  token,
  jwt,
}: ClientOptions): Promise<{ proof: BusClient["proof"]; password?: string }> {
  const ways = [passwordStdin, certificate, token, jwt].filter((way) => way === true).length;
  if (ways !== 1)
    throw new CliError(
      "E_USAGE",
      `expected one way for it to prove its name, found ${ways}`,
      "`--password-stdin`, `--certificate`, `--token` or `--jwt`",
    );
  if (certificate) return { proof: "certificate" };
  if (token) return { proof: "token" };
  if (jwt) return { proof: "jwt" };
  const [line = ""] = (await readAll(process.stdin)).split("\n");
  return { proof: "password", password: line };
}
