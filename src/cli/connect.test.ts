import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ROOT } from "../setup/index.ts";
import { connect, find } from "./connect.ts";
import type { Settings } from "./settings.ts";
import { isNativeKernel } from "./start.ts";
import { csn, type FakeDaemon, fakeDaemon, fakeStatus, type Reply } from "./testing.ts";
import { makeUi } from "./ui.ts";

const ui = makeUi({ json: true });

async function setUp(
  t: TestContext,
  replies: Record<string, Reply> = {},
): Promise<{ daemon: FakeDaemon; settings: Settings }> {
  const daemon = await fakeDaemon(replies);
  t.after(() => daemon.close());
  const nowhere = join(daemon.folder, "nowhere.sock");
  return {
    daemon,
    settings: {
      socket: nowhere,
      socketChosen: false,
      home: join(daemon.folder, "home"),
      machine: "default",
      kernel: "6.12",
    },
  };
}

/** A machine that seems to run: its "QEMU" is this test, its port the fake's. */
function pretendMachine(daemon: FakeDaemon, settings: Settings, change: object = {}): void {
  const folder = join(settings.home, "machine", settings.machine);
  mkdirSync(folder, { recursive: true });
  const stat = readFileSync("/proc/self/stat", "utf8");
  const startTicks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const state = {
    name: settings.machine,
    qemu: { pid: process.pid, startTicks, bootId },
    port: daemon.port,
    root: ROOT,
    mode: "daemon",
    ...change,
  };
  writeFileSync(join(folder, "state.json"), JSON.stringify(state));
  writeFileSync(join(folder, "token"), "secret");
}

/** A socket file that nobody listens on, as a killed daemon leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  const { spawnSync } = await import("node:child_process");
  spawnSync(process.execPath, ["-e", code]);
}

test("the socket first, also when a machine runs", async (t) => {
  const { daemon, settings } = await setUp(t);
  pretendMachine(daemon, settings);
  const client = await find("look", ui, { ...settings, socket: daemon.socket });
  assert.equal(client?.machine, null);
});

test("then the machine that runs, with its token", async (t) => {
  const { daemon, settings } = await setUp(t);
  pretendMachine(daemon, settings);
  const client = await connect("look", ui, settings);
  assert.equal(client.machine, "default");
  assert.equal(daemon.asked[0]?.authorization, "Bearer secret");
  assert.equal((await connect("start", ui, settings)).machine, "default");
});

test("a machine that runs a command has no daemon", async (t) => {
  const { daemon, settings } = await setUp(t);
  pretendMachine(daemon, settings, { mode: "command" });
  await assert.rejects(find("look", ui, settings), { code: "E_DAEMON_DOWN" });
});

test("nothing runs: looking starts nothing", async (t) => {
  const { settings } = await setUp(t);
  assert.equal(await find("look", ui, settings), null);
  await assert.rejects(connect("look", ui, settings), {
    code: "E_DAEMON_DOWN",
    hint: "start it with `csn up`",
  });
});

test("a socket that was asked for and is not there is an error; no other daemon is used", async (t) => {
  const { daemon, settings } = await setUp(t);
  pretendMachine(daemon, settings);
  await assert.rejects(find("look", ui, { ...settings, socketChosen: true }), { code: "E_DAEMON_DOWN" });
});

test(
  "a stale socket is recognised",
  { skip: isNativeKernel() ? "root would start a daemon on this kernel" : false },
  async (t) => {
    const { settings } = await setUp(t);
    await leaveSocket(settings.socket);
    await assert.rejects(find("look", ui, { ...settings, socketChosen: true }), {
      code: "E_DAEMON_DOWN",
      message: /nobody listens on/,
    });
    // Where the kernel can't enforce, nothing does: a leftover.
    assert.equal(await find("look", ui, settings), null);
  },
);

test("something else that listens at the socket is told from nobody", async (t) => {
  const { daemon, settings } = await setUp(t, { "GET /v1/status": { raw: "<html>" } });
  const client = await find("look", ui, { ...settings, socket: daemon.socket });
  await assert.rejects(async () => client?.call("status"), { code: "E_DAEMON_ANSWER" });
});

test("csn status where nothing runs says so and is fine; other commands fail", async (t) => {
  const { daemon } = await setUp(t);
  const env = { CSN_SOCKET: "" };
  const status = await csn(daemon, ["status"], { env });
  assert.equal(status.code, 0);
  assert.match(status.stdout.toString(), /^nothing is enforced.*\nstart it with `csn up`\n$/s);
  for (const command of [
    ["ps"],
    ["log"],
    ["tag", "list"],
    ["check"],
    ["explain", "1"],
    ["label", "get", "."],
  ]) {
    const ended = await csn(daemon, command, { env });
    assert.equal(ended.code, 1, command[0]);
    assert.match(ended.stderr, /^csn: E_DAEMON_DOWN: .*\nHint: .*csn up/);
  }
  assert.equal((await csn(daemon, ["down"], { env })).code, 0);
  const exec = await csn(daemon, ["machine", "exec", "x"], { env });
  assert.equal(exec.code, 125);
  assert.match(exec.stderr, /^csn: E_MACHINE_NOT_RUNNING: /);
});

test("a daemon that dies between two calls is reported as lost", async (t) => {
  const server = createServer((socket) => socket.destroy());
  const { settings, daemon } = await setUp(t, { "GET /v1/status": { body: fakeStatus() } });
  await new Promise<void>((resolve) => server.listen(settings.socket, resolve));
  t.after(() => server.close());
  const ended = await csn(daemon, ["status"], { env: { CSN_SOCKET: settings.socket } });
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /^csn: E_DAEMON_DOWN: /);
});
