/**
 * The mutants: which checks of the monitor can be taken out, and which of them may survive, and why.
 *
 * Guarantee: the names come from the object itself (bpf/mutants.bpf.h), so none can be forgotten.
 * `hook/NAME` is a whole program, `FUNCTION/NAME` one check.
 */
import { readFileSync } from "node:fs";

export type Mutant = { readonly name: string; readonly at: number };

/**
 * A check that another one makes as well, so that taking it out alone changes nothing. `shown`: the case
 * that passes without `behind` and fails when this one is taken out too.
 */
export type SecondWall = { readonly behind: readonly string[]; readonly shown: string; readonly why: string };

export const SECOND_WALLS: Readonly<Record<string, SecondWall>> = {};

/** Checks that no call can tell from none, on any kernel here. */
export const EQUIVALENT: Readonly<Record<string, string>> = {};

export type Outcome =
  /** A case failed. */
  | "caught"
  /** A case failed once the first wall was out as well. */
  | "second wall"
  /** As the tables above say. */
  | "equivalent"
  /** The kernel has no such hook. */
  | "absent"
  | "survived"
  /** The tables above say that it would not be caught, and it was; or a second wall did not stand. */
  | "stale";
export type Result = {
  readonly mutant: string;
  readonly outcome: Outcome;
  /** The case that failed, or that shows it. */
  readonly by: string;
  readonly fault: string;
  /** How many cases ran, of those in which it makes a difference. */
  readonly ran: number;
};

const SECTION = ".data.mutants";

/** The symbols of the section that holds the mutants. */
export function mutantsOf(object: string): { mutants: Mutant[]; size: number } {
  const elf = readFileSync(object);
  const table = Number(elf.readBigUInt64LE(0x28));
  const sections = Array.from({ length: elf.readUInt16LE(0x3c) }, (_, n) => {
    const at = table + n * elf.readUInt16LE(0x3a);
    return {
      name: elf.readUInt32LE(at),
      type: elf.readUInt32LE(at + 4),
      start: Number(elf.readBigUInt64LE(at + 0x18)),
      size: Number(elf.readBigUInt64LE(at + 0x20)),
      link: elf.readUInt32LE(at + 0x28),
    };
  });
  const text = (strings: number, at: number): string => {
    const start = sections[strings]!.start + at;
    return elf.toString("latin1", start, elf.indexOf(0, start));
  };
  const names = elf.readUInt16LE(0x3e);
  const home = sections.findIndex(({ name }) => text(names, name) === SECTION);
  const symbols = sections.find(({ type }) => type === 2);
  if (home < 0 || !symbols) throw new Error(`no ${SECTION} in ${object}`);
  const mutants: Mutant[] = [];
  for (let at = symbols.start; at < symbols.start + symbols.size; at += 24) {
    if (elf.readUInt16LE(at + 6) !== home || (elf[at + 4]! & 15) !== 1) continue;
    mutants.push({
      name: nameOf(text(symbols.link, elf.readUInt32LE(at))),
      at: Number(elf.readBigUInt64LE(at + 8)),
    });
  }
  if (new Set(mutants.map(({ name }) => name)).size !== mutants.length)
    throw new Error("two mutants with one name");
  return { mutants: mutants.sort((a, b) => a.at - b.at), size: sections[home]!.size };
}

/** `hook_file_open` is hook/file_open, `____file_open.check_disk` file_open/disk. */
function nameOf(symbol: string): string {
  const found = /^(?:hook_(\w+)|_*(\w+)\.check_(\w+))$/.exec(symbol);
  if (!found) throw new Error(`\`${symbol}\` is no name of a mutant`);
  return found[1] ? `hook/${found[1]}` : `${found[2]}/${found[3]!.replaceAll("_", "-")}`;
}
