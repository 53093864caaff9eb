/**
 * What data reached, and what it came from: one pass over the flows in their order, forward or backward.
 *
 * Guarantee: exactly the entities to which a path leads whose flows follow each other in time, each with one such path;
 * with `depth`, a path of at most so many flows, exactly. The answer is the same for a log in which the kernel left out
 * flows that told nothing new [AUD-2] (docs/decisions/0015).
 */
import { Flood } from "./flood.ts";
import type { Graph } from "./graph.ts";
import type { Pass, Question } from "./pass.ts";
import { MOST_HOPS, Sweep } from "./sweep.ts";
import { Walk } from "./walk.ts";

export function reach(graph: Graph, question: Question): Pass {
  const pass = new (passFor(question))(graph, question);
  pass.run();
  return pass;
}

function passFor({ depth, stops, looksFor }: Question): typeof Flood | typeof Sweep | typeof Walk {
  if (stops !== undefined) return Walk;
  if (depth === undefined) return Flood;
  return looksFor === undefined && depth <= MOST_HOPS ? Sweep : Walk;
}
