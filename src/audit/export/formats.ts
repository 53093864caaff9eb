/**
 * The formats by name.
 */
import type { Sight } from "../ask/reader.ts";
import { harmless } from "./harmless.ts";
import { cef, jsonLines } from "./lines.ts";
import { openLineage } from "./openlineage.ts";
import { idOf, provJson, provN, spadeJson, typeOf } from "./prov.ts";
import { chunked, type Row, type RowOptions, rowsOf } from "./rows.ts";

/** Parquet is made of `jsonl` by DuckDB, where that is installed (src/cli/duckdb.ts). */
export const FORMATS = ["prov-json", "prov-n", "spade", "openlineage", "jsonl", "cef", "dot"] as const;
export type Format = (typeof FORMATS)[number];

export function exportAs(sight: Sight, format: Format, options: RowOptions = {}): Generator<string> {
  const rows = () => rowsOf(sight, options);
  return chunked(piecesOf(sight, format, rows));
}

function piecesOf(sight: Sight, format: Format, rows: () => Generator<Row>): Generator<string> {
  switch (format) {
    case "prov-json":
      return provJson(rows);
    case "prov-n":
      return provN(rows);
    case "spade":
      return spadeJson(rows);
    case "openlineage":
      return openLineage(rows(), sight.reader.host);
    case "jsonl":
      return jsonLines(rows());
    case "cef":
      return cef(rows());
    case "dot":
      return dot(rows());
    default:
      throw new TypeError(`no format ${String(format)}`);
  }
}

/** All of it: for a picture that people can read, `csn trace --format dot`. */
function* dot(rows: Iterable<Row>): Generator<string> {
  const quoted = (text: string) => `"${harmless(text).replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;
  const seen = new Set<string>();
  yield 'digraph csn {\n  rankdir="LR";\n';
  for (const { from, to, op, verdict } of rows) {
    for (const thing of [from, to]) {
      const id = idOf(thing);
      if (seen.has(id)) continue;
      seen.add(id);
      yield `  ${quoted(id)} [label=${quoted(`${thing.name} (${typeOf(thing.kind)})`)}];\n`;
    }
    const style = verdict === "refused" ? ", style=dashed, color=red" : "";
    yield `  ${quoted(idOf(from))} -> ${quoted(idOf(to))} [label=${quoted(op)}${style}];\n`;
  }
  yield "}\n";
}
