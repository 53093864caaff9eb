/**
 * Questions to the log. [AUD-4, AUD-5]
 */
export { type Answers, type AnswerTo, answer, type Ask } from "./answer.ts";
export { COLLAPSE_BY, type CollapseBy } from "./collapse.ts";
export type { Coverage } from "./coverage.ts";
export { AskError, type AskErrorCode } from "./error.ts";
export type { ErasureAnswer, ErasureAsk, Trail } from "./erasure.ts";
export type { LeakAnswer, PathStep } from "./leak.ts";
export {
  type Question,
  type QuestionAnswer,
  type QuestionsAnswer,
  type QuestionsAsk,
  sayQuestion,
} from "./questions.ts";
export { type ContextText, PLATFORM, isoTime, type Reader, recordName, Sight } from "./reader.ts";
export type { Crossing, Step } from "./steps.ts";
export { AskThread } from "./thread.ts";
export type { TraceAnswer, TraceEdge, TraceNode } from "./trace.ts";
