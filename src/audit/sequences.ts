/**
 * The kernel counts the records of each processor: which have been seen, and which are missing between them. [AUD-3]
 *
 * Guarantee: a record that was seen is known as such, also when it came a little out of order (a program that was
 * interrupted between its time and its number). Memory: a number a record that is out of order, at most MOST_AHEAD a
 * processor; what is still missing before the first half of them then counts as missing.
 * Not covered: records of the daemon, which have no processor; what is missing behind the last one.
 */
import { FIELD } from "./record.ts";

const MOST_AHEAD = 8192;
/** Of the upper half of a number. */
const HIGH = 2 ** 32;
/** The counters began anew: the monitor was taken off and attached again. */
const ANEW = 0;

/** `first`: the least that was seen; from there to `next` each was, or counts as missing. */
type Processor = { first: number; next: number; ahead: Set<number> };

export class Sequences {
  #processors = new Map<number, Processor>();
  /** Numbers that no record has had. */
  #missing = 0;

  /** A flow of the kernel, at `at` in the buffer. */
  take(records: Buffer, at = 0): void {
    const cpu = records.readUInt32LE(at + FIELD.cpu);
    const sequence = sequenceOf(records, at);
    let processor = this.#processors.get(cpu);
    if (processor === undefined || (sequence === ANEW && processor.next > ANEW)) {
      if (processor !== undefined) this.#missing += missingOf(processor);
      this.#processors.set(cpu, (processor = { first: sequence, next: sequence, ahead: new Set() }));
    }
    if (sequence < processor.first) processor.first = sequence;
    if (sequence < processor.next) return;
    // nearly always it is the next one
    if (sequence === processor.next && processor.ahead.size === 0) {
      processor.next++;
      return;
    }
    processor.ahead.add(sequence);
    this.#advance(processor);
  }

  /** Was it taken already, since the counters began? */
  has(records: Buffer, at = 0): boolean {
    const processor = this.#processors.get(records.readUInt32LE(at + FIELD.cpu));
    const sequence = sequenceOf(records, at);
    if (processor === undefined || sequence < processor.first) return false;
    return sequence < processor.next || processor.ahead.has(sequence);
  }

  /** What comes next does not go on from here: the counters begin anew, or records were taken away. */
  restart(): void {
    this.#missing = this.missing;
    this.#processors.clear();
  }

  get missing(): number {
    let missing = this.#missing;
    for (const processor of this.#processors.values()) missing += missingOf(processor);
    return missing;
  }

  #advance(processor: Processor): void {
    const { ahead } = processor;
    while (ahead.delete(processor.next)) processor.next++;
    if (ahead.size <= MOST_AHEAD) return;
    // half of them at once: with every other one missing, one at a time would cost a look at all for each record
    const waiting = Float64Array.from(ahead).sort();
    for (const sequence of waiting.subarray(0, MOST_AHEAD / 2)) {
      this.#missing += sequence - processor.next;
      processor.next = sequence + 1;
      ahead.delete(sequence);
    }
    while (ahead.delete(processor.next)) processor.next++;
  }
}

function missingOf({ next, ahead }: Processor): number {
  return ahead.size === 0 ? 0 : Math.max(...ahead) + 1 - next - ahead.size;
}

function sequenceOf(records: Buffer, at: number): number {
  return records.readUInt32LE(at + FIELD.sequence) + records.readUInt32LE(at + FIELD.sequence + 4) * HIGH;
}
