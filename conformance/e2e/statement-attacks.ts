/**
 * What is tried on statements, and on a daemon that is about to make many: forged, cut, signed with an old key, killed in
 * the middle. After owners-attacks.ts, whose principals these cases use.
 */
import { deepStrictEqual, match, strictEqual } from "node:assert";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { daemonBack, kill9 } from "./owners-attacks.ts";
import type { Case } from "./suite.ts";

const tagDocument = (name: string) =>
  `apiVersion: csn/v1\nkind: Tag\nmetadata: {name: ${name}}\nspec: {open: [s+]}\n`;

export const statementAttacks: readonly Case[] = [
  {
    name: "attack: a key that was rotated away signs no more, and what it signed still verifies",
    async run(b) {
      const [old, fresh] = [join(b.home, "dora.pem"), join(b.home, "dora-2.pem")];
      await b.ok("principal", "create", "dora", "--own-key", old);
      await b.ok("tag", "create", "dora/a", "--as", "dora", "--key", old);
      await b.fails("E_OWN_KEY", ["tag", "create", "dora/b", "--as", "dora"]);
      await b.fails("E_OWN_KEY", ["principal", "rotate", "dora"]);
      await b.ok("principal", "rotate", "dora", "--key", old, "--own-key", fresh);
      await b.fails("E_STATEMENT_SIGNATURE", ["tag", "create", "dora/b", "--as", "dora", "--key", old]);
      await b.ok("tag", "create", "dora/b", "--as", "dora", "--key", fresh);
      await b.ok("principal", "rotate", "ann");
      await b.ok("tag", "create", "ann/after", "--as", "ann");
      const file = join(b.home, "statements.jsonl");
      const text = await b.ok("statement", "export");
      writeFileSync(file, text);
      await b.ok("statement", "verify", file);
      const lines = text.trimEnd().split("\n");
      const changed = (...with_: string[]) => `${with_.join("\n")}\n`;
      const swapped = lines.with(2, lines[3]!).with(3, lines[2]!);
      for (const [what, bad] of [
        ["left out", changed(...lines.slice(0, 3), ...lines.slice(4))],
        ["reordered", changed(...swapped)],
        ["repeated", changed(...lines.slice(0, 4), lines[3]!, ...lines.slice(4))],
        ["cut off in the middle of a line", text.slice(0, -20)],
        ["forged", text.replace("dora/b", "dora/c")],
        ["without its beginning", changed(...lines.slice(1))],
      ] as const) {
        writeFileSync(file, bad);
        const { code: exit, err } = await b.csn(["statement", "verify", file]);
        strictEqual(exit, 1, what);
        match(err, /^csn: E_STATEMENT/, what);
      }
    },
  },
  {
    name: "attack: kill -9 in the middle of policy apply: all of it or nothing, addresses as well",
    async run(b) {
      const folder = join(b.home, "policy");
      mkdirSync(folder, { recursive: true });
      const seen = { none: 0, all: 0 };
      const timed = async (work: () => Promise<unknown>) => {
        const begin = Date.now();
        await work();
        return (Date.now() - begin) / 1000;
      };
      /** Seconds of an apply that nobody disturbs, less what it takes to say `kill`. */
      let whole = 0;
      for (let round = 0; round < 6; round++) {
        const names = Array.from({ length: 150 }, (_, i) => `ann/r${round}-${i}`);
        const network = `apiVersion: csn/v1\nkind: Network\nmetadata: {name: ann/n${round}}\nspec: {addresses: ["10.77.${round}.0/24"], context: {secrecy: [${names[0]}]}}\n`;
        writeFileSync(join(folder, "p.yaml"), [...names.map(tagDocument), network].join("---\n"));
        if (round === 0) {
          whole = await timed(() => b.ok("policy", "apply", folder));
          whole = Math.max(0, whole - (await timed(() => b.shell("true"))));
        } else {
          const applying = b.csn(["policy", "apply", folder]);
          await b.shell(`sleep ${((whole * (round + 2)) / 7).toFixed(2)}; ${kill9}`);
          await applying;
          await daemonBack(b);
        }
        const tags = (await b.ok("tag", "list")).match(new RegExp(`^ann/r${round}-`, "gm"))?.length ?? 0;
        const addresses = (await b.ok("network", "list")).includes(`10.77.${round}.0/24`);
        const directions = (await b.ok("statement", "list")).match(new RegExp(`open .*ann/r${round}-`, "g"))?.length ?? 0; // prettier-ignore
        const found = { round, tags, addresses, directions };
        if (tags === 0) deepStrictEqual(found, { round, tags: 0, addresses: false, directions: 0 });
        else deepStrictEqual(found, { round, tags: 150, addresses: true, directions: 150 });
        seen[tags === 0 ? "none" : "all"]++;
        if (tags === 0) await b.ok("policy", "apply", folder);
        await b.ok("policy", "plan", folder);
        await b.ok("network", "unset", `10.77.${round}.0/24`);
      }
      rmSync(folder, { recursive: true });
      process.stderr.write(`  killed before it counted ${seen.none} times, after ${seen.all}\n`);
    },
  },
  {
    name: "attack: an apply whose addresses overlap what was set by hand changes nothing",
    async run(b) {
      await b.ok("network", "set", "10.78.0.0/16:80-90", "--secrecy", "ann/secret");
      const file = join(b.home, "overlap.yaml");
      writeFileSync(
        file,
        `${tagDocument("ann/never")}---\napiVersion: csn/v1\nkind: Network\nmetadata: {name: ann/n}\nspec: {addresses: ["10.78.0.0/16:85"], context: {secrecy: [ann/never]}}\n`,
      );
      const before = await b.ok("statement", "export");
      await b.fails("E_NETWORK_OVERLAP", ["policy", "apply", file]);
      strictEqual(await b.ok("statement", "export"), before);
      await b.ok("network", "unset", "10.78.0.0/16:80-90");
    },
  },
];
