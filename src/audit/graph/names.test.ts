import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { it } from "node:test";
import fc from "fast-check";
import { file, flowRecord, graphOf, nameRecord, process } from "../ask/testing.ts";
import { lastPart } from "./index.ts";
import { NAME_BYTES, NAME_FIELD, PROCESS_FIELD, RECORD_KIND } from "../record.ts";

/** Short and long, of several bytes a letter, no text, and what has a meaning in a path. */
const PARTS = ["a", "ab", "part-0001", "part-0002", "é", "aé", "…", "a b", "/", "x".repeat(22), "x".repeat(23), "x".repeat(30), "sh", "\ufffd"]; // prettier-ignore
const parts = fc.array(fc.constantFrom(...PARTS), { maxLength: 3 });

/** A process's description in parts, as from version 4 on: its word, or the path of its program. */
function program(pid: number, part: 0 | 1, names: readonly string[]): Buffer {
  const record = nameRecord(process(pid), ...(part === 1 ? names : []));
  record[0] = 4;
  record[PROCESS_FIELD.part] = part;
  // a program's own word may have a slash in it, as a kernel's thread's has
  if (part === 0) record.write(names.join("/").slice(0, 15), PROCESS_FIELD.comm);
  return record;
}

it("keeps the newest name of each, and gives all that may end in a text", () => {
  let found = 0;
  const named = fc.record({ entity: fc.nat(4), kind: fc.constantFrom("file", "old", "word", "path"), parts });
  fc.assert(
    fc.property(fc.array(named, { maxLength: 8 }), fc.constantFrom(...PARTS), (list, wanted) => {
      const flows = Array.from({ length: 5 }, (_, n) => flowRecord({ source: file(n), sink: process(n) }));
      const records = list.map(({ entity, kind, parts: names }) =>
        kind === "file" ? nameRecord(file(entity), ...names)
        : kind === "old" ? nameRecord(process(entity), ...names)
        : program(entity, kind === "word" ? 0 : 1, names)); // prettier-ignore
      const { names, entities } = graphOf(...flows, ...records);
      const last = wanted.slice(wanted.lastIndexOf("/") + 1);
      const candidates = new Map(names.endingIn(last));
      const called = names.called(last);
      for (let n = 0; n < entities.size; n++) {
        const name = names.of(n);
        strictEqual(called.includes(n), name !== undefined && lastPart(name) === last);
        if (name === undefined || (name !== last && !name.endsWith(`/${last}`))) continue;
        // a name that was cut is shown with a mark that it does not have
        if (name.endsWith("…") && last !== "…") continue;
        found++;
        strictEqual(candidates.get(n), name);
      }
    }),
    { numRuns: 2000 },
  );
  ok(found > 80, `names that end so: ${found}`);
});

it("shows what the records tell, the newest last", () => {
  const at = (...records: Buffer[]) => {
    const graph = graphOf(flowRecord({ source: file(1), sink: process(2) }), ...records);
    return [graph.names.of(1), graph.names.of(0), graph.names.size];
  };
  deepStrictEqual(at(nameRecord(file(1), "a", "b", "c")), ["…/a/b/c", undefined, 1]);
  deepStrictEqual(at(nameRecord(file(1), "a"), nameRecord(file(1), "/", "b")), ["/b", undefined, 1]);
  deepStrictEqual(at(nameRecord(file(1), "a"), nameRecord(file(1))), ["…/a", undefined, 1]);
  deepStrictEqual(at(program(2, 0, ["sh"]), program(2, 1, ["bin", "sh"])), [undefined, "…/bin/sh", 1]);
  deepStrictEqual(at(program(2, 0, ["sh"]), program(2, 1, [])), [undefined, "sh", 1]);
  strictEqual(RECORD_KIND.PROCESS, nameRecord(process(1), "x")[1]);
});

it("a connection is called by its two ends", () => {
  const socket = { ...file(1), kind: "socket" } as const;
  const ends = (...list: readonly [address: string, port: number][]): Buffer => {
    const record = nameRecord(socket, "TCP");
    for (const [n, [address, port]] of list.entries()) {
      record.write(address, NAME_FIELD.name + (n + 1) * NAME_BYTES, "hex");
      record.writeUInt32LE(port, NAME_FIELD.name + (n + 1) * NAME_BYTES + 16);
    }
    return record;
  };
  const v4 = "00000000000000000000ffff7f000001";
  const v6 = "20010db8000000000000000000000001";
  const of = (record: Buffer) =>
    graphOf(flowRecord({ source: socket, sink: process(2) }), record).names.of(1);
  strictEqual(of(ends([v4, 443], [v6, 50_000])), "…/TCP 127.0.0.1:443 - [2001:db8::1]:50000");
  strictEqual(of(ends([v4, 443])), "…/TCP");
  strictEqual(of(ends()), "…/TCP");
});
