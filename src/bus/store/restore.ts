/**
 * Brings back what the store has: once, before the first client.
 *
 * Guarantee: nothing is delivered by it. Who comes back is judged anew, for each message that waited [MSG-3]; until then
 * a session's context is unknown and it gets nothing. A will is published as who policy says its client is then, and not
 * at all if it is nobody; of a program of this host, which is gone, with what it was known to be and without privileges.
 */
import type { Context } from "../../label/index.ts";
import type { Bus } from "../bus.ts";
import type { SubscribeOptions } from "../core/channel.ts";
import type { Message } from "../core/message.ts";
import type { StandingText } from "../core/standing.ts";
import { BusError } from "../error.ts";
import type { Version } from "../mqtt/codec/read.ts";
import type { KeptSession, KeptWill, Outgoing } from "../mqtt/keeper.ts";
import type { Sessions } from "../mqtt/sessions.ts";
import type { Classifier, Party, QoS } from "../types.ts";
import { messageFrom, willFrom } from "./rows.ts";
import type { Row } from "./rows.ts";
import type { BusStore } from "./store.ts";

/** Who a principal is now, for those who are not programs of this host; null: nobody. */
export type WhoIs = (principal: string) => Pick<Party, "context" | "mayPublishAs"> | null;

/**
 * @param whoIs without it, all are what they were known to be, and have no privileges
 * @throws BusError E_BUS_STORE when the store is damaged: then the bus must not start
 */
export function restore(
  store: BusStore,
  bus: Bus,
  sessions: Sessions,
  classifier: Classifier,
  whoIs?: WhoIs,
): void {
  try {
    const standing = store.rows("SELECT value FROM setting WHERE name = 'standing'")[0]?.["value"];
    if (typeof standing === "string") bus.standing.read(JSON.parse(standing) as StandingText);
    const messages = messagesOf(store, bus, classifier);
    for (const { message } of store.rows("SELECT message FROM retained ORDER BY message")) {
      const found = messages.get(message as number);
      if (found !== undefined) bus.retained.put(found, false);
    }
    for (const row of store.rows("SELECT * FROM session ORDER BY key"))
      restoreSession(row, store, sessions, messages);
    for (const row of store.rows("SELECT * FROM will ORDER BY session")) {
      const kept = willFrom(row);
      sessions.restoreWill(kept, clientOf(kept, whoIs));
    }
  } catch (error) {
    if (error instanceof BusError) throw error;
    throw new BusError("E_BUS_STORE", `the bus's state is damaged: ${String(error)}`, "restore it from a backup", error); // prettier-ignore
  }
  bus.keepIn(store);
}

function messagesOf(store: BusStore, bus: Bus, classifier: Classifier): Map<number, Message> {
  const messages = new Map<number, Message>();
  for (const row of store.rows("SELECT * FROM message ORDER BY number")) {
    const number = row["number"] as number;
    bus.continueAfter(number);
    const made = messageFrom(row, classifier);
    if (typeof made !== "string") messages.set(number, made);
    else bus.events.write("withhold", { message: number, topic: row["topic"] as string, reason: made });
  }
  return messages;
}

function restoreSession(
  row: Row,
  store: BusStore,
  sessions: Sessions,
  messages: ReadonlyMap<number, Message>,
): void {
  const kept: KeptSession = {
    key: row["key"] as string,
    principal: row["principal"] as string,
    clientId: row["client"] as string,
    version: row["version"] as Version,
    expiry: row["expiry"] as number,
    endsAt: row["ends"] as number | null,
  };
  const of = (table: string, order: string): Row[] =>
    store.rows(`SELECT * FROM ${table} WHERE session = ? ORDER BY ${order}`, kept.key);
  const subscriptions = of("subscription", "filter").map(
    ({ filter, options }) => [filter as string, JSON.parse(options as string) as SubscribeOptions] as const,
  );
  const outgoing = of("outgoing", "place").flatMap((one) => {
    const message = messages.get(one["message"] as number);
    return message === undefined ? [] : [outgoingFrom(one, message)];
  });
  const received = of("received", "id").map(({ id }) => id as number);
  sessions.restore(kept, unknownParty(kept), subscriptions, outgoing, received);
}

function outgoingFrom(row: Row, message: Message): Outgoing {
  return {
    place: row["place"] as number,
    message,
    qos: row["qos"] as QoS,
    retain: row["retain"] === 1,
    identifiers: JSON.parse(row["identifiers"] as string) as number[],
    group: row["share"] as string | null,
    id: row["id"] as number,
    isReleased: row["released"] === 1,
  };
}

/** Who publishes a will whose client is gone. */
function clientOf({ key, known, isLocal }: KeptWill, whoIs: WhoIs | undefined): Party {
  const end = key.indexOf("\n");
  const principal = key.slice(0, end);
  const names = { principal, name: `${principal}:${key.slice(end + 1)}` };
  if (isLocal || whoIs === undefined) return { ...names, context: () => known, mayPublishAs: () => false };
  const context = (): Context => {
    const who = whoIs(principal);
    if (who === null) throw new Error("nobody that is known any more");
    return who.context();
  };
  return { ...names, context, mayPublishAs: (wanted) => whoIs(principal)?.mayPublishAs(wanted) ?? false };
}

/** Whoever it was; who it is, is found out when it comes back. */
function unknownParty({ principal, clientId }: KeptSession): Party {
  const context = (): never => {
    throw new Error("not connected");
  };
  return { principal, name: `${principal}:${clientId}`, context, mayPublishAs: () => false };
}
