/**
 * What a client sent, held against the shape that the API gives it.
 */
import type { z } from "zod";
import { CsnError } from "./errors.ts";

/** @throws CsnError E_BAD_REQUEST, naming the field */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new CsnError(
    "E_BAD_REQUEST",
    `\`${issue.path.join(".") || "body"}\`: ${issue.message}`,
    "GET /v1/openapi.json describes each request",
    400,
  );
}
