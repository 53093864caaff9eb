/**
 * What a client publishes, as the bus's publication.
 *
 * Guarantee: label and publisher properties that the client supplied are taken off.
 */
import { NO_PROPERTIES } from "../core/sending.ts";
import { stripped } from "../labels.ts";
import type { LabelText } from "../labels.ts";
import type { Party, Properties, Publication, Refusal } from "../types.ts";
import { REASON } from "./codec/malformed.ts";
import { NO_PROPERTIES as NOTHING_READ } from "./codec/properties.ts";
import type { WireProperties } from "./codec/properties.ts";
import type { WirePublish, WireWill } from "./codec/read.ts";

/** Null: the context that it asks for can't be read. */
export function publicationOf(
  wire: WirePublish | WireWill,
  topic: string,
  labels: LabelText,
  sender: Party,
): Publication | null {
  const { payload, qos, retain, properties } = wire;
  if (properties === NOTHING_READ) return { topic, payload, qos, retain, properties: NO_PROPERTIES }; // prettier-ignore
  const supplied = stripped(properties.userProperties, labels, sender);
  if (supplied === null) return null;
  const { rest: userProperties, as } = supplied;
  const kept =
    Object.keys(properties).length === 0 ? NO_PROPERTIES : messageProperties(properties, userProperties);
  return { topic, payload, qos, retain, properties: kept, ...(as === undefined ? {} : { as }) };
}

function messageProperties(wire: WireProperties, userProperties: Properties["userProperties"]): Properties {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData } = wire;
  return {
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpiryInterval }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
    ...(userProperties === undefined || userProperties.length === 0 ? {} : { userProperties }),
  };
}

/** Why the bus refused, in MQTT 5's words. */
export const REASONS: Readonly<Record<Refusal, number>> = {
  topic: REASON.topic,
  context: REASON.notAuthorized,
  payload: REASON.payload,
  quota: REASON.quota,
  never: REASON.notAuthorized,
  forbidden: REASON.notAuthorized,
  failed: REASON.failed,
};
