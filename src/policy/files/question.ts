/**
 * Questions to the record as files: in the envelope of policy files, read by the same reader, but no part of a policy. They
 * allow nothing: `csn audit ask` says whether they hold.
 *
 * Membership of sets only: a tag, a target, gates, a time. There is no expression.
 */
import { z } from "zod";
import type { Problem } from "./problem.ts";
import { readShaped, type SourceFile } from "./read.ts";
import { envelope, PART } from "./schema.ts";

/** Which questions fit into one request. */
const MAX_QUESTIONS = 100;

const text = (pattern: string, expected: string) => z.string().regex(new RegExp(pattern), expected);
const tag = text(
  `^(${PART}/${PART}(:${PART})?|#[0-9a-f]{32})$`,
  "a tag: `owner/name`, `owner/name:instance`, or `#` and its id in quotes",
);

const QuestionSpec = z
  .strictObject({
    from: tag.describe("the tag whose data it is about"),
    to: z
      .string()
      .min(1)
      .max(4096)
      .describe("`outside`, a path, an address, `user:NAME`, `program:NAME`, or another tag"),
    never: z.literal(true).optional().describe("no path leads there"),
    through: z
      .array(text(`^${PART}/${PART}$`, "a gate: `owner/name`"))
      .min(1)
      .max(1000)
      .optional()
      .describe("each path there passes one of these gates"),
    olderThan: text("^\\d{1,9}[smhdwy]$", "how long, as `30d`, `12h` or `1y`")
      .optional()
      .describe("and passes it so long after the file where the path begins was first on the record"),
  })
  .superRefine(({ never, through, olderThan }, context) => {
    const fault = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message });
    if (never === true && through !== undefined) fault("through", "absent, since `never` allows no way");
    if (never === undefined && through === undefined)
      fault("through", "a list of gates, unless the question has `never: true`");
    if (through === undefined && olderThan !== undefined)
      fault("olderThan", "absent, unless the question has `through`");
  });

const SHAPES = {
  Question: envelope(
    "Question",
    text(`^${PART}(/${PART})?$`, "a name: a-z, 0-9, `.`, `_`, `-`, with or without an owner"),
    QuestionSpec,
    "what must hold of the record: `csn audit ask`",
  ),
};

export type QuestionDocument = { readonly name: string } & z.output<typeof QuestionSpec>;

/** All questions of these files, and all that is wrong with them. */
export function readQuestions(files: readonly SourceFile[]): {
  questions: QuestionDocument[];
  problems: Problem[];
} {
  const { documents, problems } = readShaped(files, SHAPES);
  const questions = documents.map(({ name, spec }): QuestionDocument =>
    Object.assign({ name }, spec as z.output<typeof QuestionSpec>),
  );
  const last = documents[MAX_QUESTIONS];
  const tooMany = last && { ...last.place, expected: `at most ${MAX_QUESTIONS} questions at once`, found: String(documents.length), hint: "ask them in parts" }; // prettier-ignore
  const all = tooMany === undefined ? problems : [...problems, tooMany];
  return {
    questions,
    problems: all.map((problem) =>
      Object.assign({}, problem, { hint: problem.hint.replace("docs/policy.md", "docs/questions.md") }),
    ),
  };
}
