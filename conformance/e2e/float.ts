/**
 * Programs that float. [FLT-1..3] What happens inside is in float.py.
 */
import { deepStrictEqual, match, ok } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench } from "./bench.ts";
import { callAs, runCall, USERS } from "./people.ts";
import type { Case } from "./suite.ts";

const DENIED = "Permission denied";
const inside = (b: Bench, step: readonly string[], options: readonly string[]) =>
  b.csn([
    ...["run", "--float", "--release", "--volume", "/data/float:/data/float", ...options],
    ...["--", "python3", `${ROOT}/conformance/e2e/float.py`, ...step],
  ]);

async function lines(b: Bench, step: readonly string[], ...options: string[]): Promise<string[]> {
  const { code, out, err } = await inside(b, step, options.length > 0 ? options : ["--clearance", "float/p"]);
  deepStrictEqual({ step, code, err }, { step, code: 0, err: "" }, out);
  return out.trimEnd().split("\n");
}

export const float: readonly Case[] = [
  {
    name: "float: prepare",
    async run(b) {
      await b.ok("tag", "create", "float/p", "float/q", "float/checked");
      await b.shellOk(`mkdir -p /data/float/p /data/float/q /data/float/u /data/float/c && cd /data/float
        echo P >p/f; echo Q >q/f; echo U >u/f; : >p/empty; : >p/w; : >u/w; : >pw; : >c/f
        printf '#!/bin/sh\\necho P\\n' >p/program; chmod 755 p/program; chmod 777 u`);
      await b.ok("label", "set", "/data/float/p", "--secrecy", "float/p");
      await b.ok("label", "set", "/data/float/pw", "--secrecy", "float/p");
      await b.ok("label", "set", "/data/float/q", "--secrecy", "float/q");
      await b.ok("label", "set", "/data/float/c", "--integrity", "float/checked");
    },
  },
  {
    name: "float: raised to what it reads, within its clearance, and held to it from then on [FLT-1]",
    async run(b) {
      deepStrictEqual(await lines(b, ["plain"]), [
        "before ok",
        "read P",
        `after ${DENIED} ok`,
        `beyond ${DENIED}`,
      ]);
      match(await b.ok("log", "-n", "3000"), /allowed change .*\(unlabelled\) -> .*\(S=float\/p\)/);
    },
  },
  {
    name: "float: an empty file raises too, and so does what is only opened to write, or made there [FLT-2]",
    async run(b) {
      deepStrictEqual(await lines(b, ["empty"]), [`empty empty ${DENIED}`]);
      deepStrictEqual(await lines(b, ["writes", "open"]), [`opened ${DENIED}`]);
      deepStrictEqual(await lines(b, ["writes", "make"]), [`made ${DENIED}`]);
    },
  },
  {
    name: "float: two helpers, of which a secret chooses one, tell nobody which [FLT-2]",
    async run(b) {
      const told: string[] = [];
      for (const secret of ["0", "1"]) {
        await b.shellOk("cd /data/float/u && rm -f heard-* && : >heard-0 && : >heard-1");
        const script = "cd /data/float/p && rm -f sent-* && echo x >sent-$1";
        const sent = await b.labelled(
          "float/p",
          ["/data/float:/data/float"],
          ["sh", "-c", script, "sh", secret],
        );
        deepStrictEqual([sent.code, sent.err], [0, ""]);
        for (const helper of ["0", "1"]) await lines(b, ["helper", helper]);
        told.push(await b.shellOk("cd /data/float/u && cat heard-0 heard-1 | wc -c"));
      }
      deepStrictEqual(told, ["0\n", "0\n"]);
    },
  },
  {
    name: "float: not while it holds what would not be legal; the read is refused, again and again without end [FLT-1]",
    async run(b) {
      deepStrictEqual(await lines(b, ["held"]), [`held ${DENIED} ok`, "closed P"]);
      match(await b.ok("log", "--refused", "-n", "3000"), /refused change .*float/);
    },
  },
  {
    name: "float: trust falls with what is read, and is not regained [FLT-3]",
    async run(b) {
      // folders are read on the way, so what is trusted lies in one that is
      const script = "echo 1 >/c/f && echo vouched; read x </u/f; echo $x; echo 2 >/c/f";
      const { out, err } = await b.csn([
        ...["run", "--float", "--release", "--volume", "/data/float/c:/c", "--volume", "/data/float/u:/u"],
        ...[
          "--workdir",
          "/",
          "--integrity",
          "float/checked",
          "--clearance",
          "float/p",
          "--",
          "sh",
          "-c",
          script,
        ],
      ]);
      deepStrictEqual(out, "vouched\nU\n");
      match(err, /cannot create .c.f: Permission denied/);
    },
  },
  {
    name: "float: by whatever name, and what is no file is an error as ever [FLT-1]",
    async run(b) {
      for (const way of [
        "symlink",
        "relative",
        "dotted",
        "at",
        "chdir",
        "long",
        "edge",
        "exec",
        "stat",
        "list",
      ])
        deepStrictEqual(await lines(b, ["names", way]), [`${way} P ${DENIED}`]);
      deepStrictEqual(await lines(b, ["names", "fault"]), ["fault Bad address ok"]);
      // that it is not there is data of its folder
      deepStrictEqual(await lines(b, ["names", "missing"]), [`missing No such file or directory ${DENIED}`]);
    },
  },
  {
    name: "float: many at once, each after a label of its own, and a name that is swapped meanwhile [FLT-1]",
    async run(b) {
      deepStrictEqual(await lines(b, ["together"], "--clearance", "float/p,float/q"), ["together P Q P Q U"]);
      const [race = ""] = await lines(b, ["race"]);
      match(
        race,
        /^race (P )?Permission denied (U )?(P )?Permission denied$|^race P Permission denied U Permission denied$/,
      );
      ok(!race.includes("Q"), race);
    },
  },
  {
    name: "float: stopped at the network once it knows something [FLT-1, NET-1]",
    async run(b) {
      await b.shellOk(`cat >/data/float/listen.py <<'END'
import socket
s = socket.create_server(("127.0.0.1", 4711))
with open("/data/float/heard", "wb", 0) as f:
    while True:
        c = s.accept()[0]
        f.write(c.recv(100) + b"\\n")
END
      python3 /data/float/listen.py >/dev/null 2>&1 & echo $! >/data/float/listen.pid
      until grep -q :1267 /proc/net/tcp; do sleep 0.2; done`);
      try {
        const [before, read, after = ""] = await lines(b, ["network", "4711"]);
        deepStrictEqual([before, read], ["before ok", "read P"]);
        ok(after !== "after ok", after);
        deepStrictEqual(await b.shellOk("cat /data/float/heard"), "before\n");
      } finally {
        await b.shell("kill $(cat /data/float/listen.pid)");
      }
    },
  },
  {
    name: "float: only for tags that the starter may take on, then and when it comes to it [FLT-1, PRIV-3]",
    async run(b) {
      await b.fails("E_BAD_REQUEST", ["run", "--float", "--", "true"], 125);
      await b.fails("E_USAGE", ["run", "--float", "--observe", "--clearance", "float/p", "--", "true"], 125);
      await b.csn(["principal", "create", "eve", "--user", String(USERS.eve)]); // it may be there
      const call = runCall("eve", {}, { mode: "float", clearance: { secrecy: ["float/p"], integrity: [] } });
      const before = await callAs(b, "eve", [call]);
      deepStrictEqual(
        before.map(({ body }) => body.error?.code),
        ["E_TAG_UNKNOWN"],
      );
      await b.ok("tag", "grant", "float/p", "s+", "--to", "eve");
      // whether it was raised shows in what it may still write: her eyes are not cleared for the rest
      const program =
        "until [ -e /data/float/u/go ]; do sleep 0.3; done; cat /data/float/p/f; echo low >/data/float/u/low";
      const hers = `cd /; CSN_SOCKET=/run/csn/csnd.sock HOME=/tmp setpriv --reuid=${USERS.eve} --regid=${USERS.eve} --clear-groups sh ${ROOT}/csn run --float --clearance float/p --volume /data/float:/data/float -- sh -c '${program}'`;
      await b.shellOk(`touch /data/float/u/go; ${hers}; test ! -e /data/float/u/low; rm /data/float/u/go`);
      const late = b.shell(hers);
      await b.until("her program to run", async () => (await b.shell("pgrep -f '^sh -c until'")).code === 0);
      await b.ok("tag", "revoke", "float/p", "--from", "eve");
      await b.shellOk("touch /data/float/u/go");
      await late;
      await b.shellOk("test -e /data/float/u/low");
    },
  },
];
