/**
 * What a third party has decided about the parties of the bus: relabelled, isolated, let in for a time, diverted.
 *
 * Guarantee: asked at each use, so that a decision holds from the next message on. A context that can't be found out is
 * none, and who has none neither sends nor receives [CTX-5].
 * Not covered: who may decide so, which `Bus.control` asks first.
 */
import { contextKey, join, parseContextKey } from "../../label/index.ts";
import type { Context } from "../../label/index.ts";
import type { Party, Who } from "../types.ts";
import { matches } from "./topic.ts";

/** Break glass: for a stated reason and a limited time, someone receives more than its own context allows. */
export interface Glass {
  readonly context: Context;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

interface Diversion {
  readonly filter: string;
  readonly levels: readonly string[];
  /** Name or principal of the gate. */
  readonly gate: string;
}

/** As text, for the store. */
export interface StandingText {
  readonly relabelled: readonly (readonly [string, string])[];
  readonly isolated: readonly string[];
  readonly glass: readonly (readonly [
    string,
    { readonly context: string; readonly reason: string; readonly until: number },
  ])[];
  readonly diverted: readonly (readonly [filter: string, gate: string])[];
}

export class Standing {
  readonly #relabelled = new Map<string, Context>();
  readonly #isolated = new Set<string>();
  readonly #glass = new Map<string, Glass>();
  #diversions: Diversion[] = [];
  #isQuiet = true;

  /** The party's context now, by what was decided about it; null: it has none. */
  contextOf(party: Party, now: number): Context | null {
    try {
      if (this.#isQuiet) return party.context();
      if (this.#isolated.has(party.name) || this.#isolated.has(party.principal)) return null;
      const own = decidedFor(this.#relabelled, party) ?? party.context();
      const glass = decidedFor(this.#glass, party);
      return glass === undefined || glass.until <= now ? own : join(own, glass.context);
    } catch {
      return null;
    }
  }

  /** Whether a diversion stands between this publisher and this receiver. */
  isDiverted(topic: string, publisher: Who, receiver: Who): boolean {
    if (this.#diversions.length === 0) return false;
    const diversion = this.#diversions.find(({ levels }) => matches(levels, topic));
    if (diversion === undefined) return false;
    return isNamed(publisher, diversion.gate) === isNamed(receiver, diversion.gate);
  }

  isIsolated(party: Who): boolean {
    return this.#isolated.has(party.name) || this.#isolated.has(party.principal);
  }

  /** @param context null: its own again */
  relabel(target: string, context: Context | null): void {
    if (context === null) this.#relabelled.delete(target);
    else this.#relabelled.set(target, context);
    this.#changed();
  }

  isolate(target: string, isIsolated: boolean): void {
    if (isIsolated) this.#isolated.add(target);
    else this.#isolated.delete(target);
    this.#changed();
  }

  breakGlass(target: string, glass: Glass): void {
    this.#glass.set(target, glass);
    this.#changed();
  }

  /** @param gate null: not any more */
  divert(filter: string, gate: string | null): void {
    this.#diversions = this.#diversions.filter((old) => old.filter !== filter);
    if (gate !== null) this.#diversions.push({ filter, levels: filter.split("/"), gate });
    this.#changed();
  }

  /** Ends what has had its time; gives the targets. */
  endGlass(now: number): string[] {
    const over = Array.from(this.#glass).filter(([, { until }]) => until <= now);
    for (const [target] of over) this.#glass.delete(target);
    if (over.length > 0) this.#changed();
    return over.map(([target]) => target);
  }

  write(): StandingText {
    return {
      relabelled: Array.from(this.#relabelled, ([target, context]) => [target, contextKey(context)]),
      isolated: [...this.#isolated],
      glass: Array.from(this.#glass, ([target, { context, reason, until }]) => [
        target,
        { context: contextKey(context), reason, until },
      ]),
      diverted: this.#diversions.map(({ filter, gate }) => [filter, gate]),
    };
  }

  /** @throws LabelError E_CONTEXT_KEY for a damaged store, after which the bus must not start */
  read(text: StandingText): void {
    for (const [target, key] of text.relabelled) this.relabel(target, parseContextKey(key));
    for (const target of text.isolated) this.isolate(target, true);
    for (const [target, { context, reason, until }] of text.glass)
      this.breakGlass(target, { context: parseContextKey(context), reason, until });
    for (const [filter, gate] of text.diverted) this.divert(filter, gate);
  }

  #changed(): void {
    this.#isQuiet = this.#relabelled.size === 0 && this.#isolated.size === 0 && this.#glass.size === 0;
  }
}

/** Whether a target of control names this party. */
export function isNamed(party: Who, target: string): boolean {
  return party.name === target || party.principal === target;
}

/** What was decided about the party itself goes before what was decided about its principal. */
function decidedFor<T>(decisions: ReadonlyMap<string, T>, party: Who): T | undefined {
  return decisions.get(party.name) ?? decisions.get(party.principal);
}
