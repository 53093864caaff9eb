/**
 * The policy of files alone: who and what they name is taken to exist, and nothing else does.
 */
import { State } from "../state.ts";
import { ownerOf, type Pattern } from "../pattern.ts";
import { PLATFORM } from "../statement.ts";
import { type Plan, planPolicy } from "./plan.ts";
import type { AnyDocument } from "./read.ts";
import { tagsIn } from "./tags-in.ts";

/** Checks documents against each other, by the rules that statements are held against. */
export function checkDocuments(documents: readonly AnyDocument[], now: Date): Plan {
  const state = new State();
  const principals = new Set<string>([PLATFORM]);
  const declared = new Set(documents.filter(({ kind }) => kind === "Tag").map(({ name }) => name));
  const notes: string[] = [];
  const assumed = new Map<string, string>();
  for (const document of documents) {
    const named = document.kind === "PolicyTest" || document.kind === "Property" ? [] : tagsIn(document.spec);
    for (const tag of named) {
      principals.add(ownerOf(tag as Pattern));
      if (!tag.endsWith(":*") && !declared.has(tag) && !assumed.has(tag))
        assumed.set(tag, `${document.place.file}:${document.place.line}`);
    }
    if (document.kind !== "Host" && document.kind !== "PolicyTest")
      principals.add(ownerOf(document.name as Pattern));
    if (document.kind === "Grant") for (const who of [document.spec.by, document.spec.to]) addPrincipal(who);
    if (document.kind === "Gate") for (const who of document.spec.users) addPrincipal(who);
  }
  for (const name of principals)
    state.principals.set(name, { name, type: "person", key: "", custody: "own", uid: null, seq: 0 });
  let number = 0;
  for (const [name, place] of assumed) {
    const id = (number++).toString(16).padStart(32, "0");
    const tag = { name, id, at: now.toISOString(), seq: 0 } as never;
    state.tags.set(name, tag);
    state.tagsById.set(id as never, tag);
    notes.push(`${place}: the tag ${name} is in no file: it must be in force already`);
  }
  const plan = planPolicy(state, documents, now, { assume: true });
  return { ...plan, notes: [...notes, ...plan.notes] };

  function addPrincipal(who: string | undefined): void {
    if (who !== undefined && who !== "*" && !who.startsWith("gate:")) principals.add(who);
  }
}
