/**
 * Our bus in the place of the program `mosquitto`, for the tests that its authors wrote: the same arguments, and of its
 * configuration what the bus has an answer to.
 *
 * Guarantee: an option that the bus has nothing for ends the program with code 64 and the option's name; none is passed
 * over. Limits are mosquitto's where a test counts on them.
 * Usage: broker.ts [-v] [-c FILE] [-p PORT]
 */
import { createHash, pbkdf2Sync } from "node:crypto";
import { closeSync, existsSync, readFileSync } from "node:fs";
import type { TlsOptions } from "node:tls";
import { parseArgs } from "node:util";
import {
  Bus,
  BusStore,
  certificates,
  firstOf,
  identityOf,
  MqttServer,
  restore,
} from "../../src/bus/index.ts";
import type { Authenticator, Identity, Limits, Listening } from "../../src/bus/index.ts";
import { UNLABELLED } from "../../src/label/index.ts";

const UNSUPPORTED = 64;
/** What mosquitto does when nothing is said. */
const MOSQUITTO: Partial<Limits> = { inflight: 20, topicAliases: 10, topicBytes: 65_535, topicLevels: 201, keepAliveSeconds: 65_535, sessionSeconds: 0xffffffff }; // prettier-ignore
const LIMITS: Readonly<Record<string, keyof Limits>> = {
  max_inflight_messages: "inflight",
  max_queued_messages: "queuedMessages",
  max_packet_size: "packetBytes",
  max_keepalive: "keepAliveSeconds",
};
const OF_LISTENERS = new Set(["cafile", "certfile", "keyfile", "require_certificate", "use_identity_as_username", "crlfile"]); // prettier-ignore
const GENERAL = new Set(["allow_anonymous", "password_file", "persistence", "persistence_file", ...Object.keys(LIMITS)]); // prettier-ignore
/** What changes nothing that a client could notice, or is what the bus does anyway. */
const NOTHING: Readonly<Record<string, RegExp>> = {
  log_type: /^/,
  per_listener_settings: /^false$/,
  retain_available: /^true$/,
  allow_zero_length_clientid: /^true$/,
  max_connections: /^-1$/,
};

/** A listener as it is being read: what follows `listener` in the file is about it. */
interface Asked {
  readonly port: number;
  readonly settings: Map<string, string>;
}

const { values } = parseArgs({
  options: {
    verbose: { type: "boolean", short: "v" },
    config: { type: "string", short: "c" },
    port: { type: "string", short: "p" },
  },
});
const general = new Map<string, string>();
const listeners: Asked[] = [];
readConfiguration();

const limits: Partial<Limits> = { ...MOSQUITTO };
for (const [option, limit] of Object.entries(LIMITS))
  if (general.has(option)) Object.assign(limits, { [limit]: Number(general.get(option)) });
const classifier = { typeOf: () => null };
const bus = new Bus({ classifier, recorder: { record: () => undefined }, limits });
const isKept = general.get("persistence") === "true";
const store = isKept ? new BusStore(general.get("persistence_file") ?? "mosquitto.db") : null;
const server = new MqttServer({
  bus,
  authenticator: authenticator(),
  version: "in mosquitto's place",
  ...(store === null ? {} : { keeper: store }),
});
if (store !== null) restore(store, bus, server.sessions, classifier);
for (const asked of listeners) await server.listen(listening(asked));
if (process.env["CSN_READY"] !== undefined) closeSync(Number(process.env["CSN_READY"]));
process.on("SIGHUP", () => undefined);
// A test that fails may leave its broker behind.
const { ppid } = process;
setInterval(() => process.ppid !== ppid && process.exit(1), 200).unref();
process.on("SIGTERM", () => void server.close().then(() => process.exit(0)));

function readConfiguration(): void {
  const file = values.config ?? "";
  for (const line of existsSync(file) ? readFileSync(file, "utf8").split(/\r?\n/) : []) {
    const [, name, value = ""] = /^([a-z_]+)\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) continue;
    const last = listeners.at(-1);
    if (name === "listener" || name === "port") listen(Number(value.split(" ")[0]));
    else if (GENERAL.has(name)) general.set(name, value);
    else if (OF_LISTENERS.has(name) && last !== undefined) last.settings.set(name, value);
    else if (NOTHING[name]?.test(value) !== true) unsupported(`${name} ${value}`);
  }
  if (values.port !== undefined) listen(Number(values.port));
}

function listen(port: number): void {
  if (!listeners.some((one) => one.port === port)) listeners.push({ port, settings: new Map() });
}

function unsupported(what: string): never {
  console.error(`the bus has nothing for: ${what}`);
  process.exit(UNSUPPORTED);
}

function listening({ port, settings }: Asked): Listening {
  const host = "127.0.0.1";
  const file = (name: string): Buffer => readFileSync(settings.get(name) as string);
  if (!settings.has("certfile")) return { transport: "tcp", host, port };
  // OpenSSL finds the authorities between the server's and the root among those of clients; Node.js is given them.
  const chain = settings.has("cafile") ? [file("certfile"), file("cafile")] : [file("certfile")];
  const tls: TlsOptions = { cert: Buffer.concat(chain), key: file("keyfile") };
  if (settings.has("cafile")) tls.ca = file("cafile");
  if (settings.has("crlfile")) tls.crl = file("crlfile");
  if (settings.get("require_certificate") === "true") tls.requestCert = tls.rejectUnauthorized = true;
  return { transport: "tls", host, port, tls };
}

/** Certificates' names where the file asks for them, names and passwords of mosquitto's own file, and anybody. */
function authenticator(): Authenticator {
  const identityFor = (name: string): Identity => identityOf(name, UNLABELLED);
  const isByCertificate = listeners.some(({ settings }) => settings.get("use_identity_as_username") === "true"); // prettier-ignore
  if (isByCertificate) return certificates(identityFor);
  const digests = passwordFile();
  // Without a file mosquitto serves this computer's own clients, whoever they are.
  const isOpen = (general.get("allow_anonymous") ?? String(values.config === undefined)) === "true";
  const anybody: Authenticator = {
    async authenticate({ username }) {
      if (username !== null && digests !== null) return null;
      return isOpen ? identityFor(username ?? "anonymous") : null;
    },
  };
  const named: Authenticator = {
    async authenticate({ username, password }) {
      const digest = username === null ? undefined : digests?.get(username);
      return isRight(digest, password) ? identityFor(username as string) : null;
    },
  };
  return firstOf([named, anybody]);
}

/** Null: there is none. */
function passwordFile(): Map<string, string> | null {
  const file = general.get("password_file");
  if (file === undefined) return null;
  const lines = readFileSync(file, "utf8").split("\n");
  return new Map(lines.map((line) => line.split(":", 2) as [name: string, digest: string]));
}

/** `$6$SALT$DIGEST` (SHA-512) and `$7$ITERATIONS$SALT$DIGEST` (PBKDF2). */
function isRight(digest: string | undefined, password: Uint8Array | null): boolean {
  const [, kind, ...parts] = digest?.split("$") ?? [];
  const [expected = "", salt = "", iterations = "1"] = parts.toReversed();
  if (password === null) return false;
  const bytes = Buffer.from(salt, "base64");
  const made =
    kind === "7"
      ? pbkdf2Sync(password, bytes, Number(iterations), 64, "sha512")
      : createHash("sha512").update(password).update(bytes).digest();
  return made.equals(Buffer.from(expected, "base64"));
}
