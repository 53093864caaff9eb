/**
 * What ends a connection: input that breaks the protocol, with MQTT 5's reason code. Not an error of the bus.
 */
export class Malformed extends Error {
  /** MQTT 5, section 2.4. */
  readonly reason: number;

  constructor(reason: number, message: string) {
    super(message);
    this.name = "Malformed";
    this.reason = reason;
  }
}

/** MQTT 5's reason codes that the bus uses. */
export const REASON = {
  success: 0x00,
  noSubscription: 0x11,
  unspecified: 0x80,
  malformed: 0x81,
  protocol: 0x82,
  failed: 0x83,
  version: 0x84,
  clientId: 0x85,
  notAuthorized: 0x87,
  shuttingDown: 0x8b,
  authenticationMethod: 0x8c,
  keepAlive: 0x8d,
  takenOver: 0x8e,
  filter: 0x8f,
  topic: 0x90,
  receiveMaximum: 0x93,
  topicAlias: 0x94,
  tooLarge: 0x95,
  quota: 0x97,
  payload: 0x99,
} as const;
