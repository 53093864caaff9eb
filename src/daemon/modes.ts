/**
 * The mode in which a program runs. [SUBJ-5]
 *
 * Guarantee: whoever may not let data out, or vouch for it, himself is not let through anything by asking to be observed: the
 * tags that an observed program may cross are settled here, before it starts, and the kernel refuses the rest.
 */
import type { RunRequest } from "../api/index.ts";
import { type Context, isAll, SEALED, type TagId } from "../label/index.ts";
import { unknownTag } from "../policy/index.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import type { Caller } from "./identity.ts";
import { crossable } from "./privileges.ts";
import { bookFor } from "./views.ts";

/** What it may cross; null: it is not observed. @throws CsnError E_BAD_REQUEST, E_NOT_PERMITTED; PolicyError E_TAG_UNKNOWN */
export function crossingOf(csn: Csn, caller: Caller, request: RunRequest, context: Context): Context | null {
  if (request.mode !== "observe") {
    if (request.across === undefined) return null;
    throw bad("tags to cross for a program that is observed", "`--across` goes with `--observe`");
  }
  if (request.plain || request.via.length > 0)
    throw bad("an observed program in a compartment, without gates behind it", "leave out `--via`");
  if (request.across === undefined && caller.uid === 0) return SEALED; // every tag there is
  const tags =
    request.across === undefined ? own(context) : request.across.map((name) => find(csn, caller, name));
  if (tags.length === 0) throw bad("at least one tag that it may cross", "name them: `--across lab/patient`");
  return crossable(csn.authority, caller, tags);
}

function own({ secrecy, integrity }: Context): TagId[] {
  const tags: TagId[] = [];
  for (const label of [secrecy, integrity]) if (!isAll(label)) tags.push(...label);
  return tags;
}

function find(csn: Csn, caller: Caller, name: string): TagId {
  const tag = bookFor(csn.authority, caller).tagNamed(name);
  if (tag !== undefined) return tag.id;
  throw unknownTag(name);
}

function bad(expected: string, hint: string): CsnError {
  return new CsnError("E_BAD_REQUEST", `expected ${expected}, found otherwise`, hint, 400);
}
