/**
 * Real programs as the bench runs them, as data: shell scripts in a folder of their own, as root, in a network of
 * their own. What a round does is measured, with all that it has others do; `prepare` is run once, before anything
 * is attached, and what it leaves is copied into each column's folder.
 */
import { bin } from "../conformance/software/postgresql.ts";
import type { WorkloadId } from "./report.ts";

export type Workload = {
  prepare: string;
  /** Before the first round; a server is ready when it ends. */
  begin: string;
  round: string;
  end: string;
};

const AS_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups";
const POSTGRES = `${AS_NOBODY} ${bin("postgres")} -D cluster -k "$PWD" -h "" -c dynamic_shared_memory_type=mmap > postgres.log 2>&1`;
const PG = `-h "$PWD" -U bench postgres`;
const UNTIL_PG = `until ${bin("pg_isready")} -q ${PG.replace("postgres", "-d postgres")}; do sleep 0.1; done`;
const STOP_PG = "kill -INT $server; wait $server";

const NGINX = `daemon off; worker_processes 1; pid pid; user root; error_log stderr;
events { worker_connections 64; }
http { access_log access.log; sendfile on;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server { listen 127.0.0.1:8080; root www; } }`;

/** @param archive - A real source, packed. */
export const workloads = (archive: string): Record<WorkloadId, Workload> => ({
  unpack: { prepare: "", begin: "", round: `tar xf ${archive} -C "$(mktemp -d -p .)"`, end: "" },
  compile: {
    prepare: `tar xf ${archive} --strip-components=1`,
    begin: "",
    round: "make -s -B CFLAGS=-O0 huffman.o bzip2recover",
    end: "",
  },
  pgbench: {
    prepare: `chown 65534 .
      ${AS_NOBODY} ${bin("initdb")} -D cluster -U bench -A trust -N --no-locale -E UTF8 > initdb.log
      ${POSTGRES} & server=$!; ${UNTIL_PG}
      ${bin("pgbench")} -q -i -s 1 ${PG} 2> init.log; ${STOP_PG}`,
    begin: `${POSTGRES} & server=$!; ${UNTIL_PG}`,
    round: `${bin("pgbench")} -n -c 2 -j 2 -t 25 ${PG} > pgbench.log 2>&1`,
    end: STOP_PG,
  },
  redis: {
    prepare: "",
    begin: `redis-server --bind 127.0.0.1 --save "" > redis.log & until redis-cli ping; do sleep 0.1; done`,
    round: "redis-benchmark -q -n 1000 -c 10 -t set,get > redis-benchmark.log",
    end: "redis-cli shutdown nosave; wait",
  },
  nginx: {
    prepare: `mkdir www; seq 1000 > www/page; cat > nginx.conf <<'END'\n${NGINX}\nEND\n`,
    begin: `nginx -p "$PWD" -c nginx.conf -e stderr 2> nginx.log & server=$!
      until curl -sf http://127.0.0.1:8080/page > page; do sleep 0.1; done`,
    round: `wrk -t1 -c4 -d1s http://127.0.0.1:8080/page | sed -n 's/ requests in.*//p' > count`,
    end: "kill $server; wait $server",
  },
});
