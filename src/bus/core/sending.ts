/**
 * What a sender may put on the bus.
 *
 * Guarantee: a message and each of its attributes has a context to which the sender's own flows, or in which its
 * privileges let it publish; other attributes are taken out before anything else happens (quenching), or the whole is
 * refused, as its type says [MSG-2].
 */
import { join, LabelError } from "../../label/index.ts";
import type { Context } from "../../label/index.ts";
import type { Classifier, MessageType, Party, Payload, Properties, Publication, Refusal } from "../types.ts";
import { attributesWithin } from "./message.ts";
import { flows } from "./verdicts.ts";

/** What a message without properties has. */
export const NO_PROPERTIES: Properties = Object.freeze({});

/** Most bytes of one property, in every protocol that carries messages on. */
const PROPERTY_BYTES = 65_535;

/** Whether every carrier can carry them: not too many, none too long, text without NUL. */
export function arePropertiesFine(properties: Properties, most: number): boolean {
  if (properties === NO_PROPERTIES) return true;
  const { contentType = "", responseTopic = "", correlationData, userProperties = [] } = properties;
  if (userProperties.length > most || (correlationData?.length ?? 0) > PROPERTY_BYTES) return false;
  const isFine = (text: string): boolean =>
    !text.includes("\0") && text.isWellFormed() && text.length * 3 <= PROPERTY_BYTES;
  return isFine(contentType) && isFine(responseTopic) && userProperties.flat().every(isFine);
}

/** What is let on to the bus, or why nothing is. */
export type Sendable =
  | {
      readonly type: MessageType | null;
      readonly context: Context;
      readonly bytes: Uint8Array;
      readonly payload: Payload | null;
      /** Distinct contexts whose attributes were taken out. */
      readonly removed: number;
    }
  | { readonly refusal: Refusal; readonly why: string };

/** @param own the sender's context now */
export function judgeSending(
  party: Party,
  own: Context,
  classifier: Classifier,
  asked: Publication,
): Sendable {
  const may = (wanted: Context): boolean => flows(own, wanted) || party.mayPublishAs(wanted);
  try {
    // Nothing, retained, takes a retained message away, whatever the type would read.
    const isTaking = asked.retain === true && asked.payload.length === 0;
    const type = isTaking ? null : classifier.typeOf(asked.topic);
    if (type === null) {
      const context = asked.as ?? own;
      if (!may(context)) return { refusal: "context", why: "not cleared to publish in this context" };
      return { type, context, bytes: asked.payload, payload: null, removed: 0 };
    }
    return judgeTyped(own, type, asked, may);
  } catch (error) {
    if (error instanceof LabelError) return { refusal: "context", why: error.code };
    return { refusal: "failed", why: "the message's type failed" };
  }
}

function judgeTyped(
  own: Context,
  type: MessageType,
  asked: Publication,
  may: (wanted: Context) => boolean,
): Sendable {
  const payload = type.read(asked.payload);
  if ("unreadable" in payload) return { refusal: "payload", why: payload.unreadable };

  const context = contextFor(own, payload.context, asked.as);
  if (!may(context)) return { refusal: "context", why: "not cleared to publish this type" };
  const keep = attributesWithin(context, payload).map(may);
  const removed = keep.filter((isKept) => !isKept).length;
  if (removed === 0) return { type, context, bytes: asked.payload, payload, removed };

  if (type.withheld === "refuse") return { refusal: "context", why: "MSG-2" };
  const bytes = payload.redact(keep);
  if (bytes === null) return { refusal: "context", why: "MSG-2: nothing is left" };
  // What was taken out is gone: receivers, store and retained messages only know the rest.
  const rest = type.read(bytes);
  if ("unreadable" in rest) return { refusal: "payload", why: `after taking out: ${rest.unreadable}` };
  const isQuenched = attributesWithin(context, rest).every(may);
  if (!isQuenched) return { refusal: "failed", why: "attributes could not be taken out" };
  return { type, context, bytes, payload: rest, removed };
}

/** The type's context if it has one, raised by what the sender asks for; else what it asks for; else its own. */
function contextFor(own: Context, declared: Context | null, asked: Context | undefined): Context {
  if (declared === null) return asked ?? own;
  return asked === undefined ? declared : join(declared, asked);
}
