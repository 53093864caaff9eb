/**
 * The stage as bytes: conformance/stage.h reads and writes the same.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

export const SCENES = 2048;
const HEAD = 128;
const SHAPE = { begin: 0, end: 8, who: 16, error: 20, command: 24, detail: 384, size: 1024 };
const COMMAND = 360;

export type Scene = { readonly who: number; readonly command: string };
/** Times in ns since boot, as in records. */
export type Played = {
  readonly error: number;
  readonly detail: string;
  readonly begin: bigint;
  readonly end: bigint;
};

export class Stage {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(SCENES * SHAPE.size);

  constructor(path: string) {
    this.#file = openSync(path, "w+");
    ftruncateSync(this.#file, HEAD + SCENES * SHAPE.size);
    if (fstatSync(this.#file).size !== HEAD + SCENES * SHAPE.size) throw new Error("the stage is too small");
  }

  /** @throws RangeError when the scenes or one of the commands do not fit */
  write(scenes: readonly Scene[]): void {
    if (scenes.length > SCENES) throw new RangeError(`${scenes.length} scenes`);
    const bytes = this.#buffer.subarray(0, scenes.length * SHAPE.size).fill(0);
    for (const [n, { who, command }] of scenes.entries()) {
      if (command.length >= COMMAND) throw new RangeError(`too long: ${command}`);
      bytes.writeUInt32LE(who, n * SHAPE.size + SHAPE.who);
      bytes.write(command, n * SHAPE.size + SHAPE.command, "latin1");
    }
    const head = Buffer.alloc(4);
    head.writeUInt32LE(scenes.length);
    writeSync(this.#file, bytes, 0, bytes.length, HEAD);
    writeSync(this.#file, head, 0, 4, 0);
  }

  read(count: number): Played[] {
    const bytes = this.#buffer.subarray(0, count * SHAPE.size);
    readSync(this.#file, bytes, 0, bytes.length, HEAD);
    return Array.from({ length: count }, (_, n) => {
      const one = bytes.subarray(n * SHAPE.size, (n + 1) * SHAPE.size);
      const detail = one.subarray(SHAPE.detail);
      return {
        begin: one.readBigUInt64LE(SHAPE.begin),
        end: one.readBigUInt64LE(SHAPE.end),
        error: one.readInt32LE(SHAPE.error),
        detail: decode(detail.toString("latin1", 0, detail.indexOf(0))),
      };
    });
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The actor writes `%XX` for what is no ordinary character. */
const decode = (text: string): string =>
  text.replaceAll(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
