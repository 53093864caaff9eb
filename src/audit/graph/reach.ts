/**
 * What data reached, and what it came from: one pass over the flows in their order, forward or backward.
 *
 * Guarantee: exactly the entities to which a path leads whose flows follow each other in time, each with one such path;
 * with `depth`, a path of at most so many flows, exactly. The answer is the same for a log in which the kernel left out
 * flows that told nothing new [AUD-2] (docs/decisions/0015).
 */
import type { Graph } from "./graph.ts";
import type { Pass, Question } from "./pass.ts";
import { MOST_HOPS, Sweep } from "./sweep.ts";
import { Walk } from "./walk.ts";

export function reach(graph: Graph, question: Question): Pass {
  const { depth, stops, begins, looksFor } = question;
  const isPlain =
    stops === undefined && looksFor === undefined && (begins === undefined || depth !== undefined);
  const isShort = depth === undefined || depth <= MOST_HOPS;
  const pass = isPlain && isShort ? new Sweep(graph, question) : new Walk(graph, question);
  pass.run();
  return pass;
}
