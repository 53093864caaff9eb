/**
 * Where clients connect and how they prove who they are: TCP, TLS with certificates, WebSocket, unix socket; tokens and
 * passwords; and mosquitto's own command-line clients where they are installed.
 */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { generateKeyPair, SignJWT } from "jose";
import { connect, MqttClient } from "mqtt";
import type { IClientOptions } from "mqtt";
import { UNLABELLED } from "../../label/index.ts";
import { contextFromText } from "../../label/testing.ts";
import { ANONYMOUS, Bus, certificates, digestOf, firstOf, identityOf, MqttServer, passwords, tokens } from "../index.ts"; // prettier-ignore
import { Remembering, UNTYPED } from "../testing.ts";
import { Client } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "csn-bus-"));
const { publicKey, privateKey } = await generateKeyPair("EdDSA");
const stranger = await generateKeyPair("EdDSA");
const secret = contextFromText({ secrecy: ["x"], integrity: [] });
const lookup = (name: string) => (name === "dev" ? identityOf("dev", secret) : null);
let ahead = 0;
const now = (): number => Date.now() + ahead;
const bus = new Bus({ classifier: UNTYPED, recorder: new Remembering(), now });
const password = new Map([["dev", await digestOf(Buffer.from("right"))]]);
const audience = { key: publicKey, algorithms: ["EdDSA"], audience: "bus", issuer: "us" };
const all = [certificates(lookup), tokens(audience, lookup, now), passwords(password, lookup), ANONYMOUS];
const server = new MqttServer({ bus, authenticator: firstOf(all), version: "test" });
const clients: MqttClient[] = [];
after(async () => {
  for (const client of clients) client.end(true);
  await server.close();
  rmSync(folder, { recursive: true });
});

const openssl = (...args: string[]) => spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
const hasOpenssl = openssl("version").status === 0;
if (hasOpenssl) {
  const make = (name: string, signer: string | null) => {
    const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
    const by = signer === null ? [] : ["-CA", `${signer}.pem`, "-CAkey", `${signer}.key`];
    const made = openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-keyout", `${name}.key`, "-out", `${name}.pem`, ...subject, ...by); // prettier-ignore
    assert.equal(made.status, 0, made.stderr);
  };
  make("authority", null);
  make("other", null);
  make("server", "authority");
  make("dev", "authority");
  make("unknown", "authority");
  openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "forged.key", "-out", "forged.pem", "-subj", "/CN=dev", "-CA", "other.pem", "-CAkey", "other.key"); // prettier-ignore
}
const file = (name: string) => readFileSync(join(folder, name));

async function opened(client: MqttClient): Promise<Client> {
  clients.push(client);
  const made = new Client(client);
  await new Promise((done, fail) => {
    client.once("connect", done);
    client.once("error", fail);
    client.once("close", () => fail(new Error("closed")));
  });
  return made;
}

const settings: IClientOptions = { reconnectPeriod: 0, protocolVersion: 5 };
const tcp = await server.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
const at = (options: IClientOptions) => opened(connect(`mqtt://127.0.0.1:${tcp.port}`, { ...settings, ...options })); // prettier-ignore

/** Whether this client sees what is secret. */
async function isCleared(client: Client): Promise<boolean> {
  await client.mqtt.subscribeAsync("who", { qos: 1 });
  const before = client.got.length;
  const publisher = { principal: "p", name: "p", context: () => secret, mayPublishAs: () => false };
  bus.publish(publisher, { topic: "who", payload: Buffer.from("1"), qos: 1 });
  server.turn.end();
  await client.settled();
  await client.leave();
  return client.got.length > before;
}

test("TCP: anonymous is unlabelled; a password, a token", async () => {
  assert.equal(await isCleared(await at({})), false);
  assert.equal(await isCleared(await at({ username: "dev", password: "right" })), true);
  for (const [username, given] of [
    ["dev", "wrong"],
    ["dev", ""],
    ["nobody", "right"],
    ["dev", "right "],
  ] as const)
    // prettier-ignore
    await assert.rejects(at({ username, password: given }), { code: 0x87 });
});

const token = (change: (made: SignJWT) => SignJWT = (made) => made, key = privateKey) =>
  change(
    new SignJWT({ sub: "dev", aud: "bus", iss: "us", exp: Math.floor(now() / 1000) + 60 }).setProtectedHeader({ alg: "EdDSA" }), // prettier-ignore
  ).sign(key);

test("a token counts with our signature, for this audience, in its time; the connection ends with it", async () => {
  const good = { username: "t", password: await token() };
  assert.equal(await isCleared(await at(good)), true);
  const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${good.password.split(".")[1]}.`;
  const wrong = [
    await token((made) => made, stranger.privateKey),
    await token((made) => made.setAudience("else")),
    await token((made) => made.setIssuer("else")),
    await token((made) => made.setExpirationTime(Math.floor(now() / 1000) - 31)),
    await token((made) => made.setNotBefore(Math.floor(now() / 1000) + 100)),
    await token((made) => made.setSubject("nobody")),
    await new SignJWT({ sub: "dev", aud: "bus", iss: "us" }).setProtectedHeader({ alg: "EdDSA" }).sign(privateKey),
    unsigned,
    good.password.slice(0, -2),
  ]; // prettier-ignore
  for (const one of wrong) await assert.rejects(at({ username: "t", password: one }), { code: 0x87 }, one);
  const client = await at({ ...good, keepalive: 0 });
  const told = new Promise((done) => client.mqtt.on("disconnect", ({ reasonCode }) => done(reasonCode)));
  ahead += 100_000;
  server.tick();
  assert.equal(await told, 0x87);
});

test("unix socket, WebSocket", async () => {
  const path = join(folder, "bus.sock");
  await server.listen({ transport: "unix", path });
  const options = { ...settings, username: "dev", password: "right" };
  assert.equal(await isCleared(await opened(new MqttClient(() => connectSocket(path), options))), true);
  await assert.rejects(opened(new MqttClient(() => connectSocket(path), settings)), { code: 0x87 });
  const web = await server.listen({ transport: "websocket", host: "127.0.0.1", port: 0 });
  assert.equal(await isCleared(await opened(connect(`ws://127.0.0.1:${web.port}`, options))), true);
  await assert.rejects(opened(connect(`ws://127.0.0.1:${web.port}`, { ...settings, username: "dev", password: "wrong" })), { code: 0x87 }); // prettier-ignore
  const plain = await fetch(`http://127.0.0.1:${web.port}`);
  assert.equal(plain.status, 426);
  const text = new WebSocket(`ws://127.0.0.1:${web.port}`, "mqtt");
  await once(text, "open");
  const closed = once(text, "close");
  text.send("no binary frame");
  await closed;
  const without = new WebSocket(`ws://127.0.0.1:${web.port}`);
  await once(without, "close");
});

test("E_BUS_LISTEN: an address that is taken", async () => {
  for (const transport of ["tcp", "websocket"] as const)
    await assert.rejects(server.listen({ transport, host: "127.0.0.1", port: tcp.port }), { code: "E_BUS_LISTEN" }); // prettier-ignore
});

test(
  "TLS: a certificate of our authority is its name, another's is nobody",
  { skip: hasOpenssl ? false : "no openssl on the PATH" },
  async () => {
    const tls = { key: file("server.key"), cert: file("server.pem"), ca: file("authority.pem"), requestCert: true, rejectUnauthorized: false }; // prettier-ignore
    const { port } = await server.listen({ transport: "tls", host: "127.0.0.1", port: 0, tls });
    const over = (name: string | null, more: IClientOptions = {}) =>
      opened(
        connect(`mqtts://127.0.0.1:${port}`, {
          ...settings,
          ca: file("authority.pem"),
          ...(name === null ? {} : { key: file(`${name}.key`), cert: file(`${name}.pem`) }),
          ...more,
        }),
      );
    assert.equal(await isCleared(await over("dev")), true);
    assert.equal(await isCleared(await over("dev", { username: "root" })), true, "what it says of itself is nothing"); // prettier-ignore
    assert.equal(await isCleared(await over(null, { username: "dev", password: "right" })), true);
    // Certificates that prove nothing are as good as none: unlabelled.
    for (const name of ["forged", "unknown"]) assert.equal(await isCleared(await over(name)), false, name);
  },
);

const hasMosquitto = spawnSync("mosquitto_pub", ["--help"]).error === undefined;
test(
  "mosquitto's clients, 3.1.1 and 5, QoS 0 to 2",
  { skip: hasMosquitto ? false : "no mosquitto_pub on the PATH" },
  async () => {
    const where = ["-h", "127.0.0.1", "-p", String(tcp.port)];
    const dev = ["-u", "dev", "-P", "right"];
    for (const version of ["mqttv311", "mqttv5"])
      for (const qos of ["0", "1", "2"]) {
        const topic = `mosquitto/${version}/${qos}`;
        const call = ["-V", version, "-q", qos, "-t", topic];
        const read = (...who: string[]) => run("mosquitto_sub", [...where, ...who, ...call, "-C", "1"]);
        await run("mosquitto_pub", [...where, ...call, "-r", "-m", "open"]);
        await run("mosquitto_pub", [...where, ...dev, ...call, "-r", "-m", "secret"]);
        assert.deepEqual([await read(), await read(...dev)], ["open\n", "secret\n"]);
        // Taking away what is secret leaves what others wrote in the open.
        await run("mosquitto_pub", [...where, ...dev, ...call, "-r", "-n"]);
        assert.deepEqual([await read(), await read(...dev)], ["open\n", "open\n"]);
      }
  },
);

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    execFile(command, [...args], (error, stdout, stderr) =>
      error === null ? done(stdout) : fail(new Error(`${command} ${args.join(" ")}: ${stderr}`)),
    );
  });
}

test("anonymous is nobody on a unix socket, and with a name", async () => {
  assert.deepEqual((await at({ username: "dev", password: "right" })).mqtt.connected, true);
  await assert.rejects(at({ username: "somebody" }), { code: 0x87 });
  assert.equal(identityOf("a", UNLABELLED).mayPublishAs(secret), false);
});
