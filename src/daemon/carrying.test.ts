/** What the daemon carries waits until it can be said what it was carried from and to (carrying.ts). */
import { deepStrictEqual, strictEqual } from "node:assert";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "node:test";
import { holdUntilTold } from "./carrying.ts";
import { Streams } from "./stage.ts";

const tell = (streams: Streams) => {
  for (const inode of [1, 2, 3]) streams.take(`stream ${inode} 7`);
  streams.take("started 5");
};

/** A program that has printed all it has, and the one behind it. */
function chain() {
  const [from, to] = [new PassThrough(), new PassThrough()];
  const [first, second] = [new Streams(), new Streams()];
  const seen: string[] = [];
  /** What could be said when bytes came. */
  const known: boolean[] = [];
  from.on("data", (bytes: Buffer) => {
    known.push(first.pipes.length === 3 && second.pipes.length === 3);
    seen.push(String(bytes));
  });
  from.pipe(to);
  holdUntilTold(from, [first, second]);
  from.end("all it has");
  const ended = new Promise((resolve) => to.on("end", resolve));
  to.resume();
  return { first, second, seen, known, ended };
}

describe("bytes from one program to the next", () => {
  it("wait for a launcher that tells late, whichever of the two it is [AUD-1]", async () => {
    for (const order of ["first", "second"] as const) {
      const { seen, known, ended, ...streams } = chain();
      tell(streams[order]);
      await sleep(20);
      deepStrictEqual(seen, []);
      tell(streams[order === "first" ? "second" : "first"]);
      await ended;
      deepStrictEqual([seen, known], [["all it has"], [true]]);
    }
  });

  it("do not wait for a launcher that ended without a word", async () => {
    const { first, second, seen, ended } = chain();
    tell(first);
    second.close();
    await ended;
    strictEqual(seen.length, 1);
  });
});
