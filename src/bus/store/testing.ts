/**
 * For the crash test: a bus as a process of its own, on a unix socket, with a store. Not part of the product.
 *
 * Usage: testing.ts SOCKET STORE '{"NAME": "S=…;I=…", …}'; says `ready` on its output, and runs until it is killed.
 */
import { rmSync } from "node:fs";
import { parseContextKey } from "../../label/index.ts";
import { Bus, BusStore, identityOf, MqttServer, restore } from "../index.ts";
import { UNTYPED } from "../testing.ts";

/** Contexts of user names, in their canonical text. */
export type People = Readonly<Record<string, string>>;

if (import.meta.main) {
  const [path, file, people] = process.argv.slice(2) as [string, string, string];
  const contexts = new Map(Object.entries(JSON.parse(people) as People));
  const store = new BusStore(file);
  const bus = new Bus({ classifier: UNTYPED, recorder: { record() {} }, mayControl: () => true });
  const whoIs = (name: string) => {
    const context = contexts.get(name);
    return context === undefined ? null : identityOf(name, parseContextKey(context));
  };
  const authenticator = {
    authenticate: async ({ username }: { readonly username: string | null }) => whoIs(username ?? ""),
  };
  const server = new MqttServer({ bus, authenticator, keeper: store, version: "test" });
  restore(store, bus, server.sessions, UNTYPED, whoIs);
  rmSync(path, { force: true });
  await server.listen({ transport: "unix", path });
  process.stdout.write("ready\n");
}
