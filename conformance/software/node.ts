/** Node.js: worker threads, child processes with their channel, files, watching, an HTTP server and its client. */
import { deepStrictEqual, strictEqual } from "node:assert";
import { ADDRESS, type Attempt, PORT } from "./stage.ts";
import type { Program } from "./suite.ts";

const NODE = "/usr/bin/node";

const INSIDE = `
const { Worker } = require("worker_threads"), { fork, execFileSync } = require("child_process"), fs = require("fs");
if (process.argv[2] === "child") { process.on("message", (m) => { process.send(m * 2); process.disconnect(); }); return; }
(async () => {
  const buffer = new SharedArrayBuffer(8), n = new BigInt64Array(buffer);
  await Promise.all([1, 2, 3].map((i) => new Promise((done, fail) => {
    const w = new Worker("const {workerData: b} = require('worker_threads'); for (let i = 0; i < 1000; i++) Atomics.add(new BigInt64Array(b), 0, 1n)", { eval: true, workerData: buffer });
    w.on("exit", done); w.on("error", fail); })));
  console.log("threads", String(n[0]));
  const child = fork(__filename, ["child"]);
  child.send(21);
  console.log("child", await new Promise((done) => child.on("message", done)));
  console.log("program", execFileSync("wc", ["-c", "secret"]).toString().trim());
  const seen = new Promise((done) => { const w = fs.watch(".", (_, name) => { if (name === "watched") { w.close(); done(name); } }); });
  await fs.promises.writeFile("watched", "x");
  console.log("watch", await seen);
  const packed = await new Promise((done, fail) => require("zlib").gzip(fs.readFileSync("secret"), (e, b) => (e ? fail(e) : done(b))));
  console.log("gzip", require("zlib").gunzipSync(packed).toString().trim());
  console.log("hash", require("crypto").scryptSync("a", "b", 8, { N: 16 }).length);
})();
`;

const SERVER = `
const http = require("http"), fs = require("fs");
http.createServer((req, res) => req.pipe(fs.createWriteStream("posted")).on("finish", () => res.end(fs.readFileSync("secret"))))
  .listen(8080, "127.0.0.1", () => console.log("listening"));
`;

const put = (name: string, text: string) => `cat > ${name} <<'END'\n${text}\nEND\n`;

export const node: Program = [
  {
    name: "threads, children, files, watching",
    async run(stage) {
      await stage.open(`${put("inside.js", INSIDE)}${put("server.js", SERVER)}true`);
      deepStrictEqual((await stage.ok([NODE, "inside.js"])).split("\n"), [
        "threads 3000",
        "child 42",
        "program 17 secret",
        "watch watched",
        "gzip xyzzy-4711-plugh",
        "hash 8",
        "",
      ]);
    },
  },
  {
    name: "an HTTP server and fetch, in two runs of one label",
    async run(stage) {
      const server = await stage.serve([NODE, "server.js"], /listening/);
      try {
        const client = `fetch("http://127.0.0.1:8080/", { method: "POST", body: "x".repeat(100000) }).then((r) => r.text()).then((t) => process.stdout.write(t))`;
        strictEqual(await stage.ok([NODE, "-e", client]), "xyzzy-4711-plugh\n");
        strictEqual((await stage.shell("wc -c < posted")).trim(), "100000");
        const outside = await stage.bench.shell("curl -s --max-time 5 http://127.0.0.1:8080/");
        deepStrictEqual([outside.code, outside.out], [7, ""]);
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: "no way out: files, names, inherited descriptors, TCP, UDP, Unix sockets, fetch",
    async run(stage) {
      const script = (code: string) => [
        NODE,
        "-e",
        `const s = require("fs").readFileSync("secret"), fs = require("fs"), net = require("net"); ${code}`,
      ];
      const attempt = (what: string, code: string, refused: Attempt["refused"] = "folder") => ({
        what,
        argv: script(code),
        refused,
      });
      const socket = "network";
      await stage.noWayOut([
        attempt("writeFile", `fs.writeFileSync("${stage.out}/x", s)`),
        attempt("append", `fs.appendFileSync("${stage.out}/existing", s)`),
        attempt("copyFile", `fs.copyFileSync("secret", "${stage.out}/c")`),
        attempt("rename", `fs.renameSync("watched", "${stage.out}/r")`, null), // two mounts: the kernel itself refuses
        attempt("symlink", `fs.symlinkSync(String(s), "${stage.out}/l")`),
        attempt("mkdir", `fs.mkdirSync("${stage.out}/" + s)`),
        attempt("utimes", `fs.utimesSync("${stage.out}/existing", 4711, 4711)`),
        attempt(
          "a child's output",
          `require("child_process").spawnSync("sh", ["-c", "cat secret > ${stage.out}/o"])`,
        ),
        attempt("a report", `process.report.writeReport("${stage.out}/report")`),
        attempt(
          "TCP to the machine",
          `net.connect(${PORT}, "${ADDRESS}").on("connect", function () { this.end(s); }).on("error", () => 0)`,
          socket,
        ),
        attempt(
          "TCP to loopback",
          `net.connect(${PORT}, "127.0.0.1").on("connect", function () { this.end(s); }).on("error", () => 0)`,
          null,
        ),
        attempt(
          "UDP",
          `const u = require("dgram").createSocket("udp4"); u.on("error", () => 0); u.send(s, ${PORT}, "${ADDRESS}", () => u.close())`,
          socket,
        ),
        attempt("fetch", `fetch("http://${ADDRESS}:${PORT}/" + s).catch(() => 0)`, socket),
        attempt(
          "a Unix socket outside",
          `net.connect("${stage.out}/socket-1").on("connect", function () { this.end(s); }).on("error", () => 0)`,
          /FLOW-1/,
        ),
        attempt(
          "an abstract socket outside",
          `net.connect("\\0outside-1").on("connect", function () { this.end(s); }).on("error", () => 0)`,
          null,
        ),
      ]);
    },
  },
];
