/**
 * Any error as an answer: status, code, message and hint.
 */
import { z } from "zod";
import { AskError, AuditError } from "../audit/index.ts";
import { BusError } from "../bus/index.ts";
import { KernelError } from "../kernel/index.ts";
import { LabelError } from "../label/index.ts";
import { PolicyError, type PolicyErrorCode } from "../policy/index.ts";
import { CsnError } from "./errors.ts";

/** 409 for those that are not here. */
const POLICY_STATUS: Partial<Record<PolicyErrorCode, number>> = {
  E_STATEMENT: 400,
  E_STATEMENT_SIGNATURE: 403,
  E_NAME: 400,
  E_TAG_NAME: 400,
  E_PRIVILEGE: 403,
  E_CONFLICT: 403,
  E_POLICY: 400,
  E_PROPERTY: 400,
  E_TAG_UNKNOWN: 404,
  E_PRINCIPAL_UNKNOWN: 404,
  E_GRANT_UNKNOWN: 404,
  E_GATE_UNKNOWN: 404,
  E_CONTEXT_UNKNOWN: 404,
};

export function failureOf(error: unknown): {
  code: number;
  body: { error: { code: string; message: string; hint: string } };
} {
  if (error instanceof CsnError || error instanceof AskError)
    return {
      code: error.status,
      body: { error: { code: error.code, message: error.message, hint: error.hint } },
    };
  if (error instanceof BusError)
    return { code: 409, body: { error: { code: error.code, message: error.message, hint: error.hint } } };
  if (error instanceof KernelError)
    return {
      code: error.code === "E_NOT_FOUND" ? 404 : 409,
      body: { error: { code: error.code, message: error.message, hint: error.hint } },
    };
  if (error instanceof PolicyError)
    return {
      code: POLICY_STATUS[error.code] ?? 409,
      body: { error: { code: error.code, message: error.message, hint: error.hint } },
    };
  if (error instanceof AuditError)
    return {
      code: error.code === "E_LOG_RECORD" || error.code === "E_LOG_GONE" ? 404 : 409,
      body: { error: { code: error.code, message: error.message, hint: error.hint } },
    };
  if (error instanceof LabelError)
    return {
      code: 400,
      body: { error: { code: error.code, message: error.message, hint: "a label has at most 64 tags" } },
    };
  if (
    error instanceof z.ZodError ||
    (error instanceof Error && "statusCode" in error && Number(error.statusCode) < 500)
  )
    return {
      code: 400,
      body: {
        error: {
          code: "E_BAD_REQUEST",
          message: (error as Error).message,
          hint: "GET /v1/openapi.json describes each request",
        },
      },
    };
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 500,
    body: {
      error: {
        code: "E_INTERNAL",
        message,
        hint: "this is a defect of csn: please report it with what you did",
      },
    },
  };
}
