/**
 * Gates on the real kernel: what they let through, by whose grant, and what is tried against them. [GATE-1..3]
 *
 * One gate with all its attacks: a file that the attacker may write is the gate's own script and program.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench, Result } from "./bench.ts";
import type { Case } from "./suite.ts";

const TAG = "ward/patient";
const FOLDER = "/data/gate/in";

type Entry = {
  id: number;
  op: string;
  verdict: string;
  rule: string;
  gate?: {
    gate: string;
    purpose: string;
    exit: number | null;
    ended: string;
    tags: { change: string; tag: string; grants: { id: string }[] }[];
    input: { what: string; bytes: number; digest: string };
    output: { bytes: number };
  };
};

/** Records of its runs: of their ends, or of their beginnings. */
async function runsOf(b: Bench, name: string, have: "ended" | "begun" = "ended"): Promise<Entry[]> {
  const text = await b.ok("log", "--json", "-n", "100000");
  const entries = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Entry);
  return entries.filter(({ gate }) => gate?.gate === name && (gate.ended === "") === (have === "begun"));
}

/** csn inside the machine, as a user: slow to start there. */
function as(b: Bench, uid: number, args: string, before = ""): Promise<Result> {
  const script = `cd /; ${before} CSN_SOCKET=/run/csn/csnd.sock setpriv --reuid=${uid} --regid=${uid} --clear-groups sh ${ROOT}/csn ${args}`;
  return b.csn(["machine", "exec", "--", "sh", "-c", script], { timeoutMs: 600_000 });
}

/** Through the gate, what is under the label. */
const via = (b: Bench, gate: string, argv: readonly string[]): Promise<Result> =>
  b.csn(["run", "--secrecy", TAG, "--volume", `${FOLDER}:${FOLDER}`, "--via", gate, "--", ...argv]);

/** A gate whose program is nobody's but the case's own. */
function offerOwn(b: Bench, ...args: string[]): Promise<string> {
  return b.ok("gate", "create", "ward/own", "--program", "/data/g/tr", "--in", `S=${TAG}`, "--", ...args);
}

export const gates: readonly Case[] = [
  {
    name: "gate: a labelled file",
    async run(b) {
      await b.ok("tag", "create", TAG, "ward/validated");
      await b.shellOk(`mkdir -p ${FOLDER} && printf 'name,age\\nmiller,47\\n' > ${FOLDER}/a.csv`);
      await b.ok("label", "set", FOLDER, "--secrecy", TAG);
    },
  },
  {
    name: "gate: without a grant it is refused, naming the tag and its owner; with it the data goes on [GATE-1, GATE-3]",
    async run(b) {
      await b.ok("gate", "create", "ward/ages", "--program", "/usr/bin/cut", "--in", `S=${TAG}`, "--purpose", "study", "--", "-d,", "-f2"); // prettier-ignore
      match(await b.fails("E_GATE_PRIVILEGE", ["gate", "run", "ward/ages"], 125), /ward\/patient.*s-.*ward/);
      const before = await via(b, "ward/ages", ["cat", `${FOLDER}/a.csv`]);
      deepStrictEqual([before.code, before.out], [125, ""]);
      match(before.err, /E_GATE_PRIVILEGE/);
      await b.ok("tag", "grant", TAG, "s-", "--to", "gate:ward/ages", "--purpose", "thesis");
      strictEqual((await b.csn(["gate", "run", "ward/ages"], { input: "x,1\ny,2\n" })).out, "1\n2\n");
      const after = await via(b, "ward/ages", ["cat", `${FOLDER}/a.csv`]);
      deepStrictEqual([after.code, after.out], [0, "age\n47\n"]);
    },
  },
  {
    name: "gate: each run is on the record, with tags, grants, purpose, input and output [GATE-2]",
    async run(b) {
      const runs = await runsOf(b, "ward/ages");
      strictEqual(runs.length, 2);
      const { gate, id, op } = runs[1]!;
      // and before anybody had what it let out
      deepStrictEqual((await runsOf(b, "ward/ages", "begun")).map(({ id: begun }, at) => begun < runs[at]!.id), [true, true]); // prettier-ignore
      deepStrictEqual(
        [op, gate!.purpose, gate!.exit, gate!.input.bytes, gate!.output.bytes],
        ["gate", "study", 0, 19, 7],
      );
      deepStrictEqual(
        gate!.tags.map(({ change, tag, grants }) => [change, tag, grants.length]),
        [["drops", TAG, 1]],
      );
      match(await b.ok("explain", String(id)), /GATE-2.*ward\/ages.*study.*drops ward\/patient.*sha256/s);
      match(await b.ok("log", "-n", "100"), /gate ward\/ages/);
    },
  },
  {
    name: "gate: a refusal that it would resolve names it, and what it would not resolve does not [GATE-4]",
    async run(b) {
      const copy = [
        "run",
        "--secrecy",
        TAG,
        "-v",
        "/data:/data",
        "--",
        "cp",
        `${FOLDER}/a.csv`,
        "/data/gate/out",
      ];
      ok((await b.csn(copy)).code !== 0);
      const refused = (await b.ok("log", "--refused", "--json", "-n", "200")).trim().split("\n");
      const leak = refused.map((line) => JSON.parse(line) as Entry & { tags: string[]; gates: string[] });
      const last = leak.findLast(({ rule, tags }) => rule === "FLOW-1" && tags.includes(TAG))!;
      deepStrictEqual(last.gates, ["ward/ages"]);
      match(await b.ok("explain", String(last.id)), /GATE-4.*ward\/ages/);
      const checked = (to: string) => b.csn(["check", "--json", "--from", `S=${TAG}`, "--to", to]);
      match((await checked("unlabelled")).out, /"ward\/ages"/);
      ok(!(await checked("I=ward/validated")).out.includes("ward/ages"));
    },
  },
  {
    name: "gate: its error output and a program's exit code stay with those who may know",
    async run(b) {
      await b.ok("gate", "create", "ward/loud", "--program", "/usr/bin/dash", "--in", `S=${TAG}`, "--", "-c", "cat >&2"); // prettier-ignore
      await b.ok("tag", "grant", TAG, "s-", "--to", "gate:ward/loud");
      const run = await b.csn(["gate", "run", "ward/loud"], { input: "miller" });
      ok(!run.out.includes("miller") && !run.err.includes("miller"), run.err);
      match(run.err, /withheld/);
    },
  },
  {
    name: "gate: inside, what it writes has `out`: its own pipes and files work, a file of `in` it can't write",
    async run(b) {
      const script = "cat > /tmp/x; sort /tmp/x | tr a-z A-Z";
      await b.ok(
        "gate",
        "create",
        "ward/pipes",
        "--program",
        "/usr/bin/dash",
        "--in",
        `S=${TAG}`,
        "--",
        "-c",
        script,
      );
      await b.ok("tag", "grant", TAG, "s-", "--to", "gate:ward/pipes");
      deepStrictEqual((await b.csn(["gate", "run", "ward/pipes"], { input: "b\na\n" })).out, "A\nB\n");
    },
  },
  {
    name: "gate: nothing of the caller's environment, arguments, folder or libraries gets in",
    async run(b) {
      await b.ok("gate", "create", "ward/env", "--program", "/usr/bin/dash", "--in", `S=${TAG}`, "--", "-c", "pwd; env | sort; id -u"); // prettier-ignore
      await b.ok("tag", "grant", TAG, "s-", "--to", "gate:ward/env");
      await b.shellOk("echo 'raise SystemExit(9)' > /tmp/sitecustomize.py; chmod 644 /tmp/sitecustomize.py");
      const run = await as(
        b,
        12345,
        "gate run ward/env",
        "LD_PRELOAD=/tmp/no.so PYTHONPATH=/tmp BASH_ENV=/tmp/x ENV=/tmp/x",
      );
      deepStrictEqual(run.out.split("\n"), ["/", "HOME=/tmp", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", "PWD=/", "TZ=UTC", "12345", ""]); // prettier-ignore
      ok((await as(b, 12345, "gate run ward/env extra")).code !== 0);
    },
  },
  {
    name: "gate: a program or script that was changed does not run: overwritten, renamed, linked, mounted over",
    async run(b) {
      const reset = `rm -rf /data/g && mkdir -p /data/g && cp /usr/bin/tr /data/g/tr && printf 'import sys\\nsys.stdout.write(sys.stdin.read().upper())\\n' > /data/g/up.py && printf 'print("leak")\\n' > /data/g/evil.py`;
      await b.shellOk(reset);
      await offerOwn(b, "a-z", "A-Z");
      await b.ok("gate", "create", "ward/script", "--program", "/usr/bin/python3", "--file", "/data/g/up.py", "--in", `S=${TAG}`, "--", "-I", "/data/g/up.py"); // prettier-ignore
      for (const name of ["own", "script"])
        await b.ok("tag", "grant", TAG, "s-", "--to", `gate:ward/${name}`);
      const run = (name: string) => b.csn(["gate", "run", `ward/${name}`], { input: "data\n" });
      for (const name of ["own", "script"]) strictEqual((await run(name)).out, "DATA\n");
      const attacks = [
        "cat /usr/bin/cat > /data/g/tr; cat /data/g/evil.py > /data/g/up.py",
        "cp /usr/bin/cat /data/g/new; mv /data/g/new /data/g/tr; mv /data/g/evil.py /data/g/up.py",
        "ln -f /data/g/evil.py /data/g/up.py; cp /usr/bin/cat /data/g/c; ln -f /data/g/c /data/g/tr",
        "ln -sf /usr/bin/cat /data/g/tr; ln -sf /data/g/evil.py /data/g/up.py",
        "mount --bind /usr/bin/cat /data/g/tr; mount --bind /data/g/evil.py /data/g/up.py",
      ];
      for (const attack of attacks) {
        await b.shellOk(attack);
        for (const name of ["own", "script"]) {
          const { code, out, err } = await run(name);
          deepStrictEqual({ attack, name, code, out }, { attack, name, code: 126, out: "" });
          match(err, /E_GATE_CHANGED/);
        }
        await b.shellOk(`umount /data/g/tr /data/g/up.py 2>/dev/null; ${reset}`);
        for (const name of ["own", "script"]) strictEqual((await run(name)).out, "DATA\n");
      }
      const last = (await runsOf(b, "ward/own")).filter(({ gate }) => gate!.exit === null);
      strictEqual(last.length, attacks.length, "runs that did not start are recorded");
    },
  },
  {
    name: "gate: swapped without end while it runs: the old bytes or nothing",
    async run(b) {
      await b.shellOk(
        `cp /data/g/up.py /data/g/good; setsid sh -c 'while test -e /data/g/good; do cp /data/g/evil.py /data/g/n; mv /data/g/n /data/g/up.py; cp /data/g/good /data/g/n; mv /data/g/n /data/g/up.py; done' </dev/null >/dev/null 2>&1 &`,
      );
      let ran = 0;
      for (let i = 0; i < 12; i++) {
        const { code, out } = await b.csn(["gate", "run", "ward/script"], { input: "data\n" });
        ok(code === 0 ? out === "DATA\n" : out === "", `${code} ${out}`);
        if (code === 0) ran++;
      }
      await b.shellOk("rm /data/g/good; sleep 1; rm -f /data/g/n");
      process.stderr.write(`  ${ran} of 12 ran\n`);
    },
  },
  {
    name: "gate: what its owner changes is another gate, to which nobody has granted anything",
    async run(b) {
      await offerOwn(b, "a-y", "A-Y");
      await b.fails("E_GATE_PRIVILEGE", ["gate", "run", "ward/own"], 125);
    },
  },
  {
    name: "gate: a labelled file is no part of a gate, neither its text nor its digest",
    async run(b) {
      await b.fails("E_GATE_FILE", ["gate", "create", "ward/steal", "--program", "/usr/bin/cat", "--file", `${FOLDER}/a.csv`, "--", `${FOLDER}/a.csv`]); // prettier-ignore
      await b.fails("E_GATE_FILE", ["gate", "create", "ward/script2", "--program", "/data/g/up.py"]);
    },
  },
  {
    name: "gate: a second user may not run it, nor see it, when it is not offered to him",
    async run(b) {
      await b.ok("gate", "create", "ward/mine", "--program", "/usr/bin/cut", "--in", `S=${TAG}`, "--users", "ward", "--", "-c1"); // prettier-ignore
      await b.ok("tag", "grant", TAG, "s-", "--to", "gate:ward/mine");
      const run = await as(b, 12345, "gate run ward/mine");
      match(run.err, /E_GATE_UNKNOWN/);
      ok(!(await as(b, 12345, "gate list")).out.includes("ward/mine"));
      match((await as(b, 12345, "gate create ward/other --program /usr/bin/cut")).err, /E_NOT_PERMITTED/);
    },
  },
  {
    name: "gate: revoked, and the next run is refused",
    async run(b) {
      await b.ok("tag", "revoke", TAG, "--from", "gate:ward/ages");
      await b.fails("E_GATE_PRIVILEGE", ["gate", "run", "ward/ages"], 125);
      match(await b.ok("gate", "show", "ward/ages"), /missing: ward/);
    },
  },
  {
    name: "gate: endorsed data reaches a place that it could not before, and only through the gate",
    async run(b) {
      await b.shellOk(
        "mkdir -p /data/gate/trusted /data/gate/raw && printf '{\"n\":1}\\n' > /data/gate/raw/a && echo nonsense > /data/gate/raw/b",
      );
      await b.ok("label", "set", "/data/gate/trusted", "--integrity", "ward/validated");
      ok((await b.shell("cp /data/gate/raw/a /data/gate/trusted/a")).code !== 0);
      const check = "import json,sys; t=sys.stdin.read(); json.loads(t); sys.stdout.write(t)";
      await b.ok("gate", "create", "ward/check", "--program", "/usr/bin/python3", "--out", "I=ward/validated", "--", "-I", "-c", check); // prettier-ignore
      await b.fails("E_GATE_PRIVILEGE", ["gate", "run", "ward/check"], 125);
      await b.ok("tag", "grant", "ward/validated", "i+", "--to", "gate:ward/check");
      const run = await b.csn([
        "gate",
        "run",
        "ward/check",
        "--from",
        "/data/gate/raw",
        "--to",
        "/data/gate/trusted",
      ]);
      strictEqual(run.code, 1); // one is no JSON
      match(run.out, /^a -> [\w]+\n$/);
      match(run.err, /b: the gate ended with 1/);
      const name = run.out.trim().split(" -> ")[1]!;
      strictEqual(
        await b.shellOk(`cat /data/gate/trusted/${name}; ls -A /data/gate/trusted | wc -l`),
        '{"n":1}\n1\n',
      );
      strictEqual((await b.csn(["run", "--integrity", "ward/validated", "-v", "/data/gate/trusted:/t", "--", "cat", `/t/${name}`])).out, '{"n":1}\n'); // prettier-ignore
    },
  },
  {
    name: "gate: a folder of labelled files into an open one, each once, also after the daemon was killed",
    async run(b) {
      await b.shellOk("mkdir -p /data/gate/open");
      await b.ok("tag", "grant", TAG, "s-", "--to", "gate:ward/ages");
      const go = () => b.csn(["gate", "run", "ward/ages", "--from", FOLDER, "--to", "/data/gate/open"]);
      const first = await go();
      deepStrictEqual([first.code, first.err], [0, ""]);
      // a name is data of its folder
      strictEqual(
        await b.shellOk("cat /data/gate/open/*; ls /data/gate/open | grep -c '^[0-9a-f]*$'"),
        "age\n47\n1\n",
      );
      strictEqual((await go()).out, "");
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the daemon to be back", async () => (await b.csn(["status"])).code === 0);
      strictEqual((await go()).out, "");
      strictEqual((await runsOf(b, "ward/ages")).at(-1)?.gate?.input.what, `${FOLDER}/a.csv`);
    },
  },
];
