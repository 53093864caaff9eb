/**
 * A gate that several owners let take their tags off: what each is told of its runs. After gates.ts.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { tokenOf } from "./people.ts";
import type { Case } from "./suite.ts";

type Told = { done: unknown[]; uses: { gate: string; tag: string; purpose: string; user: string }[] };

export const gateOwners: readonly Case[] = [
  {
    name: "gate: whose data was in a run with others' is told what it did to his own tag, and no more [GATE-2, PRIV-2]",
    async run(b) {
      await b.ok("tag", "create", "una/medical", "duo/medical");
      await b.ok("gate", "create", "ward/both", "--program", "/usr/bin/cut", "--consent", "*/medical", "--purpose", "study", "--", "-c1"); // prettier-ignore
      for (const owner of ["una", "duo"])
        await b.ok("share", `${owner}/medical`, "--through", "ward/both", "--until", "1d", "--as", owner);
      const run = () => b.csn(["gate", "run", "ward/both"], { input: "xy\n" });
      strictEqual((await run()).out, "x\n");
      const una = await tokenOf(b, "una");
      const told = async () => JSON.parse((await b.csn(["mine", "--json"], una)).out) as Told;
      const both = await told();
      deepStrictEqual(both.done, []);
      deepStrictEqual(
        both.uses.map(({ gate, tag, purpose, user }) => [gate, tag, purpose, user]),
        [["ward/both", "una/medical", "study", "root"]],
      );
      ok(!JSON.stringify(both.uses).includes("duo"), JSON.stringify(both.uses));
      match((await b.csn(["mine"], una)).out, /ward\/both drops una\/medical for study, run by root/);
      // alone, it is told the record
      await b.ok("unshare", "duo/medical", "--as", "duo");
      strictEqual((await run()).out, "x\n");
      strictEqual((await told()).done.length, 1);
      await b.ok("gate", "remove", "ward/both");
    },
  },
];
