/** What several connections are sent in one turn: put together once where it is the very same, and never shared otherwise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Turn } from "./turn.ts";

test("each connection gets its own parts, in their order, whatever others were sent", () => {
  const made = ["whole", "cut", "cut", "", "ack"].map((text) => Buffer.from(text));
  const parts = fc.array(fc.nat({ max: made.length - 1 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(fc.array(parts, { maxLength: 6 }), { maxLength: 3 }), (turns) => {
      const turn = new Turn(() => undefined);
      for (const connections of turns) {
        for (const wanted of connections) {
          const own = wanted.map((at) => made[at] as Buffer);
          const flush = (): void => {
            const bytes = own.reduce((sum, { length }) => sum + length, 0);
            assert.equal(turn.together(own, bytes).toString(), Buffer.concat(own).toString());
          };
          turn.mark({ flush, abandon: () => assert.fail() });
        }
        turn.end();
      }
    }),
  );
});

test("the very same parts are put together once in a turn, and forgotten after it", () => {
  const turn = new Turn(() => undefined);
  const parts = [Buffer.from("a"), Buffer.from("b")];
  const got: Buffer[] = [];
  const mark = (): void => turn.mark({ flush: () => got.push(turn.together([...parts], 2)), abandon: () => assert.fail() }); // prettier-ignore
  mark();
  mark();
  turn.end();
  mark();
  turn.end();
  assert.equal(got[0], got[1]);
  assert.notEqual(got[1], got[2]);
});
