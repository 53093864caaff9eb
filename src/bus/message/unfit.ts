/**
 * What the readers throw where a payload can't be told apart into attributes for sure. It ends in `Unreadable`, nowhere else.
 */
import { MAX_NAME_CHARACTERS } from "./limits.ts";

/** `message`: the reason, for the record. It never has anything of the payload in it. */
export class Unfit extends Error {}

/** Names that readers are known to take for different things. @throws Unfit */
export function requirePlainName(name: string): void {
  if (name === "__proto__") throw new Unfit("a member named `__proto__`");
  if (name.includes("\0")) throw new Unfit("a name with a NUL in it");
  if (name.length > MAX_NAME_CHARACTERS)
    throw new Unfit(`a name of more than ${MAX_NAME_CHARACTERS} characters`);
}
