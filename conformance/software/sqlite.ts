/** SQLite: write-ahead log, shared memory, two writers at once. */
import { deepStrictEqual, strictEqual } from "node:assert";
import type { Attempt } from "./stage.ts";
import type { Program } from "./suite.ts";

export const sqlite: Program = [
  {
    name: "tables, index, write-ahead log, two writers",
    async run(stage) {
      await stage.open();
      const out = await stage.ok([
        "sqlite3",
        "db",
        `pragma journal_mode=wal; create table t(a integer primary key, b text);
         insert into t select value, (select trim(readfile('secret'), char(10))) || value from generate_series(1, 2000);
         create index i on t(b); select count(*), max(a) from t; select a from t where b like 'xyzzy%1999';
         pragma integrity_check;`,
      ]);
      deepStrictEqual(out.split("\n"), ["wal", "2000|2000", "1999", "ok", ""]);
      const writer =
        "for i in 1 2 3 4 5; do sqlite3 -cmd '.timeout 60000' db \"insert into t(b) values ('w$i')\"; done";
      await stage.shell(`(${writer}) & (${writer}) & wait`);
      // Two runs at once share the log's index by shared memory.
      await Promise.all([stage.shell(writer), stage.shell(writer)]);
      strictEqual(
        await stage.ok(["sqlite3", "db", "select count(*) from t; vacuum; pragma integrity_check"]),
        "2020\nok\n",
      );
    },
  },
  {
    name: "no way out: attach, backup, vacuum into, output, shell",
    async run(stage) {
      const attempt = (what: string, command: string): Attempt => ({
        what,
        argv: ["sqlite3", "db", command],
        refused: "folder",
      });
      await stage.noWayOut([
        attempt("attach", `attach '${stage.out}/a.db' as x; create table x.t as select * from t`),
        attempt("backup", `.backup ${stage.out}/b.db`),
        attempt("vacuum into", `vacuum into '${stage.out}/v.db'`),
        attempt("output", `.once ${stage.out}/o`),
        attempt("writefile", `select writefile('${stage.out}/w', b) from t limit 1`),
        attempt("shell", `.shell cp db ${stage.out}/db`),
      ]);
    },
  },
];
