/**
 * The daemon's routes as data: what daemon/main.ts serves, what the CLI calls, and what
 * `GET /v1/openapi.json` describes.
 *
 * A failed call answers with an HTTP status of 4xx or 5xx and a `Failure`.
 */
import { z } from "zod";
import { AUDIT } from "./routes-audit.ts";
import { BUS } from "./routes-bus.ts";
import type { Route } from "./route.ts";
import { OWNERS } from "./routes-owners.ts";
import * as scope from "./scope.ts";
import * as ask from "./wire-ask.ts";
import * as gate from "./wire-gate.ts";
import * as wire from "./wire.ts";

export const ROUTES = {
  status: {
    method: "GET",
    path: "/v1/status",
    summary: "what is enforced",
    answer: wire.Status,
    token: true,
  },
  doctor: { method: "GET", path: "/v1/doctor", summary: "try each requirement", answer: wire.Doctor },
  up: {
    method: "POST",
    path: "/v1/up",
    summary: "attach the monitor now",
    body: wire.Up,
    answer: wire.Status,
  },
  down: {
    method: "POST",
    path: "/v1/down",
    summary: "take the monitor off",
    body: wire.Down,
    answer: wire.Status,
  },
  tags: {
    method: "GET",
    path: "/v1/tags",
    summary: "the tags that you have something to do with",
    answer: z.array(wire.Tag),
    token: true,
  },
  createTag: {
    method: "POST",
    path: "/v1/tags",
    summary: "make a tag",
    body: wire.TagCreate,
    answer: wire.Tag,
    token: true,
  },
  ...OWNERS,
  ...AUDIT,
  ...BUS,
  getLabel: {
    method: "GET",
    path: "/v1/labels",
    summary: "the context of a file or directory",
    query: z.object({ path: z.string() }),
    answer: wire.LabelView,
  },
  setLabel: {
    method: "PUT",
    path: "/v1/labels",
    summary: "label a file, or a directory and all below it",
    body: wire.LabelSet,
    answer: wire.LabelProgress,
    lines: true,
  },
  clearLabel: {
    method: "DELETE",
    path: "/v1/labels",
    summary: "take a label off: the context is the directory's again",
    body: wire.LabelClear,
    answer: wire.LabelView,
  },
  networks: {
    method: "GET",
    path: "/v1/networks",
    summary: "the contexts of addresses outside the host",
    answer: z.array(wire.NetworkRule),
    token: true,
  },
  setNetwork: {
    method: "PUT",
    path: "/v1/networks",
    summary: "give addresses outside the host a context",
    body: wire.NetworkSet,
    answer: wire.NetworkRule,
    token: true,
  },
  unsetNetwork: {
    method: "DELETE",
    path: "/v1/networks",
    summary: "take the context of addresses away: a wider range decides again, or none",
    body: wire.NetworkUnset,
    answer: wire.NetworkRule,
    token: true,
  },
  scope: {
    method: "GET",
    path: "/v1/scope",
    summary: "what is recorded besides labelled parties, and what never is",
    answer: z.array(scope.ScopeView),
  },
  widenScope: {
    method: "PUT",
    path: "/v1/scope",
    summary: "record more, or call something opaque",
    body: scope.ScopeEntry,
    answer: scope.ScopeView,
  },
  narrowScope: {
    method: "DELETE",
    path: "/v1/scope",
    summary: "take back what was added",
    body: scope.ScopeEntry,
    answer: scope.ScopeView,
  },
  check: {
    method: "POST",
    path: "/v1/check",
    summary: "may data flow from one context to another?",
    body: wire.Check,
    answer: wire.CheckAnswer,
    token: true,
  },
  processes: {
    method: "GET",
    path: "/v1/processes",
    summary: "labelled processes",
    answer: z.array(wire.Process),
  },
  log: {
    method: "GET",
    path: "/v1/log",
    summary: "records, oldest first",
    query: wire.LogQuery,
    answer: wire.LogEntry,
    lines: true,
    token: true,
  },
  explain: {
    method: "GET",
    path: "/v1/log/:id/explanation",
    summary: "why a flow was decided so",
    answer: wire.Explanation,
    token: true,
  },
  trace: {
    method: "POST",
    path: "/v1/ask/trace",
    summary: "where data went, or where it came from",
    body: ask.TraceQuery,
    answer: ask.TraceAnswer,
    token: true,
  },
  leak: {
    method: "POST",
    path: "/v1/ask/leak",
    summary: "did data reach somewhere? a path, or what was looked at and not found",
    body: ask.LeakQuery,
    answer: ask.LeakAnswer,
    token: true,
  },
  exportRecord: {
    method: "GET",
    path: "/v1/ask/export",
    summary: "all flows that you may see, in a format of others",
    query: ask.ExportQuery,
    answer: z.string(),
    token: true,
  },
  createRun: {
    method: "POST",
    path: "/v1/runs",
    summary: "prepare a program; GET /v1/runs/:id/stream with `Upgrade: csn-stream` starts it",
    body: wire.RunRequest,
    answer: wire.RunCreated,
  },
  gates: {
    method: "GET",
    path: "/v1/gates",
    summary: "the gates that you may run or own",
    answer: z.array(gate.GateView),
    token: true,
  },
  createGate: {
    method: "PUT",
    path: "/v1/gates",
    summary: "offer a gate: its program and files are hashed now",
    body: gate.GateCreate,
    answer: gate.GateView,
  },
  removeGate: {
    method: "DELETE",
    path: "/v1/gates",
    summary: "take a gate away, and with it all that was granted to it",
    body: gate.GateRemove,
    answer: gate.GateView,
    token: true,
  },
  runGate: {
    method: "POST",
    path: "/v1/gates/runs",
    summary: "prepare a run of a gate as a filter; the stream is that of any run",
    body: gate.GateRun,
    answer: wire.RunCreated,
  },
  runGateFolder: {
    method: "POST",
    path: "/v1/gates/folders",
    summary: "run a gate on each file of a folder, results into another",
    body: gate.GateFolder,
    answer: z.union([gate.GateFolderResult, wire.Failure]),
    lines: true,
  },
} as const satisfies Record<string, Route>;
