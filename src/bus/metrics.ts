/**
 * The bus's counts as text for Prometheus (exposition format 0.0.4).
 *
 * Guarantee: labels are words of ours from closed lists: no topic, principal, client or tag is ever among them, whatever
 * clients say. The text is of one moment.
 * Not covered: who may see it. The counts tell of everybody's doings, what is withheld among them, and so have the context
 * (⊤, ∅) like the counts under `$SYS`: who shows them decides that only those cleared for everything see them.
 */
import type { Bus } from "./bus.ts";
import { DROPS } from "./core/tally.ts";
import type { HttpServer } from "./http/server.ts";
import { REASON } from "./mqtt/codec/malformed.ts";
import type { MqttServer } from "./mqtt/server.ts";
import type { Counted } from "./mqtt/traffic.ts";

/** What is counted: a bus, and the servers that carry it. */
export interface MetricsSources {
  readonly bus: Bus;
  readonly mqtt?: MqttServer;
  readonly http?: HttpServer;
}

/** A value, with the label's value in a family that has one. */
type Sample = readonly [label: string, value: number];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** Name of the label; null: there is one value. */
  readonly label: string | null;
  readonly samples: readonly Sample[];
}

/** Content type of {@link metricsText}. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Names of MQTT 5's reason codes; others can't come from the bus. */
const REASONS = new Map<number, string>(Object.entries(REASON).map(([name, code]) => [code, snake(name)]));

/** All metrics, each with what it is. */
export function metricsText(sources: MetricsSources): string {
  return familiesOf(sources).map(textOf).join("");
}

function familiesOf({ bus, mqtt, http }: MetricsSources): Family[] {
  const { tally, lost } = bus.events;
  const { retained, subscriptions } = bus.counts();
  const drops = new Set<string>(DROPS);
  const withheld = Array.from(tally.withheld, ([reason, count]): Sample => [snake(reason), count]);
  const isDrop = ([reason]: Sample): boolean => drops.has(reason.replaceAll("_", " "));
  return [
    one("messages_received_total", "counter", "Messages that somebody tried to publish.", tally.published),
    one("messages_accepted_total", "counter", "Messages that were let on to the bus.", tally.accepted),
    one("messages_delivered_total", "counter", "Deliveries of a message to one receiver.", tally.delivered),
    some("messages_withheld_total", "counter", "Deliveries that a rule forbade.", "reason", withheld.filter((sample) => !isDrop(sample))),
    some("messages_dropped_total", "counter", "Deliveries that a limit, time or an absent client prevented.", "reason", withheld.filter(isDrop)),
    some("requests_refused_total", "counter", "Requests to publish or subscribe that were refused.", "reason", Object.entries(tally.refused)),
    one("attributes_removed_total", "counter", "Contexts whose attributes were taken out, at the source or for a receiver.", tally.attributes),
    one("controls_total", "counter", "Decisions of third parties that were carried out.", tally.controls),
    some("limit_hits_total", "counter", "How often a limit was reached.", "limit", Array.from(tally.limits, ([limit, count]): Sample => [snake(limit), count])),
    one("unrecorded_total", "counter", "Events that could not be recorded; what they were about did not happen.", lost),
    one("subscriptions", "gauge", "Subscriptions that stand.", subscriptions),
    one("retained_messages", "gauge", "Retained messages.", retained),
    ...(mqtt === undefined ? [] : ofMqtt(bus, mqtt)),
    ...(http === undefined ? [] : ofHttp(http)),
    ...ofTraffic([...(mqtt?.traffic.counts() ?? []), ...(http?.traffic.counts() ?? [])]),
  ]; // prettier-ignore
}

function ofMqtt(bus: Bus, { sessions, ended, startedAt }: MqttServer): Family[] {
  const { messages, bytes } = sessions.queued;
  const reasons = Array.from(ended, ([code, count]): Sample => [REASONS.get(code) ?? "other", count]);
  return [
    one("sessions", "gauge", "Sessions, of clients that are connected and of those that are not.", sessions.count),
    one("queued_messages", "gauge", "Messages that wait or are under way in sessions.", messages),
    one("queued_bytes", "gauge", "Bytes of the messages that wait or are under way in sessions.", bytes),
    some("connections_ended_total", "counter", "Connections that the bus refused or cut.", "reason", reasons),
    one("uptime_seconds", "gauge", "Time since the bus was started.", Math.max(0, bus.now() - startedAt) / 1000),
  ]; // prettier-ignore
}

function ofHttp({ streams, answered }: HttpServer): Family[] {
  const codes = Array.from(answered, ([status, count]): Sample => [String(status), count]);
  return [
    one("http_streams", "gauge", "Streams of events, also those that wait for their client.", streams.count),
    some("http_responses_total", "counter", "Requests by HTTP that were answered.", "code", codes),
  ];
}

function ofTraffic(counts: readonly (readonly [transport: string, counted: Counted])[]): Family[] {
  const of = (key: keyof Counted): Sample[] => counts.map(([transport, counted]) => [transport, counted[key]]); // prettier-ignore
  return [
    some("connections", "gauge", "Connections that are open.", "transport", of("open")),
    some("connections_opened_total", "counter", "Connections that were accepted.", "transport", of("opened")),
    some("received_bytes_total", "counter", "Bytes that clients sent, on the wire.", "transport", of("received")),
    some("sent_bytes_total", "counter", "Bytes that were sent to clients, on the wire.", "transport", of("sent")),
  ]; // prettier-ignore
}

function one(name: string, type: Family["type"], help: string, value: number): Family {
  return { name, type, help, label: null, samples: [["", value]] };
}

function some(name: string, type: Family["type"], help: string, label: string, samples: readonly Sample[]): Family {
  return { name, type, help, label, samples };
} // prettier-ignore

function textOf({ name, help, type, label, samples }: Family): string {
  const full = `csn_bus_${name}`;
  const lines = samples.map(([value, count]) => `${full}${label === null ? "" : `{${label}="${value}"}`} ${count}\n`); // prettier-ignore
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}

/** `queuedBytes` and `queue full` as the field writes them; what it gives needs no escape. */
function snake(text: string): string {
  return text.replace(/[A-Z](?=[a-z])/g, "_$&").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_/, ""); // prettier-ignore
}
