/**
 * What is read as JSON and as CBOR: the cases of spec/payloads, and readers that others wrote.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, encode, type EncodeOptions } from "cborg";
import fc from "fast-check";
import { readCbor } from "./cbor.ts";
import { readJson } from "./json.ts";
import { MAX_DEPTH, MAX_ITEMS, MAX_PAYLOAD_BYTES } from "./limits.ts";
import { Positions } from "./position.ts";
import { compileType, type Definition } from "./type.ts";
import { Unfit } from "./unfit.ts";

type Case = { about: string; text?: string; hex?: string; reads: boolean; reason?: string };

const NOWHERE = new Positions(null, []);
const plain: Definition = {
  name: "test/any",
  topic: "#",
  format: "json",
  schema: null,
  context: null,
  attributes: [],
  withheld: "remove",
};
const types = { json: compileType(plain), cbor: compileType({ ...plain, format: "cbor" }) };

/** null: it is read. */
function reasonAgainst(format: keyof typeof types, payload: Uint8Array): string | null {
  const read = types[format].read(payload);
  return "unreadable" in read ? read.unreadable : null;
}

for (const format of ["json", "cbor"] as const) {
  const file = new URL(`../../../spec/payloads/${format}.json`, import.meta.url);
  for (const one of (JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] }).cases)
    test(`${format}: ${one.about}`, () => {
      const payload = one.hex === undefined ? Buffer.from(one.text ?? "") : Buffer.from(one.hex, "hex");
      assert.equal(reasonAgainst(format, payload), one.reads ? null : one.reason);
      if (!one.reads) return;
      if (format === "json") JSON.parse(payload.toString());
      else decode(payload);
    });
}

/** Each n is read, n + 1 is not. */
test("json and cbor: depth, items, size and names have limits", () => {
  const lists = (n: number) => Buffer.from("[".repeat(n) + "]".repeat(n));
  assert.equal(reasonAgainst("json", lists(MAX_DEPTH)), null);
  assert.equal(reasonAgainst("json", lists(MAX_DEPTH + 1)), `more than ${MAX_DEPTH} levels`);
  assert.equal(reasonAgainst("json", Buffer.from("[".repeat(MAX_PAYLOAD_BYTES))), `more than ${MAX_DEPTH} levels`);
  const nested = (n: number) => Buffer.concat([Buffer.alloc(n - 1, 0x81), Buffer.of(0x80)]);
  assert.equal(reasonAgainst("cbor", nested(MAX_DEPTH)), null);
  assert.equal(reasonAgainst("cbor", nested(MAX_DEPTH + 1)), `more than ${MAX_DEPTH} levels`);

  const zeros = (n: number) => Array.from({ length: n }, () => 0);
  const tooMany = `more than ${MAX_ITEMS} members and elements`;
  for (const [format, write] of [["json", JSON.stringify], ["cbor", encode]] as const) {
    assert.equal(reasonAgainst(format, Buffer.from(write(zeros(MAX_ITEMS)))), null);
    assert.equal(reasonAgainst(format, Buffer.from(write(zeros(MAX_ITEMS + 1)))), tooMany);
    assert.equal(reasonAgainst(format, Buffer.from(write([zeros(MAX_ITEMS / 2), zeros(MAX_ITEMS / 2)]))), tooMany);
    assert.equal(reasonAgainst(format, Buffer.from(write({ ["n".repeat(1000)]: 1 }))), null);
    assert.equal(reasonAgainst(format, Buffer.from(write({ ["n".repeat(1001)]: 1 }))), "a name of more than 1000 characters");
    assert.equal(reasonAgainst(format, Buffer.from(write("a".repeat(MAX_PAYLOAD_BYTES)))), `more than ${MAX_PAYLOAD_BYTES} bytes`);
  }
  const full = Buffer.alloc(MAX_PAYLOAD_BYTES, 0x20);
  full[0] = 0x31;
  assert.equal(reasonAgainst("json", full), null);
}); // prettier-ignore

/** Pieces that are likely to fit, so that much of what is made is JSON, or nearly. */
const pieces = fc
  .array(
    fc.constantFrom(
      ..."{}[],: \n\"\\u0/e-+.1a".split(""),
      '"a"', '"\\u0061"', '"b":', '"a":', "1e5", "-0", "true", "null", '{"a":1}', "[[]]", "\\ud800", "\\udc00", "\u00e9", "\u{1f600}",
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join("")); // prettier-ignore

function jsonReads(text: string): boolean {
  try {
    readJson(text, NOWHERE.start());
    return true;
  } catch (error) {
    assert.ok(error instanceof Unfit, String(error));
    return false;
  }
}

test("json: what is read, JSON.parse reads too; what JSON.parse writes is read", () => {
  const parses = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  let both = 0;
  fc.assert(
    fc.property(fc.oneof(pieces, fc.string(), fc.json()), (text) => {
      if (jsonReads(text)) {
        both++;
        assert.ok(parses(text), text);
      }
    }),
    { numRuns: 5000 },
  );
  assert.ok(both > 200, `only ${both} texts were JSON`);
  const noStrange = (value: unknown) => !/\\u0000|__proto__|\\ud/.test(JSON.stringify(value));
  fc.assert(
    fc.property(fc.jsonValue().filter(noStrange), fc.constantFrom(undefined, 2, "\t"), (value, space) => {
      assert.ok(jsonReads(JSON.stringify(value, null, space)));
    }),
  );
});

test("json: a text that JSON.parse reads and this does not has a name twice, half a pair, or a number beyond all doubles", () => {
  fc.assert(
    fc.property(pieces, (text) => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return;
      }
      if (jsonReads(text) || /e[+-]?\d{3}/.test(text)) return;
      // JSON.parse keeps one of two: the text has more names than the value
      const colons = text.replaceAll(/"(\\.|[^"\\])*"/g, "").split(":").length - 1;
      assert.ok(membersIn(value) < colons || !JSON.stringify(value).isWellFormed() || /\\ud[89a-f]/i.test(JSON.stringify(value)), text);
    }),
    { numRuns: 5000 },
  );
}); // prettier-ignore

function membersIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value).reduce((sum: number, one) => sum + membersIn(one), 0);
  return inner + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

const BYTES: EncodeOptions = { float64: true };
const cborValue = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: "grapheme", maxLength: 40 }),
    fc.array(tie("any"), { maxLength: 30 }),
    fc.dictionary(
      fc.string({ maxLength: 30 }).filter((name) => name !== "__proto__" && !name.includes("\0")),
      tie("any"),
      { maxKeys: 30 },
    ),
  ),
})).any;

test("cbor: what another library writes is read, as the same value", () => {
  fc.assert(
    fc.property(cborValue, fc.boolean(), (value, wide) => {
      const bytes = Buffer.from(encode(value, wide ? BYTES : {}));
      assert.deepEqual(readCbor(bytes, NOWHERE.start()).value, asInJson(decode(bytes)));
    }),
  );
});

test("cbor: of bytes that were changed, what is read the other library reads too, as the same value", () => {
  let both = 0;
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.nat(3) });
  fc.assert(
    fc.property(cborValue, fc.array(change, { maxLength: 2 }), (value, changes) => {
      let bytes = Buffer.from(encode(value));
      for (const { at, byte, cut } of changes) {
        bytes[at % bytes.length] = byte;
        if (cut === 3 && bytes.length > 1) bytes = bytes.subarray(0, bytes.length - 1);
      }
      let value2: unknown;
      try {
        ({ value: value2 } = readCbor(bytes, NOWHERE.start()));
      } catch (error) {
        assert.ok(error instanceof Unfit, String(error));
        return;
      }
      both++;
      assert.deepEqual(value2, asInJson(decode(bytes, { strict: true, rejectDuplicateMapKeys: true })));
    }),
    { numRuns: 3000 },
  );
  assert.ok(both > 500, `only ${both} were read`);
});

/** Bytes as text, large numbers as doubles. */
function asInJson(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64url");
  if (Array.isArray(value)) return value.map(asInJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asInJson(one)]));
}
