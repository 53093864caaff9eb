/**
 * What the bus keeps over a restart, also one by kill -9: sessions with what waits for them, wills, retained messages, and
 * what third parties decided. SQLite.
 *
 * Guarantee: what was kept in a turn is durable when `commit` returns, all of it or nothing. After a failure every commit
 * fails, so that nothing is acknowledged that was not kept: the bus has to be started anew, from what is on disk. The file
 * is the platform's, mode 0600: it has payloads of all contexts in it.
 */
import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { SubscribeOptions } from "../core/channel.ts";
import type { Message } from "../core/message.ts";
import type { StandingText } from "../core/standing.ts";
import { BusError } from "../error.ts";
import type { Keeper, KeptSession, KeptWill, Outgoing } from "../mqtt/keeper.ts";
import { messageRow, willRow } from "./rows.ts";
import type { Row } from "./rows.ts";

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS session (
    key TEXT PRIMARY KEY, principal TEXT NOT NULL, client TEXT NOT NULL, version INTEGER NOT NULL,
    expiry INTEGER NOT NULL, ends INTEGER) STRICT;
  CREATE TABLE IF NOT EXISTS subscription (
    session TEXT NOT NULL, filter TEXT NOT NULL, options TEXT NOT NULL, PRIMARY KEY (session, filter)) STRICT;
  CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY, topic TEXT NOT NULL, qos INTEGER NOT NULL, retain INTEGER NOT NULL,
    properties TEXT NOT NULL, principal TEXT NOT NULL, name TEXT NOT NULL, context TEXT NOT NULL, type TEXT,
    expires INTEGER, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS outgoing (
    session TEXT NOT NULL, place INTEGER NOT NULL, message INTEGER NOT NULL, qos INTEGER NOT NULL,
    retain INTEGER NOT NULL, identifiers TEXT NOT NULL, share TEXT, id INTEGER NOT NULL, released INTEGER NOT NULL,
    PRIMARY KEY (session, place)) STRICT;
  CREATE INDEX IF NOT EXISTS outgoing_message ON outgoing (message);
  CREATE TABLE IF NOT EXISTS received (session TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (session, id)) STRICT;
  CREATE TABLE IF NOT EXISTS retained (message INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS will (
    session TEXT PRIMARY KEY, topic TEXT NOT NULL, qos INTEGER NOT NULL, retain INTEGER NOT NULL, properties TEXT NOT NULL,
    asked TEXT, bytes BLOB NOT NULL, delay INTEGER NOT NULL, known TEXT NOT NULL, local INTEGER NOT NULL, due INTEGER) STRICT;
  CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

const FORGET = `DELETE FROM message WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM outgoing WHERE message = ?1)
  AND NOT EXISTS (SELECT 1 FROM retained WHERE message = ?1)`;

export class BusStore implements Keeper {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  #isWriting = false;
  #failure: unknown = null;

  /** @throws BusError E_BUS_STORE */
  constructor(path: string) {
    this.#path = path;
    try {
      closeSync(openSync(path, "a", 0o600));
      chmodSync(path, 0o600);
      this.#db = new DatabaseSync(path);
      this.#db.exec(SCHEMA);
      // What nothing points to any more: a session's messages when it ended.
      this.#db.exec(
        "DELETE FROM message WHERE number NOT IN (SELECT message FROM outgoing) AND number NOT IN (SELECT message FROM retained)",
      );
    } catch (error) {
      throw this.#error(error);
    }
  }

  will(will: KeptWill): void {
    this.#run("INSERT OR REPLACE INTO will VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ...willRow(will));
  }

  willOver(key: string): void {
    this.#run("DELETE FROM will WHERE session = ?", key);
  }

  session({ key, principal, clientId, version, expiry, endsAt }: KeptSession): void {
    this.#run("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)", key, principal, clientId, version, expiry, endsAt); // prettier-ignore
  }

  ended(key: string): void {
    const messages = this.#all("SELECT message FROM outgoing WHERE session = ?", key);
    for (const table of ["outgoing", "subscription", "received"])
      this.#run(`DELETE FROM ${table} WHERE session = ?`, key);
    this.#run("DELETE FROM session WHERE key = ?", key);
    for (const { message } of messages) this.#run(FORGET, message as number);
  }

  subscribed(key: string, filter: string, options: SubscribeOptions): void {
    this.#run("INSERT OR REPLACE INTO subscription VALUES (?, ?, ?)", key, filter, JSON.stringify(options));
  }

  unsubscribed(key: string, filter: string): void {
    this.#run("DELETE FROM subscription WHERE session = ? AND filter = ?", key, filter);
  }

  outgoing(key: string, { place, message, qos, retain, identifiers, group, id, isReleased }: Outgoing): void {
    this.#keepMessage(message);
    this.#run("INSERT OR REPLACE INTO outgoing VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", key, place, message.facts.number, qos, Number(retain), JSON.stringify(identifiers), group, id, Number(isReleased)); // prettier-ignore
  }

  done(key: string, { place, message }: Outgoing): void {
    this.#run("DELETE FROM outgoing WHERE session = ? AND place = ?", key, place);
    this.#run(FORGET, message.facts.number);
  }

  received(key: string, id: number): void {
    this.#run("INSERT OR IGNORE INTO received VALUES (?, ?)", key, id);
  }

  released(key: string, id: number): void {
    this.#run("DELETE FROM received WHERE session = ? AND id = ?", key, id);
  }

  retained(message: Message): void {
    // The bus says its own anew.
    if (message.facts.topic.startsWith("$")) return;
    this.#keepMessage(message);
    this.#run("INSERT OR IGNORE INTO retained VALUES (?)", message.facts.number);
  }

  forgotten({ facts: { topic, number } }: Message): void {
    if (topic.startsWith("$")) return;
    this.#run("DELETE FROM retained WHERE message = ?", number);
    this.#run(FORGET, number);
  }

  /** What third parties decided: durable at once. @throws BusError E_BUS_STORE */
  standing(text: StandingText): void {
    this.#run("INSERT OR REPLACE INTO setting VALUES ('standing', ?)", JSON.stringify(text));
    this.commit();
  }

  /** Makes all since the last commit durable. @throws BusError E_BUS_STORE, from then on always */
  commit(): void {
    if (this.#isWriting && this.#failure === null) this.#try(() => this.#db.exec("COMMIT"));
    this.#isWriting = false;
    if (this.#failure !== null) throw this.#error(this.#failure);
  }

  /** What was kept since the last commit is not so, and every commit fails from now on. */
  abandon(cause: unknown): void {
    this.#failure ??= cause;
  }

  /** @throws BusError E_BUS_STORE; it is closed all the same */
  close(): void {
    try {
      this.commit();
    } finally {
      this.#db.close();
    }
  }

  /** Rows, for restoring. @throws BusError E_BUS_STORE */
  rows(query: string, ...values: (string | number)[]): Row[] {
    const rows = this.#all(query, ...values);
    if (this.#failure !== null) throw this.#error(this.#failure);
    return rows;
  }

  #keepMessage(message: Message): void {
    const known = this.#all("SELECT 1 FROM message WHERE number = ?", message.facts.number);
    if (known.length === 0)
      this.#run("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ...messageRow(message));
  }

  /** Never throws: what failed is said at `commit`. */
  #run(sql: string, ...values: (string | number | null | Uint8Array)[]): void {
    if (this.#failure !== null) return;
    this.#try(() => {
      if (!this.#isWriting) this.#db.exec("BEGIN");
      this.#isWriting = true;
      this.#statement(sql).run(...values);
    });
  }

  #all(sql: string, ...values: (string | number)[]): Row[] {
    if (this.#failure !== null) return [];
    return this.#try(() => this.#statement(sql).all(...values) as Row[]) ?? [];
  }

  #try<T>(act: () => T): T | null {
    try {
      return act();
    } catch (error) {
      this.#failure = error;
      return null;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  #error(cause: unknown): BusError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = "make space or restore the file, then start the bus anew";
    return new BusError("E_BUS_STORE", `the bus's state in \`${this.#path}\` failed: ${why}`, hint, cause);
  }
}
