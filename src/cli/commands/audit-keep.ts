/**
 * csn audit keep|witness: how the log is kept, and who outside vouches that there is only one of it.
 */
import { createServer } from "node:http";
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type AuditWitnesses } from "../../api/index.ts";
import { parseVkey, Witness } from "../../audit/index.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { count, safe } from "../text.ts";
import { makeUi, type Ui } from "../ui.ts";

/** Bytes of a request: a proof and a checkpoint with many signatures. */
const MOST_BODY = 256 * 1024;

type KeepOptions = {
  compress?: true;
  retainBefore?: string;
  reason?: string;
  copy?: string;
  export?: string;
  json?: true;
};

export function registerKeep(audit: Command): void {
  const keep = audit
    .command("keep")
    .description("compress, shorten, copy or export the log; proofs stay valid")
    .option("--compress", "closed segments take less room")
    .option("--retain-before <id>", "remove what records before that number say, and keep their hashes")
    .option("--reason <text>", "why: the log says so for ever")
    .option(
      "--copy <dir>",
      "a copy as it is now, for `csn audit verify --folder` elsewhere; the folder is made",
    )
    .option("--export <dir>", "a folder for an object store, in the layout of C2SP tlog-tiles")
    .option(...JSON_OPTION)
    .action(async (options: KeepOptions) => {
      const ui = makeUi(options);
      const answer = await (await connect("look", ui)).call("auditKeep", { body: bodyOf(options) });
      if (ui.json) return ui.answer(answer);
      if (options.compress) ui.print(`${count(answer.compressed, "segment")} compressed`);
      if (options.retainBefore !== undefined)
        ui.print(
          answer.gone === null
            ? "no whole segment lies before that record: nothing was removed"
            : `records ${answer.gone.from} to ${answer.gone.to - 1} were removed; their hashes stay`,
        );
      if (answer.copied !== null) ui.print(`${count(answer.copied.size, "record")} copied`);
      if (answer.exported !== null)
        ui.print(
          `${count(answer.exported.size, "record")} exported, ${count(answer.exported.files, "file")} written`,
        );
    });
  example(
    keep,
    "$ csn audit keep --compress",
    "$ csn audit keep --retain-before 500000 --reason 'a year has passed'",
    "$ csn audit keep --copy /srv/copy && csn audit verify --folder /srv/copy",
    "$ csn audit keep --export /srv/store",
  );
}

function bodyOf({ compress, retainBefore, reason, copy, export: target }: KeepOptions): unknown {
  if (retainBefore !== undefined && !/^#?\d+$/.test(retainBefore))
    throw new CliError(
      "E_USAGE",
      `expected a record's number, found \`${retainBefore}\``,
      "`csn log` shows the numbers: #17 is 17",
    );
  if (retainBefore !== undefined && reason === undefined)
    throw new CliError(
      "E_USAGE",
      "expected --reason with --retain-before, found none",
      "say why: whoever verifies the log will read it",
    );
  return {
    compress: compress === true,
    ...(retainBefore !== undefined && { retain: { before: Number(retainBefore.replace("#", "")), reason } }),
    ...(copy !== undefined && { copy: resolve(copy) }),
    ...(target !== undefined && { export: resolve(target) }),
  };
}

type ServeOptions = { name: string; home: string; listen?: string; socket?: string; log: string[] };

export function registerWitness(audit: Command): void {
  const witness = audit
    .command("witness")
    .description("others who cosign the log, so that two readers can't be shown two logs");
  example(witness, "$ csn audit witness list");

  const list = witness
    .command("list")
    .alias("ls")
    .description("who cosigns this log, and whether they do")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      show(ui, await (await connect("look", ui)).call("auditWitnesses"));
    });
  example(list, "$ csn audit witness list");

  const adding = witness
    .command("add")
    .description("let a witness cosign this log")
    .argument("<url>", "where it listens")
    .argument("<vkeys...>", "its keys, as it prints them when it starts")
    .option(...JSON_OPTION)
    .action(async (url: string, keys: string[], options: { json?: true }) => {
      const ui = makeUi(options);
      show(ui, await (await connect("look", ui)).call("auditAddWitness", { body: { url, keys } }));
    });
  example(adding, "$ csn audit witness add http://10.0.0.7:4711 'w.example+1a2b3c4d+BAY...'");

  const serve = witness
    .command("serve")
    .description("be a witness for other hosts' logs (C2SP tlog-witness), until it is stopped")
    .requiredOption("--name <name>", "of this witness: a host name and a path, without a scheme")
    .requiredOption("--home <dir>", "where it keeps its keys and what it saw")
    .requiredOption("--log <vkey>", "a log's key (again for more)", add)
    .option("--listen <host:port>", "on a network address; without TLS, so loopback or behind a proxy")
    .option("--socket <path>", "on a unix socket")
    .action(async (options: ServeOptions) => {
      const ui = makeUi();
      const one = new Witness(options.home, options.name, options.log.map(parseVkey));
      await listen(one, options, () => ui.print(...one.vkeys));
    });
  example(
    serve,
    "$ csn audit witness serve --name w.example/1 --home /var/lib/witness --listen 127.0.0.1:4711 --log 'host/csn/d00d+9490b4ca+AY07...'",
  );
}

function add(value: string, all?: string[]): string[] {
  return [...(all ?? []), value];
}

function show(ui: Ui, witnesses: AuditWitnesses): void {
  if (ui.json) return ui.answer(witnesses);
  for (const { url, trouble } of witnesses)
    ui.print(`${safe(url)}  ${trouble === null ? "cosigns" : ui.paint.red(safe(trouble))}`);
  if (witnesses.length === 0) ui.print("no witness");
}

/** @param ready from then on it can be asked */
function listen(
  witness: Witness,
  { listen: address, socket }: ServeOptions,
  ready: () => void,
): Promise<never> {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(address ?? "") ?? [];
  if ((host === undefined) === (socket === undefined))
    throw new CliError(
      "E_USAGE",
      "expected --listen HOST:PORT or --socket PATH, found neither or both",
      "give one of the two",
    );
  const server = createServer((request, response) => {
    if (request.method !== "POST" || !(request.url ?? "").endsWith("/add-checkpoint")) {
      response.writeHead(404).end();
      return;
    }
    const parts: Buffer[] = [];
    let length = 0;
    request.on("data", (part: Buffer) => {
      length += part.length;
      if (length > MOST_BODY) request.destroy();
      else parts.push(part);
    });
    request.on("end", () => {
      const { status, type, body } = witness.addCheckpoint(Buffer.concat(parts).toString());
      response.writeHead(status, { "content-type": type }).end(body);
    });
  });
  return new Promise((_, reject) => {
    server.on("error", reject).on("listening", ready);
    if (socket !== undefined) {
      rmSync(socket, { force: true });
      server.listen(socket);
    } else server.listen(Number(port), host);
  });
}
