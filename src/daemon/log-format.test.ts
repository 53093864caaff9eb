/**
 * What audit, which knows no kernel, says of the kernel's records.
 */
import { deepStrictEqual } from "node:assert";
import { describe, it } from "node:test";
import { KIND_LOG, KIND_MARK, NEWEST_RECORD_VERSION, RECORD_BYTES } from "../audit/index.ts";
import { KIND, LIMITS, SHAPE } from "../kernel/index.ts";

describe("audit and the kernel", () => {
  it("agree on the version, the kinds and the offsets of records", () => {
    deepStrictEqual([NEWEST_RECORD_VERSION, KIND_LOG, KIND_MARK], [LIMITS.ABI_VERSION, KIND.LOG, KIND.MARK]);
    const { kind, verdict, source_kind, time, source_context, sink_context, source, sink, count } =
      SHAPE.csn_record;
    deepStrictEqual(
      [kind, verdict, source_kind, time, source_context, sink_context, source, sink, count],
      [1, 2, 3, 8, 32, 36, 40, 56, 88],
    );
    deepStrictEqual([RECORD_BYTES, SHAPE.csn_name_record.entity], [96, 8]);
  });
});
