/**
 * api: what daemon and clients say to each other. May use: label.
 */
export * from "./address.ts";
export type { Route } from "./route.ts";
export * from "./routes.ts";
export * from "./scope.ts";
export * from "./stream.ts";
export * from "./wire-audit.ts";
export * from "./wire-ask.ts";
export * from "./wire-bus.ts";
export * from "./wire-files.ts";
export * from "./wire-gate.ts";
export * from "./wire-policy.ts";
export * from "./wire.ts";
