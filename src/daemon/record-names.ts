/**
 * What a record is called to who asks, and when it was. [AUD-4]
 *
 * Guarantee: root sees numbers, which are places in the log and so count everybody's records. Others see the boot and the
 * time since, by the clock as it was when the boot's record began, and of several records at one time which of those that
 * they may read: a function of these records alone. `csn trace` calls a record the same (src/audit/ask/reader.ts).
 */
import { Boots, recordName } from "../audit/index.ts";
import { SHAPE } from "../kernel/index.ts";
import type { Csn } from "./csn.ts";
import { mayRead } from "./entries.ts";
import { CsnError } from "./errors.ts";
import type { Caller } from "./identity.ts";
import type { Entry } from "./records.ts";

const R = SHAPE.csn_record;
/** Records of different processors are out of order by less: times before are not looked for again. */
const TIMES = 1 << 13;

export type Called = {
  id: number | string;
  wallNs: bigint;
  /** How many records its processor had lost; null: some, and how many only root is told. */
  lost: number | null;
};

/** For one pass over what a caller may read, in the order of the log. */
export class RecordNames {
  readonly #isRoot: boolean;
  readonly #boots: Boots;
  readonly #seen = new Map<string, number>();

  constructor({ records, store }: Csn, caller: Caller) {
    this.#isRoot = caller.uid === 0;
    this.#boots = new Boots(records.folder, store.bootId);
  }

  /** Each record once that the caller may read, and no other. */
  of({ id, record, wallNs }: Pick<Entry, "id" | "record" | "wallNs">): Called {
    const lost = record.readUInt32LE(R.lost);
    if (this.#isRoot) return { id, wallNs, lost };
    const boot = this.#boots.of(id);
    const time = record.readBigUInt64LE(R.time);
    if (boot === null) return { id: "unknown", wallNs: time, lost: null };
    const first = recordName(boot.id, Number(time), 0);
    const before = this.#seen.get(first) ?? 0;
    this.#seen.delete(first);
    this.#seen.set(first, before + 1);
    if (this.#seen.size > TIMES) this.#seen.delete(this.#seen.keys().next().value!);
    const name = recordName(boot.id, Number(time), before);
    return { id: name, wallNs: time + boot.wallOffset, lost: lost === 0 ? 0 : null };
  }
}

/**
 * A record that the caller may read, by what it is called to him: a number is nobody's but root's to try.
 *
 * @throws CsnError E_NO_RECORD, whether there is none or it is not for him
 */
export function readable(csn: Csn, caller: Caller, id: string): { entry: Entry; called: Called } {
  const names = new RecordNames(csn, caller);
  const found = caller.uid === 0 ? numbered(csn, names, id) : named(csn, names, caller, id);
  if (found !== null) return found;
  throw new CsnError(
    "E_NO_RECORD",
    `expected what \`csn log\` calls a record that you may read, found ${JSON.stringify(id)}`,
    "`csn log` shows it at the end of each line, after #",
    404,
  );
}

type Found = { entry: Entry; called: Called } | null;

function numbered(csn: Csn, names: RecordNames, id: string): Found {
  const number = Number(id);
  if (!Number.isInteger(number) || number <= 0) return null;
  for (const entry of csn.records.read(number - 1)) {
    if (entry.id > number) return null;
    if (entry.id === number) return { entry, called: names.of(entry) };
  }
  return null;
}

function named(csn: Csn, names: RecordNames, caller: Caller, id: string): Found {
  const [, text] = /^[0-9a-f]{6}-([0-9a-z]{1,13})(?:\.\d+)?$/.exec(id) ?? [];
  if (text === undefined) return null;
  const time = Number.parseInt(text, 36);
  for (const entry of csn.records.read()) {
    if (Number(entry.record.readBigUInt64LE(R.time)) !== time) continue;
    if (!mayRead(entry, caller, csn.authority)) continue;
    const called = names.of(entry);
    if (called.id === id) return { entry, called };
  }
  return null;
}
