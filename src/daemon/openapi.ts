/**
 * The OpenAPI 3.1 description of the daemon, made from src/api: one truth for clients and people.
 */
import { z } from "zod";
import { Failure, type Route, ROUTES } from "../api/index.ts";
import { VERSION } from "./version.ts";

export function openapi(): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, route] of Object.entries(ROUTES) as [string, Route][]) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    const parameters = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
    })) as unknown[];
    if (route.query) {
      const query = z.toJSONSchema(route.query, { io: "input" }) as {
        properties?: Record<string, unknown>;
        required?: string[];
      };
      for (const [name, schema] of Object.entries(query.properties ?? {}))
        parameters.push({ name, in: "query", required: query.required?.includes(name) ?? false, schema });
    }
    (paths[path] ??= {})[route.method.toLowerCase()] = {
      operationId,
      summary: route.summary,
      ...(parameters.length > 0 && { parameters }),
      ...(route.body && { requestBody: { required: true, content: json(route.body, "input") } }),
      responses: {
        200: {
          description: route.lines ? "one JSON value a line" : "done",
          content: {
            [route.lines ? "application/x-ndjson" : "application/json"]: {
              schema: z.toJSONSchema(route.answer),
            },
          },
        },
        default: { description: "not done", content: json(Failure, "output") },
      },
    };
  }
  return { openapi: "3.1.0", info: { title: "csnd", version: VERSION }, paths };
}

function json(schema: z.ZodType, io: "input" | "output"): unknown {
  return { "application/json": { schema: z.toJSONSchema(schema, { io }) } };
}
