/**
 * Which of mosquitto's tests the bus can't pass, and why: a feature that it has not, or something that the protocol leaves
 * open and the test does not. suite.ts holds it against what really fails.
 */

/** The version of mosquitto that this is about. */
export const VERSION = "2.0.21";

const BRIDGES = "bridges: links between hosts come later";
const PLUGINS = "mosquitto's plugins (dynamic security among them), built in C: who may what is policy's";
const OLD = "MQTT 3.1 is not supported";
const WILL =
  "a will is due when its delay is over or its session ends, whichever is first (MQTT 5, section 3.1.3.2.2)";
const DEEP = "too long or deep is refused with a reason, and the connection goes on";
const LABELS =
  "what the bus puts on a message counts for the longest packet that a client takes; without it nothing is sent";

/** Options of its configuration, by name: a test that needs one can't run. */
export const OPTIONS: Readonly<Record<string, string>> = {
  acl_file: "lists of who may use which topic: contexts decide",
  allow_zero_length_clientid: "clients without an identifier are always given one",
  auth_plugin: PLUGINS,
  connection: BRIDGES,
  max_connections: "a limit on connections: the bus has one on sessions, and one on strangers",
  max_inflight_bytes: "a limit on the bytes under way: the bus has one on all that waits",
  maximum_qos: "QoS can't be limited",
  message_size_limit: "a limit on payloads: the bus has one on packets",
  mount_point: "a prefix of topics for each listener",
  per_listener_settings: "settings for each listener: a composer makes a server for each",
  plugin: PLUGINS,
  psk_file: "TLS with keys that both sides have: only certificates",
  retain_available: "retained messages can't be switched off",
  sys_interval: "the interval of $SYS can't be set",
  upgrade_outgoing_qos: "QoS is never raised: section 3.8.4 of MQTT 3.1.1 wants the lower one",
  use_subject_as_username: "a certificate's name is its common name",
};

/** Tests by file. */
export const EXPLAINED: Readonly<Record<string, string>> = {
  "01-connect-575314": "a limit: client identifiers have 256 characters at most",
  "01-connect-max-keepalive": OLD,
  "02-subpub-qos0-long-topic": DEEP,
  "02-subpub-qos2": "a QoS 2 message is delivered when it first comes, which section 4.3.3 allows; the test waits for PUBREL",
  "02-subscribe-long-topic": DEEP,
  "03-publish-c2b-disconnect-qos2": OLD,
  "03-publish-dollar-v5": "topics with `$` are no topics for clients: 0x90, not 0x87",
  "03-publish-long-topic": DEEP,
  "03-publish-qos2-dup": "the same PUBLISH for a third time is answered like the second; nothing in the protocol ends the connection",
  "04-retain-clear-multiple": "the order of retained messages of several topics is open",
  "06-bridge-no-local": OLD,
  "07-will-control": "a will to a `$` topic is refused in CONNACK with a reason; the test wants the connection to end without",
  "07-will-delay": WILL,
  "07-will-delay-reconnect": WILL,
  "07-will-delay-recover": WILL,
  "07-will-takeover": "a client that is taken over without having said goodbye leaves a will (MQTT 3.1.1, section 3.1.2.5; MQTT 5, section 3.1.3.2.2)",
  "08-ssl-connect-cert-auth-crl": "Node.js asks for a list of revoked certificates of each authority of the chain, and the test has one of the last; refused to be safe",
  "08-ssl-connect-cert-auth-expired": "refused, but Node.js judges certificates after TLS's handshake and sends no alert, for which the test waits",
  "08-ssl-connect-cert-auth-revoked": "refused, but Node.js judges certificates after TLS's handshake and sends no alert, for which the test waits",
  "08-ssl-connect-no-identity": "who shows no certificate is told 5, not authorized, and not 4, wrong user name",
  "09-pwfile-parse-invalid": "errors in mosquitto's own file of passwords",
  "11-persistent-subscription-no-local": "packet identifiers begin anew after a restart, which is the server's choice; the test counts them",
  "12-prop-assigned-client-identifier": "the identifier that a client is given has another form",
  "12-prop-maximum-packet-size-publish-qos1": LABELS,
  "12-prop-maximum-packet-size-publish-qos2": LABELS,
  "13-malformed-subscribe-v5": "subscription identifier 0 is a protocol error, 0x82 (section 3.8.2.1.2)",
}; // prettier-ignore

/** Sequences of packets, by the line that tells of the failure, and how many there are. */
export const SEQUENCES: readonly { readonly line: RegExp; readonly count: number; readonly why: string }[] = [
  { line: /^v3\.1 .* failed|^v3\.1\.1 CONNACK issue 2163 v3 failed/, count: 5, why: OLD },
  { line: /(U\+|0x)00(01|1F|7F|9F) failed/, count: 40, why: "a receiver may end the connection for control characters (section 1.5.4), and the bus does not" },
  { line: /PUBLISH (3|ALLOWED).* failed: .*\| b'@\\x02\\x124' \| b'@\\x03\\x124\\x10'$/, count: 12, why: "0x10 is never sent: it would tell who listens" },
  { line: /PROPERTIES .* failed: .*\| b'\\xe0\\x01\\x81' \| b'\\xe0\\x01\\x82'$/, count: 138, why: "a property that does not belong to a packet makes it malformed, 0x81 (section 2.2.2.2), also when it comes twice" },
  { line: /PUBLISH ALLOWED PROPERTIES subscription-identifier=.* failed/, count: 8, why: "a client may not publish with a subscription identifier (MQTT-3.3.4-6)" },
  { line: /(mid|Mid) 0 failed/, count: 6, why: "packet identifier 0 makes a packet malformed, 0x81; the tests want that of SUBSCRIBE and 0x82 of others" },
  { line: /PUBLISH 30 topic 0 failed/, count: 1, why: "no topic and no alias is a protocol error, 0x82 (section 3.3.2.1)" },
  { line: /PUBLISH ALLOWED PROPERTIES maximum packet size failed/, count: 1, why: LABELS },
  { line: /SUBSCRIBE ALLOWED PROPERTIES 82 with subscription-identifier=0 .* failed/, count: 1, why: "subscription identifier 0 is a protocol error, 0x82 (section 3.8.2.1.2)" },
  { line: /^v5\.0 +(SUBACK 9|UNSUBACK B)\d failed/, count: 8, why: "a server's packet from a client is a protocol error, 0x82, whatever its flags are" },
  { line: /FORBIDDEN 0A with illegal length C0 failed/, count: 2, why: "half of a packet is waited for until keep-alive ends the connection" },
]; // prettier-ignore
