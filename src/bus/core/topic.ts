/**
 * Topics and filters in MQTT's notation (MQTT 5, section 4.7).
 *
 * Guarantee: what is accepted here has no wildcard in a topic, none but whole levels in a filter, no NUL, no half of a
 * surrogate pair, and keeps the limits on length and depth.
 */
import type { Limits } from "../limits.ts";

type TopicLimits = Pick<Limits, "topicBytes" | "topicLevels">;

/** A filter that was read. */
export interface Filter {
  /** As the client wrote it, with `$share/GROUP/` when there. */
  readonly text: string;
  /** Name of the group that shares the subscription; null: not shared. */
  readonly group: string | null;
  /** Without the group. */
  readonly topics: string;
  readonly levels: readonly string[];
}

/** Whether a message may have this topic. */
export function isTopic(topic: string, limits: TopicLimits): boolean {
  return !topic.includes("+") && !topic.includes("#") && isText(topic, limits);
}

const SHARED = /^\$share\/([^/+#]+)\/(.+)$/s;

/** Whether a text has the form of a filter, whatever its length: "none" by its wildcards, "unshared" by its group. */
export function formOf(text: string): "filter" | "none" | "unshared" {
  const shared = SHARED.exec(text);
  if (shared === null && /^\$share(\/|$)/.test(text)) return "unshared";
  const levels = (shared?.[2] ?? text).split("/");
  const isFine = levels.every(
    (level, at) => level === "+" || (level === "#" && at === levels.length - 1) || !/[+#]/.test(level),
  );
  return isFine && text !== "" ? "filter" : "none";
}

/** Reads a filter; null when it is none, or too long or deep. */
export function readFilter(text: string, limits: TopicLimits): Filter | null {
  if (!isText(text, limits) || formOf(text) !== "filter") return null;
  const shared = SHARED.exec(text);
  const topics = shared?.[2] ?? text;
  return { text, group: shared?.[1] ?? null, topics, levels: topics.split("/") };
}

/** Whether a topic is one of the filter's. Topics that begin with `$` are matched by no wildcard. */
export function matches(filter: readonly string[], topic: string): boolean {
  const levels = topic.split("/");
  if (topic.startsWith("$") && (filter[0] === "+" || filter[0] === "#")) return false;
  for (let at = 0; at < filter.length; at++) {
    const level = filter[at];
    if (level === "#") return true;
    if (at >= levels.length || (level !== "+" && level !== levels[at])) return false;
  }
  return filter.length === levels.length;
}

function isText(text: string, { topicBytes, topicLevels }: TopicLimits): boolean {
  if (text === "" || text.includes("\0") || !text.isWellFormed()) return false;
  if (text.length > topicBytes || Buffer.byteLength(text) > topicBytes) return false;
  let levels = 1;
  for (let at = text.indexOf("/"); at >= 0; at = text.indexOf("/", at + 1)) levels++;
  return levels <= topicLevels;
}
