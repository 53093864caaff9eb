import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { spawnSync } from "node:child_process";
import { before, describe, it } from "node:test";
import { ensureSystemPackages, formatNeeds, silent } from "../../setup/index.ts";
import { contextRecords, contextWith, file, flowRecord, graphOf, nameRecord, pipe, principal, process, tagOf } from "../ask/testing.ts"; // prettier-ignore
import { answer } from "../ask/index.ts";
import { PLATFORM, Sight } from "../ask/reader.ts";
import { drawDot, drawSvg, exportAs, type Format, FORMATS } from "./index.ts";

/** Names as an attacker would choose them: no zero byte and no slash, at most 23 bytes. */
const HOSTILE = [
  'a";\nn0->n1[URL="x:',
  "<script>alert(1)<!--",
  "\u001b[2J\u202e=cmd|' !A1",
  "x|y=z\\n\\|\\=\r\nCEF:0|",
  "'], [prov:label=\"",
  "&amp;]]><?xml?>\\",
  "=HYPERLINK(1)",
];
const described = [[], [1]].map((tags, id) => contextRecords(id, contextWith(tags)));
const graph = graphOf(
  ...described,
  ...HOSTILE.flatMap((name, n) => [nameRecord(file(n + 1), "d", name), nameRecord(process(n + 20), name)]),
  ...HOSTILE.flatMap((_, n) => [
    flowRecord({ source: file(n + 1), sink: process(n + 20), from: 1, to: 1, op: "read", time: 10 * n }),
    flowRecord({ source: process(n + 20), sink: pipe(9), from: 1, to: 1, op: "write", time: 10 * n + 1 }),
    flowRecord({
      source: process(n + 20),
      sink: process(40),
      from: 1,
      to: 1,
      op: "signal",
      time: 10 * n + 2,
    }),
    flowRecord({ source: process(n + 20), sink: file(90), from: 1, to: 0, op: "open", verdict: 1, time: 10 * n + 3 }), // prettier-ignore
  ]),
  flowRecord({ source: pipe(9), sink: principal(7), from: 1, to: 0, op: "release", event: true, time: 900 }),
  flowRecord({ source: principal(7), sink: file(1), from: 1, to: 0, op: "label", event: true, time: 901 }),
);
const sight = new Sight(graph, { ...PLATFORM, tags: { [tagOf(1)]: "a/b" } });
const text = (format: Format) => [...exportAs(sight, format)].join("");
const FLOWS = graph.flows.length;

function run(
  command: string,
  args: string[],
  input: string,
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(command, args, { input, encoding: "utf8", maxBuffer: 1 << 28 });
}

before(() => ensureSystemPackages(formatNeeds, silent));

describe("formats, read by programs that others wrote", () => {
  it("PROV-JSON: python3-prov reads every entity, activity, agent and relation", () => {
    const script = `import sys, prov.model as m
d = m.ProvDocument.deserialize(content=sys.stdin.read(), format="json")
count = lambda c: len(list(d.get_records(c)))
print(count(m.ProvEntity), count(m.ProvActivity), count(m.ProvAgent), count(m.ProvUsage), count(m.ProvGeneration), count(m.ProvCommunication), count(m.ProvDerivation), count(m.ProvInfluence))
print(sorted(str(v) for r in d.get_records(m.ProvEntity) for v in r.get_attribute("prov:label"))[0])`;
    const { status, stdout, stderr } = run("/usr/bin/python3", ["-c", script], text("prov-json"));
    strictEqual(status, 0, stderr);
    strictEqual(stdout.split("\n")[0], "9 8 1 7 14 7 1 1");
  });

  it("PROV-N: as many statements as PROV-JSON has, each on a line of its own", () => {
    const lines = text("prov-n").trimEnd().split("\n");
    deepStrictEqual([lines[0], lines.at(-1)], ["document", "endDocument"]);
    strictEqual(lines.length, 3 + 18 + FLOWS);
    for (const line of lines.slice(2, -1)) match(line, /^ {2}[a-zA-Z]+\(csn:\w+(, [^[]*)?, \[.*\]\)$/);
  });

  it("DOT: Graphviz draws all of it, and no name is a link or a node", () => {
    const { status, stderr, stdout } = run("dot", ["-Tjson"], text("dot"));
    strictEqual(status, 0, stderr);
    const drawn = JSON.parse(stdout) as { objects: { name: string; URL?: string }[]; edges: unknown[] };
    deepStrictEqual([drawn.objects.length, drawn.edges.length, drawn.objects.filter((o) => o.URL)], [18, FLOWS, []]); // prettier-ignore
  });

  it("pictures of an answer: Graphviz and an XML parser read them", () => {
    const found = answer(graph, sight.reader, { ask: "trace", from: "a/b", noise: true }, 0);
    const { status, stdout } = run("dot", ["-Tjson"], drawDot(found));
    strictEqual(status, 0);
    strictEqual((JSON.parse(stdout) as { objects: unknown[] }).objects.length, found.nodes.length);
    const script = `import sys, xml.dom.minidom as x
d = x.parseString(sys.stdin.buffer.read())
print(sorted({e.tagName for e in d.getElementsByTagName("*")}), len(d.getElementsByTagName("rect")))`;
    const parsed = run("/usr/bin/python3", ["-c", script], drawSvg(found));
    strictEqual(parsed.stdout.trim(), `['defs', 'g', 'marker', 'path', 'rect', 'svg', 'text', 'title'] ${found.nodes.length}`); // prettier-ignore
  });

  it("SPADE, JSON lines, OpenLineage: JSON that is whole, edges between what is there", () => {
    const spade = JSON.parse(text("spade")) as { id?: string; from?: string; to?: string; type: string }[];
    const ids = new Set(spade.flatMap(({ id }) => id ?? []));
    ok(spade.every(({ from, to }) => from === undefined || (ids.has(from) && ids.has(to!))));
    strictEqual(spade.length, 18 + FLOWS);
    strictEqual(text("jsonl").trimEnd().split("\n").map((line) => JSON.parse(line) as unknown).length, FLOWS); // prettier-ignore
    const events = text("openlineage").trimEnd().split("\n").map((line) => JSON.parse(line) as { eventType: string; run: { runId: string }; inputs: unknown[] }); // prettier-ignore
    strictEqual(events.length, 16);
    for (const { run: of } of events) match(of.runId, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/); // prettier-ignore
  });

  it("CEF: seven fields before the extension, whatever names hold", () => {
    const lines = text("cef").trimEnd().split("\n");
    strictEqual(lines.length, FLOWS);
    for (const line of lines) match(line, /^CEF:0(?:\|(?:[^|\\]|\\.)*){6}\|rt=\d+ externalId=\d+ act=\w+ /);
  });

  it("nothing that acts on a terminal is in any of them", () => {
    // eslint-disable-next-line no-control-regex
    for (const format of FORMATS) ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text(format)), format);
  });
});
