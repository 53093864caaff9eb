/**
 * What is in force: principals, tags, grants, gates, conflicts, named contexts, as the statements so far made it.
 * Only the rules (rules.ts) change it.
 */
import type { TagId, TagName } from "../label/index.ts";
import type { Pattern } from "./pattern.ts";
import type { ContextText, GateText, Holder, PrincipalKind, Privilege } from "./statement.ts";

export type Principal = {
  readonly name: string;
  readonly type: PrincipalKind;
  key: string;
  custody: "daemon" | "own";
  uid: number | null;
  readonly seq: number;
};

/** Who shows what has this hash speaks for the principal. */
export type Token = {
  readonly hash: string;
  readonly principal: string;
  readonly note: string;
  /** Milliseconds since 1970. */
  readonly until: number | null;
  readonly at: string;
  revoked: boolean;
};

export type Tag = { readonly name: TagName; readonly id: TagId; readonly at: string; readonly seq: number };

export type Grant = {
  readonly id: string;
  readonly by: string;
  readonly to: Holder;
  readonly tag: Pattern;
  readonly privileges: readonly Privilege[];
  readonly delegate: boolean;
  /** Milliseconds since 1970; the parent's end counts too. */
  readonly until: number | null;
  readonly purpose: string;
  readonly via: Grant | null;
  readonly at: string;
  readonly seq: number;
  /** The statement that revoked it. */
  revoked: { readonly seq: number; readonly by: string; readonly at: string } | null;
};

export type Gate = {
  readonly name: string;
  readonly gate: GateText;
  readonly holder: Holder;
  /** Who may run it; `*`: everybody. */
  readonly users: readonly string[];
  readonly seq: number;
};

export type Conflict = {
  readonly name: string;
  readonly tags: readonly Pattern[];
  readonly by: string;
  readonly seq: number;
};

export type NamedContext = { readonly name: string; readonly context: ContextText; readonly seq: number };
export type PolicyDocument = { readonly type: string; readonly name: string; readonly spec: string };

export class State {
  readonly principals = new Map<string, Principal>();
  readonly byUid = new Map<number, Principal>();
  /** By hash; ended ones too, so that none comes back. */
  readonly tokens = new Map<string, Token>();
  readonly tags = new Map<string, Tag>();
  readonly tagsById = new Map<TagId, Tag>();
  readonly grants = new Map<string, Grant>();
  /** Live or not, by holder and then by pattern. */
  readonly grantsTo = new Map<Holder, Map<Pattern, Grant[]>>();
  readonly opened = new Map<Pattern, Map<Privilege, { seq: number; at: string }>>();
  readonly gates = new Map<string, Gate>();
  readonly conflicts = new Map<string, Conflict>();
  /** Which conflicts a pattern is a member of. */
  readonly conflictsOf = new Map<Pattern, Conflict[]>();
  readonly contexts = new Map<string, NamedContext>();
  readonly documents = new Map<string, PolicyDocument>();
  /** What programs of a holder have carried, ever. */
  readonly held = new Map<Holder, Set<TagName>>();
}
