/**
 * What a route is.
 */
import type { z } from "zod";

export type Route = {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  summary: string;
  query?: z.ZodType;
  body?: z.ZodType;
  answer: z.ZodType;
  /** The answer is a stream of JSON values, one a line. */
  lines?: true;
  /** Also for a principal known by a token: it needs no user's files and programs. */
  token?: true;
};
