/**
 * What the log says of itself: texts of JSON in LOG records. `segment` (version, configuration, policy, keys) at the
 * start of each segment, `keys` when they change, `recovered` and `former` after an accident, `retention` when
 * records were removed.
 */
import { KIND_LOG, readTextPart, RECORD_BYTES } from "./format.ts";
import { type Chunk, readChunks } from "./reader.ts";
import { segments } from "./segments.ts";

/** `from` is its first record, `to` one past its last. */
export type LogStatement = { from: number; to: number; text: string };

/** Puts texts together as the records pass. */
export class StatementReader {
  #parts: Buffer[] = [];

  /** @returns the statement that this record completes */
  take(id: number, record: Buffer): LogStatement | null {
    const { part, parts, bytes } = readTextPart(record);
    if (part !== this.#parts.length) this.#parts = [];
    if (part !== this.#parts.length) return null;
    this.#parts.push(bytes);
    if (part !== parts - 1) return null;
    const text = Buffer.concat(this.#parts).toString();
    this.#parts = [];
    return { from: id + 1 - parts, to: id + 1, text };
  }
}

export function* statementsOf(chunks: Iterable<Chunk>): Generator<LogStatement> {
  const reader = new StatementReader();
  for (const { first, records } of chunks)
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      if (records[at + 1] !== KIND_LOG) continue;
      const statement = reader.take(first + at / RECORD_BYTES, records.subarray(at, at + RECORD_BYTES));
      if (statement !== null) yield statement;
    }
}

/** Those of the last segment. */
export function lastStatements(folder: string): LogStatement[] {
  const last = segments(folder).at(-1);
  return last === undefined ? [] : [...statementsOf(readChunks(folder, last.first))];
}

/** The parsed text; null when it is no JSON object. */
export function parseStatement(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
