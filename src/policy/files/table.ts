/**
 * Given and expected: the cases of PolicyTest documents, tried on a world.
 */
import { checkFlow, type Context, contextOf, integrityOf, secrecyOf, type TagId } from "../../label/index.ts";
import { differenceOf, gatesFor } from "../offers.ts";
import type { Pattern } from "../pattern.ts";
import { chainFor } from "../privilege.ts";
import { parseProperty } from "../prove/property.ts";
import { prove } from "../prove/prove.ts";
import type { State } from "../state.ts";
import type { ContextText } from "../statement.ts";
import { PolicyError } from "../error.ts";
import { holderOf } from "./grants.ts";
import { textOf } from "./plan.ts";
import { type Place, quote } from "./problem.ts";
import type { AnyDocument, PolicyDocumentOf } from "./read.ts";
import type { PathOrContext, TestCase } from "./schema.ts";
import { contextWords } from "./words.ts";

export type CaseOutcome = {
  readonly place: Place;
  readonly name: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly found: string;
};

/** What a path's label is, where somebody knows. */
export type ContextOfPath = (path: string) => ContextText;

/** @param contextOf null: only files are known, and a case with a path fails */
export function runTests(
  state: State,
  documents: readonly AnyDocument[],
  now: Date,
  labels: ContextOfPath | null,
): CaseOutcome[] {
  const tables = documents.filter(
    (document): document is PolicyDocumentOf<"PolicyTest"> => document.kind === "PolicyTest",
  );
  return tables.flatMap((table) =>
    table.spec.cases.map((one, i): CaseOutcome => {
      const place = table.placeOf("spec", "cases", i);
      const at = one.at === undefined ? now : new Date(one.at);
      const name = one.name ?? titleOf(one);
      try {
        const { expected, found } = answer(state, one, at, labels);
        return { place, name, ok: expected === found, expected, found };
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error;
        return { place, name, ok: false, expected: "a case that can be tried", found: error.message };
      }
    }),
  );
}

function titleOf(one: TestCase): string {
  if ("property" in one) return one.property;
  if ("holder" in one) return `${one.holder} ${one.privilege} ${one.tag}`;
  const side = (spec: PathOrContext) =>
    typeof spec === "string" ? spec : "path" in spec ? spec.path : contextWords(textOf(spec));
  return `${side(one.from)} -> ${side(one.to)}${one.by === undefined ? "" : ` by ${one.by}`}`;
}

function answer(
  state: State,
  one: TestCase,
  now: Date,
  labels: ContextOfPath | null,
): { expected: string; found: string } {
  if ("property" in one)
    return {
      expected: String(one.expect),
      found: String(prove(state, parseProperty(one.property, state), now).holds),
    };
  if ("holder" in one) {
    const holder = holderOf({ state }, one.holder);
    const known = holder !== null && (holder !== one.holder || state.principals.has(holder));
    if (!known) throw unknown("a gate or principal that there is", one.holder);
    requireTags(state, [one.tag]);
    const chain = chainFor(state, holder, one.privilege, one.tag as Pattern, now.getTime());
    return { expected: one.expect, found: chain === null ? "missing" : "held" };
  }
  const [from, to] = [one.from, one.to].map((side) => contextFor(state, side, labels)) as [
    ContextText,
    ContextText,
  ];
  if (one.by !== undefined && !state.principals.has(one.by))
    throw unknown("a principal that there is", one.by);
  const { verdict, rule, tags } = verdictOf(state, from, to, one.by, now.getTime());
  const gates = gatesFor(state, from, to, one.by ?? null, now.getTime()).map(({ name }) => name);
  const write = (
    v: string,
    r: string | undefined,
    t: readonly string[] | undefined,
    g: readonly string[] | undefined,
  ) =>
    [
      v,
      ...(r === undefined ? [] : [r]),
      ...(t === undefined ? [] : [`tags ${t.toSorted().join(",")}`]),
      ...(g === undefined ? [] : [`gates ${g.toSorted().join(",")}`]),
    ].join(" ");
  return {
    expected: write(one.expect, one.rule, one.tags, one.gates),
    found: write(
      verdict,
      one.rule === undefined ? undefined : rule,
      one.tags === undefined ? undefined : tags,
      one.gates === undefined ? undefined : gates,
    ),
  };
}

/** A plain flow, or what somebody may do with his own privileges: which tags stand against it. */
function verdictOf(
  state: State,
  from: ContextText,
  to: ContextText,
  by: string | undefined,
  now: number,
): { verdict: "allow" | "refuse"; rule: string; tags: readonly string[] } {
  const lacks =
    by === undefined
      ? []
      : differenceOf(from, to).filter(
          ([privilege, tag]) => chainFor(state, by, privilege, tag as Pattern, now) === null,
        );
  const allow = { verdict: "allow", rule: "", tags: [] } as const;
  if (by !== undefined && lacks.length === 0) return allow;
  const denial = checkFlow(contextWith(state, from), contextWith(state, to));
  if (denial === null) return allow;
  const standing = (denial.tags as readonly TagId[]).map((id) => state.tagsById.get(id)!.name as string);
  const tags =
    by === undefined ? standing : standing.filter((tag) => lacks.some(([, lacking]) => lacking === tag));
  return { verdict: "refuse", rule: denial.rule, tags: tags.length > 0 ? tags : lacks.map(([, tag]) => tag) };
}

function contextWith(state: State, { secrecy, integrity }: ContextText): Context {
  const ids = (tags: readonly string[]) => tags.map((tag) => state.tags.get(tag)!.id);
  return contextOf(secrecyOf(ids(secrecy)), integrityOf(ids(integrity)));
}

function contextFor(state: State, side: PathOrContext, labels: ContextOfPath | null): ContextText {
  if (typeof side !== "string" && "path" in side) {
    if (labels === null) throw unknown("a context: files alone do not tell the label of a path", side.path);
    return labels(side.path);
  }
  if (side === "unlabelled") return { secrecy: [], integrity: [] };
  const context = typeof side === "string" ? state.contexts.get(side)?.context : textOf(side);
  if (context === undefined) throw unknown("the name of a Context", side as string);
  requireTags(state, [...context.secrecy, ...context.integrity]);
  return context;
}

/** A tag that is misspelt must not make a case pass. */
function requireTags(state: State, tags: readonly string[]): void {
  for (const tag of tags)
    if (!state.tags.has(tag) && !tag.endsWith(":*")) throw unknown("the name of a tag that there is", tag);
}

function unknown(expected: string, found: string): PolicyError {
  return new PolicyError("E_POLICY", `expected ${expected}, found ${quote(found)}`, "");
}
