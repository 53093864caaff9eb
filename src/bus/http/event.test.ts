/**
 * Events read and written: any input gets an answer, and what is written is one line of JSON that says what it should.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { UNLABELLED } from "../../label/index.ts";
import { Message, View } from "../core/message.ts";
import { KEYS } from "../labels.ts";
import type { Properties } from "../types.ts";
import { readBinary } from "./binary.ts";
import { NoEvent } from "./event.ts";
import { eventText } from "./outgoing.ts";
import { readStructured } from "./structured.ts";

const publisher = { principal: "ann/x \u00e9", name: "ann:http" };

function written(payload: Uint8Array, properties: Properties): Record<string, unknown> {
  const facts = { number: 77, topic: "a/b", qos: 0 as const, retain: false, properties, publisher, context: UNLABELLED, type: null, expiresAt: Infinity };
  const text = eventText(new View(new Message(facts, payload, null), payload, 0), KEYS);
  assert.ok(!/[\r\n]/.test(text), "a line break would end the event's line");
  return JSON.parse(text) as Record<string, unknown>;
} // prettier-ignore

const names = fc.oneof(
  fc.constantFrom(
    "id",
    "source",
    "type",
    "specversion",
    "subject",
    "data",
    "data_base64",
    "datacontenttype",
    "ifccontext",
    "ifcx",
    "A",
    "a-b",
    "__proto__",
  ),
  fc.stringMatching(/^[a-z0-9]{1,8}$/),
  fc.string({ maxLength: 8 }),
);
const pairs = fc.array(
  fc.tuple(names, fc.oneof(fc.constant("1.0"), fc.string({ unit: "grapheme", minLength: 1 }))),
  { maxLength: 12 },
);
const payloads = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value, null, 2))),
  fc.constantFrom("{}", "{\n}", "[ \r\n ]", '{"a":1,"a":2}', "1e999", '"\\ud800"', "\ufeff{}").map((text) => Buffer.from(text)),
); // prettier-ignore
const contentTypes = fc.constantFrom(
  undefined,
  "application/json",
  "application/x+json; charset=utf-8",
  "text/plain",
  "image/png",
);

test("what is written has all required attributes, the bus's own, and the payload's bytes or value", () => {
  fc.assert(
    fc.property(payloads, pairs, contentTypes, (payload, userProperties, contentType) => {
      const event = written(payload, { userProperties, ...(contentType === undefined ? {} : { contentType }) });
      for (const name of ["specversion", "id", "source", "type"])
        assert.ok(typeof event[name] === "string" && event[name] !== "", name);
      assert.equal(event["specversion"], "1.0");
      assert.deepEqual([event["ifcpublisher"], event["ifctopic"], event["ifccontext"]], [publisher.principal, "a/b", KEYS.write(UNLABELLED)]);
      assert.deepEqual(Object.keys(event).filter((name) => name.startsWith("ifc")).length, 3);
      assert.equal(event["datacontenttype"], contentType);
      const { data, data_base64: base64 } = event;
      if (payload.length === 0) assert.deepEqual([data, base64], [undefined, undefined]);
      else if (base64 !== undefined) assert.deepEqual([Buffer.from(base64 as string, "base64"), data], [payload, undefined]);
      else if (contentType === "text/plain" || contentType === "image/png") assert.deepEqual(Buffer.from(data as string), payload);
      else assert.deepEqual(data, JSON.parse(payload.toString()));
    }),
    { numRuns: 1000 },
  );
}); // prettier-ignore

test("an event of a publisher keeps its attributes; what is there twice, or is no attribute, goes", () => {
  const given = [["specversion", "1.0"], ["id", "1"], ["source", "s"], ["type", "t"], ["x", "1"], ["y", "1"], ["y", "2"], ["Z", "3"], ["data", "4"]] as const; // prettier-ignore
  const { ifccontext: _c, ifcpublisher: _p, ifctopic: _t, ...event } = written(Buffer.from("1"), { userProperties: given }); // prettier-ignore
  assert.deepEqual(event, { specversion: "1.0", id: "1", source: "s", type: "t", x: "1", data: 1 });
  const twice = written(Buffer.from("1"), { userProperties: [...given, ["id", "2"]] });
  assert.equal(twice["type"], "csn.message");
  assert.match(String(twice["id"]), /^[0-9a-f-]{36}$/);
  assert.equal(twice["source"], "/principals/ann%2Fx%20%C3%A9");
});

const answered = (read: () => unknown) => {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof NoEvent && error.status >= 400 && error.status < 500, String(error));
  }
};

test("any bytes as a structured event, and any headers, get an answer", () => {
  const nearly = fc.dictionary(names, fc.jsonValue(), { maxKeys: 6 }).map((value) => Buffer.from(JSON.stringify({ specversion: "1.0", id: "1", source: "s", type: "t", ...value })));
  fc.assert(fc.property(fc.oneof(payloads, nearly), (body) => answered(() => readStructured(body))), { numRuns: 1000 });
  const headers = fc.dictionary(fc.oneof(names.map((name) => `ce-${name}`), fc.constant("content-type")), fc.array(fc.string(), { maxLength: 2 }), { maxKeys: 8 });
  fc.assert(fc.property(headers, (given) => answered(() => readBinary(given, Buffer.alloc(0)))), { numRuns: 1000 });
}); // prettier-ignore

test("JSON data of a structured event is the bytes that were written", () => {
  fc.assert(
    fc.property(fc.jsonValue().filter((value) => !/\\u0000|__proto__|\\ud/.test(JSON.stringify(value))), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
      const data = JSON.stringify(value, null, space);
      const event = readStructured(Buffer.from(`{"specversion":"1.0", "data" : ${data} ,"id":"1","source":"s","type":"t"}`));
      assert.equal(Buffer.from(event.payload).toString(), data);
    }),
  );
}); // prettier-ignore
