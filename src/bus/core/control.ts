/**
 * What a third party may ask of the bus, and who that is.
 */
import type { Context } from "../../label/index.ts";
import type { QoS, Who } from "../types.ts";

/** Targets are names or principals of parties, filters are MQTT's. */
export type ControlRequest =
  /** Subscribes a party to topics. */
  | { readonly action: "map"; readonly target: string; readonly filter: string; readonly qos: QoS }
  | { readonly action: "unmap"; readonly target: string; readonly filter: string }
  /** From now on the topics go through a gate: it alone gets what others publish, they get what it publishes. null: no more. */
  | { readonly action: "divert"; readonly filter: string; readonly gate: string | null }
  /** Gives a party another context; null: its own again. */
  | { readonly action: "relabel"; readonly target: string; readonly context: Context | null }
  /** Cuts a party off, or lets it in again. */
  | { readonly action: "isolate"; readonly target: string; readonly isolated: boolean }
  /** Break glass: the party receives up to `context` as well, for a stated reason, for so many seconds. */
  | {
      readonly action: "glass";
      readonly target: string;
      readonly context: Context;
      readonly reason: string;
      readonly seconds: number;
    };

export type ControlAction = ControlRequest["action"];

/** Says whether someone may do this to a target (for `divert`: to a filter). */
export type MayControl = (by: Who, request: ControlRequest) => boolean;

/** Longest time of broken glass. Seconds. */
export const GLASS_SECONDS = 24 * 3600;

/** What is wrong with a request by itself; null: nothing. */
export function faultOf(request: ControlRequest): string | null {
  if (request.action !== "glass") return null;
  if (request.reason.trim() === "") return "expected a reason for breaking the glass, found none";
  const isTime = Number.isInteger(request.seconds) && request.seconds > 0 && request.seconds <= GLASS_SECONDS;
  return isTime ? null : `expected 1 to ${GLASS_SECONDS} seconds, found ${request.seconds}`;
}

/** One line for the record. */
export function sentenceOf(request: ControlRequest): string {
  const { action } = request;
  if (action === "map" || action === "unmap") return `${action} ${request.target} ${request.filter}`;
  if (action === "divert") return `divert ${request.filter} ${request.gate ?? "off"}`;
  if (action === "relabel") return `relabel ${request.target}${request.context === null ? " off" : ""}`;
  if (action === "isolate") return `isolate ${request.target}${request.isolated ? "" : " off"}`;
  return `glass ${request.target} ${request.seconds} s: ${request.reason}`;
}
