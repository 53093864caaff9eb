/**
 * The daemon's routes as data: what daemon/main.ts serves, what the CLI calls, and what
 * `GET /v1/openapi.json` describes.
 *
 * A failed call answers with an HTTP status of 4xx or 5xx and a `Failure`.
 */
import { z } from "zod";
import * as ask from "./wire-ask.ts";
import * as files from "./wire-files.ts";
import * as gate from "./wire-gate.ts";
import * as policy from "./wire-policy.ts";
import * as wire from "./wire.ts";

export type Route = {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  summary: string;
  query?: z.ZodType;
  body?: z.ZodType;
  answer: z.ZodType;
  /** The answer is a stream of JSON values, one a line. */
  lines?: true;
};

export const ROUTES = {
  status: { method: "GET", path: "/v1/status", summary: "what is enforced", answer: wire.Status },
  doctor: { method: "GET", path: "/v1/doctor", summary: "try each requirement", answer: wire.Doctor },
  up: { method: "POST", path: "/v1/up", summary: "attach the monitor now", answer: wire.Status },
  down: {
    method: "POST",
    path: "/v1/down",
    summary: "take the monitor off",
    body: wire.Down,
    answer: wire.Status,
  },
  tags: { method: "GET", path: "/v1/tags", summary: "all tags", answer: z.array(wire.Tag) },
  createTag: {
    method: "POST",
    path: "/v1/tags",
    summary: "make a tag",
    body: wire.TagCreate,
    answer: wire.Tag,
  },
  principals: {
    method: "GET",
    path: "/v1/principals",
    summary: "who there is",
    answer: z.array(policy.PrincipalView),
  },
  createPrincipal: {
    method: "POST",
    path: "/v1/principals",
    summary: "make a principal",
    body: policy.PrincipalCreate,
    answer: policy.PrincipalView,
  },
  rotatePrincipal: {
    method: "POST",
    path: "/v1/principals/rotate",
    summary: "give a principal another key",
    body: policy.PrincipalRotate,
    answer: policy.PrincipalView,
  },
  bindPrincipal: {
    method: "POST",
    path: "/v1/principals/bind",
    summary: "say which local user a principal is",
    body: policy.PrincipalBind,
    answer: policy.PrincipalView,
  },
  statements: {
    method: "GET",
    path: "/v1/statements",
    summary: "what principals have stated, signed and in order",
    query: policy.StatementQuery,
    answer: z.array(policy.Statement),
  },
  say: {
    method: "POST",
    path: "/v1/statements",
    summary: "state something: grants, revocations, open directions, conflicts, named contexts",
    body: policy.Say,
    answer: policy.Said,
  },
  submit: {
    method: "POST",
    path: "/v1/statements/signed",
    summary: "bring a statement that its principal has signed",
    body: policy.Statement,
    answer: policy.Said,
  },
  privileges: {
    method: "GET",
    path: "/v1/privileges",
    summary: "who holds what on a tag, and by which chain from its owner",
    query: policy.PrivilegeQuery,
    answer: policy.PrivilegeView,
  },
  mine: {
    method: "GET",
    path: "/v1/mine",
    summary: "what I own, who may do what with it, what was done",
    query: policy.MineQuery,
    answer: policy.Mine,
  },
  contexts: {
    method: "GET",
    path: "/v1/contexts",
    summary: "contexts that have a name",
    answer: z.array(policy.NamedContextView),
  },
  conflicts: {
    method: "GET",
    path: "/v1/conflicts",
    summary: "conflict-of-interest sets",
    answer: z.array(policy.ConflictView),
  },
  policyPlan: {
    method: "POST",
    path: "/v1/policy/plan",
    summary: "what policy files would change",
    body: files.PolicyFiles,
    answer: files.PolicyPlan,
  },
  policyApply: {
    method: "POST",
    path: "/v1/policy/apply",
    summary: "put policy files in force, all or nothing",
    body: files.PolicyFiles,
    answer: files.PolicyApplied,
  },
  policyExport: {
    method: "GET",
    path: "/v1/policy/export",
    summary: "the policy in force, as files",
    answer: files.PolicyExport,
  },
  policyDiff: {
    method: "POST",
    path: "/v1/policy/diff",
    summary: "policy files and the policy in force, side by side",
    body: files.PolicyFiles,
    answer: files.PolicyDiff,
  },
  policyProve: {
    method: "POST",
    path: "/v1/policy/prove",
    summary: "do properties hold, over all that the policy in force lets happen?",
    body: files.PolicyProve,
    answer: files.PolicyProofs,
  },
  policyTest: {
    method: "POST",
    path: "/v1/policy/test",
    summary: "try the cases of files on the policy in force",
    body: files.PolicyFiles,
    answer: files.PolicyTests,
  },
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
  },
  setNetwork: {
    method: "PUT",
    path: "/v1/networks",
    summary: "give addresses outside the host a context",
    body: wire.NetworkSet,
    answer: wire.NetworkRule,
  },
  unsetNetwork: {
    method: "DELETE",
    path: "/v1/networks",
    summary: "take the context of addresses away: a wider range decides again, or none",
    body: wire.NetworkUnset,
    answer: wire.NetworkRule,
  },
  check: {
    method: "POST",
    path: "/v1/check",
    summary: "may data flow from one context to another?",
    body: wire.Check,
    answer: wire.CheckAnswer,
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
  },
  explain: {
    method: "GET",
    path: "/v1/log/:id/explanation",
    summary: "why a flow was decided so",
    answer: wire.Explanation,
  },
  trace: {
    method: "POST",
    path: "/v1/ask/trace",
    summary: "where data went, or where it came from",
    body: ask.TraceQuery,
    answer: ask.TraceAnswer,
  },
  leak: {
    method: "POST",
    path: "/v1/ask/leak",
    summary: "did data reach somewhere? a path, or what was looked at and not found",
    body: ask.LeakQuery,
    answer: ask.LeakAnswer,
  },
  exportRecord: {
    method: "GET",
    path: "/v1/ask/export",
    summary: "all flows that you may see, in a format of others",
    query: ask.ExportQuery,
    answer: z.string(),
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
