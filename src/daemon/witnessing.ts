/**
 * The log's checkpoints go to its witnesses, every ten seconds while there is something new.
 *
 * Guarantee: that a witness has seen another tree of this log is found within that time, shown by `csn doctor`, and
 * recorded in the log itself once. A witness that can't be reached stops nothing.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { AuditError, cosign, overHttp, parseVkey } from "../audit/index.ts";
import type { LogKeeper } from "./log-keeper.ts";

const EVERY_MS = 10_000;

export type WitnessAt = { url: string; keys: string[] };

export class Witnessing {
  readonly #path: string;
  readonly #keeper: LogKeeper;
  readonly #said = new Set<string>();
  #all: WitnessAt[];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  /** By address, why a witness did not cosign last time. */
  readonly trouble = new Map<string, string>();

  /** @param path of the list, kept over restarts */
  constructor(path: string, keeper: LogKeeper) {
    this.#path = path;
    this.#keeper = keeper;
    this.#all = read(path);
    this.#begin();
  }

  get all(): readonly WitnessAt[] {
    return this.#all;
  }

  /** @throws AuditError E_VKEY */
  add({ url, keys }: WitnessAt): void {
    for (const key of keys) parseVkey(key);
    this.#all = [...this.#all.filter((one) => one.url !== url), { url, keys }];
    writeFileSync(this.#path, JSON.stringify(this.#all), { mode: 0o600 });
    this.#size = 0;
    this.#begin();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Asks all of them now. */
  async ask(): Promise<void> {
    const size = this.#keeper.writer.checkpoint?.size ?? 0;
    if (size === this.#size) return;
    this.#size = size;
    for (const { url, keys } of this.#all) {
      try {
        await cosign(this.#keeper.writer.folder, keys.map(parseVkey), overHttp(url));
        this.trouble.delete(url);
      } catch (error) {
        this.trouble.set(url, error instanceof Error ? error.message : String(error));
        if (error instanceof AuditError && error.code === "E_LOG_FORK" && !this.#said.has(url)) {
          this.#said.add(url);
          this.#keeper.writer.state({ fork: { witness: url, message: error.message } });
        }
      }
    }
  }

  #begin(): void {
    if (this.#all.length > 0) this.#timer ??= setInterval(() => void this.ask(), EVERY_MS).unref();
  }
}

function read(path: string): WitnessAt[] {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as WitnessAt[];
  } catch {
    return [];
  }
}
