import { deepStrictEqual, strictEqual } from "node:assert";
import { test } from "node:test";
import fc from "fast-check";
import { RECORD_BYTES } from "./format.ts";
import { FIELD } from "./record.ts";
import { Sequences } from "./sequences.ts";

function flow(cpu: number, sequence: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.writeUInt32LE(cpu, FIELD.cpu);
  record.writeBigUInt64LE(BigInt(sequence), FIELD.sequence);
  return record;
}

/** Each record swapped with one at most so many places later. */
function jumbled(sequences: readonly number[], steps: readonly number[]): number[] {
  const out = [...sequences];
  for (const [at, step] of steps.entries()) {
    const other = at + step;
    if (other < out.length) [out[at], out[other]] = [out[other]!, out[at]!];
  }
  return out;
}

test("[AUD-3] what is missing is what was left out, whatever the order within reach and however many processors", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ cpu: fc.nat(2), left: fc.boolean() }), { minLength: 1, maxLength: 200 }),
      fc.array(fc.nat(3), { maxLength: 200 }),
      (made, steps) => {
        const counts = [0, 0, 0];
        const all = made.map(({ cpu, left }) => ({ cpu, left, sequence: counts[cpu]!++ }));
        const known = new Sequences();
        let missing = 0;
        for (const cpu of [0, 1, 2]) {
          const its = all.filter((one) => one.cpu === cpu);
          const kept = its.filter(({ left }) => !left).map(({ sequence }) => sequence);
          // before the first and behind the last one nobody knows of any
          const [first, last] = [kept[0] ?? 0, kept.at(-1) ?? -1];
          missing += its.filter(({ left, sequence }) => left && sequence > first && sequence < last).length;
          for (const sequence of [...kept.slice(0, 1), ...jumbled(kept.slice(1), steps)]) {
            strictEqual(known.has(flow(cpu, sequence)), false);
            known.take(flow(cpu, sequence));
            strictEqual(known.has(flow(cpu, sequence)), true);
          }
        }
        strictEqual(known.missing, missing);
      },
    ),
  );
});

test("what is missing for ever does not make the rest unknown, nor the memory grow", () => {
  const known = new Sequences();
  known.take(flow(0, 0));
  for (let sequence = 5; sequence < 50_000; sequence++) known.take(flow(0, sequence));
  strictEqual(known.missing, 4);
  strictEqual(known.has(flow(0, 49_999)), true);
  strictEqual(known.has(flow(0, 50_000)), false);
});

test("with every other one missing, each that is there is known, and each that is not is counted", () => {
  const known = new Sequences();
  // one look at all that wait for each record would be four thousand million of them
  for (let sequence = 0; sequence < 1_000_000; sequence += 2) known.take(flow(0, sequence));
  strictEqual(known.missing, 499_999);
  strictEqual(known.has(flow(0, 999_998)), true);
  strictEqual(known.has(flow(0, 999_999)), false);
});

test("counters that begin anew miss nothing, and records of before are unknown then", () => {
  const known = new Sequences();
  for (const sequence of [0, 1, 2, 4, 0, 1, 2]) known.take(flow(0, sequence));
  strictEqual(known.missing, 1);
  known.restart();
  strictEqual(known.has(flow(0, 1)), false);
  known.take(flow(0, 7));
  strictEqual(known.missing, 1);
});

test("what came before the first one that was seen is not taken for seen", () => {
  const known = new Sequences();
  known.take(flow(0, 1));
  strictEqual(known.has(flow(0, 0)), false);
  known.take(flow(1, 7));
  known.take(flow(1, 6));
  deepStrictEqual([5, 6, 7, 8].map((sequence) => known.has(flow(1, sequence))), [false, true, true, false]); // prettier-ignore
});
