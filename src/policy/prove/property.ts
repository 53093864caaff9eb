/**
 * Properties as a line of text. [the grammar is in docs/policy.md]
 *
 *   SOURCE never reaches TARGET [except through NAME, NAME …]
 *   nothing reaches TAG without passing GATE[, GATE …]
 *   (TAG | tenant NAME) and (TAG | tenant NAME) never meet
 *
 * SOURCE: a tag, or `S=a/b,c/d;I=e/f`. TARGET: `unlabelled`, the name of a Context, or `S=…;I=…`. NAME: a gate, or a
 * principal.
 */
import { parseTagName } from "../../label/index.ts";
import { PolicyError } from "../error.ts";
import type { State } from "../state.ts";
import type { ContextText } from "../statement.ts";

export type Subject = { readonly tag: string } | { readonly tenant: string };
export type Property = { readonly text: string } & (
  | {
      readonly kind: "never reaches";
      readonly source: { readonly tag: string } | { readonly context: ContextText };
      readonly target: ContextText;
      readonly except: readonly string[];
    }
  | { readonly kind: "without passing"; readonly tag: string; readonly gates: readonly string[] }
  | { readonly kind: "never meet"; readonly a: Subject; readonly b: Subject }
);

/** @throws PolicyError E_PROPERTY */
export function parseProperty(text: string, state: State): Property {
  const line = text.trim().replace(/\s+/g, " ");
  const reaches = /^(\S+) never reaches (\S+)(?: except through (.+))?$/.exec(line);
  if (reaches !== null) {
    const [, source, target, except] = reaches as unknown as [string, string, string, string | undefined];
    return {
      kind: "never reaches",
      text: line,
      source: source.includes("=")
        ? { context: contextFrom(source, state) }
        : { tag: tagFrom(source, state) },
      target: contextFrom(target, state),
      except: except === undefined ? [] : except.split(",").map((name) => wayFrom(name.trim(), state)),
    };
  }
  const nothing = /^nothing reaches (\S+) without passing (.+)$/.exec(line);
  if (nothing !== null) {
    const [, tag, gates] = nothing as unknown as [string, string, string];
    const names = gates.split(",").map((name) => wayFrom(name.trim(), state));
    return { kind: "without passing", text: line, tag: tagFrom(tag, state), gates: names };
  }
  const meet = /^((?:tenant )?\S+) and ((?:tenant )?\S+) never meet$/.exec(line);
  if (meet !== null) {
    const [, a, b] = meet as unknown as [string, string, string];
    return { kind: "never meet", text: line, a: subjectFrom(a, state), b: subjectFrom(b, state) };
  }
  throw fault(
    "`… never reaches … [except through …]`, `nothing reaches … without passing …` or `… and … never meet`",
    text,
  );
}

function fault(expected: string, found: string): PolicyError {
  return new PolicyError(
    "E_PROPERTY",
    `expected ${expected}, found ${JSON.stringify(found.slice(0, 200))}`,
    "such as `registry/patient never reaches unlabelled except through registry/anonymise`",
  );
}

function tagFrom(text: string, state: State): string {
  const kind = text.endsWith(":*");
  const parsed = parseTagName(kind ? text.slice(0, -2) : text);
  if (!parsed.ok) throw fault(`a tag, ${parsed.problem.expected}`, text);
  const known = kind ? state.principals.has(parsed.owner) : state.tags.has(text);
  if (!known) throw fault("the name of a tag that there is", text);
  return text;
}

/** A name that is misspelt must not make a property true or false by itself. */
function wayFrom(name: string, state: State): string {
  if (state.gates.has(name) || state.principals.has(name)) return name;
  throw fault("the name of a gate or a principal that there is", name);
}

function subjectFrom(text: string, state: State): Subject {
  if (!text.startsWith("tenant ")) return { tag: tagFrom(text, state) };
  const tenant = text.slice("tenant ".length);
  if (!state.principals.has(tenant)) throw fault("the name of a principal that there is", tenant);
  return { tenant };
}

/** `unlabelled`, a name, or `S=a/b,c/d;I=e/f`. */
function contextFrom(text: string, state: State): ContextText {
  if (text === "unlabelled") return { secrecy: [], integrity: [] };
  const named = state.contexts.get(text);
  if (named !== undefined) return named.context;
  const found: { S?: string[]; I?: string[] } = {};
  for (const part of text.split(";")) {
    const [, letter, tags] = /^([SI])=(\S*)$/.exec(part) ?? [];
    if (letter === undefined || tags === undefined || found[letter as "S"] !== undefined)
      throw fault("`unlabelled`, the name of a context that there is, or `S=a/b;I=c/d`", text);
    found[letter as "S" | "I"] =
      tags === ""
        ? []
        : tags
            .split(",")
            .map((tag) => tagFrom(tag, state))
            .sort();
  }
  return { secrecy: found.S ?? [], integrity: found.I ?? [] };
}
