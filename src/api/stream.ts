/**
 * The stream of a run, after `GET /v1/runs/ID/stream` with `Upgrade: csn-stream` was answered with 101.
 *
 * Frames both ways: one byte of kind, four bytes of length (big endian), then the content. Control frames
 * hold JSON. The daemon ends the connection after `exit` or `failed`; the client's end of the connection
 * kills the program.
 */
export const FRAME = { INPUT: 0, OUTPUT: 1, ERROR: 2, CONTROL: 3 } as const;

/** From the client. */
export type ClientControl =
  | { signal: number }
  | { resize: { rows: number; columns: number } }
  | { close: true }; // end of input

/** From the daemon. */
export type DaemonControl =
  /** `code` as a shell gives it; 0 with `withheld: true` when the caller may not know it. */
  | { exit: { code: number; withheld: boolean } }
  | { failed: { code: string; message: string; hint: string; exit: 125 | 126 | 127 } }
  /** Output that the caller may not see was dropped; said once a stream. */
  | { withheld: { stream: "output" | "error"; tags: string[]; hint: string } };

/** Largest frame, in bytes. A longer one ends the connection. */
export const MAX_FRAME = 1 << 20;

export function frame(kind: number, content: Uint8Array): Buffer {
  const buffer = Buffer.allocUnsafe(5 + content.length);
  buffer[0] = kind;
  buffer.writeUInt32BE(content.length, 1);
  buffer.set(content, 5);
  return buffer;
}

export function controlFrame(value: ClientControl | DaemonControl): Buffer {
  return frame(FRAME.CONTROL, Buffer.from(JSON.stringify(value)));
}

/** Cuts bytes as they arrive into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws RangeError for a frame longer than MAX_FRAME */
  *push(chunk: Buffer): Generator<{ kind: number; content: Buffer }> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt32BE(1);
      if (length > MAX_FRAME)
        throw new RangeError(`frame of ${length} bytes, at most ${MAX_FRAME} are allowed`);
      if (this.#rest.length < 5 + length) return;
      const kind = this.#rest[0]!;
      const content = this.#rest.subarray(5, 5 + length);
      this.#rest = this.#rest.subarray(5 + length);
      yield { kind, content };
    }
  }
}
