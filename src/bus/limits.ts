/**
 * The bus's limits, named once, with their defaults. What exceeds one is refused with a reason; nothing is cut to fit.
 */
export interface Limits {
  /** Longest packet or request of a client. Bytes. */
  readonly packetBytes: number;
  /** Longest topic or filter. Bytes of UTF-8. */
  readonly topicBytes: number;
  /** Levels of a topic or filter. */
  readonly topicLevels: number;
  /** User properties of one message. */
  readonly userProperties: number;
  /** Topics in one request to subscribe, and subscriptions of one party. */
  readonly subscriptions: number;
  /** Parties connected, and sessions kept for those who are not. */
  readonly sessions: number;
  /** Connections that have not yet said who they are. */
  readonly strangers: number;
  /** Messages that wait for one receiver; one more drops the newest, on the record. */
  readonly queuedMessages: number;
  /** Messages that wait for, or are under way to, one receiver. Bytes. */
  readonly queuedBytes: number;
  /** Bytes written to one connection that its socket has not taken: beyond, messages wait or (QoS 0) are dropped. */
  readonly unsentBytes: number;
  /** Messages with QoS 1 and 2 under way to or from one client. */
  readonly inflight: number;
  /** Topic aliases of one client. */
  readonly topicAliases: number;
  /** Retained messages of one principal, and of all. */
  readonly retainedPerPrincipal: number;
  readonly retained: number;
  /** Messages that one principal may publish, and filters that it may subscribe to. Per second, with a burst of one second's. */
  readonly rate: number;
  /** Longest time that a session is kept. Seconds. */
  readonly sessionSeconds: number;
  /** A client that says nothing for so long is cut when it named no shorter time. Seconds. */
  readonly keepAliveSeconds: number;
  /** Time to say who one is. Milliseconds. */
  readonly connectMilliseconds: number;
}

export const LIMITS: Limits = {
  packetBytes: 1 << 20,
  topicBytes: 1024,
  topicLevels: 32,
  userProperties: 32,
  subscriptions: 1000,
  sessions: 20_000,
  strangers: 1000,
  queuedMessages: 1000,
  queuedBytes: 16 << 20,
  unsentBytes: 1 << 20,
  inflight: 64,
  topicAliases: 32,
  retainedPerPrincipal: 10_000,
  retained: 100_000,
  rate: 100_000,
  sessionSeconds: 7 * 24 * 3600,
  keepAliveSeconds: 600,
  connectMilliseconds: 10_000,
};
