/**
 * Requests from inside a compartment, as lines: `NAME change OPTION=TAG,…`. [CHG-1]
 *
 * The program writes the line into /run/csn/ask and reads the answer from the FIFO /run/csn/NAME, which it has made:
 * `done`, or `refused`, a code, a message and a hint, separated by tabs. Who asks is known by the launcher that
 * handed the line over, never by what it says.
 */
import { type Context, contextOf, integrityOf, isAll, secrecyOf, type TagId } from "../label/index.ts";
import { type Changing, changeContext } from "./changes.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { failureOf } from "./failure.ts";
import { bookFor, readContext } from "./views.ts";

const OPTIONS = ["add", "drop", "add-integrity", "drop-integrity"] as const;
type Option = (typeof OPTIONS)[number];

/** @returns what to tell the launcher, or null when nobody can be answered */
export async function answerAsk(csn: Csn, run: Changing, line: string): Promise<string | null> {
  const name = /^([A-Za-z0-9_-][A-Za-z0-9._-]{0,63})(?: |$)/.exec(line)?.[1];
  if (name === undefined) return null;
  try {
    await changeContext(csn, run, target(csn, run, line.slice(name.length + 1)));
    return `${name} done`;
  } catch (error) {
    const { code, message, hint } = failureOf(error).body.error;
    return `${name} ${["refused", code, message, hint].map(oneField).join("\t")}`;
  }
}

/** The context that the request asks for. @throws CsnError E_BAD_REQUEST, E_TAG_UNKNOWN; LabelError */
function target(csn: Csn, run: Changing, text: string): Context {
  const [verb, ...words] = text.split(" ");
  const asked: Record<Option, string[]> = { add: [], drop: [], "add-integrity": [], "drop-integrity": [] };
  if (verb !== "change") throw bad(`\`change\`, found ${JSON.stringify(verb)}`);
  for (const word of words) {
    const option = OPTIONS.find((o) => word.startsWith(`${o}=`));
    if (option === undefined) throw bad(`${OPTIONS.join("=, ")}=, found ${JSON.stringify(word)}`);
    asked[option].push(
      ...word
        .slice(option.length + 1)
        .split(",")
        .filter(Boolean),
    );
  }
  const book = bookFor(csn.authority, run.caller);
  const add = readContext({ secrecy: asked.add, integrity: asked["add-integrity"] }, book);
  const drop = readContext({ secrecy: asked.drop, integrity: asked["drop-integrity"] }, book);
  return contextOf(
    secrecyOf(changed(run.context.secrecy, add.secrecy, drop.secrecy)),
    integrityOf(changed(run.context.integrity, add.integrity, drop.integrity)),
  );
}

type Label = Context["secrecy" | "integrity"];

function changed(from: Label, add: Label, drop: Label): TagId[] {
  if (isAll(from) || isAll(add) || isAll(drop)) throw bad("labels of tags, found one of all tags");
  if (add.some((id) => drop.includes(id))) throw bad("a tag to be added or dropped, found one with both");
  return [...from.filter((id) => !drop.includes(id)), ...add];
}

function bad(what: string): CsnError {
  return new CsnError("E_BAD_REQUEST", `expected ${what}`, "docs/context.md describes a request", 400);
}

/** Paths may have any character; the answer is one line with tabs. */
function oneField(text: string): string {
  return Array.from(text.slice(0, 2000), (c) => (c < " " || c === "\x7f" ? "?" : c)).join("");
}
