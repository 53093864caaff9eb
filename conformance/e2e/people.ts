/**
 * Users of the machine who don't trust each other, and how they call csn: by its command line, as themselves, or
 * straight by its API, which is much faster under emulation.
 */
import { deepStrictEqual } from "node:assert";
import type { Bench } from "./bench.ts";

/** Users without a line in /etc/passwd; the administrator says which principals they are. */
export const USERS = { ann: 61101, ben: 61102, eve: 61103 };
export type User = keyof typeof USERS;

export type Call = { method: "GET" | "POST" | "PUT" | "DELETE"; path: string; body?: unknown };
export type Answer = { status: number; body: { id?: string; error?: { code: string; message: string } } };

const CLIENT = `import http.client, json, socket, sys
answers = []
for call in json.load(sys.stdin):
    c = http.client.HTTPConnection("csn")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect("/run/csn/csnd.sock")
    body = json.dumps(call["body"]) if "body" in call else None
    c.request(call["method"], call["path"], body, {"content-type": "application/json"} if body else {})
    r = c.getresponse()
    lines = r.read().decode().strip().split("\\n")
    answers.append({"status": r.status, "body": json.loads(lines[-1] or "null")})
print(json.dumps(answers))`;

/** Calls the API as that user, by the kernel's word, one after the other. */
export async function callAs(b: Bench, user: User, calls: readonly Call[]): Promise<Answer[]> {
  const id = USERS[user];
  const { code, out, err } = await b.csn(
    [
      "machine",
      "exec",
      "--",
      "setpriv",
      `--reuid=${id}`,
      `--regid=${id}`,
      "--clear-groups",
      "python3",
      "-c",
      CLIENT,
    ],
    { input: JSON.stringify(calls) },
  );
  deepStrictEqual({ code, err: code === 0 ? "" : err }, { code: 0, err: "" });
  return JSON.parse(out) as Answer[];
}

/** What `csn run` asks first: prepared or refused. It is never started, and forgotten after a minute. */
export function runCall(
  user: User,
  context: { secrecy?: string[]; integrity?: string[] },
  more: object = {},
): Call {
  const shows = { output: "other", error: "other" };
  const uid = USERS[user];
  return {
    method: "POST",
    path: "/v1/runs",
    body: {
      ...{ argv: ["true"], env: {}, cwd: "/", volumes: [], tty: null, hostname: "csn", shows },
      ...{ release: false, plain: false, user: { uid, gid: uid, groups: [] } },
      context: { secrecy: [], integrity: [], ...context },
      ...more,
    },
  };
}

/** csn from outside, as that principal, by a token of its own. */
export async function tokenOf(b: Bench, principal: string): Promise<{ env: Record<string, string> }> {
  return { env: { CSN_TOKEN: (await b.ok("token", "create", "--as", principal)).trim() } };
}
