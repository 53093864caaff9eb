/**
 * What owners, and those who would like to be, try against each other and against csn itself.
 *
 * What users say from outside goes by tokens, and what only a user of the machine can do straight by the API: csn's
 * command line takes long to start under emulation.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench } from "./bench.ts";
import { type Call, callAs, runCall, tokenOf, USERS } from "./people.ts";
import type { Case } from "./suite.ts";

export const daemonBack = (b: Bench) =>
  b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
export const kill9 = "kill -9 $(cat /run/csn/daemon.pid)";

const code = ({ body }: { body: { error?: { code: string } } }) => body.error?.code ?? "done";

export const ownersAttacks: readonly Case[] = [
  {
    name: "attack: (its people)",
    async run(b) {
      for (const [name, uid] of Object.entries(USERS))
        await b.csn(["principal", "create", name, "--user", String(uid)]); // it may be there
      await b.ok("tag", "create", "ann/secret", "--as", "ann");
      await b.ok("tag", "create", "eve/own", "--as", "eve");
      await b.shellOk(
        `mkdir -p /data/eve /data/ann2 && echo x > /data/eve/f && echo x > /data/ann2/f && chown -R ${USERS.eve} /data/eve && chown -R ${USERS.ann} /data/ann2`,
      );
      await b.ok("label", "set", "/data/ann2", "--secrecy", "ann/secret");
    },
  },
  {
    name: "attack: another's tag can't be told from none by any command, its words or its exit code [TAG-1]",
    async run(b) {
      const eve = await tokenOf(b, "eve");
      const file = join(b.home, "eve.yaml");
      const forms: ((tag: string) => string[])[] = [
        (tag) => ["share", tag, "--with", "eve"],
        (tag) => ["unshare", tag],
        (tag) => ["tag", "revoke", tag, "--from", "ben"],
        (tag) => ["tag", "create", tag],
        (tag) => ["tag", "grant", tag, "s+", "--to", "eve", "--as", "ann"],
        (tag) => ["tag", "grant", tag, "s+", "--to", "ben"],
        (tag) => ["tag", "open", tag, "s+"],
        (tag) => ["context", "create", "eve/c", "--secrecy", tag],
        (tag) => ["conflict", "create", "eve/c", tag, "eve/own"],
        (tag) => ["explain", "privilege", tag],
        (tag) => ["explain", "privilege", tag, "ben"],
        (tag) => ["log", "--tag", tag],
        (tag) => ["check", "--from", "unlabelled", "--to", `S=${tag}`],
        (tag) => ["check", "--from", `I=${tag}`, "--to", "unlabelled"],
        (tag) => ["network", "set", "10.9.9.0/24", "--secrecy", tag],
        (tag) => ["policy", "prove", "--world", "-p", `${tag} never reaches unlabelled`],
      ];
      const documents: ((tag: string) => string)[] = [
        (tag) => `kind: Context\nmetadata: {name: eve/c}\nspec: {secrecy: [${tag}]}\n`,
        (tag) => `kind: Grant\nmetadata: {name: eve/g}\nspec: {to: ben, tags: [${tag}], privileges: [s-]}\n`,
        (tag) => `kind: Conflict\nmetadata: {name: eve/c}\nspec: {tags: [${tag}, eve/own]}\n`,
        (tag) => `kind: Tag\nmetadata: {name: ${tag}}\nspec: {}\n`,
      ];
      for (const document of documents)
        for (const word of ["plan", "apply", "test"])
          forms.push((tag) => {
            writeFileSync(file, `apiVersion: csn/v1\n${document(tag)}`);
            return word === "test" ? ["policy", "test", "--world", file] : ["policy", word, file];
          });
      for (const form of forms) {
        const told = async (tag: string) => {
          const { code: exit, out, err } = await b.csn(form(tag), eve);
          return { form: form("TAG").slice(0, 3), exit, text: (out + err).replaceAll(tag, "TAG") };
        };
        const found = await told("ann/secret");
        deepStrictEqual(found, await told("ann/secre0"));
        ok(found.exit !== 0 || form("TAG")[0] === "log", JSON.stringify(found));
      }
      // what only a user of the machine may try
      const local = (tag: string): Call[] => [
        {
          method: "PUT",
          path: "/v1/labels",
          body: { path: "/data/eve/f", context: { secrecy: [tag], integrity: [] } },
        },
        runCall("eve", { secrecy: [tag] }),
        runCall("eve", { integrity: [tag] }),
        runCall("eve", {}, { clearance: { secrecy: [tag], integrity: [] } }),
        {
          method: "PUT",
          path: "/v1/gates",
          body: { name: "eve/g", program: "/usr/bin/cut", in: { secrecy: [tag] }, out: {} },
        },
        { method: "GET", path: `/v1/privileges?tag=${encodeURIComponent(tag)}&holder=eve` },
      ];
      const told = async (tag: string) =>
        JSON.stringify(await callAs(b, "eve", local(tag))).replaceAll(tag, "TAG");
      const answers = await told("ann/secret");
      strictEqual(answers, await told("ann/secre0"));
      strictEqual(answers.match(/E_TAG_UNKNOWN/g)?.length, local("").length, answers);
      const label = await callAs(b, "eve", [{ method: "GET", path: "/v1/labels?path=/data/ann2" }]);
      ok(!JSON.stringify(label).includes("secret"), JSON.stringify(label));
      // and what counts them is not told either
      const seen = async () => [
        (await b.csn(["status", "--json"], eve)).out,
        (await b.csn(["principal", "list", "--json"], eve)).out,
      ];
      const before = await seen();
      await b.ok("tag", "create", "ann/hidden", "--as", "ann");
      deepStrictEqual(await seen(), before);
      strictEqual((JSON.parse(before[0]!) as { counts: unknown }).counts, null);
    },
  },
  {
    name: "attack: names of 63 characters are tags, of 64 are not; look-alikes and control characters never [TAG-1]",
    async run(b) {
      await b.ok("tag", "create", `ann/${"x".repeat(63)}`, "--as", "ann");
      for (const name of [
        `ann/${"x".repeat(64)}`,
        "ann/d\u0430ta",
        "ann/\u001b[2J",
        "ann/da\u200bta",
        "ann/DATA",
      ]) {
        const { code: exit, err } = await b.csn(["tag", "create", name]);
        strictEqual(exit, 1, name);
        ok(!err.includes("\u001b") && err.startsWith("csn: E_TAG_NAME: "), JSON.stringify(err));
      }
    },
  },
  {
    name: "attack: a grant taken back in the middle of a chain, while a program at its end runs [PRIV-2]",
    async run(b) {
      await b.ok("tag", "create", "ann/live", "--as", "ann");
      await b.ok("tag", "grant", "ann/live", "s+,s-", "--to", "ben", "--delegate", "--as", "ann");
      await b.ok("tag", "grant", "ann/live", "s+,s-", "--to", "eve", "--delegate", "--as", "ben");
      const script = "while :; do echo line; sleep 0.5; done";
      const csn = `exec sh ${ROOT}/csn run --release --secrecy ann/live -- sh -c "${script}"`;
      await b.shellOk(
        `cd /; CSN_SOCKET=/run/csn/csnd.sock HOME=/tmp setsid setpriv --reuid=${USERS.eve} --regid=${USERS.eve} --clear-groups sh -c '${csn}' > /tmp/live.out 2> /tmp/live.err < /dev/null & echo started`,
      );
      const told = (what: string, file: string) =>
        b.until(`${what} in ${file}`, async () => (await b.shell(`grep -q ${what} ${file}`)).code === 0);
      await told("line", "/tmp/live.out");
      await b.ok("tag", "revoke", "ann/live", "--from", "ben", "--as", "ann");
      await told("withheld", "/tmp/live.err");
      const lines = () => b.shellOk("wc -l < /tmp/live.out; sleep 3; wc -l < /tmp/live.out");
      const [first, later] = (await lines()).trim().split("\n");
      strictEqual(first, later, "not one line more");
      strictEqual(
        code((await callAs(b, "eve", [runCall("eve", { secrecy: ["ann/live"] })]))[0]!),
        "E_NOT_PERMITTED",
      );
      await b.shell(`pkill -u ${USERS.eve} -x sh`);
    },
  },
  {
    name: "attack: grants in a circle hold nobody up [PRIV-1, PRIV-2]",
    async run(b) {
      await b.ok("tag", "create", "ann/round", "--as", "ann");
      const grant = (by: string, to: string) =>
        b.ok("tag", "grant", "ann/round", "s+", "--to", to, "--delegate", "--as", by);
      const first = /\(([0-9a-f]{8})\)/.exec(await grant("ann", "ben"))![1]!;
      await grant("ben", "eve");
      await grant("eve", "ben");
      const runs = async () => [
        code((await callAs(b, "ben", [runCall("ben", { secrecy: ["ann/round"] })]))[0]!),
        code((await callAs(b, "eve", [runCall("eve", { secrecy: ["ann/round"] })]))[0]!),
      ];
      deepStrictEqual(await runs(), ["done", "done"]);
      await b.ok("tag", "revoke", first, "--as", "ann");
      deepStrictEqual(await runs(), ["E_NOT_PERMITTED", "E_NOT_PERMITTED"]);
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
      const ben = await tokenOf(b, "ben");
      const token = ben.env.CSN_TOKEN!;
      match(token, /^csn_[\w-]{43}$/);
      strictEqual((await b.csn(["tag", "create", "ben/by-token"], ben)).code, 0);
      ok((await b.csn(["tag", "list"], ben)).out.includes("ben/by-token"));
      for (const args of [
        ["run", "--secrecy", "ben/by-token", "--", "true"],
        ["label", "get", "/data"],
        ["gate", "create", "ben/g", "--program", "/usr/bin/cut", "--", "-c1"],
        ["token", "create"],
        ["principal", "rotate", "ben"],
        ["principal", "create", "more"],
        ["statement", "list"],
        ["tag", "create", "ann/by-ben"],
        ["ps"],
      ])
        match((await b.csn(args, ben)).err, /csn: E_NOT_PERMITTED: /, args.join(" "));
      const wrong = { env: { CSN_TOKEN: `${token.slice(0, -2)}xx` } };
      match((await b.csn(["tag", "list"], wrong)).err, /csn: E_NOT_PERMITTED: .*token/);
      await b.shellOk(
        `! grep -qrF ${token.slice(4)} /data/.csn /var/lib/csn /run/csn/daemon.log 2> /dev/null`,
      );
      const id = /^([0-9a-f]{8}) +ben +live/m.exec((await b.csn(["token", "list"], ben)).out)![1]!;
      const eve = await tokenOf(b, "eve");
      ok(!(await b.csn(["token", "list"], eve)).out.includes(id));
      match((await b.csn(["token", "revoke", id], eve)).err, /csn: E_TOKEN_UNKNOWN: /);
      strictEqual((await b.csn(["token", "revoke", id], ben)).code, 0);
      match((await b.csn(["tag", "list"], ben)).err, /csn: E_NOT_PERMITTED: /);
      // a tenant that is no user of the host; a new key ends its tokens
      await b.ok("principal", "create", "tenant", "--type", "tenant");
      const tenant = await tokenOf(b, "tenant");
      strictEqual((await b.csn(["tag", "create", "tenant/a"], tenant)).code, 0);
      await b.ok("principal", "rotate", "tenant");
      match((await b.csn(["tag", "list"], tenant)).err, /csn: E_NOT_PERMITTED: /);
      await b.ok("tag", "create", "tenant/b");
      await b.shell(kill9);
      await daemonBack(b);
      match((await b.csn(["tag", "list"], ben)).err, /csn: E_NOT_PERMITTED: /);
      strictEqual((await b.csn(["tag", "list"], eve)).code, 0);
    },
  },
];
