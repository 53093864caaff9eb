/**
 * One question to one answer. Pure, but for the graph: the daemon's thread and the command line ask alike.
 */
import type { Graph } from "../graph/index.ts";
import { erasure, type ErasureAnswer, type ErasureAsk } from "./erasure.ts";
import { leak, type LeakAnswer, type LeakAsk } from "./leak.ts";
import { questions, type QuestionsAnswer, type QuestionsAsk } from "./questions.ts";
import { type Reader, Sight } from "./reader.ts";
import { trace, type TraceAnswer, type TraceAsk } from "./trace.ts";
import { collapse, type CollapseBy } from "./collapse.ts";

export type Ask =
  | ({ ask: "trace"; collapse?: CollapseBy | undefined } & TraceAsk)
  | ({ ask: "leak" } & LeakAsk)
  | ({ ask: "questions" } & QuestionsAsk)
  | ({ ask: "erasure" } & ErasureAsk);
export type Answers = {
  trace: TraceAnswer;
  leak: LeakAnswer;
  questions: QuestionsAnswer;
  erasure: ErasureAnswer;
};
export type AnswerTo<A extends Ask> = Answers[A["ask"]];

/** @param now ms @throws AskError */
export function answer<A extends Ask>(
  graph: Graph,
  reader: Reader,
  ask: A,
  now: number,
  damaged: readonly string[] = [],
): AnswerTo<A> {
  const sight = new Sight(graph, reader);
  return one(sight, ask, now, damaged) as AnswerTo<A>;
}

function one(sight: Sight, ask: Ask, now: number, damaged: readonly string[]): Answers[Ask["ask"]] {
  if (ask.ask === "leak") return leak(sight, ask, now, damaged);
  if (ask.ask === "questions") return questions(sight, ask, damaged);
  if (ask.ask === "erasure") return erasure(sight, ask, damaged);
  const found = trace(sight, ask, now);
  return ask.collapse === undefined ? found : collapse(found, ask.collapse);
}
