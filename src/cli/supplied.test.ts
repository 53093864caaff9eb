/** The supplied gates (gates/), as the programs that they are, with real data and with hostile input. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const GATES = fileURLToPath(new URL("../../gates", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "csn-gates-"));
after(() => rmSync(folder, { recursive: true }));

function run(gate: string, args: readonly string[], input: string | Buffer) {
  const { status, stdout, stderr } = spawnSync("python3", ["-I", `${GATES}/${gate}.py`, ...args], { input });
  return { code: status, out: stdout.toString(), err: stderr.toString() };
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** Nothing comes out, and nothing of the input is told. */
function refused(gate: string, args: readonly string[], input: string | Buffer, secret: string) {
  const { code, out, err } = run(gate, args, input);
  assert.deepEqual([code, out], [1, ""], err);
  assert.ok(err !== "" && !err.includes(secret), err);
}

const PATIENTS =
  'id,name,age,town,cost\r\n1,"Miller, ""Jo""",47,"Bad\nHomburg",10.5\r\n2,O\u2019Hara,9,Ulm,3\r\n';
const RULES = ["--keep", "id,cost", "--drop", "name", "--decade", "age", "--hash", "town"];

test("[GATE-3] deidentify, a filter and nothing else: quotes and line breaks inside fields (RFC 4180), dropped, hashed, rounded", () => {
  const key = ["--key", file("key", "0123456789abcdef")];
  const { code, out, err } = run("deidentify", [...RULES, ...key], PATIENTS);
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /^id,age,town,cost\r\n1,40-49,[0-9a-f]{32},10\.5\r\n2,0-9,[0-9a-f]{32},3\r\n$/);
  const other = run("deidentify", [...RULES, "--key", file("other", "fedcba9876543210")], PATIENTS).out;
  assert.notEqual(out, other);
  assert.equal(out, run("deidentify", [...RULES, ...key], `\ufeff${PATIENTS}`).out);
});

test("deidentify: what the gate does not name, or can't be read for sure, stops it", () => {
  const keep = ["--keep", "id,name"];
  refused("deidentify", keep, "id,name,diagnosis\n1,a,SECRET\n", "diagnosis");
  refused("deidentify", keep, "id,name\n1,SECRET,more\n", "SECRET");
  refused("deidentify", keep, 'id,name\n1,"SECRET', "SECRET");
  refused("deidentify", keep, "id,id\n1,SECRET\n", "SECRET");
  refused("deidentify", keep, Buffer.from([0x69, 0x64, 0xff, 0xfe]), "\u00ff");
  refused("deidentify", ["--decade", "id"], "id\nSECRET\n", "SECRET");
  refused("deidentify", ["--keep", "id", "--drop", "id"], "id\n1\n", "1\n");
  refused("deidentify", ["--hash", "id", "--key", file("short", "abc")], "id\nSECRET\n", "SECRET");
  refused("deidentify", ["--hash", "id"], "id\nSECRET\n", "SECRET");
});

test("deidentify: JSON, with fields that are not named or come twice", () => {
  const json = ["--format", "json", "--keep", "a", "--drop", "b", "--decade", "c"];
  assert.equal(
    run("deidentify", json, '[{"a":{"x":1},"b":"s","c":39.9}]').out,
    '[{"a": {"x": 1}, "c": "30-39"}]\n',
  );
  refused("deidentify", json, '[{"a":1,"d":"SECRET"}]', "SECRET");
  refused("deidentify", json, '[{"a":1,"a":"SECRET"}]', "SECRET");
  refused("deidentify", json, '{"a":"SECRET"}', "SECRET");
  refused("deidentify", json, `${"[".repeat(100_000)}SECRET`, "SECRET");
});

const K3 = ["--by", "sex", "--person", "id", "--minimum", "3", "--sum", "cost"];
const rows = (...lines: string[]) => `id,sex,cost\n${lines.join("\n")}\n`;

test("aggregate: a person counts once, and small groups are not shown", () => {
  const many = rows("1,f,1", "2,f,2", "3,f,3", "4,m,4", "4,m,4", "4,m,4", "5,m,5", "6,x,1", "7,x,1");
  assert.equal(run("aggregate", K3, many).out, "sex,persons,sum of cost\r\nf,3,6\r\n");
});

test("aggregate: a lone hidden group is hidden by another, so that no total gives it away", () => {
  const lone = rows("1,f,1", "2,f,2", "3,f,3", "4,m,1", "5,m,1", "6,m,1", "7,m,1", "8,x,9");
  assert.equal(run("aggregate", K3, lone).out, "sex,persons,sum of cost\r\nm,4,4\r\n");
});

test("aggregate: what is no table of persons and numbers stops it", () => {
  for (const bad of [
    rows("1,f,SECRET"),
    rows("1,f,nan"),
    rows(",f,1"),
    rows("1,f"),
    "id,sex\n1,SECRET\n",
    'id,sex,cost\n"',
  ])
    refused("aggregate", K3, bad, "SECRET");
  refused("aggregate", ["--by", "sex", "--person", "id", "--minimum", "1"], rows("1,SECRET,1"), "SECRET");
});

test("consented: only those on the list", () => {
  const args = ["--person", "id", "--list", file("list", "# who agreed\n2\n\n 3 \n")];
  assert.equal(run("consented", args, 'id,x\n1,a\n2,"b,\nc"\n3,d\n').out, 'id,x\r\n2,"b,\nc"\r\n3,d\r\n');
  refused("consented", args, "name,x\n2,SECRET\n", "SECRET");
  refused("consented", args, "id,x\n2,SECRET,y\n", "SECRET");
});

test("released: after the date byte for byte, before it nothing", () => {
  assert.equal(run("released", ["--after", "2000-01-01T00:00:00Z"], "a\0b").out, "a\0b");
  refused("released", ["--after", "2999-01-01T00:00:00Z"], "SECRET", "SECRET");
  assert.equal(run("released", ["--after", "soon"], "x").code, 2);
});

test("scanned: exit code 0 and nothing else lets it on", () => {
  assert.equal(run("scanned", ["grep", "-qv", "EICAR"], "fine\n").out, "fine\n");
  refused("scanned", ["grep", "-qv", "EICAR"], "EICAR\n", "EICAR");
  refused("scanned", ["sh", "-c", "cat; kill -9 $$"], "SECRET", "SECRET");
  assert.deepEqual([run("scanned", ["/no/such"], "x").code, run("scanned", [], "x").code], [2, 2]);
});

const hasValidator = spawnSync("python3", ["-I", "-c", "import jsonschema"]).status === 0;
test(
  "validate: what the schema allows, as it came",
  { skip: !hasValidator && "no python3-jsonschema" },
  () => {
    const schema = { type: "object", properties: { n: { type: "integer" } }, additionalProperties: false };
    const args = ["--schema", file("schema.json", JSON.stringify(schema))];
    assert.equal(run("validate", args, '{ "n": 1 }').out, '{ "n": 1 }');
    for (const bad of [
      '{"n":"SECRET"}',
      '{"m":"SECRET"}',
      '{"n":1,"n":"SECRET"}',
      '{"n":NaN}',
      "SECRET",
      "[".repeat(100_000),
    ])
      refused("validate", args, bad, "SECRET");
    const elsewhere = file("ref.json", '{"$ref":"file:///etc/passwd"}');
    assert.equal(run("validate", ["--schema", elsewhere], "1").code, 2);
  },
);

const COMMAND = {
  type: "object",
  required: ["valve", "set"],
  properties: {
    valve: { enum: ["inlet", "outlet"] },
    set: { type: "number", minimum: 0, maximum: 80 },
    note: { type: "string", maxLength: 10 },
    steps: { type: "array", maxItems: 2, items: { type: "integer" } },
    dry: { const: true },
  },
  additionalProperties: false,
};
const commands = () => ["--schema", file("command.json", JSON.stringify(COMMAND))];

test("lines: what follows the schema passes as it came, each line when it is there", async () => {
  const good = [
    '{"valve":"inlet","set":80}',
    ' { "set" : 0.0, "valve" : "\\u006futlet" } \r',
    '{"valve":"inlet","set":1e1,"note":"\u00e9\u{1f600}23456789","steps":[1,2.0],"dry":true}',
  ].map((line) => `${line}\n`);
  const { code, out, err } = run("lines", commands(), good.join(""));
  assert.deepEqual([code, out, err], [0, good.join(""), ""]);

  const gate = spawn("python3", ["-I", `${GATES}/lines.py`, ...commands()]);
  gate.stdin.write(good[0]!);
  const [first] = (await once(gate.stdout, "data")) as [Buffer];
  assert.equal(first.toString(), good[0]);
  gate.stdin.end();
  assert.deepEqual(await once(gate, "close"), [0, null]);
});

test("lines: what is not for sure within the schema is left out, told by its number only, and does not end the stream", () => {
  const bad = [
    '{"valve":"inlet","set":81}',
    '{"valve":"inlet","set":-1e-9}',
    '{"valve":"inlet","set":true}',
    '{"valve":"inlet","set":"SECRET"}',
    '{"valve":"SECRET","set":1}',
    '{"valve":"inlet"}',
    '{"valve":"inlet","set":1,"Set":99}',
    '{"valve":"inlet","set":1,"set":99}',
    '{"valve":"inlet","set":1,"\\u0073et":99}',
    '{"valve":"inlet","set":1,"__proto__":{"set":99}}',
    '{"valve":"inlet","set":NaN}',
    '{"valve":"inlet","set":1e999}',
    '{"valve":"inlet","set":1,"note":"12345678901"}',
    '{"valve":"inlet","set":1,"note":"\\ud800"}',
    '{"valve":"inlet","set":1,"steps":[1,2,3]}',
    '{"valve":"inlet","set":1,"steps":[1.5]}',
    '{"valve":"inlet","set":1,"dry":1}',
    '{"valve":"inlet","set":1} {"valve":"inlet","set":99}',
    "[]",
    "",
    "SECRET",
    "[".repeat(30_000),
    `{"valve":"inlet","set":1}${" ".repeat(70_000)}`,
    `${" ".repeat(140_000)}{"valve":"inlet","set":1}`,
  ];
  const good = '{"valve":"outlet","set":1}';
  const { code, out, err } = run("lines", commands(), bad.map((line) => `${line}\n${good}\n`).join(""));
  assert.equal(code, 1);
  assert.equal(out, `${good}\n`.repeat(bad.length));
  assert.equal(err, bad.map((_, i) => `lines: line ${i * 2 + 1} is left out\n`).join(""));
  const odd = Buffer.from([
    ...Buffer.from('{"valve":"inlet","set":1,"note":"'),
    0xff,
    ...Buffer.from('"}\n'),
  ]);
  refused("lines", commands(), odd, "\u00ff");
  refused("lines", commands(), Buffer.from(`\ufeff${good}\n`), "outlet");
  // a line that was cut off may have meant something else
  refused("lines", commands(), good, "outlet");
});

test("lines: a schema with a limit that would not be checked is refused", () => {
  for (const schema of [
    { pattern: "^a$" },
    { properties: { a: { format: "date" } } },
    { items: { $ref: "#" } },
    { additionalProperties: { exclusiveMinimum: 1 } },
    { type: "strong" },
    { minimum: "1" },
    { maxItems: -1 },
    { additionalProperties: true },
    { items: true },
    [],
  ]) {
    const { code, out } = run("lines", ["--schema", file("odd.json", JSON.stringify(schema))], "1\n");
    assert.deepEqual([code, out], [2, ""], JSON.stringify(schema));
  }
});
