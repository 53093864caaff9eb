/**
 * Who may say what, and what has been said: the world of statements, kept in the store, and the keys of those whom
 * the daemon speaks for.
 *
 * Guarantee: a statement is in force only after it is on disk, and a list of them is taken as a whole or not at all.
 * A local user speaks as the principal that is bound to it, root for every principal whose key the daemon keeps (it
 * could read the keys anyway; the record says that it was root). Who keeps his key himself signs himself.
 */
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { type TagId, tagIdFromBytes, type TagName } from "../label/index.ts";
import {
  type Body,
  type Holder,
  PLATFORM,
  ownerOf,
  type Principal,
  type PrincipalKind,
  privateKey,
  publicText,
  requireTagName,
  signStatement,
  type Statement,
  unknownPrincipal,
  type Unsigned,
  World,
} from "../policy/index.ts";
import { CsnError } from "./errors.ts";
import { type Caller, userIdOf } from "./identity.ts";
import type { Store } from "./store.ts";

/** A tag as the daemon's other parts know it. `owner`: the principal. */
export type KnownTag = { id: TagId; name: TagName; owner: string; created: string };

/** What there is to look up in the names of tags. */
export type TagBook = Pick<Authority, "tag" | "tagNamed">;

export type Saying = { readonly by: string; readonly body: Body };

export class Authority {
  readonly #store: Store;
  readonly #now: () => Date;
  #world: World;

  constructor(store: Store, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#now = now;
    this.#world = this.#fold();
    if (this.#world.seq === -1) this.#begin();
  }

  get world(): World {
    return this.#world;
  }

  now(): Date {
    return this.#now();
  }

  tag(id: TagId): KnownTag | undefined {
    return knownTag(this.#world.state.tagsById.get(id));
  }

  tagNamed(name: string): KnownTag | undefined {
    return knownTag(this.#world.state.tags.get(name));
  }

  /** Sorted by name. */
  tags(): KnownTag[] {
    return [...this.#world.state.tags.values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((tag) => knownTag(tag)!);
  }

  /** The principal that a user is; a holder without a name where it is none yet. Root is the platform. */
  holderOf(caller: Caller): Holder {
    if (caller.uid === 0) return PLATFORM;
    return this.#principalOf(caller)?.name ?? `uid:${caller.uid}`;
  }

  /** The principal whose token this is, while it is in force. */
  principalBy(token: string): string | null {
    const found = this.#world.state.tokens.get(createHash("sha256").update(token).digest("hex"));
    if (found === undefined || found.revoked) return null;
    return found.until === null || found.until > this.#now().getTime() ? found.principal : null;
  }

  /** Says one thing. @throws PolicyError, CsnError */
  say(caller: Caller, by: string, body: Body): Statement {
    return this.sayAll(caller, [{ by, body }])[0]!;
  }

  /** Says several things, and has written with them what `also` writes, all or none. @throws PolicyError, CsnError; nothing has changed then */
  sayAll(caller: Caller, said: readonly Saying[], also?: () => void): Statement[] {
    return this.#sign(said, (by) => this.#keyOf(caller, by), undefined, also);
  }

  /** What somebody who keeps his own key has to sign to say this now. */
  draft(by: string, body: Body): Unsigned {
    return this.#world.next(by, body, this.#now());
  }

  /** Takes a statement that its principal has signed. Anybody may bring it: the signature says whose it is. */
  submit(statement: unknown, allow: (statement: Statement) => void = () => {}): Statement {
    return this.#take((world) => [world.apply(statement, true, allow)])[0]!;
  }

  /** The principal of this name, made now where it may be: a user's own, or any by root. */
  speaker(caller: Caller, name: string): Principal {
    const mine = this.#principalOf(caller);
    const found = this.#world.state.principals.get(name);
    if (found !== undefined) {
      if (caller.uid === 0 || found === mine) return found;
      throw notYours(caller, name, mine);
    }
    if (caller.uid !== 0 && (mine !== undefined || caller.name !== name)) throw notYours(caller, name, mine);
    return this.createPrincipal(name, "person", caller.uid === 0 ? userIdOf(name) : caller.uid, null);
  }

  /** @param key public, of one who keeps the private half; null: the daemon makes and keeps one */
  createPrincipal(name: string, type: PrincipalKind, uid: number | null, key: string | null): Principal {
    const made = keyFor(key);
    const body: Body = { kind: "principal", name, type, key: made.key, custody: made.custody, uid };
    this.#sign([{ by: PLATFORM, body }], () => this.#store.key(PLATFORM)!, {
      principal: name,
      pem: made.pem,
    });
    return this.#world.state.principals.get(name)!;
  }

  /** A new key that the daemon keeps, or a public one of somebody who will. */
  rotate(caller: Caller, name: string, key: string | null): void {
    const made = keyFor(key);
    const body: Body = { kind: "rotate", name, key: made.key, custody: made.custody };
    this.#sign([{ by: name, body }], () => this.#keyOf(caller, name), { principal: name, pem: made.pem });
  }

  /** Makes tags of one owner. @throws PolicyError, CsnError */
  createTags(caller: Caller, names: readonly string[]): KnownTag[] {
    const owners = names.map((name) => ownerOf(requireTagName(name)));
    for (const owner of new Set(owners)) this.speaker(caller, owner);
    const said = [...new Set(owners)].map((owner): Saying => {
      const tags = names
        .filter((_, i) => owners[i] === owner)
        .map((name) => ({ name: name as TagName, id: tagIdFromBytes(randomBytes(16)) }));
      return { by: owner, body: { kind: "tag", tags } };
    });
    this.sayAll(caller, said);
    return names.map((name) => this.tagNamed(name)!);
  }

  /** The platform's own word: what programs of a holder carry from now on. [COI-1] */
  noteHeld(holder: Holder, tags: readonly TagName[]): void {
    const before = this.#world.state.held.get(holder);
    const fresh = tags.filter((tag) => !before?.has(tag));
    if (fresh.length > 0) this.sayAll(ROOT, [{ by: PLATFORM, body: { kind: "held", holder, tags: fresh } }]);
  }

  /** Statements from a number on. */
  statements(from: number, limit: number): Statement[] {
    return this.#store.statements(from, limit).map((text) => JSON.parse(text) as Statement);
  }

  #principalOf({ uid, principal }: Caller): Principal | undefined {
    const { principals, byUid } = this.#world.state;
    return principal === undefined ? byUid.get(uid) : principals.get(principal);
  }

  #sign(
    said: readonly Saying[],
    keyOf: (by: string) => string,
    key?: KeyChange,
    also?: () => void,
  ): Statement[] {
    const signed = (world: World, { by, body }: Saying) =>
      signStatement(world.next(by, body, this.#now()), privateKey(keyOf(by)));
    return this.#take((world) => said.map((saying) => world.apply(signed(world, saying), false)), key, also);
  }

  #take(change: (world: World) => Statement[], key?: KeyChange, also?: () => void): Statement[] {
    const before = this.#world.seq;
    try {
      const taken = change(this.#world);
      this.#store.putStatements(
        taken.map((statement) => [statement.seq, JSON.stringify(statement)]),
        key,
        also,
      );
      return taken;
    } catch (error) {
      // part of it may have been applied: what is on disk counts
      if (this.#world.seq !== before) this.#world = this.#fold();
      throw error;
    }
  }

  #fold(): World {
    const world = new World();
    // each names the hash of the one before, so a changed or missing one stops the daemon
    for (const text of this.#store.allStatements()) world.apply(JSON.parse(text), false);
    return world;
  }

  /** The platform's key, and what an earlier csn kept without statements. */
  #begin(): void {
    const { key, pem } = keyFor(null);
    const body: Body = { kind: "genesis", key };
    this.#sign([{ by: PLATFORM, body }], () => pem!, { principal: PLATFORM, pem });
    for (const { name, id } of this.#store.oldTags()) {
      const owner = name.split("/")[0]!;
      this.speaker(ROOT, owner);
      this.sayAll(ROOT, [{ by: owner, body: { kind: "tag", tags: [{ name, id }] } }]);
    }
  }

  /** PEM of the key that signs for `by`, if this caller may have it used. */
  #keyOf(caller: Caller, by: string): string {
    const principal = this.#world.state.principals.get(by);
    if (principal === undefined) throw unknownPrincipal(by);
    const mine = this.#principalOf(caller);
    if (caller.uid !== 0 && principal !== mine) throw notYours(caller, by, mine);
    const key = this.#store.key(by);
    if (key !== null) return key;
    throw new CsnError(
      "E_OWN_KEY",
      `expected ${by}'s signature, found that it keeps its key itself`,
      "`--key FILE` signs with it",
      409,
    );
  }
}

const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };

type KeyChange = { principal: string; pem: string | null };

/** A new pair that the daemon keeps, or the public half of somebody who keeps the other. */
function keyFor(key: string | null): { key: string; pem: string | null; custody: "daemon" | "own" } {
  if (key !== null) return { key, pem: null, custody: "own" };
  const pair = generateKeyPairSync("ed25519");
  const pem = pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  return { key: publicText(pair.publicKey), pem, custody: "daemon" };
}

export function knownTag(tag: { id: TagId; name: TagName; at: string } | undefined): KnownTag | undefined {
  if (tag === undefined) return undefined;
  return { id: tag.id, name: tag.name, owner: tag.name.slice(0, tag.name.indexOf("/")), created: tag.at };
}

function notYours(caller: Caller, name: string, mine: Principal | undefined): CsnError {
  return new CsnError(
    "E_NOT_PERMITTED",
    `expected ${JSON.stringify(name)} or root, found ${mine?.name ?? caller.name}`,
    `name it \`${mine?.name ?? caller.name}/...\`, or ask ${JSON.stringify(name)}`,
    403,
  );
}
