/**
 * The daemon's thread for questions: it reads the log's files itself, so that neither loading nor a question that takes
 * long keeps the daemon from anything. Started by thread.ts.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Loader } from "../graph/index.ts";
import { answer } from "./answer.ts";
import { AskError } from "./error.ts";
import type { Asked, Answered } from "./thread.ts";

const { folder } = workerData as { folder: string };
const loader = new Loader(folder);

parentPort!.on("message", ({ id, reader, ask, now }: Asked) => {
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort!.postMessage(answered(id, () => answer(loader.refresh(), reader, ask, now, loader.damaged)));
});

function answered(id: number, work: () => unknown): Answered {
  try {
    return { id, answer: work() };
  } catch (error) {
    if (!(error instanceof AskError)) return { id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }; // prettier-ignore
    const { code, message, hint } = error;
    return { id, refused: { code, message, hint } };
  }
}
