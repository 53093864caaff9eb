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
  busControl: {
    method: "POST",
    path: "/v1/bus/control",
    summary: "map, unmap, divert, relabel, isolate, break glass",
    body: bus.BusControl,
    answer: bus.BusControlled,
  },
} as const satisfies Record<string, Route>;
