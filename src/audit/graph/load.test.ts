import { deepStrictEqual, strictEqual } from "node:assert";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { contextRecords, contextWith, file, flowRecord, header, process, writeSegment } from "../ask/testing.ts"; // prettier-ignore
import { segmentName } from "../segments.ts";
import { Loader } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "csn-load-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const flow = (n: number, version = 3) =>
  flowRecord({ source: file(n), sink: process(9), from: 1, to: 1, time: n, version });
const numbers = ({ graph }: Loader) =>
  Array.from({ length: graph.flows.length }, (_, at) => [graph.flows.record(at), graph.flows.time(at)]);

it("reads what is there, then what has been added, each record once, with its number", () => {
  const context = contextRecords(1, contextWith([1]));
  const next = writeSegment(folder, header(0), context, flow(1), flow(2));
  const loader = new Loader(folder);
  loader.refresh();
  const path = join(folder, segmentName(0));
  appendFileSync(path, Buffer.concat([flow(3), flow(4).subarray(0, 50)])); // half a record, as a power cut leaves it
  loader.refresh();
  deepStrictEqual(numbers(loader), [[2, 1], [3, 2], [4, 3]]); // prettier-ignore
  strictEqual(next, 4);

  // closed and compressed meanwhile; the next one has another header, the one after is damaged
  const whole = readFileSync(path).subarray(0, 96 * 5);
  rmSync(path);
  writeFileSync(`${path}.zst`, zstdCompressSync(whole));
  const third = writeSegment(folder, header(5), context, flow(5));
  writeFileSync(join(folder, segmentName(third)), Buffer.alloc(96 * 3, 7));
  writeSegment(folder, header(third + 3), context, flow(6, 9), Buffer.alloc(96, 77));
  loader.refresh();
  loader.refresh();
  deepStrictEqual(numbers(loader).map(([, time]) => time), [1, 2, 3, 5, 6]); // prettier-ignore
  deepStrictEqual(loader.damaged, [segmentName(third)]);
  strictEqual(loader.graph.strange, 1, "a kind that is not known is counted");
  deepStrictEqual(numbers(new FreshlyLoaded(folder)), numbers(loader));
});

class FreshlyLoaded extends Loader {
  constructor(at: string) {
    super(at);
    this.refresh();
  }
}
