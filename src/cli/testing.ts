/**
 * For tests: a daemon that only talks, as src/api says, and csn as its users start it.
 *
 * Guarantee: neither looks at a real daemon or machine: csn gets the fake's socket and a home of its own.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { type RunRequest, type Status } from "../api/index.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

export type Asked = { method: string; url: string; body: unknown; authorization: string | undefined };
/** What the fake answers: a value, lines, or something with a status. */
export type Reply = { status?: number; body?: unknown; lines?: unknown[]; raw?: string };

export type FakeDaemon = {
  readonly folder: string;
  readonly socket: string;
  readonly port: number;
  readonly asked: Asked[];
  close(): Promise<void>;
};

/**
 * @param replies by `METHOD /path` without the query
 * @param onRun what happens on the stream of a run
 */
export async function fakeDaemon(
  replies: Record<string, Reply> = {},
  onRun?: (connection: Duplex, request: RunRequest) => void,
): Promise<FakeDaemon> {
  const folder = mkdtempSync(join(tmpdir(), "csn-cli-"));
  const socket = join(folder, "csnd.sock");
  const asked: Asked[] = [];
  const connections: Duplex[] = [];
  const known: Record<string, Reply> = {
    "GET /v1/status": { body: fakeStatus() },
    "POST /v1/runs": { body: { id: "run 1" } },
    ...replies,
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { method = "", url = "" } = request;
    asked.push({ method, url, body: text && JSON.parse(text), authorization: request.headers.authorization });
    const reply = known[`${method} ${url.split("?")[0]}`] ?? {
      status: 404,
      body: { error: { code: "E_BAD_REQUEST", message: `there is no ${url}`, hint: "none" } },
    };
    response.writeHead(reply.status ?? 200);
    response.end(reply.raw ?? (reply.lines ?? [reply.body]).map((line) => JSON.stringify(line)).join("\n"));
  };
  const server = createServer((request, response) => void answer(request, response));
  server.on("upgrade", (request, connection: Duplex) => {
    asked.push({
      method: "UPGRADE",
      url: request.url ?? "",
      body: request.headers.upgrade,
      authorization: undefined,
    });
    connection.on("error", () => {});
    connection.on("end", () => connection.end());
    connections.push(connection);
    connection.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: csn-stream\r\n\r\n",
    );
    const asking = asked.find(({ url }) => url === "/v1/runs")?.body as RunRequest;
    onRun?.(connection, asking);
  });
  const remote = createServer((request, response) => void answer(request, response));
  await Promise.all([
    new Promise<void>((resolve) => server.listen(socket, resolve)),
    new Promise<void>((resolve) => remote.listen(0, "127.0.0.1", resolve)),
  ]);
  const address = remote.address();
  return {
    folder,
    socket,
    port: typeof address === "object" && address !== null ? address.port : 0,
    asked,
    async close() {
      server.closeAllConnections();
      for (const connection of connections) connection.destroy();
      await Promise.all([server, remote].map((one) => new Promise((resolve) => one.close(resolve))));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function fakeStatus(change: Partial<Status> = {}): Status {
  return {
    version: "0.1.0",
    kernel: "6.12.1",
    machine: null,
    attached: true,
    programs: 30,
    absentHooks: [],
    since: "2025-01-02T03:04:05Z",
    pid: 4_000_001,
    tags: 1,
    counts: {
      labels: 2,
      unmounted: 0,
      subjects: 3,
      observed: 0,
      allHold: false,
      flows: {
        allowed: 10,
        refused: 4,
        observed: 0,
        recorded: 14,
        lost: 0,
        lostRefused: 0,
        lostNames: 0,
        merged: 0,
        wide: 0,
        lostWide: 0,
        internal: 0,
      },
    },
    onFull: "count",
    scope: [],
    worlds: [
      { id: "files", state: "enforced", why: "by inode" },
      { id: "sockets", state: "refused", why: "not mediated yet" },
    ],
    ...change,
  };
}

export type Ended = { code: number | null; signal: string | null; stdout: Buffer; stderr: string };
export type CsnOptions = {
  env?: Record<string, string>;
  input?: Buffer | string;
  /** Called with the process as soon as it runs. */
  with?: (child: ReturnType<typeof spawn>) => void;
};

/** Starts csn's command line against a daemon, and waits for its end. */
export function csn(daemon: FakeDaemon, args: string[], options: CsnOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      CSN_SOCKET: daemon.socket,
      CSN_HOME: join(daemon.folder, "home"),
      ...options.env,
    },
  });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => {}); // it may end before it reads
  child.stdin.end(options.input ?? "");
  options.with?.(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout: Buffer.concat(stdout), stderr }));
  });
}
