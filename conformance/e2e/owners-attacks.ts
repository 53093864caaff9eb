/**
 * What owners, and those who would like to be, try against each other and against csn itself.
 *
 * After owners.ts, whose principals and tags these cases use.
 */
import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Recorded, unaccounted } from "../../model/accountability.ts";
import { ROOT } from "../../src/setup/index.ts";
import { answersFor, recordedOf, type LogLine, type StatementLine } from "./accounts.ts";
import type { Bench } from "./bench.ts";
import { can, cannot, shellAs, USERS } from "./owners.ts";
import type { Case } from "./suite.ts";

const daemonBack = (b: Bench) =>
  b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
const kill9 = "kill -9 $(cat /run/csn/daemon.pid)";

/** csn as this user with that token. */
const withToken = (b: Bench, token: string, args: string) =>
  shellAs(b, "eve", `CSN_TOKEN=${token} CSN_SOCKET=/run/csn/csnd.sock sh ${ROOT}/csn ${args}`);

const tagDocument = (name: string) =>
  `apiVersion: csn/v1\nkind: Tag\nmetadata: {name: ${name}}\nspec: {open: [s+]}\n`;

export const ownersAttacks: readonly Case[] = [
  {
    name: "attack: another's tag can't be told from none by any command, its words or its exit code [TAG-1]",
    async run(b) {
      await b.shellOk("mkdir -p /data/eve && echo x > /data/eve/f && chown -R 61103 /data/eve");
      const document = (tag: string, kind: string) =>
        kind === "Context"
          ? `apiVersion: csn/v1\nkind: Context\nmetadata: {name: eve/c}\nspec: {secrecy: [${tag}]}\n`
          : `apiVersion: csn/v1\nkind: Grant\nmetadata: {name: eve/g}\nspec: {to: eve, tags: [${tag}], privileges: [s-]}\n`;
      const file = (tag: string, kind: string) =>
        `f=$(mktemp --suffix=.yaml); printf '${document(tag, kind).replaceAll("\n", "\\n")}' > $f`;
      const csn = `CSN_SOCKET=/run/csn/csnd.sock sh ${ROOT}/csn`;
      const forms = [
        (tag: string) => `${csn} label set /data/eve/f --secrecy ${tag}`,
        (tag: string) => `${csn} run --clearance ${tag} -- true`,
        (tag: string) => `${csn} run --integrity ${tag} -- true`,
        (tag: string) => `${csn} gate create eve/g --program /usr/bin/cut --in S=${tag} -- -c1`,
        (tag: string) => `${csn} share ${tag} --with eve`,
        (tag: string) => `${csn} unshare ${tag}`,
        (tag: string) => `${csn} tag revoke ${tag} --from ben`,
        (tag: string) => `${csn} tag create ${tag}`,
        (tag: string) => `${csn} tag grant ${tag} s+ --to eve --as ann`,
        (tag: string) => `${csn} explain privilege ${tag} ben`,
        (tag: string) => `${csn} explain privilege ${tag} gate:eve/none`,
        (tag: string) => `${csn} log --tag ${tag}`,
        (tag: string) => `${file(tag, "Context")}; ${csn} policy plan $f 2>&1 | sed "s,$f,F,"`,
        (tag: string) => `${file(tag, "Grant")}; ${csn} policy apply $f 2>&1 | sed "s,$f,F,"`,
        (tag: string) => `${csn} policy prove --world -p '${tag} never reaches unlabelled'`,
        (tag: string) => `${csn} check --from unlabelled --to 'S=${tag}'`,
      ];
      for (const form of forms) {
        const [there, absent] = [
          await shellAs(b, "eve", form("ann/data")),
          await shellAs(b, "eve", form("ann/dat0")),
        ];
        const told = ({ code, out, err }: typeof there) => ({ form: form("TAG"), code, text: (out + err).replaceAll("ann/data", "ann/dat0") }); // prettier-ignore
        deepStrictEqual(told(there), told(absent));
      }
      // and what counts them is not told either
      const seen = async () => [
        await can(b, "eve", "status --json"),
        await can(b, "eve", "principal list --json"),
      ];
      const before = await seen();
      await can(b, "ann", "tag create ann/hidden");
      deepStrictEqual(await seen(), before);
      strictEqual((JSON.parse(before[0]!) as { counts: unknown }).counts, null);
    },
  },
  {
    name: "attack: names of 63 characters are tags, of 64 are not; look-alikes and control characters never [TAG-1]",
    async run(b) {
      await can(b, "ann", `tag create ann/${"x".repeat(63)}`);
      for (const name of [
        `ann/${"x".repeat(64)}`,
        "ann/d\u0430ta",
        "ann/\u001b[2J",
        "ann/da\u200bta",
        "ann/DATA",
      ]) {
        const { code, err } = await b.csn(["tag", "create", name]);
        strictEqual(code, 1, name);
        ok(!err.includes("\u001b") && err.startsWith("csn: E_TAG_NAME: "), JSON.stringify(err));
      }
    },
  },
  {
    name: "attack: a grant taken back in the middle of a chain, while a program at its end runs [PRIV-2]",
    async run(b) {
      await b.ok("tag", "create", "ann/live", "--as", "ann");
      await can(b, "ann", "tag grant ann/live s+,s- --to ben --delegate");
      await can(b, "ben", "tag grant ann/live s+,s- --to eve --delegate");
      const csn = `CSN_SOCKET=/run/csn/csnd.sock sh ${ROOT}/csn`;
      const script = "i=0; while [ $i -lt 600 ]; do echo line $i; i=$((i+1)); sleep 0.5; done";
      const quoted = `exec ${csn} run --release --secrecy ann/live -- sh -c "${script.replaceAll("$", "\\$")}"`;
      await b.shellOk(
        `cd /; HOME=/tmp setsid setpriv --reuid=${USERS.eve} --regid=${USERS.eve} --clear-groups sh -c '${quoted}' > /tmp/live.out 2> /tmp/live.err < /dev/null & echo started`,
      );
      await b.until(
        "its output to be seen",
        async () => (await b.shell("grep -q line /tmp/live.out")).code === 0,
      );
      await can(b, "ann", "tag revoke ann/live --from ben");
      const lines = async () => (await b.shellOk("wc -l < /tmp/live.out")).trim();
      await b.until("it to be told that output is withheld", async () => (await b.shell("grep -q withheld /tmp/live.err")).code === 0); // prettier-ignore
      const shown = await lines();
      await b.shellOk("pgrep -f 'line \\$i' > /dev/null; sleep 3");
      strictEqual(await lines(), shown, "not one line more");
      await cannot(b, "eve", "run --secrecy ann/live -- true", "E_NOT_PERMITTED");
      await b.shell("pkill -u 61103 -f 'line .i'");
    },
  },
  {
    name: "attack: grants in a circle hold nobody up [PRIV-1, PRIV-2]",
    async run(b) {
      await can(b, "ann", "tag create ann/round");
      await can(b, "ann", "tag grant ann/round s+ --to ben --delegate");
      await can(b, "ben", "tag grant ann/round s+ --to eve --delegate");
      await can(b, "eve", "tag grant ann/round s+ --to ben --delegate");
      await can(b, "ben", "run --secrecy ann/round -- true");
      const first = /\(([0-9a-f]{8})\)/.exec(await can(b, "ann", "explain privilege ann/round ben"))![1]!;
      await can(b, "ann", `tag revoke ${first}`);
      for (const user of ["ben", "eve"] as const)
        await cannot(b, user, "run --secrecy ann/round -- true", "E_NOT_PERMITTED");
    },
  },
  {
    name: "attack: no lineage of programs has had two competitors' data, root's neither [COI-1]",
    async run(b) {
      await b.ok("tag", "create", "ann/plan", "ben/plan");
      await b.ok("conflict", "create", "platform/plans", "ann/plan", "ben/plan");
      await b.fails(
        "E_CONFLICT",
        ["run", "--secrecy", "ann/plan", "--clearance", "ben/plan", "--", "true"],
        125,
      );
      const ask =
        "mkfifo /run/csn/a; exec 3<>/run/csn/a; echo 'a change drop=ann/plan add=ben/plan' > /run/csn/ask; read x <&3; echo $x";
      match((await b.csn(["run", "--release", "--secrecy", "ann/plan", "--", "sh", "-c", ask])).out, /^refused\tE_CONFLICT|^refused E_CONFLICT/); // prettier-ignore
      await b.ok("conflict", "delete", "platform/plans");
    },
  },
  {
    name: "attack: a token is its principal and no user; it ends when revoked, and is nowhere on disk",
    async run(b) {
      const token = (await can(b, "ben", "token create --until 1d --note test")).trim();
      match(token, /^csn_[\w-]{43}$/);
      strictEqual((await withToken(b, token, "tag create ben/by-token")).code, 0);
      ok((await withToken(b, token, "tag list")).out.includes("ben/by-token"));
      for (const args of [
        "run --secrecy ben/data -- true",
        "label get /data",
        "gate create ben/g --program /usr/bin/cut -- -c1",
        "token create",
        "principal rotate ben",
        "statement list",
        "down",
      ])
        match((await withToken(b, token, args)).err, /csn: E_NOT_PERMITTED: /, args);
      match((await withToken(b, `${token.slice(0, -1)}_`, "tag list")).err, /csn: E_NOT_PERMITTED: .*token/);
      await b.shellOk(`! grep -qrF ${token.slice(4)} /data/.csn /var/lib/csn 2> /dev/null`);
      const id = /^([0-9a-f]{8}) +ben +live/m.exec(await can(b, "ben", "token list"))![1]!;
      ok(!(await can(b, "eve", "token list")).includes(id));
      await cannot(b, "eve", `token revoke ${id}`, "E_TOKEN_UNKNOWN");
      await can(b, "ben", `token revoke ${id}`);
      match((await withToken(b, token, "tag list")).err, /csn: E_NOT_PERMITTED: /);
      // root for a tenant that is no user; a new key ends it
      await b.ok("principal", "create", "tenant", "--type", "tenant");
      const other = (await b.ok("token", "create", "--as", "tenant")).trim();
      strictEqual((await withToken(b, other, "tag create tenant/a")).code, 0);
      await b.ok("principal", "rotate", "tenant");
      match((await withToken(b, other, "tag list")).err, /csn: E_NOT_PERMITTED: /);
      await b.ok("tag", "create", "tenant/b");
    },
  },
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
      await can(b, "ann", "tag create ann/after");
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
        const { code, err } = await b.csn(["statement", "verify", file]);
        strictEqual(code, 1, what);
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
      for (let round = 0; round < 6; round++) {
        const names = Array.from({ length: 150 }, (_, i) => `ann/r${round}-${i}`);
        const network = `apiVersion: csn/v1\nkind: Network\nmetadata: {name: ann/n${round}}\nspec: {addresses: ["10.77.${round}.0/24"], context: {secrecy: [${names[0]}]}}\n`;
        writeFileSync(join(folder, "p.yaml"), [...names.map(tagDocument), network].join("---\n"));
        const applying = b.csn(["policy", "apply", folder]);
        await b.shell(`sleep ${(round * 0.35).toFixed(2)}; ${kill9}`);
        await applying;
        await daemonBack(b);
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
      await b.ok("network", "set", "10.78.0.0/16:80-90", "--secrecy", "ann/data");
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

export const accounts: readonly Case[] = [
  {
    name: "accountability: over the whole record of this machine, somebody who might answers for each tag that was dropped or vouched for [GATE-2, CHG-1]",
    async run(b) {
      const lines = <T>(text: string) => text.trim().split("\n").map((line) => JSON.parse(line) as T); // prettier-ignore
      const entries = lines<LogLine>(await b.ok("log", "--json", "-n", "1000000"));
      const statements = lines<StatementLine>(await b.ok("statement", "export"));
      const records: Recorded[] = entries.flatMap((entry) => recordedOf(entry, statements) ?? []);
      const changes = records.filter(({ by }) => by !== null).length;
      process.stderr.write(
        `  ${records.length} allowed flows and changes, ${changes} with somebody who answers\n`,
      );
      notStrictEqual(changes, 0);
      deepStrictEqual(unaccounted(records, answersFor(entries, statements)), []);
    },
  },
];
