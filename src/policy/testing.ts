/**
 * For tests: a world with principals whose keys are at hand.
 */
import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { tagIdFromBytes, type TagName } from "../label/index.ts";
import type { Pattern } from "./pattern.ts";
import {
  type Body,
  gateHolder,
  type GateText,
  PLATFORM,
  type Privilege,
  publicText,
  signStatement,
  type Statement,
} from "./statement.ts";
import { World } from "./world.ts";

type GrantOptions = {
  delegate?: boolean;
  until?: string | null;
  via?: string | null;
  purpose?: string;
};

export class TestWorld {
  readonly world = new World();
  readonly keys = new Map<string, KeyObject>();
  readonly log: Statement[] = [];
  /** The time of the next statement. */
  now = new Date("2026-01-01T00:00:00.000Z");

  constructor(...principals: string[]) {
    this.say(PLATFORM, { kind: "genesis", key: this.#key(PLATFORM) });
    for (const name of principals) this.principal(name);
  }

  principal(name: string, uid: number | null = null): void {
    const key = this.#key(name);
    this.say(PLATFORM, { kind: "principal", name, type: "person", key, custody: "daemon", uid });
  }

  say(by: string, body: Body): Statement {
    const statement = signStatement(this.world.next(by, body, this.now), this.keys.get(by)!);
    this.world.apply(statement);
    this.log.push(statement);
    return statement;
  }

  tags(...names: string[]): void {
    for (const name of names)
      this.say(name.split("/")[0]!, {
        kind: "tag",
        tags: [{ name: name as TagName, id: tagIdFromBytes(randomBytes(16)) }],
      });
  }

  /** Gives the grant's id. */
  grant(by: string, to: string, tag: string, privileges: Privilege[], options: GrantOptions = {}): string {
    const id = randomBytes(16).toString("hex");
    const { delegate = false, until = null, via = null, purpose = "" } = options;
    this.say(by, { kind: "grant", id, to, tag: tag as Pattern, privileges, delegate, until, purpose, via });
    return id;
  }

  /** Gives the holder that its grants are made to. */
  gate(name: string, gate: Partial<GateText>, users: string[] = ["*"]): string {
    const none = { secrecy: [], integrity: [] };
    const whole: GateText = {
      program: "/usr/bin/true",
      digest: "0".repeat(64),
      args: [],
      files: [],
      in: none,
      out: none,
      consent: [],
      purpose: "",
      ...gate,
    };
    this.say(name.split("/")[0]!, { kind: "gate", name, gate: whole, users });
    return gateHolder(name, whole);
  }

  holds(holder: string, privilege: Privilege, tag: string): boolean {
    return this.world.chain(holder, privilege, tag as TagName, this.now) !== null;
  }

  #key(name: string): string {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    this.keys.set(name, privateKey);
    return publicText(publicKey);
  }
}
