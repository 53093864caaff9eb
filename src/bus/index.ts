/**
 * Labelled messages: what is published reaches those who subscribed and are cleared for it, attribute by attribute.
 */
export { Bus } from "./bus.ts";
export type { BusOptions, SubscribeResult } from "./bus.ts";
export { channelOf, Endpoint } from "./core/channel.ts";
export type { Channel, Deliver, SubscribeOptions, Subscription } from "./core/channel.ts";
export type { ControlAction, ControlRequest, MayControl } from "./core/control.ts";
export { Message, View } from "./core/message.ts";
export { isTopic, matches, readFilter } from "./core/topic.ts";
export type { Filter } from "./core/topic.ts";
export { LIMITS } from "./limits.ts";
export type { Limits } from "./limits.ts";
export type * from "./types.ts";
