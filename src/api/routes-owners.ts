/**
 * The routes of owners: principals, statements, what is in force, and policy as files.
 */
import { z } from "zod";
import type { Route } from "./route.ts";
import * as files from "./wire-files.ts";
import * as policy from "./wire-policy.ts";

export const OWNERS = {
  principals: {
    method: "GET",
    path: "/v1/principals",
    summary: "who there is",
    answer: z.array(policy.PrincipalView),
    token: true,
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
    token: true,
  },
  submit: {
    method: "POST",
    path: "/v1/statements/signed",
    summary: "bring a statement that its principal has signed",
    body: policy.Statement,
    answer: policy.Said,
    token: true,
  },
  privileges: {
    method: "GET",
    path: "/v1/privileges",
    summary: "who holds what on a tag, and by which chain from its owner",
    query: policy.PrivilegeQuery,
    answer: policy.PrivilegeView,
    token: true,
  },
  mine: {
    method: "GET",
    path: "/v1/mine",
    summary: "what I own, who may do what with it, what was done",
    query: policy.MineQuery,
    answer: policy.Mine,
    token: true,
  },
  tokens: {
    method: "GET",
    path: "/v1/tokens",
    summary: "your tokens, without what they are; `say` makes and revokes them",
    answer: z.array(policy.TokenView),
    token: true,
  },
  contexts: {
    method: "GET",
    path: "/v1/contexts",
    summary: "contexts that have a name",
    answer: z.array(policy.NamedContextView),
    token: true,
  },
  conflicts: {
    method: "GET",
    path: "/v1/conflicts",
    summary: "conflict-of-interest sets",
    answer: z.array(policy.ConflictView),
    token: true,
  },
  policyPlan: {
    method: "POST",
    path: "/v1/policy/plan",
    summary: "what policy files would change",
    body: files.PolicyFiles,
    answer: files.PolicyPlan,
    token: true,
  },
  policyApply: {
    method: "POST",
    path: "/v1/policy/apply",
    summary: "put policy files in force, all or nothing",
    body: files.PolicyFiles,
    answer: files.PolicyApplied,
    token: true,
  },
  policyExport: {
    method: "GET",
    path: "/v1/policy/export",
    summary: "the policy in force, as files",
    answer: files.PolicyExport,
    token: true,
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
} as const satisfies Record<string, Route>;
