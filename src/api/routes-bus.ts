/** The routes of the bus: it is set up, its clients are known, it is steered. Messages go over the bus itself. */
import { z } from "zod";
import type { Route } from "./route.ts";
import * as bus from "./wire-bus.ts";

export const BUS = {
  bus: { method: "GET", path: "/v1/bus", summary: "where the bus listens", answer: bus.BusStatus },
  busUp: {
    method: "PUT",
    path: "/v1/bus",
    summary: "run the bus, from now on, also after a restart",
    body: bus.BusUp,
    answer: bus.BusStatus,
  },
  busDown: {
    method: "DELETE",
    path: "/v1/bus",
    summary: "end the bus; what it keeps stays",
    answer: bus.BusStatus,
  },
  busMetrics: {
    method: "GET",
    path: "/v1/bus/metrics",
    summary: "the bus's counts, as Prometheus reads them",
    answer: z.string(),
  },
  busClients: {
    method: "GET",
    path: "/v1/bus/clients",
    summary: "the clients from elsewhere that are known",
    answer: z.array(bus.BusClient),
  },
  setBusClient: {
    method: "PUT",
    path: "/v1/bus/clients",
    summary: "make a client known, with the context that it has from now on",
    body: bus.BusClientSet,
    answer: bus.BusClient,
  },
  removeBusClient: {
    method: "DELETE",
    path: "/v1/bus/clients",
    summary: "forget a client: it is cut off",
    body: bus.BusClientRemove,
    answer: bus.BusClient,
  },
  busGates: {
    method: "GET",
    path: "/v1/bus/gates",
    summary: "the gates on the bus",
    answer: z.array(bus.BusGateView),
  },
  setBusGate: {
    method: "PUT",
    path: "/v1/bus/gates",
    summary: "let a gate get messages and publish what it lets through",
    body: bus.BusGate,
    answer: bus.BusGateView,
  },
  removeBusGate: {
    method: "DELETE",
    path: "/v1/bus/gates",
    summary: "take a gate off the bus",
    body: bus.BusGateRemove,
    answer: bus.BusGateView,
  },
  busControl: {
    method: "POST",
    path: "/v1/bus/control",
    summary: "map, unmap, divert, relabel, isolate, break glass",
    body: bus.BusControl,
    answer: bus.BusControlled,
  },
} as const satisfies Record<string, Route>;
