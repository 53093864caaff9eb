/**
 * What bench/bus.ts measures beside other brokers, each a program of its own until it is killed: our bus in three modes, and the floor
 * under any broker in Node.js, a relay that copies what one connection sends to all others and reads none of it.
 *
 * "contexts": publisher and receivers have contexts of their own, of four tags and five, so that each delivery is a check of two
 * different ones. "attributes": a JSON payload of two attributes, one of which the receivers may not have.
 * Not covered: persistence. The recorder counts and writes nothing.
 *
 * Usage: sh tools/node.sh bench/bus-serve.ts MODE PORT
 */
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { Bus, identityOf, MqttServer } from "../src/bus/index.ts";
import { classifierOf } from "../src/bus/message/classifier.ts";
import { compileType } from "../src/bus/message/type.ts";
import { contextOf, integrityOf, parseTagId, secrecyOf, UNLABELLED } from "../src/label/index.ts";
import type { Context } from "../src/label/index.ts";
import { PUBLISHER, TOPIC } from "./bus-load.ts";

const tag = (digit: string) => parseTagId(digit.repeat(32));
const shared = ["0", "1", "2", "3"].map(tag);
const published = contextOf(secrecyOf(shared), integrityOf([]));
const secret = contextOf(secrecyOf([...shared, tag("f")]), integrityOf([]));

const [mode = "", port = ""] = process.argv.slice(2);
if (mode === "relay") relay(Number(port));
else await serve(mode, Number(port));

async function serve(how: string, at: number): Promise<void> {
  const type = compileType({
    name: "bench",
    topic: TOPIC,
    format: "json",
    schema: null,
    context: null,
    attributes: [{ path: "secret", context: secret }],
    withheld: "remove",
  });
  let recorded = 0;
  const bus = new Bus({
    classifier: how === "attributes" ? classifierOf([{ type, context: null }]) : { typeOf: () => null },
    recorder: { record: () => void recorded++ },
    // As for the others: the load is bounded, nobody is to be slowed down or lose anything.
    limits: { rate: 1e9, unsentBytes: 1 << 24, queuedMessages: 1e5, queuedBytes: 1 << 28 },
  });
  const authenticator = {
    authenticate: async ({ clientId }: { readonly clientId: string }) =>
      identityOf("bench", how === "unlabelled" ? UNLABELLED : contextFor(clientId), [secret]),
  };
  const server = new MqttServer({ bus, authenticator, version: "bench" });
  await server.listen({ transport: "tcp", host: "127.0.0.1", port: at });
}

/** Each receiver has a tag of its own. */
function contextFor(clientId: string): Context {
  if (clientId === PUBLISHER) return published;
  return contextOf(secrecyOf([...shared, tag(String.fromCharCode(97 + (Number(clientId.slice(-1)) % 5)))]), integrityOf([])); // prettier-ignore
}

/** Answers CONNECT and SUBSCRIBE, and from then on copies. */
function relay(at: number): void {
  const receivers = new Set<Socket>();
  createServer((socket) => {
    let isMet = false;
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => receivers.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      if (!isMet) socket.write(Buffer.from([0x20, 2, 0, 0]));
      else if ((chunk[0] as number) === 0x82) {
        socket.write(Buffer.from([0x90, 3, 0, 1, 0]));
        receivers.add(socket);
      } else for (const receiver of receivers) receiver.write(chunk);
      isMet = true;
    });
  }).listen(at, "127.0.0.1");
}
