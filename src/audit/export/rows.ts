/**
 * The flows that a reader may see, one by one, in words that all formats share.
 */
import { type EntityText, entityText } from "../ask/entity.ts";
import type { ContextText, Sight } from "../ask/reader.ts";
import { isNoise, isObserved, isRefused, opOf } from "../graph/index.ts";
import { ruleOf } from "../record.ts";

export type Row = {
  record: string;
  time: string;
  verdict: "allowed" | "refused" | "observed";
  rule: string | null;
  op: string;
  from: EntityText;
  to: EntityText;
  fromContext: ContextText | null;
  toContext: ContextText | null;
};
export type RowOptions = { noise?: boolean | undefined; refused?: boolean | undefined };

/** A flow in both directions is two rows of one record; what went through shared memory is rows of the record that it comes of. @param options what to leave in: by default all */
export function* rowsOf(sight: Sight, { noise = true, refused = true }: RowOptions = {}): Generator<Row> {
  const { graph, sees } = sight;
  const kinds = Array.from({ length: graph.metas.size }, (_, n) => {
    const meta = graph.metas.of(n);
    const isOut = sees[n] === 0 || (!noise && isNoise(meta, graph.contexts)) || (!refused && isRefused(meta));
    if (isOut) return null;
    return {
      verdict: isObserved(meta) ? "observed" : meta.verdict === 0 ? "allowed" : "refused",
      rule: ruleOf(meta.verdict),
      op: opOf(meta),
      fromContext: sight.contextText(meta.source),
      toContext: sight.contextText(meta.sink),
    } as const;
  });
  const { flows } = graph;
  for (let i = 0; i < flows.length; i++) {
    const kind = kinds[flows.meta(i)];
    if (!kind) continue;
    const [from, to] = [entityText(sight, flows.source(i)), entityText(sight, flows.sink(i))];
    yield { record: sight.recordText(i), time: sight.timeText(i), ...kind, from, to };
  }
}

/** Pieces of text put together to chunks worth sending. */
export function* chunked(pieces: Iterable<string>): Generator<string> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < 1 << 16) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}
