/** In the machine: contexts until there are no more, and what a daemon that takes over then finds. */
import { randomBytes } from "node:crypto";
import { LIMITS, Monitor } from "../src/kernel/index.ts";
import { type Context, contextOf, integrityOf, secrecyOf, tagIdFromBytes } from "../src/label/index.ts";
import { openStore } from "./stage.ts";

/** Milliseconds each; `again`: seconds. */
export type Interned = {
  steps: { contexts: number; fresh: number; known: number }[];
  limit: number;
  again: number;
};

const AT = [1000, 10_000, 30_000, 60_000];
const SAMPLE = 200;

export function measureGrowth(): Interned {
  const { store } = openStore();
  const { monitor } = Monitor.attach(store);
  const limit: number = LIMITS.MAX_CONTEXTS;
  const tags = Array.from({ length: limit }, () => tagIdFromBytes(randomBytes(16)));
  const context = (i: number): Context =>
    contextOf(
      secrecyOf([tags[i % limit]!, tags[(i * 7 + 1) % limit]!, tags[(i * 31 + 2) % limit]!]),
      integrityOf([]),
    );
  const steps: Interned["steps"] = [];
  let made = 0;
  const one = () => void monitor.contexts.idOf(context(made++));
  for (const until of AT) {
    for (let i = made; i < until - SAMPLE; i++) one();
    const fresh = each(SAMPLE, one);
    let at = 0;
    const known = each(SAMPLE * 10, () => void monitor.contexts.idOf(context((at += 7) % made)));
    steps.push({ contexts: until, fresh, known });
  }
  const code = untilRefused(one);
  if (code !== "E_CONTEXTS") throw new Error(`expected E_CONTEXTS, found ${code}`);
  const begin = performance.now();
  const other = Monitor.takeOver(store);
  const again = (performance.now() - begin) / 1000;
  if (other.contexts.idOf(context(5)) !== monitor.contexts.idOf(context(5)))
    throw new Error("another meaning");
  Monitor.detach();
  return { steps, limit, again };
}

function untilRefused(work: () => void): string {
  for (;;) {
    try {
      work();
    } catch (error) {
      return String((error as { code?: unknown }).code);
    }
  }
}

function each(times: number, work: () => void): number {
  const begin = performance.now();
  for (let i = 0; i < times; i++) work();
  return (performance.now() - begin) / times;
}
