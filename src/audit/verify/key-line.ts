/**
 * Which keys may sign which sizes of a log: each pair from its statement on, up to and with the statement of the next.
 *
 * Guarantee: a checkpoint by a key that is no longer, or not yet, in force at its size is not accepted; and each
 * change of keys was signed by the keys before. A stolen old key can sign nothing that came later.
 */
import type { Checkpoint } from "../proof/checkpoint.ts";
import { parseVkey, type Verifier, verifies, vkeyOf } from "../proof/note.ts";
import { type LogStatement, parseStatement } from "../statements.ts";
import type { Findings } from "./report.ts";

/** Records that a statement of keys takes at most. */
const MOST_PARTS = 64;

type Span = { verifiers: Verifier[]; from: number; to: number };

export class KeyLine {
  readonly #spans: Span[] = [];
  readonly #findings: Findings;
  readonly #goneTo: number;

  /** @param statements of the whole log, in order  @param goneTo records before were removed, and what they said of keys */
  constructor(statements: readonly LogStatement[], goneTo: number, findings: Findings) {
    this.#findings = findings;
    this.#goneTo = goneTo;
    for (const { from, to, text } of statements) {
      const said = parseStatement(text);
      const segment = said?.segment as { keys?: unknown } | undefined;
      const current = this.#spans.at(-1);
      if (segment !== undefined) {
        const keys = strings(segment.keys);
        if (current === undefined) this.#push(keys, goneTo, from);
        else if (
          !findings.list.some((one) => one.record !== null && one.record >= from && one.record < to) &&
          keys.join() !== current.verifiers.map(vkeyOf).join()
        )
          findings.add(
            "E_LOG_KEY",
            from,
            "",
            `the segment at record ${from} states other keys than are in force`,
          );
      } else if (said?.keys !== undefined) {
        if (current !== undefined) current.to = to;
        this.#push(strings(said.keys), to, from);
      }
    }
  }

  /** All keys that the log ever stated. */
  get verifiers(): Verifier[] {
    return this.#spans.flatMap(({ verifiers }) => verifiers);
  }

  /** Sizes at which keys changed: a checkpoint of each must be there. */
  get changes(): number[] {
    return this.#spans.slice(0, -1).map(({ to }) => to);
  }

  /** Held against the keys in force at its size. @returns who signed it */
  check(checkpoint: Checkpoint, file: string): string[] {
    const { size, note } = checkpoint;
    if (size !== 0 && size <= this.#goneTo) return []; // nobody can say any more who was to sign that
    const span =
      this.#spans.find(({ from, to }) => size > from && size <= to) ??
      (size === 0 ? this.#spans[0] : undefined);
    try {
      const signers = (span?.verifiers ?? []).filter((verifier) => verifies(verifier, note));
      if (span !== undefined && signers.length === span.verifiers.length && signers.length > 0)
        return signers.map(({ name, type }) => `${name} (${kindOf(type)})`);
      const other = this.verifiers.find((verifier) => verifies(verifier, note));
      const why =
        other === undefined
          ? "not signed by the keys in force at that size"
          : "signed by keys that are not in force at that size";
      this.#findings.add("E_LOG_KEY", null, file, `the checkpoint of ${size} records is ${why}`);
    } catch (error) {
      this.#findings.add("E_LOG_KEY", null, file, error instanceof Error ? error.message : String(error));
    }
    return [];
  }

  #push(keys: readonly string[], from: number, record: number): void {
    try {
      this.#spans.push({ verifiers: keys.map(parseVkey), from, to: Infinity });
    } catch {
      const known = this.#findings.list.some(
        (one) => one.record !== null && one.record >= record && one.record <= record + MOST_PARTS,
      );
      if (known) return; // one of its records was changed: that was named
      this.#findings.add("E_LOG_KEY", record, "", `record ${record} states keys that are none`);
    }
  }
}

export function kindOf(type: number): string {
  return type === 6 ? "ML-DSA-44" : "Ed25519";
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
