/**
 * The daemon's thread for questions: it reads the log's files itself, so that neither loading nor a question that takes
 * long keeps the daemon from anything. Started by thread.ts.
 */
import { parentPort, workerData } from "node:worker_threads";
import { exportAs } from "../export/index.ts";
import { Loader } from "../graph/index.ts";
import { answer } from "./answer.ts";
import { AskError } from "./error.ts";
import { Sight } from "./reader.ts";
import type { Asked, Answered } from "./thread.ts";

const { folder } = workerData as { folder: string };
const loader = new Loader(folder);
/** Exports that are under way: what they yield next is asked for piece by piece. */
const exports = new Map<number, Generator<string>>();

parentPort!.on("message", (asked: Asked) => {
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort!.postMessage(answered(asked.id, () => answerTo(asked)));
});

function answerTo({ id, what }: Asked): unknown {
  if ("ask" in what) return answer(loader.refresh(), what.reader, what.ask, what.now, loader.damaged);
  if ("format" in what) {
    exports.set(id, exportAs(new Sight(loader.refresh(), what.reader), what.format, what.options));
    return id;
  }
  const next = what.stop ? undefined : exports.get(what.next)?.next();
  if (next !== undefined && next.done !== true) return next.value;
  exports.delete(what.next);
  return null;
}

function answered(id: number, work: () => unknown): Answered {
  try {
    return { id, answer: work() };
  } catch (error) {
    if (!(error instanceof AskError))
      return { id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    const { code, message, hint } = error;
    return { id, refused: { code, message, hint } };
  }
}
