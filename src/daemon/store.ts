/**
 * What the daemon keeps over restarts and reboots: tags, labels of inodes, contexts of addresses, and, for this
 * boot, what numbers mean. SQLite; durable before a call returns.
 *
 * An inode is known by its file system and its file handle (name_to_handle_at), which stay the same over
 * reboots and change when the inode number is used again. The path is a hint for people.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Interning } from "../kernel/index.ts";
import { parseTagName, type TagId, tagIdFromBytes, type TagName } from "../label/index.ts";
import { CsnError } from "./errors.ts";

export type StoredTag = { id: TagId; name: TagName; owner: number; created: string };
/** `address`: canonical, as `rangeText` writes it. */
export type StoredAddress = { address: string; context: string; created: string };
export type StoredLabel = { fsid: string; handle: Buffer; context: string; path: string };

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS tag (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, owner INTEGER NOT NULL, created TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS label (
    fsid TEXT NOT NULL, handle BLOB NOT NULL, context TEXT NOT NULL, path TEXT NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (fsid, handle)) STRICT;
  CREATE TABLE IF NOT EXISTS address (
    address TEXT PRIMARY KEY, context TEXT NOT NULL, created TEXT NOT NULL) STRICT;
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
      this.#db = new DatabaseSync(join(home, "csn.db"));
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

  /** @throws CsnError E_TAG_NAME, E_TAG_EXISTS */
  createTag(text: string, owner: number): StoredTag {
    const parsed = parseTagName(text);
    if (!parsed.ok) {
      throw new CsnError(
        "E_TAG_NAME",
        `expected ${parsed.problem.expected}, found ${parsed.problem.found}`,
        "a tag is named `owner/name`, such as `registry/patient`",
        400,
      );
    }
    if (this.tagNamed(parsed.name) !== undefined) {
      throw new CsnError(
        "E_TAG_EXISTS",
        `tag \`${parsed.name}\` exists already`,
        "`csn tag list` shows all",
        409,
      );
    }
    const tag = {
      id: tagIdFromBytes(randomBytes(16)),
      name: parsed.name,
      owner,
      created: this.#now().toISOString(),
    };
    this.#write(() =>
      this.#db.prepare("INSERT INTO tag VALUES (?, ?, ?, ?)").run(tag.id, tag.name, owner, tag.created),
    );
    return tag;
  }

  tags(): StoredTag[] {
    return this.#db
      .prepare("SELECT id, name, owner, created FROM tag ORDER BY name")
      .all() as unknown as StoredTag[];
  }

  tagNamed(name: string): StoredTag | undefined {
    return this.#db.prepare("SELECT id, name, owner, created FROM tag WHERE name = ?").get(name) as
      | StoredTag
      | undefined;
  }

  tag(id: TagId): StoredTag | undefined {
    return this.#db.prepare("SELECT id, name, owner, created FROM tag WHERE id = ?").get(id) as
      | StoredTag
      | undefined;
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
    return this.labelCount() > 0 || this.#db.prepare("SELECT 1 FROM address LIMIT 1").get() !== undefined;
  }

  labelCount(): number {
    return this.#db.prepare("SELECT count(*) AS n FROM label").get()!.n as number;
  }

  /** All of them or none. */
  putLabels(labels: readonly StoredLabel[]): void {
    const statement = this.#db.prepare("INSERT OR REPLACE INTO label VALUES (?, ?, ?, ?, ?)");
    const created = this.#now().toISOString();
    this.#write(() => {
      this.#db.exec("BEGIN");
      try {
        for (const l of labels) statement.run(l.fsid, l.handle, l.context, l.path, created);
        this.#db.exec("COMMIT");
      } catch (error) {
        this.#db.exec("ROLLBACK");
        throw error;
      }
    });
  }

  removeLabel(fsid: string, handle: Buffer): void {
    this.#write(() => this.#db.prepare("DELETE FROM label WHERE fsid = ? AND handle = ?").run(fsid, handle));
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
