/**
 * Formats of a line for each flow: JSON lines, and CEF for log collectors.
 *
 * Guarantee: a name can't end a line, a field or a header: JSON escapes it; CEF's pipes, backslashes, equal signs and
 * line breaks are escaped as its specification says. No value begins a formula of a table program, because none of both
 * is a table: who makes one of it escapes by its own rules (`csn sql` does).
 */
import { harmless } from "./harmless.ts";
import type { Row } from "./rows.ts";

export function* jsonLines(rows: Iterable<Row>): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`;
}

const SEVERITY = { allowed: 1, observed: 5, refused: 7 } as const;

export function* cef(rows: Iterable<Row>): Generator<string> {
  for (const { record, time, verdict, rule, op, from, to, fromContext, toContext } of rows) {
    const head = ["csn", "csn", "1", op, `${op} ${verdict}`, String(SEVERITY[verdict])].map(headText);
    const fields = {
      rt: String(Date.parse(time)),
      externalId: record,
      act: verdict,
      reason: rule ?? "",
      cs1Label: "source",
      cs1: `${from.kind} ${from.name} ${from.id}`,
      cs2Label: "sink",
      cs2: `${to.kind} ${to.name} ${to.id}`,
      cs3Label: "sourceTags",
      cs3: tagsText(fromContext),
      cs4Label: "sinkTags",
      cs4: tagsText(toContext),
    };
    const extension = Object.entries(fields).map(([key, value]) => `${key}=${fieldText(value)}`);
    yield `CEF:0|${head.join("|")}|${extension.join(" ")}\n`;
  }
}

function tagsText(context: Row["fromContext"]): string {
  if (context === null) return "unknown";
  const part = (letter: string, label: string[] | "ALL") =>
    `${letter}:${label === "ALL" ? "*" : label.join(",")}`;
  return `${part("S", context.secrecy)} ${part("I", context.integrity)}`;
}

/** What can't be seen is an escape before CEF's own. */
function headText(text: string): string {
  return harmless(text).replace(/\\/g, "\\\\").replace(/\|/g, "\\|");
}

function fieldText(text: string): string {
  return harmless(text).replace(/\\/g, "\\\\").replace(/=/g, "\\=");
}
