/**
 * `csn run` as with `docker run`: streams, exit codes, signals, terminal, environment, folder; and who
 * may see what.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { ROOT } from "../../src/setup/index.ts";
import type { Case } from "./suite.ts";

export const running: readonly Case[] = [
  {
    name: "exit codes are the program's own",
    async run(b) {
      for (const code of [0, 1, 7, 255])
        strictEqual((await b.labelled("lab/patient", [], ["sh", "-c", `exit ${code}`])).code, code);
      strictEqual((await b.labelled("lab/patient", [], ["sh", "-c", "kill -9 $$"])).code, 137);
      strictEqual((await b.labelled("lab/patient", [], ["sh", "-c", "kill -TERM $$"])).code, 143);
    },
  },
  {
    name: "both output streams, and input, byte for byte",
    async run(b) {
      const bytes = randomBytes(3_000_000);
      const result = await b.labelled(
        "lab/patient",
        [],
        ["sh", "-c", "tee /tmp/copy; md5sum < /tmp/copy >&2"],
        { input: bytes },
      );
      strictEqual(
        createHash("md5").update(Buffer.from(result.out, "latin1")).digest("hex"),
        createHash("md5").update(bytes).digest("hex"),
      );
      match(result.err, new RegExp(createHash("md5").update(bytes).digest("hex")));
    },
  },
  {
    name: "environment, folder, user, hostname",
    async run(b) {
      const result = await b.csn(
        [
          "run",
          "--hostname",
          "ward",
          "-e",
          "COLOUR=blue",
          "-w",
          "/usr/share",
          "--",
          "sh",
          "-c",
          'echo $COLOUR; pwd; id -u; hostname; echo "[$CSN_HOME]"',
        ],
        { env: { LD_PRELOAD_X: "", CSN_X: "1" } },
      );
      deepStrictEqual(result.out.split("\n"), [
        "blue",
        "/usr/share",
        String(process.getuid!()),
        "ward",
        "[]",
        "",
      ]);
    },
  },
  {
    name: "signals reach the program",
    async run(b) {
      const script = 'trap "echo caught; exit 3" TERM; echo ready; while :; do sleep 0.1; done';
      const result = await b.csn(["run", "--", "sh", "-c", script], {
        signal: { name: "SIGTERM", after: "ready" },
      });
      deepStrictEqual([result.code, result.out], [3, "ready\ncaught\n"]);
    },
  },
  {
    name: "a terminal: size, controlling, line endings",
    async run(b) {
      const result = await b.csn([
        "run",
        "--tty",
        "--",
        "sh",
        "-c",
        "test -t 0 && test -t 1 && tty && echo yes > /dev/tty",
      ]);
      match(result.out, /^\/dev\/pts\/\d+\r\nyes\r\n$/);
    },
  },
  {
    name: "labelled output goes to no file or pipe, and it is said once",
    async run(b) {
      const result = await b.csn([
        "run",
        "--secrecy",
        "lab/patient",
        "--",
        "sh",
        "-c",
        "for i in 1 2 3; do echo secret; done; echo also >&2",
      ]);
      strictEqual(result.out, "");
      ok(!result.err.includes("also") && !result.err.includes("secret"));
      strictEqual(result.err.split("\n").filter((line) => /withheld.*lab\/patient/.test(line)).length, 2); // one a stream
      const log = await b.ok("log", "--json", "-n", "5");
      match(log, /"withhold"/);
    },
  },
  {
    name: "integrity alone is no secret, and unvouched input is refused",
    async run(b) {
      await b.ok("tag", "create", "clinic/validated");
      strictEqual(
        (await b.csn(["run", "--integrity", "clinic/validated", "--", "echo", "hello"])).out,
        "hello\n",
      );
      const result = await b.csn(["run", "--integrity", "clinic/validated", "--", "cat"], {
        input: "unvouched",
      });
      strictEqual(result.out, "");
      strictEqual(result.code, 1);
    },
  },
  {
    name: "what is written outside volumes ends with the program",
    async run(b) {
      await b.ok(
        "run",
        "--",
        "sh",
        "-c",
        "echo x > /usr/share/new && echo x > /data/new && echo x > /etc/new && rm /usr/bin/env && cat /usr/share/new",
      );
      await b.shellOk(
        "test ! -e /usr/share/new && test ! -e /data/new && test ! -e /etc/new && test -x /usr/bin/env",
      );
    },
  },
  {
    name: "a compartment sees only its own processes, and no privilege",
    async run(b) {
      const result = await b.csn([
        "run",
        "--",
        "sh",
        "-c",
        "ls -d /proc/[0-9]* | wc -l; grep -c . /proc/net/unix > /dev/null; grep -E 'NoNewPrivs|Seccomp:' /proc/self/status; ulimit -c; ls /dev/shm /run | wc -l",
      ]);
      const lines = result.out.split("\n");
      ok(Number(lines[0]) <= 5, result.out);
      match(result.out, /NoNewPrivs:\s1\nSeccomp:\s2\n0\n/);
    },
  },
  {
    name: "another user of the host may not use somebody's tag, nor see its records",
    async run(b) {
      const ask = (method: string, path: string, body: unknown) =>
        b.shell(`cd /; setpriv --reuid=12345 --regid=12345 --clear-groups python3 -c '
import http.client, socket
c = http.client.HTTPConnection("csn"); c.sock = socket.socket(socket.AF_UNIX); c.sock.connect("/run/csn/csnd.sock")
c.request("${method}", "${path}", """${JSON.stringify(body)}""", {"content-type": "application/json"})
print(c.getresponse().read().decode())'`);
      const run = {
        argv: ["true"],
        context: { secrecy: ["lab/patient"], integrity: [] },
        env: {},
        cwd: "/",
        tty: null,
        shows: { output: "other", error: "other" },
      };
      match(
        (await ask("POST", "/v1/runs", { ...run, user: { uid: 12345, gid: 12345, groups: [] } })).out,
        /E_TAG_UNKNOWN.*lab\/patient/,
      );
      match(
        (await ask("POST", "/v1/runs", { ...run, context: {}, user: { uid: 0, gid: 0, groups: [] } })).out,
        /E_NOT_PERMITTED/,
      );
      match((await ask("POST", "/v1/tags", { name: "root/mine" })).out, /E_NOT_PERMITTED/);
      match((await ask("POST", "/v1/down", { force: true })).out, /E_NOT_PERMITTED/);
      match(
        (await ask("PUT", "/v1/labels", { path: "/data", context: { secrecy: ["lab/patient"] } })).out,
        /E_TAG_UNKNOWN/, // whose tag it is not told
      );
      strictEqual((await ask("GET", "/v1/log?refused=true", {})).out.trim(), "");
      match((await ask("GET", "/v1/status", {})).out, /"attached":true/);
    },
  },
  {
    name: "a user gets no folder that he could not enter himself, and plants nothing outside the compartment",
    async run(b) {
      await b.shellOk(`mkdir -p -m 700 /data/private && mkdir -p /data/private/in && echo hidden > /data/private/in/f
        mkdir -p /data/u && ln -sfn /etc /data/u/l && echo own > /data/u/f && chown -hR 12345 /data/u`);
      const as = (args: string) =>
        b.shell(
          `cd /; CSN_SOCKET=/run/csn/csnd.sock setpriv --reuid=12345 --regid=12345 --clear-groups sh ${ROOT}/csn run ${args}`,
        );
      const volume = await as("--volume /data/private/in:/x -- cat /x/f");
      deepStrictEqual([volume.code, volume.out], [125, ""]);
      match(volume.err, /E_VOLUME/);
      const folder = await as("-w /data/private/in -- cat f");
      deepStrictEqual([folder.code, folder.out], [1, ""]);
      const planted = await as("--volume /data/u:/data/u/l/planted -- sh -c 'id -G; cat /etc/planted/f'");
      deepStrictEqual([planted.code, planted.out], [0, "12345\nown\n"]);
      await b.shellOk("test ! -e /etc/planted");
    },
  },
];
