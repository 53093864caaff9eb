/** When an allowed flow is news to its sink, and so on the record again [AUD-2]. */
import type { World } from "../inside.ts";
import { compartment, expectAll, file, type Scenario, type Step } from "./tools.ts";

/** Records written while the steps went as expected. */
function recorded(world: World, ...steps: readonly Step[]): number | string {
  const before = world.monitor.counters().recorded;
  const fault = expectAll(world, ...steps);
  return fault ?? world.monitor.counters().recorded - before;
}

export const newsScenarios: readonly Scenario[] = [
  {
    id: "news/not-what-the-subject-wrote-itself",
    row: "F1",
    run: (world) => {
      const both: Step[] = [
        ["ok", "A", "f write"],
        ["ok", "A", "f read"],
      ];
      const first = recorded(world, ["ok", "A", `open rw ${file(world, "A")}`], ...both, ...both);
      const again = recorded(world, ...both, ...both);
      world.party("A").ask("close");
      return again === 0 && Number(first) > 0 ? null : `records at first: ${first}, then: ${again}`;
    },
  },
  {
    id: "news/what-another-subject-wrote-before",
    row: "F1",
    run: (world) => {
      const path = file(world, "A");
      const elsewhere = file(world, "A");
      const fault = expectAll(
        world,
        ["ok", "A", `open rw ${path}`],
        ["ok", "A", "f read"],
        ["ok", compartment(world, "A"), `with w ${path} write`],
        ["ok", "A", `with r ${elsewhere} read`], // so that A has something new to write
        ["ok", "A", "f write"],
      );
      const count = recorded(world, ["ok", "A", "f read"]);
      world.party("A").ask("close");
      return fault ?? (Number(count) > 0 ? null : `records: ${count}`);
    },
  },
];
