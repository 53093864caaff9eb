/**
 * Which type the messages of a topic have: of those whose filters match, the narrowest.
 *
 * Guarantee: the answer depends on no order. Where two match and neither is narrower, which policy refuses, each message is
 * unreadable, and so withheld.
 */
import { type Context, contextEquals } from "../../label/index.ts";
import { filterCovers, filterMatches, filtersOverlap, isNarrower } from "../../policy/index.ts";
import type { Classifier, MessageType } from "../types.ts";
import { unusableType } from "./type.ts";

/** Answers are kept for so many topics, and then found anew. */
const MAX_KEPT = 10_000;

/** A type, and the context of its messages where the type says it. */
export interface Classified {
  readonly type: MessageType;
  /** null: the publisher's, or unknown. */
  readonly context: Context | null;
}

export function classifierOf(types: readonly Classified[]): Required<Classifier> {
  const kept = new Map<string, MessageType | null>();
  return {
    typeOf: (topic) => {
      const known = kept.get(topic);
      if (known !== undefined) return known;
      if (kept.size >= MAX_KEPT) kept.clear();
      const type = narrowest(types.map((one) => one.type).filter((one) => filterMatches(one.topic, topic)));
      kept.set(topic, type);
      return type;
    },
    floorOf: (filter) => floor(types, filter),
  };
}

function narrowest(matching: readonly MessageType[]): MessageType | null {
  const [first] = matching;
  if (first === undefined) return null;
  const best = matching.find((one) =>
    matching.every((other) => other === one || isNarrower(one.topic, other.topic)),
  );
  return best ?? unusableType(first.name, first.topic, "two types for one topic");
}

/** Known where each topic under the filter has a type, and all their messages one context. */
function floor(types: readonly Classified[], filter: string): Context | null {
  const touched = types.filter(({ type }) => filtersOverlap(type.topic, filter));
  const [first] = touched;
  if (first === undefined || first.context === null) return null;
  const { context } = first;
  const isSame = touched.every((one) => one.context !== null && contextEquals(one.context, context));
  return isSame && touched.some(({ type }) => filterCovers(type.topic, filter)) ? context : null;
}
