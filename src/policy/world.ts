/**
 * The world as its statements made it: a fold, from the first to the last.
 *
 * Guarantee: `apply` takes a statement whole or throws and changes nothing; the same statements give the same world
 * anywhere. With `verify`, each one is held against the key that its principal had at that point.
 */
import type { TagName } from "../label/index.ts";
import { conflictFor, type Collision } from "./conflict.ts";
import { PolicyError } from "./error.ts";
import type { Pattern } from "./pattern.ts";
import { type Chain, chainFor } from "./privilege.ts";
import { RULES } from "./rules.ts";
import { parseStatement } from "./shape.ts";
import { State } from "./state.ts";
import {
  type Body,
  hashStatement,
  type Holder,
  PLATFORM,
  type Privilege,
  type Statement,
  type Unsigned,
  verifyStatement,
} from "./statement.ts";

export class World {
  readonly state = new State();
  /** Hash of the first statement; empty before it. */
  realm = "";
  /** Number and hash of the last statement. */
  seq = -1;
  head = "";
  #at = "";

  /**
   * @param verify hold the signature against the principal's key; false only for what this daemon has verified before
   * @param allow asked when the signature was found right, before the rules; throws when it may not be said
   * @throws PolicyError; nothing is changed then
   */
  apply(input: unknown, verify = true, allow: (statement: Statement) => void = () => {}): Statement {
    const statement = parseStatement(input);
    this.#requireOrder(statement);
    if (verify) this.#requireSignature(statement);
    allow(statement);
    const { body, seq, at, by } = statement;
    if (by !== PLATFORM && !this.state.principals.has(by))
      throw new PolicyError(
        "E_PRINCIPAL_UNKNOWN",
        `expected a principal, found ${JSON.stringify(by)}`,
        "`csn principal list` shows all",
      );
    (RULES[body.kind] as (state: State, body: Body, said: { seq: number; at: string; by: string }) => void)(
      this.state,
      body,
      { seq, at, by },
    );
    this.head = hashStatement(statement);
    if (seq === 0) this.realm = this.head;
    this.seq = seq;
    this.#at = at;
    return statement;
  }

  /** What the next statement has to say of its place; time never runs backwards in the log. */
  next(by: string, body: Body, now: Date): Unsigned {
    const at = now.toISOString();
    return {
      realm: this.realm,
      seq: this.seq + 1,
      prev: this.head,
      at: at < this.#at ? this.#at : at,
      by,
      body,
    };
  }

  /** How the holder has the privilege now, or null. */
  chain(holder: Holder, privilege: Privilege, tag: Pattern | TagName, now: Date): Chain | null {
    return chainFor(this.state, holder, privilege, tag, now.getTime());
  }

  conflict(holder: Holder, tag: Pattern | TagName): Collision | null {
    return conflictFor(this.state, holder, tag);
  }

  #requireOrder(statement: Statement): void {
    const { realm, seq, prev, at, body } = statement;
    const fits = realm === this.realm && seq === this.seq + 1 && prev === this.head && at >= this.#at;
    if (fits && (seq === 0) === (body.kind === "genesis")) return;
    throw new PolicyError(
      "E_STATEMENT_ORDER",
      `expected statement ${this.seq + 1} after ${this.head.slice(0, 12) || "nothing"}, found ${seq} after ${prev.slice(0, 12) || "nothing"}`,
      "somebody else stated something meanwhile, or a statement is missing, repeated or from another log: ask for the head again",
    );
  }

  #requireSignature(statement: Statement): void {
    const { body, by } = statement;
    const key = body.kind === "genesis" ? body.key : this.state.principals.get(by)?.key;
    if (key !== undefined && verifyStatement(statement, key)) return;
    throw new PolicyError(
      "E_STATEMENT_SIGNATURE",
      `expected the signature of ${JSON.stringify(by)} on statement ${statement.seq}, found another or none`,
      "sign it with the key that the principal has now; `csn principal show` tells which",
    );
  }
}
