/**
 * Questions that are kept as files and asked again and again: does what they say hold, as far as the record tells?
 *
 *   never      no path leads from the tag to the target
 *   through    each path there passes one of these gates
 *   olderThan  and the first that it passes, so long after the file in which it begins was first on the record
 *
 * Guarantee: one that does not hold has a path as a witness; one that holds, what was looked at. What a reader gets is a
 * function of the records that he may see. [AUD-4, AUD-5]
 */
import { type Coverage, coverageOf, type Reached } from "./coverage.ts";
import { type EntityText, entityText } from "./entity.ts";
import { search } from "./around.ts";
import { AskError } from "./error.ts";
import { findTarget, type Inode, type Target } from "./find.ts";
import { hitsFor, type PathStep } from "./leak.ts";
import { isoTime, type Sight } from "./reader.ts";
import { endsOf, stepOf } from "./steps.ts";
import { readAge } from "./when.ts";

export type Question = {
  name: string;
  /** A tag. */
  from: string;
  /** A target as of `leak`. */
  to: string;
  never?: boolean | undefined;
  through?: readonly string[] | undefined;
  /** `30d` */
  olderThan?: string | undefined;
};
export type QuestionsAsk = {
  questions: readonly Question[];
  inodes?: Record<string, Inode[]> | undefined;
};

export type QuestionAnswer = {
  name: string;
  /** What was asked, in words. */
  says: string;
  holds: boolean;
  /** The witness; null: it holds. */
  path: PathStep[] | null;
  /** Numbers of the path's records, for proofs; empty for others than the platform. */
  records: number[];
  /** The path passed a gate, but too soon: what, since when it was on the record, and when it passed. */
  early: { thing: EntityText; since: string; passed: string } | null;
  /** What this answer does not speak of, besides the coverage. */
  limits: string[];
};
export type QuestionsAnswer = { answers: QuestionAnswer[]; coverage: Coverage };

/** @throws AskError when a question is not understood, or is about a tag that the asker does not know */
export function questions(sight: Sight, ask: QuestionsAsk, damaged: readonly string[] = []): QuestionsAnswer {
  const reached: Reached[] = [];
  const answers = ask.questions.map((question) => one(sight, question, ask.inodes ?? {}, reached));
  return { answers, coverage: coverageOf(sight, reached, damaged) };
}

/** `every path from a/b to outside passes c/d` */
export function sayQuestion({ from, to, through = [], olderThan }: Question): string {
  if (through.length === 0) return `no path from ${from} to ${to}`;
  const age = olderThan === undefined ? "" : `, when older than ${olderThan}`;
  return `every path from ${from} to ${to} passes ${through.join(" or ")}${age}`;
}

function one(
  sight: Sight,
  question: Question,
  inodes: Record<string, Inode[]>,
  reached: Reached[],
): QuestionAnswer {
  const { name, from, to, through = [], olderThan, never = false } = question;
  if (never !== (through.length === 0) || (never && olderThan !== undefined))
    throw new AskError(
      "E_ASK_WORDS",
      `expected question \`${name}\` to have either \`never: true\` or gates in \`through\`, found ${never ? "both" : "neither"}`,
      "docs/questions.md shows the three kinds of questions",
    );
  const of = findTarget(sight, from);
  if (of.what !== "tag")
    throw new AskError(
      "E_ASK_WORDS",
      `expected a tag in \`from\` of question \`${name}\`, found ${JSON.stringify(from)}`,
      "`OWNER/NAME` of a tag",
    );
  const age = olderThan === undefined ? null : readAge(olderThan);
  const target = targetOf(sight, to, inodes[to]);
  const limits = limitsOf(target, to, age !== null);
  const says = sayQuestion(question);
  const searched = target && search(sight, { tag: of.tag, hits: hitsFor(sight, of, target), through, age });
  if (searched !== null) reached.push(searched.reached);
  const way = searched?.way ?? null;
  if (way === null) return { name, says, holds: true, path: null, records: [], early: null, limits };
  const path = way.path.map((flow, at) => ({
    ...endsOf(sight, flow),
    step: stepOf(sight, flow, way.path[at - 1] ?? -1, true),
  }));
  const records = sight.recordsOf(way.path);
  const early = way.early && {
    thing: entityText(sight, way.early.entity),
    since: isoTime(way.early.since),
    passed: sight.timeText(way.early.flow),
  };
  return { name, says, holds: false, path, records, early, limits: [] };
}

function targetOf(sight: Sight, to: string, inodes: Inode[] | undefined): Target | null {
  try {
    return findTarget(sight, to, inodes);
  } catch (error) {
    if (error instanceof AskError && error.code === "E_ASK_NOTHING") return null;
    throw error;
  }
}

function limitsOf(target: Target | null, to: string, hasAge: boolean): string[] {
  const limits: string[] = [];
  if (target === null) limits.push(`nothing in records that the asker may read is ${JSON.stringify(to)}: a name that was misspelt would say the same`); // prettier-ignore
  if (hasAge) limits.push("what was added to a file later counts as old as the file; names in folders have no age"); // prettier-ignore
  return limits;
}
