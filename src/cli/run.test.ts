import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { test, type TestContext } from "node:test";
import {
  type ClientControl,
  controlFrame,
  FRAME,
  frame,
  FrameReader,
  type RunRequest,
} from "../api/index.ts";
import { csn, fakeDaemon, type Reply } from "./testing.ts";

type Peer = { connection: Duplex; request: RunRequest; exit(code: number): void; out(text: string): void };
type Handlers = {
  start?(peer: Peer): void;
  input?(content: Buffer, peer: Peer): void;
  control?(value: ClientControl, peer: Peer): void;
};

/** A fake daemon whose programs behave as the handlers say. */
async function withProgram(t: TestContext, handlers: Handlers, replies: Record<string, Reply> = {}) {
  const daemon = await fakeDaemon(replies, (connection, request) => {
    const peer: Peer = {
      connection,
      request,
      exit: (code) => connection.end(controlFrame({ exit: { code, withheld: false } })),
      out: (text) => connection.write(frame(FRAME.OUTPUT, Buffer.from(text))),
    };
    const reader = new FrameReader();
    connection.on("data", (chunk: Buffer) => {
      for (const { kind, content } of reader.push(chunk)) {
        if (kind === FRAME.INPUT) handlers.input?.(content, peer);
        else handlers.control?.(JSON.parse(content.toString()) as ClientControl, peer);
      }
    });
    handlers.start?.(peer);
  });
  t.after(() => daemon.close());
  return daemon;
}

test("run: the request says what the caller has; options after the program are the program's", async (t) => {
  const daemon = await withProgram(t, { start: (peer) => peer.exit(7) });
  const args = [
    "run",
    "--secrecy",
    "b/c,a/b",
    "--integrity",
    "e/f",
    "-v",
    "x:/y:ro",
    "-w",
    "/srv",
    "-e",
    "A=1",
  ];
  const ended = await csn(
    daemon,
    [...args, "--hostname", "h", "--release", "prog", "--secrecy", "-x", "--", "y"],
    {
      env: { LD_X: "no", KEPT: "yes" },
    },
  );
  assert.equal(ended.stderr, "");
  assert.equal(ended.code, 7);
  const request = daemon.asked.find(({ url }) => url === "/v1/runs")?.body as RunRequest;
  const { env, user, ...rest } = request;
  assert.deepEqual(rest, {
    argv: ["prog", "--secrecy", "-x", "--", "y"],
    context: { secrecy: ["a/b", "b/c"], integrity: ["e/f"] },
    cwd: "/srv",
    volumes: [`${process.cwd()}/x:/y:ro`],
    tty: null,
    mode: "enforce",
    via: [],
    hostname: "h",
    shows: { output: "other", error: "other" },
    release: true,
    plain: false,
  });
  assert.equal(user.uid, process.getuid?.());
  assert.equal(env.KEPT, "yes");
  assert.equal(env.A, "1");
  assert.deepEqual(
    Object.keys(env).filter((name) => /^(CSN|LD|NODE)_/.test(name)),
    [],
  );
  assert.deepEqual(daemon.asked.at(-1), {
    method: "UPGRADE",
    url: "/v1/runs/run%201/stream",
    body: "csn-stream",
    authorization: undefined,
  });
});

test("run: 10 MB in and out through real pipes, and the end of input", async (t) => {
  const sent = randomBytes(10 * 2 ** 20);
  const daemon = await withProgram(t, {
    input: (content, { connection }) => void connection.write(frame(FRAME.OUTPUT, content)),
    control: (value, peer) => {
      if ("close" in value) peer.exit(0);
    },
  });
  const ended = await csn(daemon, ["run", "cat"], { input: sent });
  assert.equal(ended.stderr, "");
  assert.equal(ended.code, 0);
  assert.ok(ended.stdout.equals(sent));
});

test("run: signals go to the program, and csn's exit code is the program's", async (t) => {
  for (const [name, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
    ["SIGQUIT", 3],
    ["SIGUSR1", 10],
    ["SIGUSR2", 12],
  ] as const) {
    const daemon = await withProgram(t, {
      start: (peer) => peer.out("ready\n"),
      control: (value, peer) => {
        if ("signal" in value) peer.exit(100 + value.signal);
      },
    });
    const onReady = (child: ChildProcess) => void child.stdout?.once("data", () => child.kill(name));
    assert.equal((await csn(daemon, ["run", "x"], { with: onReady })).code, 100 + number, name);
  }
});

test("run: who closes the output ends csn and the program, quietly", async (t) => {
  let isOver = false;
  const daemon = await withProgram(t, {
    start: ({ connection }) => {
      connection.on("close", () => (isOver = true));
      const more = () => {
        while (connection.writable && connection.write(frame(FRAME.OUTPUT, Buffer.alloc(65536, "y\n"))));
        connection.once("drain", more);
      };
      more();
    },
  });
  const ended = await csn(daemon, ["run", "yes"], {
    with: (child) => void child.stdout?.once("data", () => child.stdout?.destroy()),
  });
  assert.equal(ended.code, 141);
  assert.equal(ended.stderr, "");
  if (!isOver) await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(isOver);
});

test("run: what csn itself can't do is 125; the daemon's own codes are passed on", async (t) => {
  const refused = {
    status: 404,
    body: { error: { code: "E_TAG_UNKNOWN", message: "no tag `a/b`", hint: "make it" } },
  };
  const failing = await withProgram(t, {}, { "POST /v1/runs": refused });
  const unknown = await csn(failing, ["run", "--secrecy", "a/b", "x"]);
  assert.deepEqual(
    [unknown.code, unknown.stderr],
    [125, "csn: E_TAG_UNKNOWN: no tag `a/b`\nHint: make it\n"],
  );
  for (const args of [
    ["run"],
    ["run", "--nonsense", "x"],
    ["run", "--secrecy", "A", "x"],
    ["run", "-v", "a:b", "x"],
  ]) {
    const ended = await csn(failing, args);
    assert.equal(ended.code, 125, args.join(" "));
    assert.match(ended.stderr, /^csn: E_(USAGE|TAG_NAME|VOLUME): .*\nHint: .*\n$/);
  }
  const absent = await withProgram(t, {
    start: ({ connection }) =>
      connection.end(
        controlFrame({ failed: { code: "E_PROGRAM_NOT_FOUND", message: "no `x`", hint: "", exit: 127 } }),
      ),
  });
  const missing = await csn(absent, ["run", "x"]);
  assert.deepEqual([missing.code, missing.stderr], [127, "csn: E_PROGRAM_NOT_FOUND: no `x`\n"]);

  const dying = await withProgram(t, { start: ({ connection }) => connection.destroy() });
  const lost = await csn(dying, ["run", "x"]);
  assert.equal(lost.code, 125);
  assert.match(lost.stderr, /^csn: E_DAEMON_LOST: /);
});

test(
  "run --tty: raw while it runs, restored after, window size and keys passed on",
  { skip: hasScript() ? false : "needs script (bsdutils)" },
  async (t) => {
    const keys: Buffer[] = [];
    const daemon = await withProgram(t, {
      start: (peer) => peer.out("ready\r\n"),
      input: (content, peer) => {
        keys.push(content);
        if (Buffer.concat(keys).includes("\u0003")) peer.exit(9);
      },
    });
    const { spawn } = await import("node:child_process");
    const main = new URL("main.ts", import.meta.url).pathname;
    const command = `stty rows 31 cols 97; ${process.execPath} --disable-warning=ExperimentalWarning ${main} run -t x; echo "code=$?"; stty -a`;
    const child = spawn("script", ["-qec", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH: process.env.PATH, CSN_SOCKET: daemon.socket, SHELL: "/bin/sh" },
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      if (!text.includes("ready") && `${text}${chunk.toString()}`.includes("ready"))
        child.stdin.write("ab\u0003");
      text += chunk.toString();
    });
    await once(child, "close");
    assert.equal(Buffer.concat(keys).toString(), "ab\u0003");
    assert.match(text, /code=9/);
    assert.match(text, / icanon/);
    assert.match(text, / echo /);
    const request = daemon.asked.find(({ url }) => url === "/v1/runs")?.body as RunRequest;
    assert.deepEqual(request.tty, { rows: 31, columns: 97 });
    assert.deepEqual(request.shows, { output: "terminal", error: "terminal" });
    assert.ok(request.env.TERM);
  },
);

function hasScript(): boolean {
  return spawnSync("script", ["--version"]).status === 0;
}
