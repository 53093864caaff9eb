/**
 * Records that could not be written, counted by kind [AUD-3], and the gap records that say so.
 *
 * A gap record: `verdict` 0 of what was allowed, 1 of what was refused; `source_kind` the record kind that was lost;
 * `count` how many; `source.first` and `sink.first` the time of the first and last of them, `time` of the last.
 */
import { KIND_GAP, RECORD_BYTES, RECORD_VERSION } from "./format.ts";

/** Offsets of csn_record (bpf/abi.h). */
const AT = { kind: 1, verdict: 2, sourceKind: 3, time: 8, source: 40, sink: 56, count: 88 } as const;

type Gap = { kind: number; refused: boolean; count: number; from: bigint; to: bigint };

export class Gaps {
  #gaps = new Map<number, Gap>();

  get total(): number {
    let total = 0;
    for (const { count } of this.#gaps.values()) total += count;
    return total;
  }

  /** These were not written. */
  lose(records: Buffer): void {
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      const kind = records[at + AT.kind]!;
      const refused = records[at + AT.verdict] !== 0 && isDecision(kind);
      const time = isDecision(kind) ? records.readBigUInt64LE(at + AT.time) : 0n;
      const key = kind * 2 + Number(refused);
      const gap = this.#gaps.get(key);
      if (gap === undefined) this.#gaps.set(key, { kind, refused, count: 1, from: time, to: time });
      else {
        gap.count++;
        if (time > gap.to) gap.to = time;
      }
    }
  }

  /** What is to be written of them; they count until `written`. */
  records(): Buffer {
    return Buffer.concat(Array.from(this.#gaps.values(), gapRecord));
  }

  written(): void {
    this.#gaps.clear();
  }
}

/** Flows and events have a verdict and a time; texts and names have other bytes there. */
function isDecision(kind: number): boolean {
  return kind === 1 || kind === 6;
}

function gapRecord({ kind, refused, count, from, to }: Gap): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record[0] = RECORD_VERSION;
  record[AT.kind] = KIND_GAP;
  record[AT.verdict] = Number(refused);
  record[AT.sourceKind] = kind;
  record.writeBigUInt64LE(to, AT.time);
  record.writeBigUInt64LE(from, AT.source);
  record.writeBigUInt64LE(to, AT.sink);
  record.writeUInt32LE(Math.min(count, 0xffffffff), AT.count);
  return record;
}
