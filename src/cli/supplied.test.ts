/** The supplied gates (gates/), as the programs that they are, with real data and with hostile input. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
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
