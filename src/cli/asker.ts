/**
 * Who answers questions about the record: the daemon, or this process from a copied folder.
 *
 * Guarantee: both give the same answer for the same records, but that a copy knows tags by id and sees all, since
 * whoever has the folder has all of it.
 */
import type { LeakAnswer, LeakQuery, TraceAnswer, TraceQuery } from "../api/index.ts";
import type { Format } from "../audit/index.ts";
import { connect } from "./connect.ts";
import type { Ui } from "./ui.ts";

export type Asker = {
  trace(query: TraceQuery): Promise<TraceAnswer>;
  leak(query: LeakQuery): Promise<LeakAnswer>;
  export(format: Format, options: { noise: boolean; refused: boolean }): AsyncIterable<string>;
};

/** @param folder of a log; undefined: the daemon */
export async function asker(folder: string | undefined, ui: Ui): Promise<Asker> {
  if (folder === undefined) {
    const client = await connect("look", ui);
    return {
      trace: (body) => client.call("trace", { body }),
      leak: (body) => client.call("leak", { body }),
      export: (format, { noise, refused }) =>
        client.pieces("exportRecord", { query: { format, noise: String(noise), refused: String(refused) } }),
    };
  }
  const { answer, exportAs, Loader, PLATFORM, Sight } = await import("../audit/index.ts");
  const loader = new Loader(folder);
  const graph = loader.refresh();
  const reader = { ...PLATFORM, host: `the log in ${folder}` };
  return {
    trace: async (query) => answer(graph, reader, { ask: "trace", ...query }, Date.now(), loader.damaged),
    export: async function* (format, options) {
      yield* exportAs(new Sight(graph, reader), format, options);
    },
    leak: async (query) => answer(graph, reader, { ask: "leak", ...query }, Date.now(), loader.damaged),
  };
}
