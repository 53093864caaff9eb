/**
 * Records that are missing, counted by kind [AUD-3], and the gap records that say so.
 *
 * A gap record: `verdict` 0 of what was allowed, 1 of what was refused; `source_kind` the record kind that was lost;
 * `sink_kind` where; `flags` as its records would have had; `count` how many; `source.first` and `sink.first` the time of
 * the first and last of them, `time` of the last.
 */
import { KIND_GAP, RECORD_BYTES, RECORD_VERSION } from "./format.ts";
import { FIELD, RECORD_KIND } from "./record.ts";

const MOST = 0xffffffff;

/** Where records were lost: on the way to the disk, or in the kernel, whose ring was full. */
export const LOST_AT = { DISK: 0, RING: 1 } as const;

export type Gap = {
  kind: number;
  refused: boolean;
  count: number;
  /** Of the first and the last that may be missing: ns since boot. */
  from: bigint;
  to: bigint;
  /** One of LOST_AT; without it, the disk. */
  at?: number;
  /** Of csn_record_flags. */
  flags?: number;
};

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
      const kind = records[at + FIELD.kind]!;
      const refused = records[at + FIELD.verdict] !== 0 && isDecision(kind);
      const time = isDecision(kind) ? records.readBigUInt64LE(at + FIELD.time) : 0n;
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
    return Buffer.concat(Array.from(this.#gaps.values(), gapRecords));
  }

  written(): void {
    this.#gaps.clear();
  }
}

/** Flows and events have a verdict and a time; texts and names have other bytes there. */
function isDecision(kind: number): boolean {
  return kind === RECORD_KIND.FLOW || kind === RECORD_KIND.EVENT;
}

/** One, or as many as its count needs. */
export function gapRecords(gap: Gap): Buffer {
  const records: Buffer[] = [];
  for (let left = gap.count; left > 0; left -= MOST) records.push(gapRecord(gap, Math.min(left, MOST)));
  return Buffer.concat(records);
}

function gapRecord({ kind, refused, from, to, at = LOST_AT.DISK, flags = 0 }: Gap, count: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record[0] = RECORD_VERSION;
  record[FIELD.kind] = KIND_GAP;
  record[FIELD.verdict] = Number(refused);
  record[FIELD.source_kind] = kind;
  record[FIELD.flags] = flags;
  record[FIELD.sink_kind] = at;
  record.writeBigUInt64LE(to, FIELD.time);
  record.writeBigUInt64LE(from, FIELD.source);
  record.writeBigUInt64LE(to, FIELD.sink);
  record.writeUInt32LE(count, FIELD.count);
  return record;
}
