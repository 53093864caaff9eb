/**
 * `GET /v1/log`: stored records, then, if asked, those that come. One JSON value a line.
 */
import { once } from "node:events";
import type { FastifyReply } from "fastify";
import type { LogQuery } from "../api/index.ts";
import type { Context } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import { logEntry, matches, mayRead } from "./entries.ts";
import { offersFor } from "./gates.ts";
import type { Caller } from "./identity.ts";
import type { Entry } from "./records.ts";
import { bookFor } from "./views.ts";

export async function streamLog(
  csn: Csn,
  caller: Caller,
  query: LogQuery,
  reply: FastifyReply,
): Promise<void> {
  const out = reply.raw;
  const book = bookFor(csn.authority, caller);
  const wanted = (entry: Entry) => matches(entry, query, book) && mayRead(entry, caller, csn.authority);
  const offers = (from: Context, to: Context) => offersFor(csn, caller, from, to);
  const text = (entry: Entry) => `${JSON.stringify(logEntry(entry, book, csn.records.names, offers))}\n`;

  let last: Entry[] = [];
  for (const entry of csn.records.read(query.since ?? 0)) {
    if (!wanted(entry)) continue;
    last.push({ ...entry, record: Buffer.from(entry.record) });
    if (last.length > 2 * query.limit) last = last.slice(-query.limit);
  }
  reply.hijack();
  out.writeHead(200, { "content-type": "application/x-ndjson" });
  for (const entry of last.slice(-query.limit))
    if (!out.write(text(entry))) await Promise.race([once(out, "drain"), once(out, "close")]);
  if (!query.follow) {
    out.end();
    return;
  }
  const show = (entry: Entry) => {
    if (wanted(entry) && !out.destroyed) out.write(text(entry));
  };
  out.flushHeaders();
  csn.records.on("entry", show);
  out.on("close", () => csn.records.off("entry", show));
}
