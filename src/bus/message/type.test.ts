import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "cborg";
import { contextKey } from "../../label/index.ts";
import { contextFromText } from "../../label/testing.ts";
import { classifierOf } from "./classifier.ts";
import { compileType, type Definition, unusableType } from "./type.ts";

const context = (secrecy: string[], integrity: string[] = []) => contextFromText({ secrecy, integrity });
const base: Definition = {
  name: "test/type",
  topic: "t/#",
  format: "json",
  schema: null,
  context: null,
  attributes: [],
  withheld: "remove",
};
const readerOf = (parts: Partial<Definition>) => {
  const type = compileType({ ...base, ...parts });
  return (payload: unknown) =>
    type.read(Buffer.from(parts.format === "cbor" ? encode(payload) : JSON.stringify(payload)));
};
const keysOf = (payload: ReturnType<ReturnType<typeof readerOf>>) =>
  "unreadable" in payload ? payload.unreadable : payload.attributes.map(contextKey);

test("an attribute is as secret as the message and all that it is in, and no more trusted [MSG-1]", () => {
  const read = readerOf({
    context: context(["m"], ["x", "y"]),
    attributes: [
      { path: "a", context: context(["s"], ["x"]) },
      { path: "a.b", context: context(["t"], ["x", "z"]) },
      { path: "a.*", context: context(["u"], ["x"]) },
      { path: "c", context: context([], ["x", "y"]) },
      { path: "d", context: context(["m"], ["x", "y", "z"]) },
    ],
  });
  const joined = (secrecy: string[], integrity: string[]) => contextKey(context(secrecy, integrity));
  assert.deepEqual(keysOf(read({ a: 1 })), [joined(["m", "s"], ["x"])]);
  const both = [joined(["m", "s"], ["x"]), joined(["m", "s", "t", "u"], ["x"])];
  assert.deepEqual(keysOf(read({ a: { b: 1 } })), both.toSorted());
  // what adds nothing to the message is no attribute
  assert.deepEqual(keysOf(read({ c: 1, d: 2, e: { a: 3 } })), []);
});

test("without a context of the message, attributes have their own; none at all is one, too", () => {
  const read = readerOf({ attributes: [{ path: "a", context: context([]) }] });
  assert.deepEqual(keysOf(read({ a: 1 })), [contextKey(context([]))]);
  const payload = read({ b: 1 });
  assert.ok(!("unreadable" in payload) && payload.context === null && payload.attributes.length === 0);
});

test("an index that keep does not have is not kept", () => {
  const payload = readerOf({ attributes: [{ path: "a", context: context(["s"]) }] })({ a: 1, b: 2 });
  assert.ok(!("unreadable" in payload));
  assert.equal(Buffer.from(payload.redact([])!).toString(), '{"b":2}');
});

test("what the schema does not accept is unreadable", () => {
  const schema = {
    type: "object",
    required: ["t"],
    properties: { t: { type: "number", minimum: -90 }, id: { type: "string", pattern: "^(a+)+$" } },
    additionalProperties: false,
  };
  for (const format of ["json", "cbor"] as const) {
    const read = readerOf({ schema, format });
    for (const good of [{ t: 1 }, { t: -1.5, id: "aaa" }]) assert.deepEqual(keysOf(read(good)), []);
    for (const bad of [{}, { t: "1" }, { t: -91 }, { t: 1, T: 1 }, { t: 1, id: "b" }, [], null, 1, { t: 1, constructor: 1 }])
      assert.equal(keysOf(read(bad)), "not as the type's schema has it");
    // an expression that goes back and forth would not end
    assert.equal(keysOf(read({ t: 1, id: `${"a".repeat(100_000)}b` })), "not as the type's schema has it");
  }
  const own = readerOf({ schema: { type: "object", required: ["constructor"] } });
  assert.equal(keysOf(own({})), "not as the type's schema has it");
  const cbor = readerOf({ format: "cbor", schema: { type: "object", properties: { n: { type: "integer" } } } });
  assert.equal(keysOf(cbor({ n: 1.5 })), "not as the type's schema has it");
  const bytes = compileType({ ...base, format: "cbor", schema: { type: "string" } });
  assert.ok(!("unreadable" in bytes.read(encode(Uint8Array.of(1, 2)))));
}); // prettier-ignore

test("a limit holds for what no JSON number is, too, whether or not the schema says that it is a number", () => {
  const schema = { properties: { set: { maximum: 80 } } };
  const cbor = readerOf({ format: "cbor", schema });
  for (const set of [Number.NaN, Infinity, -Infinity]) assert.equal(keysOf(cbor({ set })), "a number that JSON does not have");
  for (const set of [2n ** 60n, 81, 1e300]) assert.equal(keysOf(cbor({ set })), "not as the type's schema has it");
  for (const set of [80, -(2n ** 60n)]) assert.deepEqual(keysOf(cbor({ set })), []);
  assert.deepEqual(keysOf(readerOf({ format: "cbor" })({ set: Number.NaN })), []);
  const json = compileType({ ...base, schema });
  const reasonFor = (set: string) => (json.read(Buffer.from(`{"set":${set}}`)) as { unreadable?: string }).unreadable;
  assert.equal(reasonFor("1e400"), "a number beyond all doubles");
  assert.equal(reasonFor("80.00000000000001"), "not as the type's schema has it");
  assert.equal(reasonFor("80"), undefined);
}); // prettier-ignore

test("a schema that never comes to an end refuses", () => {
  assert.equal(keysOf(readerOf({ schema: { $ref: "#" } })({})), "not as the type's schema has it");
});

test("more tags together than a label has are no label: unreadable", () => {
  const tags = (letter: string) => Array.from({ length: 40 }, (_, i) => `${letter}${i}`);
  const attributes = [{ path: "a", context: context(tags("a")) }, { path: "*", context: context(tags("b")) }];
  assert.equal(keysOf(readerOf({ attributes })({ a: 1 })), "attributes that have too many tags together");
  assert.equal(keysOf(readerOf({ attributes })({ b: 1 })).length, 1);
}); // prettier-ignore

test("bytes are not looked into", () => {
  const type = compileType({ ...base, format: "bytes", context: context(["m"]) });
  const payload = type.read(Uint8Array.of(0xff, 0));
  assert.ok(!("unreadable" in payload) && payload.context !== null);
  assert.deepEqual(payload.redact([]), Uint8Array.of(0xff, 0));
});

test("definitions that make no sense", () => {
  const fails = (parts: Partial<Definition>, expected: RegExp) => assert.throws(() => compileType({ ...base, ...parts }), { code: "E_POLICY", message: expected });
  fails({ topic: "a/#/b" }, /at the end/);
  fails({ attributes: [{ path: "a[0]", context: context([]) }] }, /a\[0\]|`\[0\]`/);
  fails({ schema: { type: "strong" } }, /JSON Schema/);
  fails({ schema: { properties: { a: { pattern: "(?=a)" } } } }, /JSON Schema/);
  fails({ schema: { $ref: "https://example.org/other.json" } }, /JSON Schema/);
  fails({ schema: { type: "string", format: "date" } }, /JSON Schema/);
  fails({ schema: { tipe: "string" } }, /JSON Schema/);
  fails({ schema: { type: "array", uniqueItems: true } }, /maxItems/);
  fails({ schema: { $async: true } }, /async/);
  fails({ format: "bytes", schema: true }, /no schema/);
  fails({ format: "bytes", attributes: [{ path: "a", context: context([]) }] }, /no attributes/);
}); // prettier-ignore

test("a payload with many wildcard positions leaves nothing behind that grows", () => {
  const names = Array.from({ length: 12 }, (_, i) => `n${i}`);
  const attributes = names.map((name, i) => ({
    path: names.map((_, at) => (at === i ? name : "*")).join("."),
    context: context([name]),
  }));
  const read = readerOf({ attributes });
  let seed = 1;
  const deep = (depth: number): unknown => {
    if (depth === 12) return 1;
    seed = (seed * 16_807) % 2_147_483_647;
    return { [names[seed % 12]!]: deep(depth + 1), [`n${depth}`]: deep(depth + 2 > 12 ? 12 : depth + 2) };
  };
  for (let i = 0; i < 40; i++) assert.ok(typeof keysOf(read(deep(0))) !== "string");
});

test("the narrowest type wins, in any order; none matches the bus's own topics", () => {
  const filters = ["#", "home/#", "home/+/presence", "home/kitchen/presence"];
  const types = filters.map((topic) => ({
    type: compileType({ ...base, name: topic, topic }),
    context: null,
  }));
  for (const order of [types, types.toReversed()]) {
    const classifier = classifierOf(order);
    const nameFor = (topic: string) => classifier.typeOf(topic)?.name ?? null;
    for (let i = 0; i < 2; i++) {
      assert.equal(nameFor("home/kitchen/presence"), "home/kitchen/presence");
      assert.equal(nameFor("home/hall/presence"), "home/+/presence");
      assert.equal(nameFor("home"), "home/#");
      assert.equal(nameFor("plant"), "#");
      assert.equal(nameFor("$SYS/uptime"), null);
    }
  }
  assert.equal(classifierOf([]).typeOf("a"), null);
});

test("two types of which neither is narrower: nothing is read", () => {
  for (const pair of [["a/+", "+/b"], ["a/#", "a/#"]]) {
    const { typeOf } = classifierOf(pair.map((topic) => ({ type: compileType({ ...base, topic }), context: null })));
    assert.deepEqual(typeOf("a/b")?.read(Buffer.from("{}")), { unreadable: "two types for one topic" });
    assert.equal(typeOf("c/d"), null);
  }
}); // prettier-ignore

test("the floor of a filter is known where all under it have a type, and one context", () => {
  const secret = context(["s"]);
  const one = (topic: string, own: typeof secret | null) => ({ type: compileType({ ...base, topic, context: own }), context: own });
  const { floorOf } = classifierOf([one("a/#", secret), one("a/b/#", secret), one("c/#", secret), one("c/d", context(["t"])), one("e/#", null)]);
  assert.equal(floorOf("a/x/+"), secret);
  assert.equal(floorOf("a/b/c"), secret);
  for (const filter of ["#", "c/#", "e/f", "z"]) assert.equal(floorOf(filter), null, filter);
  const broken = classifierOf([{ type: unusableType("x/y", "x/#", "why"), context: null }]);
  assert.equal(broken.floorOf("x/#"), null);
  assert.deepEqual(broken.typeOf("x/1")?.read(Buffer.from("{}")), { unreadable: "why" });
}); // prettier-ignore

test("cbor: the head of what is left is the shortest one, whatever is left", () => {
  const type = compileType({ ...base, format: "cbor", attributes: [{ path: "s", context: context(["s"]) }] });
  for (const left of [1, 22, 23, 24, 254, 255, 256, 257]) {
    const members = Array.from({ length: left }, (_, i) => [`k${i}`, i] as const);
    const payload = type.read(encode(Object.fromEntries([...members, ["s", "secret"]])));
    assert.ok(!("unreadable" in payload));
    assert.deepEqual(payload.redact([false]), Buffer.from(encode(Object.fromEntries(members))));
  }
});
