/**
 * Changing the context of a program that runs. [CHG-1..3] What happens inside is in change.py.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench, Result } from "./bench.ts";
import type { Case } from "./suite.ts";

const CSN = ["sh", `${ROOT}/csn`];

/** Inside a compartment that may print secrets, with the public files writable. */
const inside = (b: Bench, argv: readonly string[], ...options: string[]): Promise<Result> =>
  b.csn(["run", "--release", "--volume", "/data/mode:/data/mode", ...options, "--", ...argv]);

const step = (b: Bench, name: string): Promise<Result> =>
  inside(b, ["python3", `${ROOT}/conformance/e2e/change.py`, name], "--clearance", "lab/patient");

/** What the step printed; nothing may have gone to standard error. */
async function lines(b: Bench, name: string): Promise<string[]> {
  const { code, out, err } = await step(b, name);
  deepStrictEqual({ code, err }, { code: 0, err: "" }, out);
  return out.trimEnd().split("\n");
}

const REFUSED = "Permission denied";

export const modes: readonly Case[] = [
  {
    name: "change: prepare",
    async run(b) {
      for (const tag of ["lab/patient", "clinic/validated"]) await b.csn(["tag", "create", tag]); // unless they are there
      await b.ok("tag", "create", "lab/above");
      await b.shellOk(
        "mkdir -p /data/mode/below && echo secret > /data/mode/secret && echo > /data/mode/public && echo > /data/mode/public.map",
      );
      await b.ok("label", "set", "/data/mode/secret", "--secrecy", "lab/patient");
      await b.ok("label", "set", "/data/mode/below", "--secrecy", "lab/patient");
    },
  },
  {
    name: "change: what is the compartment's own changes with it, all of its processes at once",
    async run(b) {
      deepStrictEqual(await lines(b, "own"), [
        `before ${REFUSED} ok`,
        "done ",
        `after secret ${REFUSED}`,
        `child ok ${REFUSED}`,
        "own x ok ok",
        "done",
      ]);
      match(await b.ok("log", "-n", "2000"), /allowed change .*\(unlabelled\) -> .*\(S=lab\/patient\)/);
    },
  },
  {
    name: "change: each thing that is held and would not be legal refuses it, and is named [CHG-2, CHG-3]",
    async run(b) {
      const found = await lines(b, "endpoints");
      const expected: RegExp[] = [
        /^file refused E_ENDPOINT descriptor \d+, \/data\/mode\/public, of `python3` \(pid \d+\)$/,
        /^mapping refused E_ENDPOINT the mapping of \/data\/mode\/public, of `python3`/,
        /^socket refused E_ENDPOINT descriptor \d+, socket:\[\d+\]: a socket has the context of its network/,
        /^lock refused E_ENDPOINT descriptor \d+, \/data\/mode\/public/,
        /^child refused E_ENDPOINT descriptor \d+, \/data\/mode\/public, of `python3` \(pid [3-9]\d*\)$/,
        /^output refused E_ENDPOINT standard output/,
        /^integrity refused E_ENDPOINT the working directory \/data\/mode/,
        /^unknown refused E_TAG_UNKNOWN/,
        /^both refused E_BAD_REQUEST/,
        /^word refused E_BAD_REQUEST/,
        new RegExp(`^still ${REFUSED} ok$`),
        /^done $/,
        /^held refused E_ENDPOINT descriptor \d+, \/data\/mode\/secret/,
        /^watch refused E_ENDPOINT descriptor \d+, anon_inode:inotify, which watches files/,
        /^folder refused E_ENDPOINT the working directory \/data\/mode\/below/,
        /^done $/,
        new RegExp(`^dropped ${REFUSED} ok$`),
      ];
      for (const [i, pattern] of expected.entries()) match(found[i] ?? "nothing", pattern);
      strictEqual(found.length, expected.length);
      match(await b.ok("log", "--refused", "-n", "2000"), /refused change .*CHG-3/);
    },
  },
  {
    name: "change: not after a descriptor was passed",
    async run(b) {
      deepStrictEqual(await lines(b, "passed"), ["refused E_NOT_ALONE", `still ${REFUSED} ok`]);
    },
  },
  {
    name: "change: not after somebody outside looked into it; csn itself may",
    async run(b) {
      const look = "p=$(pgrep -f '^sleep 4321$'); ls -l /proc/$p/fd > /dev/null";
      const script = (after: string) =>
        `sleep 4321 & echo ready; until test -e /tmp/go; do sleep 0.2; done; ${after}; kill %1`;
      const ask =
        "mkfifo /run/csn/a; exec 3<>/run/csn/a; echo 'a change add=lab/patient' > /run/csn/ask; read x <&3; echo $x";
      const begun = b.begin([
        "run",
        "--release",
        "--clearance",
        "lab/patient",
        "--",
        "sh",
        "-c",
        script(ask),
      ]);
      await b.until("it to run", async () => (await b.shell(look)).code === 0);
      await b.shellOk("touch /proc/$(pgrep -f '^sleep 4321$')/root/tmp/go");
      match((await begun.ended).out, /ready\nrefused E_NOT_ALONE/);
    },
  },
  {
    name: "change: hostile requests harm nobody, and the next one works",
    async run(b) {
      deepStrictEqual(await lines(b, "hostile"), ["done ", "after secret 0 False"]);
    },
  },
  {
    name: "change: races with opening, mapping, forking and pipes",
    async run(b) {
      match((await lines(b, "race"))[0]!, /^answers True/);
      await b.shellOk("! grep -q s /data/mode/public && ! grep -q s /data/mode/public.map");
    },
  },
  {
    name: "change: the command, its exit codes and its client",
    async run(b) {
      const raised = await inside(
        b,
        [...CSN, "context", "change", "--add", "lab/patient", "--", "cat", "/data/mode/secret"],
        "--clearance",
        "lab/patient",
      );
      deepStrictEqual(raised, { code: 0, out: "secret\n", err: "" });
      const refused = await inside(b, [...CSN, "context", "change", "--add", "lab/patient", "--", "true"]);
      strictEqual(refused.code, 2);
      match(refused.err, /csn: E_ENDPOINT: \[CHG-3\].*standard output.*\nHint: /);
      await b.fails("E_NO_COMPARTMENT", ["context", "change", "--add", "lab/patient"], 2);
    },
  },
  {
    name: "change: [CHG-1] who started it needs the privilege, and knows of no tag that is not his business",
    async run(b) {
      const asked = async () =>
        (
          await b.shell(
            `cd /; CSN_SOCKET=/run/csn/csnd.sock setpriv --reuid=12377 --regid=12377 --clear-groups sh ${ROOT}/csn run --volume /data/mode:/data/mode -- sh -c 'mkfifo /run/csn/a; exec 3<>/run/csn/a; echo "a change add=lab/patient" > /run/csn/ask; read x <&3; echo "$x"; cat /data/mode/secret'`,
          )
        ).out;
      match(await asked(), /^refused\tE_TAG_UNKNOWN\t[^\n]*\n$/);
      await b.ok("principal", "create", "reader", "--user", "12377");
      await b.ok("tag", "grant", "lab/patient", "s-", "--to", "reader");
      match(await asked(), /^refused\tE_NOT_PERMITTED\t[^\n]*\n$/);
      match(await b.ok("log", "--refused", "-n", "2000"), /refused change .*CHG-1/);
    },
  },
  {
    name: "change: a daemon that is killed in the middle leaves nothing of the compartment",
    async run(b) {
      const begun = b.begin(["run", "--", "sleep", "4322"]);
      await b.until("it to run", async () => (await b.shell("pgrep -f '^sleep 4322$'")).code === 0);
      await b.shell(
        "for f in /run/csn/cgroup/csn/*/cgroup.freeze; do echo 1 > $f; done; kill -9 $(cat /run/csn/daemon.pid)",
      );
      await begun.ended;
      await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
      await b.shellOk("! pgrep -f '^sleep 4322$'");
      ok((await b.shell("ls -d /run/csn/cgroup/csn/[0-9]*")).out.trim().split("\n").length <= 1);
    },
  },
];
