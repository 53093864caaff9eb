/**
 * What the daemon keeps over restarts and reboots: statements and keys, labels of inodes, contexts of addresses, and,
 * for this boot, what numbers mean. SQLite; durable before a call returns.
 *
 * An inode is known by its file system and its file handle (name_to_handle_at), which stay the same over
 * reboots and change when the inode number is used again. The path is a hint for people.
 */
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { BusGate, BusUp, ScopeEntry } from "../api/index.ts";
import type { Interning } from "../kernel/index.ts";
import type { TagId, TagName } from "../label/index.ts";
import { CsnError } from "./errors.ts";

/** `address`: canonical, as `rangeText` writes it. */
export type StoredAddress = { address: string; context: string; created: string };
/** A client of the bus from elsewhere. `digest`: of its password. */
export type StoredClient = {
  name: string;
  context: string;
  proof: "password" | "certificate" | "token" | "jwt";
  digest: string | null;
  principal: string | null;
};
export type StoredLabel = { fsid: string; handle: Buffer; context: string; path: string };

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS statement (seq INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS key (principal TEXT PRIMARY KEY, pem TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS label (
    fsid TEXT NOT NULL, handle BLOB NOT NULL, context TEXT NOT NULL, path TEXT NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (fsid, handle)) STRICT;
  CREATE TABLE IF NOT EXISTS address (
    address TEXT PRIMARY KEY, context TEXT NOT NULL, created TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS bus_client (
    name TEXT PRIMARY KEY, context TEXT NOT NULL, proof TEXT NOT NULL, digest TEXT, principal TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS boot_context (boot TEXT NOT NULL, id INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (boot, id)) STRICT;
  CREATE TABLE IF NOT EXISTS boot_tag (boot TEXT NOT NULL, tag TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (boot, tag)) STRICT;
`;

export class Store implements Interning {
  readonly bootId: string;
  readonly #db: DatabaseSync;
  readonly #now: () => Date;
  readonly #numbers = new Map<TagId, number>();

  /** @throws CsnError E_STORE */
  constructor(home: string, now: () => Date = () => new Date()) {
    this.#now = now;
    this.bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    try {
      mkdirSync(home, { recursive: true, mode: 0o700 });
      // it has keys in it, whoever may enter the folder; what SQLite puts beside it gets the same mode
      const path = join(home, "csn.db");
      closeSync(openSync(path, "a", 0o600));
      chmodSync(path, 0o600);
      this.#db = new DatabaseSync(path);
      this.#db.exec(SCHEMA);
      this.#db.prepare("DELETE FROM boot_context WHERE boot <> ?").run(this.bootId);
      this.#db.prepare("DELETE FROM boot_tag WHERE boot <> ?").run(this.bootId);
    } catch (error) {
      throw storeError(home, error);
    }
    for (const row of this.#db.prepare("SELECT tag, number FROM boot_tag WHERE boot = ?").all(this.bootId))
      this.#numbers.set(row.tag as TagId, row.number as number);
  }

  close(): void {
    this.#db.close();
  }

  /** In order. */
  *allStatements(): Generator<string> {
    for (const row of this.#db.prepare("SELECT text FROM statement ORDER BY seq").iterate())
      yield row.text as string;
  }

  statements(from: number, limit: number): string[] {
    const rows = this.#db
      .prepare("SELECT text FROM statement WHERE seq >= ? ORDER BY seq LIMIT ?")
      .all(from, limit);
    return rows.map((row) => row.text as string);
  }

  /**
   * All of them or none, and with them a principal's private key: kept from now on, or (null) no longer; and what
   * `also` writes.
   */
  putStatements(
    statements: readonly (readonly [seq: number, text: string])[],
    key?: { principal: string; pem: string | null },
    also: () => void = () => {},
  ): void {
    const insert = this.#db.prepare("INSERT INTO statement VALUES (?, ?)");
    this.#transaction(() => {
      for (const [seq, text] of statements) insert.run(seq, text);
      also();
      if (key === undefined) return;
      this.#db.prepare("DELETE FROM key WHERE principal = ?").run(key.principal);
      if (key.pem !== null) this.#db.prepare("INSERT INTO key VALUES (?, ?)").run(key.principal, key.pem);
    });
  }

  /** The private key of a principal that the daemon signs for. */
  key(principal: string): string | null {
    const row = this.#db.prepare("SELECT pem FROM key WHERE principal = ?").get(principal);
    return row === undefined ? null : (row.pem as string);
  }

  /** Tags as csn kept them before there were statements. */
  oldTags(): { name: TagName; id: TagId }[] {
    const table = this.#db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tag'").get();
    if (table === undefined) return [];
    return this.#db.prepare("SELECT name, id FROM tag ORDER BY created").all() as {
      name: TagName;
      id: TagId;
    }[];
  }

  labels(): StoredLabel[] {
    const rows = this.#db.prepare("SELECT fsid, handle, context, path FROM label ORDER BY path").all();
    return rows.map(({ fsid, handle, context, path }) => ({
      fsid: String(fsid),
      handle: Buffer.from(handle as Uint8Array),
      context: String(context),
      path: String(path),
    }));
  }

  addresses(): StoredAddress[] {
    return this.#db
      .prepare("SELECT address, context, created FROM address ORDER BY address")
      .all() as unknown as StoredAddress[];
  }

  putAddress(address: string, context: string): StoredAddress {
    const stored = { address, context, created: this.#now().toISOString() };
    this.#write(() =>
      this.#db
        .prepare("INSERT OR REPLACE INTO address VALUES (?, ?, ?)")
        .run(address, context, stored.created),
    );
    return stored;
  }

  removeAddress(address: string): void {
    this.#write(() => this.#db.prepare("DELETE FROM address WHERE address = ?").run(address));
  }

  /** Is there anything that the monitor has to be attached for? */
  hasPolicy(): boolean {
    return (
      this.labelCount() > 0 ||
      this.scope.length > 0 ||
      this.bus !== null ||
      this.#db.prepare("SELECT 1 FROM address LIMIT 1").get() !== undefined
    );
  }

  labelCount(): number {
    return this.#db.prepare("SELECT count(*) AS n FROM label").get()!.n as number;
  }

  /** All of them or none. */
  putLabels(labels: readonly StoredLabel[]): void {
    const statement = this.#db.prepare("INSERT OR REPLACE INTO label VALUES (?, ?, ?, ?, ?)");
    const created = this.#now().toISOString();
    this.#transaction(() => {
      for (const l of labels) statement.run(l.fsid, l.handle, l.context, l.path, created);
    });
  }

  removeLabel(fsid: string, handle: Buffer): void {
    this.#write(() => this.#db.prepare("DELETE FROM label WHERE fsid = ? AND handle = ?").run(fsid, handle));
  }

  /** [AUD-3]: are flows that cannot be recorded refused? */
  get refuseOnFull(): boolean {
    return this.#setting("on-full") === "refuse";
  }

  set refuseOnFull(refuse: boolean) {
    this.#set("on-full", refuse ? "refuse" : "count");
  }

  /** What is recorded besides labelled parties [AUD-1]. */
  get scope(): readonly ScopeEntry[] {
    return JSON.parse(this.#setting("scope") ?? "[]") as ScopeEntry[];
  }

  set scope(entries: readonly ScopeEntry[]) {
    this.#set("scope", JSON.stringify(entries));
  }

  /** How the bus is run; null: it is not. */
  get bus(): BusUp | null {
    return JSON.parse(this.#setting("bus") ?? "null") as BusUp | null;
  }

  set bus(how: BusUp | null) {
    this.#set("bus", JSON.stringify(how));
  }

  get busGates(): readonly BusGate[] {
    return JSON.parse(this.#setting("bus-gates") ?? "[]") as BusGate[];
  }

  set busGates(gates: readonly BusGate[]) {
    this.#set("bus-gates", JSON.stringify(gates));
  }

  /** Clients that were set anew or removed while the bus was down. */
  get busAnew(): readonly string[] {
    return JSON.parse(this.#setting("bus-anew") ?? "[]") as string[];
  }

  set busAnew(names: readonly string[]) {
    this.#set("bus-anew", JSON.stringify(names));
  }

  busClients(): StoredClient[] {
    return this.#db.prepare("SELECT * FROM bus_client ORDER BY name").all() as unknown as StoredClient[];
  }

  putBusClient({ name, context, proof, digest, principal }: StoredClient): void {
    this.#write(() =>
      this.#db
        .prepare("INSERT OR REPLACE INTO bus_client VALUES (?, ?, ?, ?, ?)")
        .run(name, context, proof, digest, principal),
    );
  }

  removeBusClient(name: string): void {
    this.#write(() => this.#db.prepare("DELETE FROM bus_client WHERE name = ?").run(name));
  }

  #setting(name: string): string | undefined {
    return this.#db.prepare("SELECT value FROM setting WHERE name = ?").get(name)?.value as
      | string
      | undefined;
  }

  #set(name: string, value: string): void {
    this.#write(() => this.#db.prepare("INSERT OR REPLACE INTO setting VALUES (?, ?)").run(name, value));
  }

  contexts(): Iterable<readonly [number, string]> {
    const rows = this.#db
      .prepare("SELECT id, key FROM boot_context WHERE boot = ? ORDER BY id")
      .all(this.bootId);
    return rows.map((row) => [row.id as number, row.key as string] as const);
  }

  add(id: number, key: string): void {
    this.#write(() =>
      this.#db.prepare("INSERT INTO boot_context VALUES (?, ?, ?)").run(this.bootId, id, key),
    );
  }

  tagNumber(tag: TagId): number {
    const known = this.#numbers.get(tag);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#write(() =>
      this.#db.prepare("INSERT INTO boot_tag VALUES (?, ?, ?)").run(this.bootId, tag, number),
    );
    this.#numbers.set(tag, number);
    return number;
  }

  #transaction(change: () => void): void {
    this.#write(() => {
      this.#db.exec("BEGIN");
      try {
        change();
        this.#db.exec("COMMIT");
      } catch (error) {
        this.#db.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #write(change: () => void): void {
    try {
      change();
    } catch (error) {
      throw storeError("csn.db", error);
    }
  }
}

function storeError(where: string, cause: unknown): CsnError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new CsnError(
    "E_STORE",
    `csn's state in \`${where}\` could not be written or read: ${text}`,
    "check free space and permissions there; nothing was changed",
    500,
  );
}
