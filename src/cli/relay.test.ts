import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { controlFrame, type ClientControl, FRAME, frame, FrameReader } from "../api/index.ts";
import { startRelay } from "./relay.ts";

const TEN_MB = 10 * 2 ** 20;
/** What sockets and streams hold in between; far below what passes. */
const BUFFERS = 4 * 2 ** 20;

/** Two ends of a real connection. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const near = connect(port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  far.on("error", () => {});
  server.close();
  return { near, far };
}

function streams(output: Writable = new PassThrough().resume()) {
  const said: string[] = [];
  return {
    input: new PassThrough(),
    output,
    error: new PassThrough(),
    terminals: ["output" as const],
    say: (text: string) => void said.push(text),
    said,
  };
}

const sum = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

test("10 MB to a slow reader: the sender is held back, and nothing is lost", async () => {
  const { near, far } = await pair();
  const taken: Buffer[] = [];
  let isOpen = false;
  const slow = new Writable({
    highWaterMark: 65536,
    write(chunk: Buffer, _, done) {
      taken.push(chunk);
      const wait = () => (isOpen ? done() : setTimeout(wait, 5));
      wait();
    },
  });
  const relay = startRelay(near, Buffer.alloc(0), streams(slow));
  const sent = randomBytes(TEN_MB);
  for (let at = 0; at < sent.length; at += 100_000)
    far.write(frame(FRAME.OUTPUT, sent.subarray(at, at + 100_000)));
  far.end(controlFrame({ exit: { code: 3, withheld: false } }));

  await sleep(300);
  assert.ok(near.bytesRead < BUFFERS, `read ${near.bytesRead} bytes that nobody took`);
  isOpen = true;
  assert.equal(await relay.ended, 3);
  slow.end();
  await once(slow, "finish");
  assert.equal(sum(Buffer.concat(taken)), sum(sent));
});

test("10 MB of input to a program that does not read: the caller is held back; then all arrives, and its end", async () => {
  const { near, far } = await pair();
  const mine = streams();
  const relay = startRelay(near, Buffer.alloc(0), mine);
  far.pause();
  const sent = randomBytes(TEN_MB);
  mine.input.end(sent);
  await sleep(300);
  assert.ok(near.bytesWritten - near.writableLength < BUFFERS);

  const reader = new FrameReader();
  const taken: Buffer[] = [];
  far.on("data", (chunk: Buffer) => {
    for (const { kind, content } of reader.push(chunk)) {
      if (kind === FRAME.INPUT) taken.push(content);
      else if ("close" in (JSON.parse(content.toString()) as ClientControl))
        far.end(controlFrame({ exit: { code: 0, withheld: false } }));
    }
  });
  far.resume();
  assert.equal(await relay.ended, 0);
  assert.equal(sum(Buffer.concat(taken)), sum(sent));
});

test("withheld output is said once a stream; on a terminal the reason is the clearance", async () => {
  const { near, far } = await pair();
  const mine = streams();
  const relay = startRelay(near, Buffer.alloc(0), mine);
  const withheld = (stream: "output" | "error") =>
    controlFrame({ withheld: { stream, tags: ["lab/patient"], hint: "ask\nlab" } });
  for (const bytes of [withheld("output"), withheld("output"), withheld("error")]) far.write(bytes);
  far.end(controlFrame({ exit: { code: 0, withheld: true } }));
  assert.equal(await relay.ended, 0);
  assert.deepEqual(mine.said, [
    "csn: output withheld: you are not cleared for lab/patient\nHint: ask\\nlab\n",
    "csn: error output withheld: lab/patient may not go to a file or pipe without this label\nHint: ask\\nlab\n",
  ]);
});

test("a program that could not be started: the reason, and the exit code for it", async () => {
  const { near, far } = await pair();
  const mine = streams();
  // What came together with the answer to the upgrade counts too.
  const head = controlFrame({
    failed: { code: "E_PROGRAM_NOT_FOUND", message: "no `x`", hint: "look", exit: 127 },
  });
  const relay = startRelay(near, head, mine);
  assert.equal(await relay.ended, 127);
  assert.deepEqual(mine.said, ["csn: E_PROGRAM_NOT_FOUND: no `x`\nHint: look\n"]);
  far.destroy();
});

test("a connection that ends early is an error, also in the middle of a frame", async () => {
  for (const bytes of [Buffer.alloc(0), frame(FRAME.OUTPUT, Buffer.alloc(100)).subarray(0, 50)]) {
    const { near, far } = await pair();
    const relay = startRelay(near, Buffer.alloc(0), streams());
    far.end(bytes);
    await assert.rejects(relay.ended, { code: "E_DAEMON_LOST" });
  }
});

test("a damaged stream is an error", async () => {
  for (const bytes of [Buffer.from([1, 255, 255, 255, 255]), frame(FRAME.CONTROL, Buffer.from("{"))]) {
    const { near, far } = await pair();
    const relay = startRelay(near, Buffer.alloc(0), streams());
    far.write(bytes);
    await assert.rejects(relay.ended, { code: "E_DAEMON_ANSWER" });
    far.destroy();
  }
});

test("a signal that can't get past input which nobody reads ends the run", async () => {
  const { near, far } = await pair();
  const mine = streams();
  const relay = startRelay(near, Buffer.alloc(0), mine);
  far.pause();
  mine.input.write(randomBytes(TEN_MB));
  await sleep(200);
  relay.signal("SIGTERM");
  assert.equal(await relay.ended, 143);
  far.destroy();
});
