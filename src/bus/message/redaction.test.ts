/**
 * [MSG-1] [MSG-2] Random documents, types and receivers, held against model/message.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "cborg";
import fc from "fast-check";
import { contextsIn, redacted, replace, type Step } from "../../../model/message.ts";
import { type Context as ModelContext, flow, join } from "../../../model/reference.ts";
import { type Context, contextKey } from "../../label/index.ts";
import { contextFromText } from "../../label/testing.ts";
import { Bus } from "../bus.ts";
import { Remembering, TestParty } from "../testing.ts";
import type { Payload } from "../types.ts";
import { classifierOf } from "./classifier.ts";
import { compileType, type Definition } from "./type.ts";

type ContextText = { secrecy: string[]; integrity: string[] };

const NAMES = ["a", "b", "c", "a/b", "~", "\u00e9", "with space"];
const POINTER = /[^a-z]/;

const contextText = fc.record({
  secrecy: fc.subarray(["s1", "s2", "s3"]),
  integrity: fc.subarray(["i1", "i2"]),
});
const name = fc.constantFrom(...NAMES);
const plainName = fc.constantFrom(...NAMES.filter((one) => !POINTER.test(one)));
const wild = fc.constantFrom("anyMember" as const, "anyElement" as const);
/** Pointers have no wildcards, and names with dots no strange names. */
const path = fc.oneof(
  fc.array(name.map((member): Step => ({ member })), { minLength: 1, maxLength: 3 }),
  fc.array(fc.oneof(wild, plainName.map((member): Step => ({ member }))), { minLength: 1, maxLength: 4 }),
); // prettier-ignore

function textOf(steps: readonly Step[]): string {
  if (steps.some((step) => typeof step === "object" && POINTER.test(step.member)))
    return steps.map((step) => `/${(step as { member: string }).member.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return steps
    .map((step, i) => (step === "anyElement" ? "[*]" : `${i === 0 ? "" : "."}${step === "anyMember" ? "*" : step.member}`))
    .join("");
} // prettier-ignore

/** Each text is there once, so it can be looked for in what comes out. */
const leaf = fc.uuid().map((id) => `only-${id}`);
const document = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.oneof(leaf, leaf, fc.integer(), fc.constantFrom<unknown>(null, {}, [], ""), fc.constant("\u{1f600}{[,\"\\")),
    fc.array(tie("any"), { minLength: 1, maxLength: 4 }),
    fc.dictionary(name, tie("any"), { minKeys: 1, maxKeys: 6, noNullPrototype: true }),
  ),
})).any; // prettier-ignore
const structured = document.filter((value) => typeof value === "object" && value !== null);

const scene = fc.record({
  value: fc.oneof({ weight: 9, arbitrary: structured }, { weight: 1, arbitrary: document }),
  message: fc.option(contextText, { nil: null }),
  attributes: fc.array(fc.record({ path, context: contextText }), { minLength: 2, maxLength: 6 }),
  /** Contexts that some receiver may have are those that flow to his. */
  receiver: contextText,
  spaces: fc.array(fc.constantFrom("", "", " ", "\n", "\t  ", "\r\n"), { minLength: 1, maxLength: 7 }),
});
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

const model = ({ secrecy, integrity }: ContextText): ModelContext => ({
  secrecy: new Set(secrecy),
  integrity: new Set(integrity),
});
const modelKey = ({ secrecy, integrity }: ModelContext) =>
  contextKey(
    contextFromText({ secrecy: [...(secrecy as Set<string>)], integrity: [...(integrity as Set<string>)] }),
  );

function typeFor({ message, attributes }: Scene, format: Definition["format"]) {
  return compileType({
    name: "test/random",
    topic: "#",
    format,
    schema: null,
    context: message && contextFromText(message),
    attributes: attributes.map((one) => ({ path: textOf(one.path), context: contextFromText(one.context) })),
    withheld: "remove",
  });
}

/** As somebody might write it: space anywhere, and some names always as escapes. */
function written(value: unknown, spaces: readonly string[]): string {
  let next = 0;
  const space = () => spaces[next++ % spaces.length]!;
  const list = (open: string, parts: string[], close: string) =>
    `${open}${space()}${parts.map((part) => `${part}${space()}`).join(`,${space()}`)}${close}`;
  const named = (text: string) =>
    JSON.stringify(text).replaceAll(/[b\u00e9]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const write = (one: unknown): string => {
    if (Array.isArray(one)) return list("[", one.map(write), "]");
    if (typeof one !== "object" || one === null) return JSON.stringify(one);
    const members = Object.entries(one).map(([key, part]) => `${named(key)}${space()}:${space()}${write(part)}`);
    return list("{", members, "}");
  };
  return `${space()}${write(value)}${space()}`;
} // prettier-ignore

const FORMATS = {
  json: {
    write: (value: unknown, spaces: readonly string[]) => Buffer.from(written(value, spaces)),
    read: (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString()),
  },
  cbor: {
    write: (value: unknown) => Buffer.from(encode(value)),
    read: (bytes: Uint8Array): unknown => decode(bytes),
  },
};

function read(type: ReturnType<typeof typeFor>, bytes: Uint8Array): Payload {
  const payload = type.read(bytes);
  assert.ok(!("unreadable" in payload), JSON.stringify(payload));
  return payload;
}

const keepFor = (payload: Payload, keys: ReadonlySet<string>) =>
  payload.attributes.map((context: Context) => keys.has(contextKey(context)));

/** The texts of a value that begin with `only-`. */
const textsIn = (value: unknown) => new Set(JSON.stringify(value ?? null).match(/only-[0-9a-f-]+/g) ?? []);

for (const [format, { write, read: decoded }] of Object.entries(FORMATS)) {
  test(`${format}: what is there, and what is left of it, is what the reference says [MSG-1, MSG-2]`, () => {
    let removals = 0;
    fc.assert(
      fc.property(scene, fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }), (one, chance) => {
        const type = typeFor(one, format as "json");
        const bytes = write(one.value, one.spaces);
        const payload = read(type, bytes);
        const message = one.message && model(one.message);
        const attributes = one.attributes.map(({ path: steps, context }) => ({ path: steps, context: model(context) }));
        const present = contextsIn(one.value, message, attributes).map(modelKey);
        assert.deepEqual(payload.attributes.map(contextKey), present.toSorted());
        assert.equal(payload.context && contextKey(payload.context), message && modelKey(message));

        const all = payload.attributes.map(() => true);
        assert.equal(payload.redact(all), bytes);

        // any choice, even one that no receiver could have; and a receiver's own
        const kept = new Set(payload.attributes.filter((_, i) => chance[i]).map(contextKey));
        for (const keeps of [
          (context: ModelContext) => kept.has(modelKey(context)),
          (context: ModelContext) => flow(context, model(one.receiver)) === "allow",
        ]) {
          const keys = new Set(contextsIn(one.value, message, attributes).filter(keeps).map(modelKey));
          const left = payload.redact(keepFor(payload, keys));
          const expected = redacted(one.value, message, attributes, keeps);
          if (expected === undefined) {
            assert.equal(left, null);
            continue;
          }
          assert.ok(left !== null);
          if (left !== bytes) removals++;
          assert.deepEqual(decoded(left), expected);
          const remaining = textsIn(expected);
          for (const text of textsIn(one.value))
            assert.equal(Buffer.from(left).includes(text), remaining.has(text));
          const again = read(type, left);
          assert.deepEqual(again.attributes.filter((context) => !keys.has(contextKey(context))), []);
          assert.equal(again.redact(keepFor(again, keys)), left);
        }
      }),
      { numRuns: 1500 },
    );
    assert.ok(removals > 100, `only ${removals} times was something taken out and something left`);
  }); // prettier-ignore

  test(`${format}: what is left does not depend on what was taken out, how many, or how it was laid out [MSG-2]`, () => {
    let pairs = 0;
    const pool = fc.array(document, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(scene, pool, scene, fc.nat(3), (one, others, { spaces }, most) => {
        const message = one.message && model(one.message);
        const attributes = one.attributes.map(({ path: steps, context }) => ({ path: steps, context: model(context) }));
        const keeps = (context: ModelContext) => flow(context, model(one.receiver)) === "allow";
        let gone = 0;
        // the first stays, so that something is taken out of both
        const other = replace(one.value, message, attributes, keeps, (part) =>
          gone++ === 0 ? [part] : Array.from({ length: gone % (most + 1) }, (_, i) => others[(gone + i) % others.length]),
        );
        if (gone === 0) return;
        pairs++;
        const left = (value: unknown, layout: readonly string[]) => {
          const payload = read(typeFor(one, format as "json"), write(value, layout));
          const keys = new Set(contextsIn(value, message, attributes).filter(keeps).map(modelKey));
          return payload.redact(keepFor(payload, keys));
        };
        assert.deepEqual(left(one.value, one.spaces), left(other, spaces));
      }),
      { numRuns: 1500 },
    );
    assert.ok(pairs > 100, `only ${pairs} pairs`);
  }); // prettier-ignore
}

test("on a bus: what a sender may not send is gone, and each receiver gets of the rest what the reference says [MSG-1..3]", () => {
  let deliveries = 0;
  fc.assert(
    fc.property(scene, contextText, fc.array(contextText, { minLength: 1, maxLength: 3 }), (one, sender, receivers) => {
      const type = typeFor(one, "json");
      const bus = new Bus({ classifier: classifierOf([{ type, context: null }]), recorder: new Remembering() });
      const seen = receivers.map((receiver, i) => {
        const got: unknown[] = [];
        const endpoint = bus.attach(new TestParty(`receiver${i}`, contextFromText(receiver)), (message, channel) => {
          const view = bus.open(message, channel);
          if (view !== null) got.push(JSON.parse(Buffer.from(view.payload).toString()));
        });
        bus.subscribe(endpoint, "#");
        return got;
      });
      const result = bus.publish(new TestParty("sender", contextFromText(sender)), { topic: "t", payload: FORMATS.json.write(one.value, one.spaces) });

      const message = model(one.message ?? sender);
      const attributes = one.attributes.map(({ path: steps, context }) => ({ path: steps, context: join(message, model(context)) }));
      const may = (from: ContextText, to: ModelContext) => flow(model(from), to) === "allow";
      const quenched = redacted(one.value, message, attributes, (context) => may(sender, context));
      const isSent = may(sender, message) && quenched !== undefined;
      assert.equal(result.accepted, isSent);
      for (const [i, receiver] of receivers.entries()) {
        const reaches = (context: ModelContext) => flow(context, model(receiver)) === "allow";
        const left = isSent && reaches(message) ? redacted(quenched, message, attributes, reaches) : undefined;
        assert.deepEqual(seen[i], left === undefined ? [] : [left]);
        if (left !== undefined) deliveries++;
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok(deliveries > 100, `only ${deliveries} deliveries`);
}); // prettier-ignore
