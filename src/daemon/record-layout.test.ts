/** audit's own words for a record are those of the kernel. */
import { deepStrictEqual } from "node:assert";
import { test } from "node:test";
import {
  CHANNEL as CHANNEL_ON_DISK,
  ENTITY_NAMES,
  FIELD,
  NAME_BYTES,
  NAME_FIELD,
  OP_NAMES,
  RECORD_BYTES,
  RECORD_FLAG,
  RECORD_KIND,
  VERDICT_RULES,
} from "../audit/index.ts";
import { CHANNEL, ENTITY_KINDS, FLAG, KIND, LIMITS, OPS, SHAPE, VERDICTS } from "../kernel/index.ts";

test("the record on disk is the kernel's", () => {
  const { size, ...fields } = SHAPE.csn_record;
  deepStrictEqual({ ...FIELD }, fields);
  deepStrictEqual(size, RECORD_BYTES);
  const { parts, entity_kind, context, entity, name } = SHAPE.csn_name_record;
  deepStrictEqual({ ...NAME_FIELD }, { parts, entity_kind, context, entity, name });
  deepStrictEqual(NAME_BYTES, LIMITS.NAME_BYTES);
  deepStrictEqual({ ...RECORD_KIND }, { ...KIND });
  deepStrictEqual({ ...RECORD_FLAG }, { ...FLAG });
});

test("operations, entities and verdicts have the kernel's numbers", () => {
  deepStrictEqual([...OP_NAMES], [...OPS]);
  deepStrictEqual([...ENTITY_NAMES], [...ENTITY_KINDS]);
  deepStrictEqual({ ...CHANNEL_ON_DISK }, { ...CHANNEL });
  deepStrictEqual(
    [...VERDICT_RULES],
    VERDICTS.map(({ rule }) => rule),
  );
});
