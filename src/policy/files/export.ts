/**
 * The world in force as documents: planning what was exported changes nothing.
 *
 * Not covered: principals and their keys, what programs carried, grants that are over: they are history, not policy.
 * A grant to a gate as it was defined before is over, too: nobody can use it.
 */
import { stringify } from "yaml";
import { isLive } from "../privilege.ts";
import type { Grant, State } from "../state.ts";
import { PRIVILEGES } from "../statement.ts";
import { INVISIBLE, MAX_DOCUMENTS_IN_FILE, type SourceFile } from "./read.ts";
import { API_VERSION, type Kind } from "./schema.ts";

export type Exported = { readonly kind: Kind; readonly name: string; readonly spec: unknown };

/** Sorted by kind and name. */
export function exportPolicy(state: State, now: Date): Exported[] {
  const documents: Exported[] = [];
  const add = (kind: Kind, name: string, spec: unknown) => documents.push({ kind, name, spec });
  for (const name of new Set([...state.tags.keys(), ...state.opened.keys()])) {
    const opened = state.opened.get(name as never);
    const open = PRIVILEGES.filter((privilege) => opened?.has(privilege));
    add("Tag", name, open.length === 0 ? {} : { open });
  }
  for (const { name, context } of state.contexts.values()) add("Context", name, context);
  for (const { name, gate, users } of state.gates.values()) add("Gate", name, { ...gate, users });
  for (const { name, tags } of state.conflicts.values()) add("Conflict", name, { tags });
  for (const grant of state.grants.values()) {
    const to = currentHolder(state, grant);
    if (to !== null && isLive(grant, now.getTime()))
      add("Grant", `${grant.by}/grant-${grant.id}`, grantSpec(grant, to));
  }
  for (const { type, name, spec } of state.documents.values()) add(type as Kind, name, JSON.parse(spec));
  const key = ({ kind, name }: Exported) => `${kind} ${name}`;
  return documents.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function grantSpec(grant: Grant, to: string): object {
  const { by, tag, privileges, delegate, until, purpose } = grant;
  return {
    by,
    to,
    tags: [tag],
    privileges,
    ...(delegate ? { delegate } : {}),
    ...(until === null ? {} : { until: new Date(until).toISOString() }),
    ...(purpose === "" ? {} : { purpose }),
  };
}

/** As a document writes it; null for a gate that is defined otherwise now. */
function currentHolder(state: State, { to }: Grant): string | null {
  if (!to.startsWith("gate:")) return to;
  const name = to.slice("gate:".length, to.lastIndexOf("@"));
  return state.gates.get(name)?.holder === to ? `gate:${name}` : null;
}

/** As YAML; a file for each kind, more where they are many. */
export function writeDocuments(documents: readonly Exported[], schema: string): SourceFile[] {
  const files: SourceFile[] = [];
  for (const kind of new Set(documents.map((document) => document.kind))) {
    const mine = documents.filter((document) => document.kind === kind);
    for (const [i, part] of partsOf(mine.map(writeOne)).entries())
      files.push({
        name: `${kind.toLowerCase()}${i === 0 ? "" : `-${i + 1}`}.yaml`,
        text: `# yaml-language-server: $schema=${schema}\n${part.join("---\n")}`,
      });
  }
  return files;
}

/** Well within what a file may have when it is read again. */
function partsOf(texts: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  let [size, lines] = [0, 0];
  for (const text of texts) {
    const more = text.split("\n").length;
    if (
      parts.at(-1)!.length >= MAX_DOCUMENTS_IN_FILE - 1 ||
      size + text.length > 200_000 ||
      lines + more > 9000
    ) {
      parts.push([]);
      [size, lines] = [0, 0];
    }
    parts.at(-1)!.push(text);
    size += text.length + 4;
    lines += more;
  }
  return parts;
}

function writeOne({ kind, name, spec }: Exported): string {
  const value = { apiVersion: API_VERSION, kind, metadata: { name }, spec };
  const options = { aliasDuplicateObjects: false, lineWidth: 100, version: "1.2", schema: "core" } as const;
  const plain = stringify(value, options);
  if (!INVISIBLE.test(plain)) return plain;
  // with all texts in quotes, each such character can be an escape
  const quoted = stringify(value, { ...options, lineWidth: 0, defaultStringType: "QUOTE_DOUBLE" });
  return quoted.replace(
    new RegExp(INVISIBLE, "gu"),
    (character) => `\\U${character.codePointAt(0)!.toString(16).padStart(8, "0")}`,
  );
}
