/**
 * Labelled messages: what is published reaches those who subscribed and are cleared for it, attribute by attribute.
 */
export { certificates } from "./auth/certificate.ts";
export { ANONYMOUS, ANONYMOUS_NAME, firstOf, identityOf } from "./auth/known.ts";
export type { Lookup } from "./auth/known.ts";
export { digestOf, passwords } from "./auth/password.ts";
export { tokens } from "./auth/token.ts";
export type { TokenOptions } from "./auth/token.ts";
export { Bus } from "./bus.ts";
export type { BusKeeper, BusOptions, SubscribeResult } from "./bus.ts";
export { channelOf, Endpoint } from "./core/channel.ts";
export type { Channel, Deliver, SubscribeOptions, Subscription } from "./core/channel.ts";
export type { ControlAction, ControlRequest, MayControl } from "./core/control.ts";
export { Message, View } from "./core/message.ts";
export { isTopic, matches, readFilter } from "./core/topic.ts";
export type { Filter } from "./core/topic.ts";
export { BusError } from "./error.ts";
export type { BusErrorCode } from "./error.ts";
export { HttpServer } from "./http/server.ts";
export type { HttpListening, HttpOptions } from "./http/server.ts";
export { CONTEXT_PROPERTY, KEYS, PUBLISHER_PROPERTY, stamped, stripped } from "./labels.ts";
export type { LabelText, Pairs, Supplied } from "./labels.ts";
export { LIMITS } from "./limits.ts";
export type { Limits } from "./limits.ts";
export { type TypesInForce, typesInForce } from "./message/in-force.ts";
export { METRICS_TYPE, metricsText } from "./metrics.ts";
export type { MetricsSources } from "./metrics.ts";
export type { Authenticator, Hello, Identity, Origin } from "./mqtt/authenticator.ts";
export type { Listener, Listening } from "./mqtt/listen.ts";
export { MqttServer } from "./mqtt/server.ts";
export type { MqttOptions } from "./mqtt/server.ts";
export { restore } from "./store/restore.ts";
export type { WhoIs } from "./store/restore.ts";
export { BusStore } from "./store/store.ts";
export type * from "./types.ts";
