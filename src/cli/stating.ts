/**
 * Saying something as a principal: the daemon signs for those whose key it keeps; with `--key FILE` the caller signs.
 *
 * Guarantee: what is signed with the caller's key is what he asked for: the draft is held against the intent before.
 */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Command } from "commander";
import { Intent, type Said } from "../api/index.ts";
import { signStatement, type Unsigned } from "../policy/index.ts";
import type { Client } from "./client.ts";
import { CliError } from "./errors.ts";

export type SpeakOptions = { as?: string; key?: string };

export function speaking(command: Command): Command {
  return command
    .option("--as <principal>", "who says it (root: any principal whose key the daemon keeps)")
    .option("--key <file>", "sign with this private key, for a principal who keeps it himself");
}

/** All are taken or none. @throws CliError E_KEY_FILE, E_USAGE */
export async function state(client: Client, intents: Intent[], options: SpeakOptions): Promise<Said> {
  const as = options.as === undefined ? {} : { as: options.as };
  if (options.key === undefined) return client.call("say", { body: { ...as, say: intents } });
  if (options.as === undefined || intents.length !== 1)
    throw new CliError(
      "E_USAGE",
      "expected `--as` and one thing to say with `--key`, found otherwise",
      "a signature is somebody's, on one statement",
    );
  const key = readKey(options.key);
  const { draft } = await client.call("say", { body: { ...as, say: intents, draft: true } });
  requireSame(draft as unknown as Unsigned, intents[0]!, options.as);
  return client.call("submit", { body: signStatement(draft as unknown as Unsigned, key) });
}

/** The daemon may be anybody's: nothing is signed but what was asked for. */
function requireSame(draft: Unsigned, intent: Intent, as: string): void {
  const body = draft.body as Record<string, unknown>;
  // with all that is not said, too: nobody is to add a grant option
  const asked = Object.entries(Intent.parse(intent)).filter(
    ([name]) => name !== "to" && name !== "grant" && name !== "from",
  );
  const isSame = asked.every(
    ([name, value]) =>
      value === undefined ||
      intent.kind === "revoke" ||
      intent.kind === "untoken" ||
      name === "names" ||
      (name === "until" && endsInTime(body.until, value)) ||
      sameText(body[name], value),
  );
  const isNamed =
    intent.kind !== "tag" ||
    sameText(
      (body.tags as { name: string }[]).map((tag) => tag.name),
      intent.names,
    );
  const grantsTo = "to" in intent ? intent.to : null;
  const isNumbered =
    (intent.kind !== "untoken" || String(body.hash).startsWith(intent.id)) &&
    (intent.kind !== "revoke" || intent.grant === undefined || String(body.grant).startsWith(intent.grant));
  const isTo = grantsTo === null || body.to === grantsTo || String(body.to).startsWith(`${grantsTo}@`);
  if (isSame && isNamed && isNumbered && isTo && draft.by === as && body.kind === intent.kind) return;
  throw new CliError(
    "E_DAEMON_ANSWER",
    "expected a draft of what you asked for, found another; it was not signed",
    "is this the daemon that you mean?",
  );
}

/** No later than asked: what it derives from may end earlier. */
function endsInTime(found: unknown, asked: unknown): boolean {
  return asked === null || (typeof found === "string" && typeof asked === "string" && found <= asked);
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @throws CliError E_KEY_FILE */
export function readKey(path: string): KeyObject {
  const fail = (found: string) =>
    new CliError(
      "E_KEY_FILE",
      `expected an Ed25519 private key in PEM that only you can read at \`${path}\`, found ${found}`,
      "`csn principal create NAME --own-key FILE` makes one",
    );
  let text: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) throw fail("one that others can read (chmod 600)");
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw fail(error instanceof Error ? error.message : String(error));
  }
  try {
    const key = createPrivateKey(text);
    sign(null, Buffer.alloc(1), key);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // said below
  }
  throw fail("something else");
}
