/**
 * Owners on a real host: users who don't trust each other, each by the kernel's word, and what they try on each other.
 */
import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench, Result } from "./bench.ts";
import { type User, USERS } from "./people.ts";
import type { Case } from "./suite.ts";

function as(b: Bench, user: User, args: string): Promise<Result> {
  return shellAs(b, user, `CSN_SOCKET=/run/csn/csnd.sock sh ${ROOT}/csn ${args}`);
}

export function shellAs(b: Bench, user: User, script: string): Promise<Result> {
  const quoted = `'${script.replaceAll("'", "'\\''")}'`;
  return b.shell(
    `cd /; HOME=/tmp setpriv --reuid=${USERS[user]} --regid=${USERS[user]} --clear-groups sh -c ${quoted}`,
  );
}

export async function can(b: Bench, user: User, args: string): Promise<string> {
  const { code, out, err } = await as(b, user, args);
  deepStrictEqual({ user, args, code, err: code === 0 ? "" : err }, { user, args, code: 0, err: "" });
  return out;
}

async function cannot(b: Bench, user: User, args: string, error: string): Promise<string> {
  const { code, err } = await as(b, user, args);
  notStrictEqual(code, 0, `${user}: ${args}`);
  match(err, new RegExp(`csn: ${error}: `), `${user}: ${args}`);
  return err;
}

/** Sends JSON to the daemon as that user; gives the answer's text. */
function post(b: Bench, user: User, path: string, body: string): Promise<Result> {
  const script = `import http.client, socket, sys
c = http.client.HTTPConnection("csn")
c.sock = socket.socket(socket.AF_UNIX)
c.sock.connect("/run/csn/csnd.sock")
c.request("POST", ${JSON.stringify(path)}, sys.stdin.read(), {"content-type": "application/json"})
r = c.getresponse()
print(r.status, r.read().decode())`;
  return shellAs(
    b,
    user,
    `printf %s '${body.replaceAll("'", "")}' | python3 -c '${script.replaceAll("'", '"')}'`,
  );
}

export const owners: readonly Case[] = [
  {
    name: "owners: users become principals, and speak for themselves alone [TAG-1]",
    async run(b) {
      for (const [name, uid] of Object.entries(USERS))
        await b.ok("principal", "create", name, "--user", String(uid));
      await can(b, "ann", "tag create ann/data ann/case:1 ann/case:2");
      await can(b, "ben", "tag create ben/data");
      await cannot(b, "eve", "tag create ann/more", "E_NOT_PERMITTED");
      await cannot(b, "eve", "tag grant eve/none s+ --to ben", "E_TAG_UNKNOWN");
      await cannot(b, "eve", "tag grant ben/data s+ --to eve --as ben", "E_NOT_PERMITTED");
      await cannot(b, "eve", "principal create mallory", "E_NOT_PERMITTED");
      await cannot(b, "eve", "principal rotate ann", "E_NOT_PERMITTED");
      await cannot(b, "eve", "principal bind ann eve", "E_NOT_PERMITTED");
      await cannot(b, "eve", "statement list", "E_NOT_PERMITTED");
    },
  },
  {
    name: "owners: another's tag looks like one that nobody has made",
    async run(b) {
      const forms = [
        (tag: string) => `run --secrecy ${tag} -- true`,
        (tag: string) => `check --from S=${tag} --to unlabelled`,
        (tag: string) => `explain privilege ${tag}`,
        (tag: string) => `tag grant ${tag} s+ --to eve`,
        (tag: string) => `tag open ${tag} s+`,
        (tag: string) => `network set 10.9.9.0/24 --secrecy ${tag}`,
        (tag: string) => `context create eve/c --secrecy ${tag}`,
        (tag: string) => `conflict create eve/c ${tag} ${tag}x`,
      ];
      for (const form of forms) {
        const there = await cannot(b, "eve", form("ann/data"), "E_TAG_UNKNOWN");
        const absent = await cannot(b, "eve", form("ann/dat0"), "E_TAG_UNKNOWN");
        strictEqual(there.replaceAll("ann/data", "ann/dat0"), absent, form("TAG"));
      }
      strictEqual(await can(b, "eve", "tag list --json"), "[]\n");
      await b.shellOk(`mkdir -p /data/ann && echo secret > /data/ann/f && chown -R ${USERS.ann} /data/ann`);
      await can(b, "ann", "label set /data/ann --secrecy ann/data");
      ok(!(await can(b, "eve", "label get /data/ann")).includes("ann/data"));
      ok(!(await cannot(b, "eve", "label clear /data/ann", "E_NOT_PERMITTED")).includes("ann/data"));
    },
  },
  {
    name: "owners: to take a label on is not to take it off, each ends with its grant, and the chain is shown [PRIV-1..3]",
    async run(b) {
      const read = "run --volume /data/ann:/data/ann --secrecy ann/data -- grep -q secret /data/ann/f";
      const print = "run --release --volume /data/ann:/data/ann --secrecy ann/data -- cat /data/ann/f";
      await cannot(b, "ben", read, "E_TAG_UNKNOWN");
      await can(b, "ann", "tag grant ann/data s+ --to ben --delegate");
      const silent = await as(b, "ben", print);
      deepStrictEqual([silent.code, silent.out], [0, ""]);
      await cannot(b, "ben", "label clear /data/ann/f", "E_NOT_PERMITTED");
      await can(b, "ann", "tag grant ann/data s- --to ben");
      strictEqual(await can(b, "ben", print), "secret\n");
      await can(b, "ben", "tag grant ann/data s+ --to eve");
      await cannot(b, "ben", "tag grant ann/data s- --to eve", "E_PRIVILEGE");
      match(await can(b, "eve", "explain privilege ann/data"), /ann granted s\+.*\n.*ben granted s\+/);
      await can(b, "eve", read);
      await can(b, "ann", "tag revoke ann/data --from ben");
      for (const user of ["ben", "eve"] as const) await cannot(b, user, read, "E_NOT_PERMITTED");
      await cannot(b, "ben", "tag grant ann/data s+ --to eve", "E_PRIVILEGE");
    },
  },
  {
    name: "owners: what was said is there after kill -9, and verifies elsewhere",
    async run(b) {
      await can(b, "ann", "tag grant ann/case:* s+ --to ben --purpose audit");
      const before = await b.ok("statement", "export");
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
      strictEqual(await b.ok("statement", "export"), before);
      await can(b, "ben", "run --secrecy ann/case:2 -- true");
      await cannot(b, "eve", "run --secrecy ann/case:2 -- true", "E_TAG_UNKNOWN");
    },
  },
  {
    name: "owners: forged, replayed and malformed statements change nothing",
    async run(b) {
      const before = await b.ok("statement", "export");
      const lines = before.trim().split("\n");
      const last = lines.at(-1)!;
      const forged = JSON.parse(last) as { seq: number; by: string; body: unknown };
      const bodies = [
        last,
        lines[0]!,
        JSON.stringify({ ...forged, seq: lines.length }),
        JSON.stringify({ ...forged, by: "platform" }),
        "{}",
        "[]",
        "null",
        '{"realm":',
        JSON.stringify({ ...forged, body: { kind: "held", holder: "ben", tags: ["ann/data"] } }),
        JSON.stringify({ ...forged, extra: 1 }),
      ];
      for (const body of bodies)
        match((await post(b, "eve", "/v1/statements/signed", body)).out, /^40[0-9] .*E_/, body);
      match(
        (
          await post(
            b,
            "eve",
            "/v1/statements",
            JSON.stringify({ as: "platform", say: [{ kind: "unconflict", name: "platform/x" }] }),
          )
        ).out,
        /^40[0-9] .*E_/,
      );
      strictEqual(await b.ok("statement", "export"), before);
    },
  },
  {
    name: "owners: who works for one of two competitors is stopped at the other, at once and for good [COI-1, TAG-2]",
    async run(b) {
      await can(b, "ann", "tag open ann/data s+");
      await can(b, "ben", "tag open ben/data s+");
      await b.ok("conflict", "create", "platform/rivals", "ann/data", "ben/data");
      await can(b, "eve", "run --secrecy ann/data -- true");
      await cannot(b, "eve", "run --secrecy ben/data -- true", "E_CONFLICT");
      await cannot(b, "eve", "run --secrecy ann/data,ben/data -- true", "E_CONFLICT");
      await cannot(b, "ann", "run --secrecy ben/data -- true", "E_CONFLICT");
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
      await cannot(b, "eve", "run --secrecy ben/data -- true", "E_CONFLICT");
      await b.ok("conflict", "delete", "platform/rivals");
      await can(b, "eve", "run --secrecy ben/data -- true");
      await can(b, "ann", "label clear /data/ann");
    },
  },
  {
    name: "owners: the demo of hospital, registry, research, two patients and a consultant",
    async run(b) {
      await b.demo("hospital");
      await b.demo("hospital"); // what the first one stated is still there
    },
  },
];
