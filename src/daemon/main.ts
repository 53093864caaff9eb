/**
 * csnd, the daemon: the one composer of all parts. Nobody imports it.
 *
 * Guarantee: before it answers anybody, what was enforced is enforced: by taking over what an earlier
 * daemon left attached, or by attaching and restoring stored labels. Ending it, by SIGKILL too, leaves
 * enforcement on; only `csn down` takes it off.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { Compartment } from "./compartment.ts";
import { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { failureOf } from "./failure.ts";
import { Monitor } from "../kernel/index.ts";
import { Runs } from "./runs.ts";
import { createServer } from "./server.ts";

const { values } = parseArgs({
  options: {
    machine: { type: "boolean", default: false },
    listen: { type: "string" },
    "token-file": { type: "string" },
    socket: { type: "string", default: "/run/csn/csnd.sock" },
    home: { type: "string", default: process.env.CSN_HOME ?? "/var/lib/csn" },
  },
});

const log = pino({ name: "csnd" });

try {
  await main();
} catch (error) {
  const { error: failure } = failureOf(error).body;
  log.fatal({ code: failure.code, hint: failure.hint }, failure.message);
  process.exit(1);
}

async function main(): Promise<void> {
  const socket = values.socket;
  mkdirSync(dirname(socket), { recursive: true, mode: 0o755 });
  if (await answers(socket)) {
    throw new CsnError(
      "E_SECOND_DAEMON",
      `expected no daemon at \`${socket}\`, found one that answers`,
      "`csn status` asks it",
      409,
    );
  }
  rmSync(socket, { force: true }); // nobody listens: left behind by a daemon that was killed

  const csn = new Csn(values.home, values.machine ? (process.env.CSN_MACHINE ?? "machine") : null);
  if (Monitor.isAttached()) Compartment.endAll(); // an earlier daemon may have ended in the middle of a change
  csn.begin();
  await csn.bus.start();
  const runs = new Runs(csn);
  const token = values["token-file"] === undefined ? null : readFileSync(values["token-file"], "utf8").trim();
  const local = createServer({ csn, runs, token: null });
  await local.listen({ path: socket });
  chmodSync(socket, 0o666); // who calls is known by the kernel's word
  const servers = [local];
  if (values.listen !== undefined) {
    const at = values.listen.lastIndexOf(":");
    const remote = createServer({ csn, runs, token });
    await remote.listen({ host: values.listen.slice(0, at), port: Number(values.listen.slice(at + 1)) });
    servers.push(remote);
  }
  log.info({ attached: csn.monitor !== null, labels: csn.store.labelCount() }, "ready");

  const stop = async () => {
    runs.close();
    await Promise.race([
      Promise.all([csn.bus.stop(), ...servers.map((server) => server.close())]),
      new Promise((r) => setTimeout(r, 2000)),
    ]);
    csn.close();
    process.exit(0);
  };
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => void stop());
  process.on("uncaughtException", (error) => log.error({ stack: error.stack }, error.message));
}

/** Does somebody listen there? */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
