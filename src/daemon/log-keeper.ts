/**
 * When what was recorded is on disk, and when it is signed.
 *
 * Guarantee: a durable batch is on disk when `append` returns, any other within 15 ms of being drained, as far as the
 * disk answers in 5; a checkpoint is signed at most 100 ms after a durable batch, and at most a second after any
 * other. An idle daemon does no more than look.
 */
import { type Checkpoint, Writer } from "../audit/index.ts";

/** Between two looks at the ring: half of what is promised, the rest is the disk's. */
const BEAT_MS = 8;
const SIGN_MS = 1000;
const SIGN_DURABLE_MS = 100;

export type KeeperOptions = {
  folder: string;
  bootId: string;
  wallOffset: () => bigint;
  describe: () => Record<string, unknown>;
  /** Each beat: what waits is to be appended. @returns is there more to come? */
  onBeat: () => boolean;
};

export class LogKeeper {
  readonly writer: Writer;
  readonly #onBeat: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #unsynced = false;
  /** When the oldest record that no checkpoint covers yet has to be signed; monotonic, ms. */
  #signBy = Infinity;
  /** Told of each new checkpoint. */
  onCheckpoint: (checkpoint: Checkpoint) => void = () => undefined;

  constructor({ onBeat, folder, ...options }: KeeperOptions) {
    this.#onBeat = onBeat;
    this.writer = new Writer({ folder, keyFile: `${folder}-key.pem`, ...options });
  }

  append(records: Buffer, durable: boolean): number | null {
    const first = this.writer.append(records, durable);
    if (!durable) this.#unsynced = true;
    this.#signBy = Math.min(this.#signBy, performance.now() + (durable ? SIGN_DURABLE_MS : SIGN_MS));
    this.wake();
    return first;
  }

  /** Begins to look, until there is nothing to do. */
  wake(): void {
    this.#timer ??= setInterval(() => this.#beat(), BEAT_MS);
  }

  /** The newest records are signed when it returns, if the disk lets them. */
  sign(): Checkpoint | null {
    const before = this.writer.checkpoint;
    const checkpoint = this.writer.signCheckpoint();
    // when the disk does not take it, it is tried at the same pace as everything else
    this.#signBy = checkpoint === null ? performance.now() + SIGN_MS : Infinity;
    if (checkpoint !== null && checkpoint !== before) this.onCheckpoint(checkpoint);
    return checkpoint;
  }

  /** @throws AuditError E_LOG_WRITE */
  rotateKeys(): string[] {
    const vkeys = this.writer.rotateKeys();
    this.sign();
    return vkeys;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.writer.close();
  }

  #beat(): void {
    const more = this.#onBeat();
    if (this.#unsynced) {
      this.#unsynced = false;
      this.writer.syncSoon();
    }
    if (performance.now() >= this.#signBy) this.sign();
    if (more || this.#unsynced || this.#signBy !== Infinity) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
