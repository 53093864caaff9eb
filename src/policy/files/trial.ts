/**
 * A copy of the world to try statements on: the same rules that the signed ones will meet, and the list of what
 * was said.
 */
import { PolicyError } from "../error.ts";
import { RULES } from "../rules.ts";
import { State } from "../state.ts";
import type { Body } from "../statement.ts";
import { type Place, type Problem, quote } from "./problem.ts";

/** One thing to say. `words`: what it changes, for people. */
export type Step = {
  readonly by: string;
  readonly body: Body;
  readonly words: string;
  readonly place: Place | null;
};

export class Trial {
  readonly state: State;
  readonly steps: Step[] = [];
  readonly problems: Problem[] = [];
  /** Remarks: what is not done, and why that is in order. */
  readonly notes: string[] = [];
  /** Ids of grants that documents account for. */
  readonly granted = new Set<string>();
  readonly now: Date;

  constructor(state: State, now: Date) {
    this.state = copyState(state);
    this.now = now;
  }

  /** Says it to the copy. Gives whether the rules take it; if not, the problem is noted. */
  say(by: string, body: Body, words: string, place: Place | null): boolean {
    try {
      const said = { seq: 1_000_000_000 + this.steps.length, at: this.now.toISOString(), by };
      (RULES[body.kind] as (state: State, body: Body, said: { seq: number; at: string; by: string }) => void)(
        this.state,
        body,
        said,
      );
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      const [, expected = error.message, found = "otherwise"] =
        /^(?:.*?expected )?(.*?)(?:, found (.*))?$/s.exec(error.message) ?? [];
      this.problem(place, expected, found, error.hint);
      return false;
    }
    this.steps.push({ by, body, words, place });
    return true;
  }

  problem(place: Place | null, expected: string, found: string, hint: string): void {
    this.problems.push({ ...(place ?? { file: "-", line: 1, column: 1 }), expected, found, hint });
  }

  /** Is it a principal? If not, that is a problem. */
  requirePrincipal(name: string, place: Place): boolean {
    if (this.state.principals.has(name)) return true;
    this.problem(place, "the name of a principal", quote(name), "`csn principal list` shows all");
    return false;
  }
}

/** Grants refer to each other and to maps: they are copied together. */
export function copyState(state: State): State {
  return Object.assign(new State(), structuredClone({ ...state }));
}
