import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { csn, type Ended, fakeDaemon, fakeStatus, type Reply } from "./testing.ts";

const CONTEXT = { secrecy: ["lab/patient"], integrity: [] };
const HOSTILE = "/srv/a\nb\u001b[2J";
const ENTRY = {
  id: 17,
  time: "2025-01-02T03:04:05Z",
  verdict: "refused",
  rule: "FLOW-1",
  op: "read",
  source: { kind: "file", name: HOSTILE, id: "1", context: CONTEXT },
  sink: { kind: "process", name: "cat", id: "2", context: { secrecy: [], integrity: [] } },
  pid: 7,
  program: "cat",
  uid: 0,
  count: 1,
  lost: 0,
  tags: ["lab/patient"],
  gates: ["lab/anonymise"],
};
const NOT_FOUND = { error: { code: "E_NOT_FOUND", message: `no \`${HOSTILE}\``, hint: "look" } };

async function ask(t: TestContext, replies: Record<string, Reply>, ...args: string[]) {
  const daemon = await fakeDaemon(replies);
  t.after(() => daemon.close());
  const ended: Ended = await csn(daemon, args);
  return { ...ended, text: ended.stdout.toString(), asked: daemon.asked };
}

test("check: 0 for allowed, 2 for refused, 1 for a failure", async (t) => {
  const answer = (allowed: boolean) => ({
    "POST /v1/check": {
      body: {
        allowed,
        rule: allowed ? null : "FLOW-1",
        tags: allowed ? [] : ["lab/patient"],
        gates: [],
        reason: "because",
      },
    },
  });
  const allowed = await ask(t, answer(true), "check", "--from", "unlabelled", "--to", "S=lab/patient");
  assert.deepEqual([allowed.code, allowed.text], [0, "allowed: unlabelled -> S=lab/patient\nbecause\n"]);
  const refused = await ask(
    t,
    answer(false),
    "check",
    "--from-secrecy",
    "lab/patient",
    "--from-integrity",
    "a/b",
    "--json",
  );
  assert.equal(refused.code, 2);
  assert.equal((JSON.parse(refused.text) as { rule: string }).rule, "FLOW-1");
  assert.deepEqual(refused.asked.at(-1)?.body, {
    from: { secrecy: ["lab/patient"], integrity: ["a/b"] },
    to: { secrecy: [], integrity: [] },
  });
  assert.equal((await ask(t, { "POST /v1/check": { status: 404, body: NOT_FOUND } }, "check")).code, 1);
  assert.equal((await ask(t, {}, "check", "--from", "S=a/b", "--from-secrecy", "a/b")).code, 1);
});

test("status: what is enforced, world by world", async (t) => {
  const { code, text, stderr } = await ask(t, {}, "status");
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.match(text, /^files {4}enforced {2}by inode\nsockets {2}refused {3}not mediated yet$/m);
  assert.ok(!text.includes("\u001b"), "no colours in a pipe");
  assert.deepEqual(JSON.parse((await ask(t, {}, "status", "--json")).text), fakeStatus());
});

test("up and down ask for it", async (t) => {
  const replies = {
    "POST /v1/up": { body: fakeStatus() },
    "POST /v1/down": { body: fakeStatus({ attached: false }) },
  };
  assert.equal((await ask(t, replies, "up")).code, 0);
  const down = await ask(t, replies, "down", "--force");
  assert.equal(down.code, 0);
  assert.deepEqual(down.asked.at(-1)?.body, { force: true });
});

test("doctor: 1 when something needed is missing, with what to do", async (t) => {
  const replies = {
    "GET /v1/doctor": {
      body: { ok: false, checks: [{ name: "hooks", ok: false, found: "none", hint: "boot with lsm=bpf" }] },
    },
  };
  const { code, text } = await ask(t, replies, "doctor");
  assert.equal(code, 1);
  assert.match(text, /^not ok {2}hooks +none\n +Hint: boot with lsm=bpf$/m);
  assert.match(text, /^ok +node +24/m);
});

test("label: each path is its own request; a fault with one does not stop the others", async (t) => {
  const replies = {
    "PUT /v1/labels": {
      lines: [
        { progress: { inodes: 5, links: 0 } },
        { result: { path: HOSTILE, context: CONTEXT, before: null, inodes: 9, skipped: ["/x/proc"] } },
      ],
    },
    "GET /v1/labels": { status: 404, body: NOT_FOUND },
    "DELETE /v1/labels": { body: { path: "/srv/x", context: CONTEXT, own: false } },
  };
  const set = await ask(t, replies, "label", "set", "--secrecy", "lab/patient", "x", "/y");
  assert.equal(set.code, 0);
  assert.match(set.text, /^\/srv\/a\\nb\\x1b\[2J: S=lab\/patient \(9 files and directories\)\n/);
  assert.match(set.stderr, /not reached, another file system: \/x\/proc/);
  assert.deepEqual(set.asked.at(-2)?.body, { path: `${process.cwd()}/x`, context: CONTEXT });
  assert.equal((set.asked.at(-1)?.body as { path: string } | undefined)?.path, "/y");

  const get = await ask(t, replies, "label", "get", "a", "b");
  assert.equal(get.code, 1);
  assert.equal(get.stderr, "csn: E_NOT_FOUND: no `/srv/a\n  b\\x1b[2J`\nHint: look\n".repeat(2));
  assert.equal(
    (JSON.parse((await ask(t, replies, "label", "get", "a", "b", "--json")).text) as unknown[]).length,
    2,
  );
  assert.equal(
    (await ask(t, replies, "label", "clear", "x")).text,
    "/srv/x: S=lab/patient (its directory's)\n",
  );
  assert.match((await ask(t, replies, "label", "set", "x")).stderr, /^csn: E_USAGE: expected --secrecy/);

  const failing = { "PUT /v1/labels": { lines: [{ progress: { inodes: 5, links: 0 } }, NOT_FOUND] } };
  assert.equal((await ask(t, failing, "label", "set", "--secrecy", "a/b", "x")).code, 1);
  const silent = { "PUT /v1/labels": { lines: [{ progress: { inodes: 5, links: 0 } }] } };
  assert.match(
    (await ask(t, silent, "label", "set", "--secrecy", "a/b", "x")).stderr,
    /csn: E_DAEMON_LOST: /,
  );
});

test("tag: created one by one, after all names were checked", async (t) => {
  const tag = { name: "a/b", id: "0", owner: "a", created: "2025-01-02T03:04:05Z" };
  const replies = { "POST /v1/tags": { body: tag }, "GET /v1/tags": { body: [tag] } };
  assert.equal((await ask(t, replies, "tag", "create", "a/b")).text, "created a/b\n");
  const wrong = await ask(t, replies, "tag", "create", "a/b", "Wrong");
  assert.deepEqual([wrong.code, wrong.asked.length], [1, 0]);
  assert.match((await ask(t, replies, "tag", "list")).text, /^TAG .*\na\/b +a +/);
});

test("network: ranges are checked before the first is set, and sent as they are listed", async (t) => {
  const rule = {
    address: "10.2.0.0/16:80",
    context: CONTEXT,
    created: "",
    reachable: false,
    why: "no way\u001b out",
  };
  const replies = {
    "PUT /v1/networks": { body: rule },
    "GET /v1/networks": { body: [rule] },
    "DELETE /v1/networks": { body: rule },
  };
  const set = await ask(
    t,
    replies,
    "network",
    "set",
    "10.2.0.0/16:80-80",
    "[2001:DB8::]:1",
    "--secrecy",
    "lab/patient",
  );
  assert.deepEqual([set.code, set.text], [0, "10.2.0.0/16:80: S=lab/patient\n".repeat(2)]);
  assert.match(set.stderr, /^csn: not reachable: no way\\x1b out\n$/);
  assert.deepEqual(
    set.asked.filter(({ method }) => method === "PUT").map(({ body }) => body),
    ["10.2.0.0/16:80", "[2001:db8::]:1"].map((address) => ({ address, context: CONTEXT })),
  );
  const wrong = await ask(t, replies, "network", "set", "10.2.0.1", "10.2.0.1/16", "--context", "unlabelled");
  assert.deepEqual([wrong.code, wrong.asked.length], [1, 0]);
  assert.match(wrong.stderr, /^csn: E_NETWORK_ADDRESS: .*\nHint: the range is `10\.2\.0\.0\/16`/);
  for (const args of [[], ["--context", "unlabelled", "--secrecy", "a/b"]])
    assert.match((await ask(t, replies, "network", "set", "10.2.0.1", ...args)).stderr, /^csn: E_USAGE: /);
  const list = await ask(t, replies, "network", "list");
  assert.match(list.text, /^ADDRESS +CONTEXT +REACHABLE\n10\.2\.0\.0\/16:80 +S=lab\/patient +no\n$/);
  assert.match(list.stderr, /no way\\x1b out/);
  const unset = await ask(t, replies, "network", "unset", "10.2.0.0/16:80");
  assert.deepEqual(
    [unset.text, unset.asked.at(-1)?.body],
    ["10.2.0.0/16:80: unset\n", { address: "10.2.0.0/16:80" }],
  );
  const refused = { "DELETE /v1/networks": { status: 404, body: NOT_FOUND } };
  assert.equal((await ask(t, refused, "network", "unset", "10.2.0.1")).code, 1);
});

test("ps, log and explain: names can't act on the terminal", async (t) => {
  const labelled = {
    pid: 7,
    ppid: 1,
    uid: 0,
    command: "c\u001bt",
    in: CONTEXT,
    out: CONTEXT,
    holds: [HOSTILE],
    mode: "enforce",
    shadow: null,
  };
  const replies = {
    "GET /v1/processes": { body: [labelled] },
    "GET /v1/log": { lines: [ENTRY, { ...ENTRY, id: 18, lost: 4 }] },
    "GET /v1/log/17/explanation": {
      body: { record: ENTRY, rule: "FLOW-1", text: "no\u001b", tags: [], remedy: ["clear\nit"] },
    },
  };
  for (const args of [["ps"], ["log"], ["explain", "#17"]]) {
    const { code, text, stderr } = await ask(t, replies, ...args);
    assert.equal(code, 0, stderr);
    assert.ok(!text.includes("\u001b"), args[0]);
  }
  const log = await ask(t, replies, "log", "-f", "--refused", "--tag", "a/b", "-n", "5");
  assert.equal(log.asked.at(-1)?.url, "/v1/log?follow=true&refused=true&tag=a%2Fb&limit=5");
  assert.equal(log.text.trim().split("\n").length, 2);
  assert.match(log.stderr, /records are missing: a processor has lost 4/);
  const json = (await ask(t, replies, "log", "--json")).text.trim().split("\n");
  assert.deepEqual(JSON.parse(json[0] ?? ""), ENTRY);
  assert.equal((await ask(t, replies, "explain", "x")).code, 1);
});

test("bad usage: one error with a suggestion", async (t) => {
  const said = async (...args: string[]) => {
    const { code, text, stderr } = await ask(t, {}, ...args);
    assert.deepEqual([code, text], [1, ""]);
    return stderr;
  };
  assert.equal(
    await said("statsu"),
    "csn: E_USAGE: unknown command `statsu`\nHint: did you mean `status`?\n",
  );
  assert.equal(
    await said("status", "--jsn"),
    "csn: E_USAGE: unknown option `--jsn`\nHint: did you mean `--json`?\n",
  );
  assert.equal(
    await said("machine", "sotp"),
    "csn: E_USAGE: unknown command `sotp`\nHint: did you mean `stop`?\n",
  );
  assert.equal(
    await said("help", "label", "ste"),
    "csn: E_USAGE: unknown command `ste`\nHint: did you mean `set`?\n",
  );
  assert.match(await said("log", "-n", "0"), /^csn: E_USAGE: .* expected a number from 1 to 1000000\n/);
});

test("help and version: 0, on standard output", async (t) => {
  for (const args of [["--help"], ["help", "machine", "start"], ["run", "--help"], ["--version"]]) {
    const { code, text, stderr } = await ask(t, {}, ...args);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(text, /csn/);
  }
});
