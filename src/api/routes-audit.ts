/** The routes of the log's proofs, and of what is asked of it again and again. */
import type { Route } from "./route.ts";
import * as ask from "./wire-ask.ts";
import * as audit from "./wire-audit.ts";

export const AUDIT = {
  questions: {
    method: "POST",
    path: "/v1/ask/questions",
    summary: "do these questions hold? a path for each that does not, and what was looked at",
    body: ask.QuestionsQuery,
    answer: ask.QuestionsAnswer,
    token: true,
  },
  erasure: {
    method: "POST",
    path: "/v1/ask/erasure",
    summary: "what was derived from an owner's data, and how it left the tags",
    body: ask.ErasureQuery,
    answer: ask.ErasureAnswer,
    token: true,
  },
  auditProof: {
    method: "GET",
    path: "/v1/log/:id/proof",
    summary: "the proof that a record is in the log, with the records that it takes to understand it",
    answer: audit.ProofView,
    token: true,
  },
  auditCheckpoint: {
    method: "GET",
    path: "/v1/audit/checkpoint",
    summary: "the log's tree as it is now, signed, and the keys that are in force",
    answer: audit.CheckpointView,
    token: true,
  },
  auditRotate: {
    method: "POST",
    path: "/v1/audit/keys",
    summary: "give the log other signing keys",
    answer: audit.CheckpointView,
  },
  auditKeep: {
    method: "POST",
    path: "/v1/audit/keep",
    summary: "compress, shorten or export the log",
    body: audit.AuditKeep,
    answer: audit.AuditKept,
  },
  auditWitnesses: {
    method: "GET",
    path: "/v1/audit/witnesses",
    summary: "who cosigns the log, and whether they do",
    answer: audit.AuditWitnesses,
  },
  auditAddWitness: {
    method: "POST",
    path: "/v1/audit/witnesses",
    summary: "let a witness cosign the log",
    body: audit.AuditWitness,
    answer: audit.AuditWitnesses,
  },
  auditVerify: {
    method: "POST",
    path: "/v1/audit/verify",
    summary: "is the log as it was written?",
    body: audit.AuditVerify,
    answer: audit.AuditVerifyLine,
    lines: true,
  },
} as const satisfies Record<string, Route>;
