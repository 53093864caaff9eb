/**
 * `GET /v1/log`: stored records, then, if asked, those that come. One JSON value a line.
 */
import { once } from "node:events";
import type { FastifyReply } from "fastify";
import type { LogQuery } from "../api/index.ts";
import type { Context } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import { logEntry, matches, mayRead } from "./entries.ts";
import { CsnError } from "./errors.ts";
import { offersFor } from "./gates.ts";
import type { Caller } from "./identity.ts";
import { type Called, RecordNames } from "./record-names.ts";
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
  if (query.since !== undefined && caller.uid !== 0)
    throw new CsnError(
      "E_BAD_REQUEST",
      "expected no `since`, which is a number of all records, found one",
      "leave it out: only root sees numbers",
      400,
    );
  const names = new RecordNames(csn, caller);
  /** Null: it is not asked for, or not the caller's to read. Each is named that he may read, so that names don't depend on the query. */
  const wanted = (entry: Entry): Called | null => {
    if (!mayRead(entry, caller, csn.authority)) return null;
    const called = names.of(entry);
    return matches(entry, query, book) ? called : null;
  };
  const offers = (from: Context, to: Context) => offersFor(csn, caller, from, to);
  const text = (entry: Entry, called: Called) =>
    `${JSON.stringify(logEntry(entry, called, book, csn.records.names, offers))}\n`;

  let last: [Entry, Called][] = [];
  for (const entry of csn.records.read(query.since ?? 0)) {
    const called = wanted(entry);
    if (called === null) continue;
    last.push([{ ...entry, record: Buffer.from(entry.record) }, called]);
    if (last.length > 2 * query.limit) last = last.slice(-query.limit);
  }
  reply.hijack();
  out.writeHead(200, { "content-type": "application/x-ndjson" });
  for (const [entry, called] of last.slice(-query.limit))
    if (!out.write(text(entry, called))) await Promise.race([once(out, "drain"), once(out, "close")]);
  if (!query.follow) {
    out.end();
    return;
  }
  const show = (entry: Entry) => {
    const called = wanted(entry);
    if (called !== null && !out.destroyed) out.write(text(entry, called));
  };
  out.flushHeaders();
  csn.records.on("entry", show);
  out.on("close", () => csn.records.off("entry", show));
}
