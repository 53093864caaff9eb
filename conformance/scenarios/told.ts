/** What the record tells, for scenarios that are about it. */
import { statSync } from "node:fs";
import { KIND, OPS, SHAPE } from "../../src/kernel/index.ts";
import type { World } from "../inside.ts";

const R = SHAPE.csn_record;

/** The records since the last question. */
export function records(world: World): Buffer[] {
  world.flows();
  return world.raw.flatMap((batch) =>
    Array.from({ length: batch.length / R.size }, (_, n) => batch.subarray(n * R.size, (n + 1) * R.size)),
  );
}

export const isFlow = (record: Buffer, op: string): boolean =>
  record[R.kind] === KIND.FLOW && record.readUInt16LE(R.op) === OPS.indexOf(op as (typeof OPS)[number]);

export const inodeOf = (path: string): bigint => statSync(path, { bigint: true }).ino;
