/**
 * Observe mode: a service is tried under a policy before it is enforced. [SUBJ-5]
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench } from "./bench.ts";
import type { Case } from "./suite.ts";

const FOLDER = "/data/serve";
const SERVICE = ["python3", `${ROOT}/conformance/e2e/service.py`, FOLDER];

type End = { kind: string; id: string; context: unknown };
type Entry = {
  id: number;
  op: string;
  verdict: "allowed" | "refused" | "observed";
  rule: string | null;
  program: string;
  source: End;
  sink: End;
  tags: string[];
  shadow?: { secrecy: string[]; integrity: string[] };
};

async function entries(b: Bench, since: number, ...options: string[]): Promise<Entry[]> {
  const text = await b.ok("log", "--json", "-n", "100000", ...options);
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry)
    .filter(({ id }) => id > since);
}

const last = async (b: Bench): Promise<number> => (await entries(b, 0)).at(-1)?.id ?? 0;

/** From what to what, against which rule: once each, whichever call it was. */
function flowsOf(found: readonly Entry[]): string[] {
  const end = ({ kind, id, context }: End) =>
    `${kind === "process" ? "the service" : id} ${JSON.stringify(context)}`;
  return [
    ...new Set(
      found.map(({ source, sink, rule, tags }) => `${end(source)} -> ${end(sink)} ${rule} ${tags.join()}`),
    ),
  ].sort();
}

const serve = (b: Bench, ...options: string[]) =>
  b.csn([
    "run",
    "--release",
    "--secrecy",
    "shop/orders",
    ...options,
    "--volume",
    `${FOLDER}:${FOLDER}`,
    "--",
    ...SERVICE,
  ]);

export const observe: readonly Case[] = [
  {
    name: "observe: prepare",
    async run(b) {
      await b.ok("tag", "create", "shop/orders", "shop/customers", "shop/checked");
      await b.shellOk(
        `mkdir -p ${FOLDER}/below ${FOLDER}/mine && cd ${FOLDER} && for f in open secret other out vouched mine/copy; do echo $f > $f.txt; done`,
      );
      for (const [path, ...label] of [
        ["secret.txt", "--secrecy", "shop/customers"],
        ["other.txt", "--secrecy", "shop/customers,shop/orders"],
        ["below", "--secrecy", "shop/customers"],
        ["mine", "--secrecy", "shop/orders"],
        ["vouched.txt", "--integrity", "shop/checked"],
      ])
        await b.ok("label", "set", `${FOLDER}/${path}`, ...label);
    },
  },
  {
    name: "observe: a service that runs so lists just the flows that enforcing then refuses",
    async run(b) {
      let since = await last(b);
      const tried = await serve(b, "--observe");
      deepStrictEqual({ code: tried.code, err: tried.err }, { code: 0, err: "" });
      strictEqual(tried.out.split("\n").filter((line) => / 20\d$/.test(line)).length, 9, tried.out);
      const happened = await entries(b, since);
      deepStrictEqual(
        happened.filter(({ verdict }) => verdict === "refused"),
        [],
      );
      const observed = happened.filter(({ verdict }) => verdict === "observed");
      deepStrictEqual(
        (await entries(b, since, "--observed")).map(({ id }) => id),
        observed.map(({ id }) => id),
      );

      since = await last(b);
      const enforced = await serve(b);
      strictEqual(enforced.code, 0, enforced.err);
      deepStrictEqual(
        enforced.out
          .trim()
          .split("\n")
          .filter((line) => / 20\d$/.test(line)),
        ["GET /open.txt 200", "PUT /mine/copy.txt 204", "GET /open.txt 200"],
      );
      const refused = (await entries(b, since)).filter(({ verdict }) => verdict !== "allowed");
      ok(refused.every(({ verdict }) => verdict === "refused"));
      strictEqual(flowsOf(refused).length, 5);
      deepStrictEqual(flowsOf(observed), flowsOf(refused));
    },
  },
  {
    name: "observe: what it took in is followed to what it writes, and shown, while it runs and after a restart",
    async run(b) {
      const since = await last(b);
      const running = serve(b, "--observe", "--env", `WAIT=${FOLDER}/enough`);
      await b.until("it to be observed", async () => (await entries(b, since, "--observed")).length > 0);
      await b.until("its shadow", async () => /observe, shadow: shop\/customers/.test(await b.ok("ps")));
      match(await b.ok("status"), /processes? only observed: the flow rules refuse (it|them) nothing/);
      const one = (await entries(b, since, "--observed"))[0]!;
      const text = await b.ok("explain", String(one.id));
      match(text, /observed .*shadow: shop\/customers/);
      match(text, /\[SUBJ-5\] observed: it happened, and enforcing would refuse it: \[FLOW-1\]/);
      await b.shellOk(`touch ${FOLDER}/enough`);
      strictEqual((await running).code, 0);

      // written where its own label lies: no rule is against that, but the data is more
      const copied = (await entries(b, since)).find(
        ({ verdict, source, sink, shadow }) =>
          verdict === "allowed" && shadow !== undefined && source.kind === "process" && sink.kind === "file",
      );
      deepStrictEqual(copied?.shadow, { secrecy: ["shop/customers"], integrity: [] });
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
      const again = await last(b);
      strictEqual(
        (await b.labelled("shop/orders", [`${FOLDER}:${FOLDER}`], ["cat", `${FOLDER}/mine/copy.txt`])).code,
        0,
      );
      const read = (await entries(b, again)).find(({ shadow }) => shadow !== undefined);
      deepStrictEqual(
        [read?.verdict, read?.source.kind, read?.shadow?.secrecy],
        ["allowed", "file", ["shop/customers"]],
      );
    },
  },
  {
    name: "observe: nobody gets at data of others by asking for it",
    async run(b) {
      const as = (args: string) =>
        b.shell(
          `cd /; CSN_SOCKET=/run/csn/csnd.sock setpriv --reuid=12388 --regid=12388 --clear-groups sh ${ROOT}/csn run ${args}`,
        );
      const cat = (file: string) => `--volume ${FOLDER}:${FOLDER} -- cat ${FOLDER}/${file}`;
      match((await as(`--observe ${cat("secret.txt")}`)).err, /E_BAD_REQUEST/);
      match((await as(`--observe --across shop/customers ${cat("secret.txt")}`)).err, /E_TAG_UNKNOWN/);
      await b.ok("principal", "create", "auditor", "--user", "12388");
      await b.ok("tag", "grant", "shop/customers", "s+", "--to", "auditor");
      match((await as(`--observe --across shop/customers ${cat("secret.txt")}`)).err, /E_NOT_PERMITTED.*s-/);
      await b.ok("tag", "grant", "shop/customers", "s-", "--to", "auditor");
      deepStrictEqual(await as(`--observe --across shop/customers ${cat("secret.txt")}`), {
        code: 0,
        out: "secret\n",
        err: "",
      });
      const other = await as(`--observe --across shop/customers ${cat("other.txt")}`);
      deepStrictEqual([other.code, other.out], [1, ""]);
      match(other.err, /Permission denied/);
      match((await as(`--across shop/customers ${cat("secret.txt")}`)).err, /E_BAD_REQUEST.*observed/s);
      match(
        (await as(`--observe --via shop/x --across shop/customers ${cat("secret.txt")}`)).err,
        /E_BAD_REQUEST/,
      );
    },
  },
];
