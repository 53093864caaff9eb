/**
 * Who answers questions about the record: the daemon, or this process from a copied folder.
 *
 * Guarantee: both give the same answer for the same records, but that a copy knows tags by id and sees all, since
 * whoever has the folder has all of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type {
  ErasureAnswer,
  ErasureQuery,
  LeakAnswer,
  LeakQuery,
  QuestionsAnswer,
  QuestionsQuery,
  TraceAnswer,
  TraceQuery,
} from "../api/index.ts";
import type { Format } from "../audit/index.ts";
import { connect } from "./connect.ts";
import type { Ui } from "./ui.ts";

export type Asker = {
  trace(query: TraceQuery): Promise<TraceAnswer>;
  leak(query: LeakQuery): Promise<LeakAnswer>;
  questions(query: QuestionsQuery): Promise<QuestionsAnswer>;
  erasure(query: ErasureQuery): Promise<ErasureAnswer>;
  /** Something whenever there are records that the last answer did not know. */
  changes(): AsyncIterable<unknown>;
  export(format: Format, options: { noise: boolean; refused: boolean }): AsyncIterable<string>;
};

/**
 * @param folder of a log; undefined: the daemon
 * @param tags of a folder: names by id
 */
export async function asker(
  folder: string | undefined,
  ui: Ui,
  tags: Record<string, string> = {},
): Promise<Asker> {
  if (folder === undefined) {
    const client = await connect("look", ui);
    return {
      trace: (body) => client.call("trace", { body }),
      leak: (body) => client.call("leak", { body }),
      questions: (body) => client.call("questions", { body }),
      erasure: (body) => client.call("erasure", { body }),
      changes: () => client.lines("log", { query: { follow: true, limit: 1 } }),
      export: (format, { noise, refused }) =>
        client.pieces("exportRecord", { query: { format, noise: String(noise), refused: String(refused) } }),
    };
  }
  const { answer, exportAs, Loader, PLATFORM, Sight } = await import("../audit/index.ts");
  const loader = new Loader(folder);
  const graph = loader.refresh();
  const reader = { ...PLATFORM, tags, host: `the log in ${folder}` };
  return {
    trace: async (query) => answer(graph, reader, { ask: "trace", ...query }, Date.now(), loader.damaged),
    export: async function* (format, options) {
      yield* exportAs(new Sight(graph, reader), format, options);
    },
    questions: async (query) =>
      answer(graph, reader, { ask: "questions", ...query }, Date.now(), loader.damaged),
    erasure: async (query) => answer(graph, reader, { ask: "erasure", ...query }, Date.now(), loader.damaged),
    changes: async function* () {
      for (let known = graph.records; ; await sleep(1000)) {
        if (loader.refresh().records === known) continue;
        known = graph.records;
        yield known;
      }
    },
    leak: async (query) => answer(graph, reader, { ask: "leak", ...query }, Date.now(), loader.damaged),
  };
}
