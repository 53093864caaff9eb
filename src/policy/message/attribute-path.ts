/**
 * Paths to attributes of a payload: a JSON pointer (`/rooms/hall~1door`), or names with dots, where `[*]` is each element
 * of a list and `*` each member of a map (`rooms[*].presence`, `rooms.*.presence`).
 *
 * Guarantee: a path that could be read in two ways is refused. One element by its number is such a path: once another is taken
 * out, the number means a different one.
 */
import { quote } from "../files/problem.ts";

export type PathStep =
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "anyMember" }
  | { readonly kind: "anyElement" };

export type ParsedPath =
  | { readonly steps: readonly PathStep[] }
  | { readonly expected: string; readonly found: string };

/** Longest path in steps; a payload is not read deeper. */
export const MAX_STEPS = 64;
const MAX_CHARACTERS = 1000;

const NAME = /[A-Za-z_$@][\w$@-]*/y;

/** Takes a path apart. Never throws: what somebody wrote is an ordinary answer. */
export function parseAttributePath(text: string): ParsedPath {
  if (text.length > MAX_CHARACTERS)
    return { expected: `at most ${MAX_CHARACTERS} characters`, found: String(text.length) };
  const parsed = text.startsWith("/") ? pointer(text) : dotted(text);
  if ("steps" in parsed && parsed.steps.length > MAX_STEPS)
    return { expected: `at most ${MAX_STEPS} steps`, found: String(parsed.steps.length) };
  return parsed;
}

/** RFC 6901. */
function pointer(text: string): ParsedPath {
  const steps: PathStep[] = [];
  for (const token of text.slice(1).split("/")) {
    if (/^(\d+|-)$/.test(token))
      return { expected: "`[*]` for the elements of a list, all of them", found: `one, ${quote(token)}` };
    if (/~(?![01])/.test(token)) return { expected: "`~` only as `~0` and `~1`", found: quote(token) };
    steps.push({ kind: "member", name: token.replaceAll("~1", "/").replaceAll("~0", "~") });
  }
  return { steps };
}

function dotted(text: string): ParsedPath {
  const steps: PathStep[] = [];
  let at = 0;
  while (at < text.length || at === 0) {
    if (text.startsWith("[*]", at)) {
      steps.push({ kind: "anyElement" });
      at += 3;
      continue;
    }
    if (at > 0) {
      if (text[at] !== ".") return unreadable(text, at);
      at++;
    }
    if (text[at] === "*") {
      steps.push({ kind: "anyMember" });
      at++;
      continue;
    }
    NAME.lastIndex = at;
    const name = NAME.exec(text)?.[0];
    if (name === undefined) return unreadable(text, at);
    steps.push({ kind: "member", name });
    at += name.length;
  }
  return { steps };
}

function unreadable(text: string, at: number): ParsedPath {
  const found = at < text.length ? quote(text.slice(at)) : "the end";
  return { expected: "`name`, `*` or `[*]`, or a JSON pointer that begins with `/`", found };
}

/** Are all that `inner` names, or what is in them, within something that `outer` names? */
export function encloses(outer: readonly PathStep[], inner: readonly PathStep[]): boolean {
  if (outer.length > inner.length) return false;
  return outer.every((step, i) => {
    const other = inner[i]!;
    if (step.kind !== "member")
      return step.kind === other.kind || (step.kind === "anyMember" && other.kind === "member");
    return other.kind === "member" && other.name === step.name;
  });
}
