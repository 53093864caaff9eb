/**
 * Questions put to a thread of their own.
 *
 * Guarantee: an answer, or an error; should the thread end, those who wait are told and the next question starts another.
 */
import { Worker } from "node:worker_threads";
import type { AnswerTo, Ask } from "./answer.ts";
import { AskError, type AskErrorCode } from "./error.ts";
import type { Format } from "../export/index.ts";
import type { RowOptions } from "../export/rows.ts";
import type { Reader } from "./reader.ts";

export type Asked = {
  id: number;
  what:
    | { reader: Reader; ask: Ask; now: number }
    | { reader: Reader; format: Format; options: RowOptions }
    | { next: number; stop: boolean };
};
export type Answered = {
  id: number;
  answer?: unknown;
  refused?: { code: AskErrorCode; message: string; hint: string };
  failed?: string;
};

type Waiting = { resolve: (value: unknown) => void; reject: (error: Error) => void };

/** Beside the bundle it is a bundle of its own (src/setup/build.ts). */
const SCRIPT = new URL(
  import.meta.url.endsWith(".mjs") ? "./ask-worker.mjs" : "./worker.ts",
  import.meta.url,
);

export class AskThread {
  readonly #folder: string;
  #worker: Worker | null = null;
  #last = 0;
  readonly #waiting = new Map<number, Waiting>();

  /** @param folder of segments */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws AskError */
  ask<A extends Ask>(reader: Reader, ask: A, now: number): Promise<AnswerTo<A>> {
    return this.#send({ reader, ask, now }) as Promise<AnswerTo<A>>;
  }

  /** All that the reader may see, piece by piece, as it is when it begins. */
  async *export(reader: Reader, format: Format, options: RowOptions): AsyncGenerator<string> {
    const session = (await this.#send({ reader, format, options })) as number;
    try {
      for (;;) {
        const piece = (await this.#send({ next: session, stop: false })) as string | null;
        if (piece === null) return;
        yield piece;
      }
    } finally {
      await this.#send({ next: session, stop: true });
    }
  }

  #send(what: Asked["what"]): Promise<unknown> {
    const id = ++this.#last;
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    this.#started().postMessage({ id, what } satisfies Asked);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #started(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(SCRIPT, { workerData: { folder: this.#folder } });
    worker.unref();
    worker.on("message", (answered: Answered) => this.#answered(answered));
    worker.on("error", (error) => this.#ended(worker, error as Error));
    worker.on("exit", () => this.#ended(worker, new Error("the thread for questions ended")));
    this.#worker = worker;
    return worker;
  }

  #answered({ id, answer, refused, failed }: Answered): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (refused !== undefined) waiting?.reject(new AskError(refused.code, refused.message, refused.hint));
    else if (failed !== undefined) waiting?.reject(new Error(failed));
    else waiting?.resolve(answer);
  }

  #ended(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
