/**
 * Policy files and the world in force: plan, apply, compare, export, prove, try.
 *
 * Guarantee: an apply is one list of statements, taken whole or not at all, each signed as its owner, by a caller who
 * may speak for all of them, together with the addresses of Network documents; nothing is said of tags that the
 * caller does not know.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import {
  type AddressRange,
  parseRange,
  type PolicyApplied,
  type PolicyDiff,
  type PolicyExport,
  PolicyFiles,
  type PolicyPlan,
  type PolicyProofs,
  PolicyProve,
  type PolicyTests,
  rangeText,
} from "../api/index.ts";
import { type Context, isAll } from "../label/index.ts";
import {
  type AnyDocument,
  type ContextText,
  differences,
  exportPolicy,
  ownerOf,
  parseProperty,
  type Pattern,
  type Plan,
  planPolicy,
  PLATFORM,
  PolicyError,
  type Problem,
  problemLine,
  prove,
  readDocuments,
  runTests,
  type State,
  writeDocuments,
} from "../policy/index.ts";
import { changeAddresses } from "./addresses.ts";
import { knownTag } from "./authority.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { getLabel } from "./handlers.ts";
import { type Caller, requireRoot } from "./identity.ts";
import { parse } from "./parse.ts";
import { knows } from "./privileges.ts";
import { recordStatements } from "./run-events.ts";
import { readContext } from "./views.ts";

const SCHEMA = "policy.schema.json";

export function plan(csn: Csn, caller: Caller, body: unknown): PolicyPlan {
  const { steps, notes } = planFor(csn, caller, body).planned;
  return { steps: steps.map(({ by, words, place }) => ({ by, words, place })), notes };
}

/** @throws PolicyError E_POLICY with all that is wrong; CsnError E_NOT_PERMITTED. Nothing was said then */
export function apply(csn: Csn, caller: Caller, body: unknown): PolicyApplied {
  const { authority } = csn;
  const { planned, documents } = planFor(csn, caller, body);
  const { unset, set } = addressesOf(authority.world.state, planned.after, documents);
  const taken = changeAddresses(csn, caller, unset, set, (also) =>
    authority.sayAll(caller, planned.steps, also),
  );
  if (taken.length > 0) recordStatements(csn, caller, taken.length);
  return {
    steps: planned.steps.map(({ by, words, place }) => ({ by, words, place })),
    notes: planned.notes,
    head: authority.world.head,
  };
}

export function diff(csn: Csn, caller: Caller, body: unknown): PolicyDiff {
  requireRoot(caller, "compare with all that is in force");
  const { planned, documents } = planFor(csn, caller, body);
  return { differences: differences(planned, documents, csn.authority.now()) };
}

/** Root gets all; others what is theirs: their tags, contexts, gates and sets, and what they granted. */
export function exportFiles(csn: Csn, caller: Caller): PolicyExport {
  const { authority } = csn;
  const all = exportPolicy(authority.world.state, authority.now());
  const me = authority.holderOf(caller);
  const mine =
    caller.uid === 0 ? all : all.filter(({ name }) => name.includes("/") && ownerOf(name as Pattern) === me);
  return { files: writeDocuments(mine, SCHEMA) };
}

/** A path names grants and tags of others: only root sees them all. */
export function proveAll(csn: Csn, caller: Caller, body: unknown): PolicyProofs {
  requireRoot(caller, "prove over all that is in force");
  const { properties, owners } = parse(PolicyProve, body);
  const { authority } = csn;
  const { state } = authority.world;
  return properties
    .map((text) => parseProperty(text, state))
    .map((property) => prove(state, property, authority.now(), { owners }));
}

export function tryCases(csn: Csn, caller: Caller, body: unknown): PolicyTests {
  requireRoot(caller, "try cases on all that is in force");
  const documents = readAll(body);
  const { authority } = csn;
  const labels = (path: string): ContextText => {
    const { context } = getLabel(csn, caller, path);
    if (context !== null && !isAll(context.secrecy as never) && !isAll(context.integrity as never))
      return context as ContextText;
    throw new PolicyError("E_POLICY", `expected a path with tags of owners, found \`${path}\``, "");
  };
  return runTests(authority.world.state, documents, authority.now(), labels);
}

function planFor(csn: Csn, caller: Caller, body: unknown): { planned: Plan; documents: AnyDocument[] } {
  const { authority } = csn;
  const documents = readAll(body);
  const { set, prune } = parse(PolicyFiles, body);
  const me = authority.holderOf(caller);
  const planned = planPolicy(authority.world.state, documents, authority.now(), {
    set: `${me} ${set}`,
    prune,
    digestOf: (path) => digestOf(path, caller),
    mayKnow: (tag) => me === PLATFORM || ownerOf(tag as Pattern) === me || knows(authority, caller, tag),
  });
  const problems = [...planned.problems, ...addressProblems(documents)];
  if (problems.length > 0) throw invalid(problems);
  return { planned, documents };
}

function readAll(body: unknown): AnyDocument[] {
  const { documents, problems } = readDocuments(parse(PolicyFiles, body).files);
  if (problems.length > 0) throw invalid(problems);
  return documents;
}

function invalid(problems: readonly Problem[]): PolicyError {
  const hints = new Set(problems.map(({ hint }) => hint).filter((hint) => hint !== ""));
  return new PolicyError("E_POLICY", problems.map(problemLine).join("\n"), [...hints].join("\n"));
}

function addressProblems(documents: readonly AnyDocument[]): Problem[] {
  return documents.flatMap((document) => {
    if (document.kind !== "Network") return [];
    return document.spec.addresses.flatMap((address, i): Problem[] => {
      const parsed = parseRange(address);
      if (parsed.ok) return [];
      const [, expected = parsed.message, found = "another"] =
        /expected (.*?), found (.*)$/.exec(parsed.message) ?? [];
      return [{ ...document.placeOf("spec", "addresses", i), expected, found, hint: parsed.hint }];
    });
  });
}

/** What Network documents take away from addresses, and give them. */
function addressesOf(before: State, after: State, documents: readonly AnyDocument[]) {
  const unset = new Set<string>();
  const set: { range: AddressRange; context: Context }[] = [];
  // names to ids as they are after the apply, which may make the tags
  const book = { tag: () => undefined, tagNamed: (name: string) => knownTag(after.tags.get(name)) };
  const read = (state: State, name: string): NetworkText => {
    const document = state.documents.get(`Network ${name}`);
    return document === undefined ? NOTHING : (JSON.parse(document.spec) as NetworkText);
  };
  for (const { kind, name } of documents) {
    if (kind !== "Network") continue;
    for (const range of ranges(read(before, name))) unset.add(rangeText(range));
    const { context: text, addresses } = read(after, name);
    const context = readContext(text, book);
    for (const range of ranges({ context: text, addresses })) {
      unset.delete(rangeText(range));
      set.push({ range, context });
    }
  }
  return { unset, set };
}

function ranges({ addresses }: NetworkText): AddressRange[] {
  return addresses.flatMap((address) => {
    const parsed = parseRange(address);
    return parsed.ok ? [parsed.range] : []; // faults were told before (addressProblems)
  });
}

const NOTHING: NetworkText = { addresses: [], context: { secrecy: [], integrity: [] } };
type NetworkText = { addresses: string[]; context: { secrecy: string[]; integrity: string[] } };

/** sha256 of a program, which the caller can read himself, or is root. @throws Error */
function digestOf(path: string, caller: Caller): string {
  if (caller.principal !== undefined)
    throw new CsnError("E_NOT_PERMITTED", "a digest: who is known by a token reads no files", "", 403);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { mode, uid } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new Error("no regular file");
    if (caller.uid !== 0 && caller.uid !== uid && (mode & 0o004) === 0)
      throw new CsnError("E_NOT_PERMITTED", `a file that ${caller.name} may not read`, "", 403);
    const hash = createHash("sha256");
    const chunk = Buffer.alloc(1 << 20);
    for (let length; (length = readSync(descriptor, chunk)) > 0;) hash.update(chunk.subarray(0, length));
    return hash.digest("hex");
  } finally {
    closeSync(descriptor);
  }
}
