/** Redis: commands, snapshots, its append-only file, redis-benchmark; all runs of one label. */
import { deepStrictEqual, match, strictEqual } from "node:assert";
import { ADDRESS, type Attempt, PORT, type Server, type Stage } from "./stage.ts";
import type { Program } from "./suite.ts";

let server: Server | undefined;
const cli = (...args: string[]) => ["redis-cli", "-h", "127.0.0.1", ...args];

function serve(stage: Stage): Promise<Server> {
  const argv = [
    "redis-server",
    "--dir",
    stage.data,
    "--bind",
    "127.0.0.1",
    "--unixsocket",
    `${stage.data}/redis.sock`,
  ];
  return stage.serve(
    [
      ...argv,
      "--appendonly",
      "yes",
      "--enable-protected-configs",
      "yes",
      "--stop-writes-on-bgsave-error",
      "no",
    ],
    /[Rr]eady to accept connections/,
  );
}

export const redis: Program = [
  {
    name: "commands, snapshots, the append-only file",
    async run(stage) {
      await stage.open();
      server = await serve(stage);
      await stage.shell("redis-cli -x set secret < secret");
      strictEqual(await stage.ok(["redis-cli", "-s", "redis.sock", "get", "secret"]), "xyzzy-4711-plugh\n\n");
      strictEqual(
        await stage.ok(
          cli(
            "eval",
            "for i = 1, 500 do redis.call('rpush', 'l', i) end return redis.call('llen', 'l')",
            "0",
          ),
        ),
        "500\n",
      );
      strictEqual(await stage.ok(cli("save")), "OK\n");
      await stage.ok(cli("bgrewriteaof"));
      await stage.bench.until("the rewrite is done", async () =>
        /aof_rewrite_in_progress:0[^]*aof_last_bgrewrite_status:ok/.test(
          await stage.ok(cli("info", "persistence")),
        ),
      );
      match(await stage.shell("ls"), /appendonlydir[^]*dump.rdb/);
    },
  },
  {
    name: "redis-benchmark",
    async run(stage) {
      const out = await stage.ok([
        "redis-benchmark",
        "-q",
        "-n",
        "2000",
        "-c",
        "10",
        "-P",
        "4",
        "-t",
        "set,get,lpush",
      ]);
      deepStrictEqual(
        [...out.replaceAll("\r", "\n").matchAll(/^(SET|GET|LPUSH)[^:]*: [\d.]+ requests per second/gm)]
          .map((m) => String(m[1]))
          .sort((a, b) => a.localeCompare(b)),
        ["GET", "LPUSH", "SET"],
      );
    },
  },
  {
    name: "no client from outside its label",
    async run(stage) {
      for (const how of ["-h 127.0.0.1", `-s ${stage.data}/redis.sock`]) {
        const outside = await stage.bench.shell(`timeout 10 redis-cli ${how} get secret`);
        deepStrictEqual([how, outside.code === 0, outside.out.includes("xyzzy")], [how, false, false]);
      }
    },
  },
  {
    name: "no way out: snapshots and files elsewhere, replication, migration, modules",
    async run(stage) {
      const script = (what: string, text: string, refused: Attempt["refused"] = "folder") => ({
        what,
        argv: ["sh", "-c", text],
        refused,
      });
      const network = "network";
      await stage.noWayOut([
        script(
          "save",
          `redis-cli config set dir ${stage.out}; redis-cli save; redis-cli config set dir ${stage.data}`,
        ),
        script(
          "bgsave",
          `redis-cli config set dir ${stage.out}; redis-cli bgsave; sleep 2; redis-cli config set dir ${stage.data}`,
        ),
        script("the client's output", `redis-cli --rdb ${stage.out}/x.rdb`),
        script("migrate", `redis-cli migrate ${ADDRESS} ${PORT} secret 0 2000`, network),
        script(
          "replication",
          `redis-cli replicaof ${ADDRESS} ${PORT}; sleep 3; redis-cli replicaof no one`,
          network,
        ),
        script("another server", `redis-cli -h ${ADDRESS} -p ${PORT} set secret "$(cat secret)"`, network),
        script(
          "another server on loopback",
          `timeout 5 redis-cli -h 127.0.0.1 -p ${PORT} set secret "$(cat secret)"`,
          null,
        ),
      ]);
      strictEqual(await stage.ok(cli("get", "secret")), "xyzzy-4711-plugh\n\n");
    },
  },
  {
    name: "starts again with what it wrote",
    async run(stage) {
      await server!.stop();
      server = await serve(stage);
      strictEqual(await stage.ok(cli("llen", "l")), "500\n");
      await server.stop();
    },
  },
];
