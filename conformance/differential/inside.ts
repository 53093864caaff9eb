/**
 * Runs in the machine: programs from a seed on, each played and compared; what disagrees is made short.
 * Prints one JSON line now and then, and one for each disagreement.
 *
 * inside.ts FIRST_SEED PROGRAMS [FIRST_SEED PROGRAMS ...]: the seeds of programs are consecutive.
 */
import { Monitor } from "../../src/kernel/index.ts";
import { generate } from "./generate.ts";
import { PROGRAM_STEPS, type Report } from "./report.ts";
import { commandOf } from "./kinds.ts";
import type { Step } from "./kind.ts";
import { REGRESSIONS } from "./regressions.ts";
import { shrink } from "./shrink.ts";
import { type Disagreement, Theatre } from "./theatre.ts";
import { PARTIES } from "./world.ts";

const MOST_DISAGREEMENTS = 5;
const EACH_SECONDS = 20;

const say = (report: Report): void => void process.stdout.write(`${JSON.stringify(report)}\n`);

/** From pairs of a first seed and how many. */
function* seedsOf(numbers: readonly number[]): Generator<number> {
  for (let n = 0; n + 1 < numbers.length; n += 2)
    for (let seed = numbers[n]!; seed < numbers[n]! + numbers[n + 1]!; seed++) yield seed;
}

function main(): void {
  const begun = performance.now();
  const theatre = new Theatre();
  const attached = performance.now();
  const sum = { programs: 0, steps: 0, disagreements: 0 };
  let told = attached;
  const progress = (kind: "progress" | "end"): void =>
    say({ kind, ...sum, attachSeconds: (attached - begun) / 1000, seconds: (performance.now() - attached) / 1000 });

  const tell = (name: number | string, { text, step }: Disagreement, happensAgain: boolean, program: readonly Step[]): void => {
    sum.disagreements++;
    say({
      kind: "disagreement",
      name,
      text,
      at: step,
      happensAgain,
      program: program.map((one) => `${PARTIES[one.who]}: ${commandOf(one)}`),
    });
  };

  for (const { id, steps } of REGRESSIONS)
    for (const place of [0, 1] as const) {
      const fault = theatre.run(steps, place);
      if (fault) tell(id, fault, true, steps);
    }
  for (const seed of seedsOf(process.argv.slice(2).map(Number))) {
    if (sum.disagreements >= MOST_DISAGREEMENTS) break;
    const { steps, prepared } = generate(seed, PROGRAM_STEPS);
    // on disk and in memory by turns
    const place = seed % 2 === 0 ? 0 : 1;
    const fault = theatre.run(steps, place);
    sum.programs++;
    sum.steps += steps.length - prepared;
    if (fault) {
      const until = steps.slice(0, fault.step + 1);
      const short = shrink(until, (some) => theatre.run(some, place)?.about === fault.about);
      const last = theatre.run(short, place);
      // what is said is what was found first: played again, keys and queues may be there already
      const isSame = last?.about === fault.about;
      tell(seed, isSame ? last : fault, isSame, isSame ? short : until);
    }
    if (performance.now() - told < EACH_SECONDS * 1000) continue;
    told = performance.now();
    progress("progress");
  }
  progress("end");
  Monitor.detach();
  process.exit(0);
} // prettier-ignore

main();
