/**
 * The message types that policy has put in force, for the bus.
 *
 * Guarantee: a type that can't be used (a tag that is not known, a text that something else wrote) refuses every message on its
 * topics, and is reported; it never counts as absent. One whose topic can't be read either refuses all topics.
 */
import { type Context, contextOf, integrityOf, secrecyOf } from "../../label/index.ts";
import { type ContextText, PolicyError, readMessageType, type State } from "../../policy/index.ts";
import type { Classifier } from "../types.ts";
import { type Classified, classifierOf } from "./classifier.ts";
import { compileType, unusableType } from "./type.ts";

export interface TypesInForce {
  readonly classifier: Required<Classifier>;
  /** What can't be used and why, a line for each. */
  readonly problems: readonly string[];
}

/** To be asked again when policy has changed. */
export function typesInForce(state: Pick<State, "documents" | "tags">): TypesInForce {
  const types: Classified[] = [];
  const problems: string[] = [];
  for (const { type, name, spec } of state.documents.values()) {
    if (type !== "MessageType") continue;
    const text = readMessageType(spec);
    if (text === null) {
      problems.push(`${name}: expected a message type, found something else`);
      types.push({ type: unusableType(name, "#", "no message type"), context: null });
      continue;
    }
    try {
      const context = text.context === undefined ? null : contextFor(text.context);
      const attributes = text.attributes.map((one) => ({ path: one.path, context: contextFor(one.context) }));
      const { topic, format, withheld, schema = null } = text;
      types.push({
        type: compileType({ name, topic, format, withheld, schema, context, attributes }),
        context,
      });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      problems.push(`${name}: ${error.message}`);
      types.push({ type: unusableType(name, text.topic, "the message type can't be used"), context: null });
    }
  }
  return { classifier: classifierOf(types), problems };

  function contextFor({ secrecy, integrity }: ContextText): Context {
    return contextOf(secrecyOf(secrecy.map(idOf)), integrityOf(integrity.map(idOf)));
  }

  function idOf(name: string) {
    const tag = state.tags.get(name);
    if (tag !== undefined) return tag.id;
    throw new PolicyError("E_POLICY", `expected a tag that there is, found \`${name}\``, "");
  }
}
