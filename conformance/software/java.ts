/** OpenJDK: compiles and runs a program of one file: threads, mappings, an HTTP server and its client. */
import { deepStrictEqual } from "node:assert";
import { ADDRESS, PORT } from "./stage.ts";
import type { Program } from "./suite.ts";

const INSIDE = `
import java.net.*; import java.nio.*; import java.nio.channels.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*;
public class Inside {
  public static void main(String[] a) throws Exception {
    var pool = Executors.newFixedThreadPool(4); var sum = 0L;
    var parts = new ArrayList<Future<Long>>();
    for (int i = 0; i < 4; i++) { final int n = i; parts.add(pool.submit(() -> { long s = 0; for (int j = n; j < 100000; j += 4) s += j; return s; })); }
    for (var p : parts) sum += p.get();
    pool.shutdown();
    System.out.println("threads " + sum);
    try (var f = FileChannel.open(Path.of("mapped"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      var m = f.map(FileChannel.MapMode.READ_WRITE, 0, 8192); m.putLong(4096, 4711); m.force();
      var lock = f.lock(); System.out.println("mapped " + f.map(FileChannel.MapMode.READ_ONLY, 4096, 8).getLong() + " " + lock.isValid());
    }
    var p = new ProcessBuilder("wc", "-c", "secret").start();
    System.out.println("process " + new String(p.getInputStream().readAllBytes()).trim() + " " + p.waitFor());
    System.out.println("gc " + (Runtime.getRuntime().maxMemory() > 0) + " " + ProcessHandle.current().info().command().isPresent());
  }
}
`;

const SERVE = `
import com.sun.net.httpserver.*; import java.net.*; import java.net.http.*; import java.nio.file.*;
public class Serve {
  public static void main(String[] a) throws Exception {
    var s = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    s.createContext("/", x -> { var b = Files.readAllBytes(Path.of("secret")); x.sendResponseHeaders(200, b.length); x.getResponseBody().write(b); x.close(); });
    s.start();
    var c = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + s.getAddress().getPort() + "/")).build(), HttpResponse.BodyHandlers.ofString());
    System.out.print(c.statusCode() + " " + c.body());
    System.out.println(NetworkInterface.getByName("lo").isLoopback());
    s.stop(0); System.exit(0);
  }
}
`;

/** One start for all ways: each takes seconds under emulation. Prints which ways went through. */
const STEAL = `
import java.net.*; import java.nio.*; import java.nio.channels.*; import java.nio.file.*;
public class Steal {
  interface Way { void go() throws Exception; }
  static void way(String name, Way w) { try { w.go(); System.out.println("OUT " + name); } catch (Exception e) { } }
  public static void main(String[] a) throws Exception {
    var out = Path.of(a[0]); var b = Files.readAllBytes(Path.of("secret")); var s = new String(b).trim();
    way("write", () -> Files.write(out.resolve("x"), b));
    way("append", () -> Files.write(out.resolve("existing"), b, StandardOpenOption.APPEND));
    way("copy", () -> Files.copy(Path.of("secret"), out.resolve("c")));
    way("move", () -> Files.move(Path.of("mapped"), out.resolve("m")));
    way("link", () -> Files.createSymbolicLink(out.resolve("l"), Path.of(s)));
    way("temporary", () -> Files.createTempFile(out, s, ""));
    way("random", () -> { try (var r = new java.io.RandomAccessFile(out.resolve("existing").toFile(), "rw")) { r.write(b); } });
    way("tcp", () -> { try (var k = new Socket()) { k.connect(new InetSocketAddress("${ADDRESS}", ${PORT}), 5000); k.getOutputStream().write(b); } });
    way("loopback", () -> { try (var k = new Socket()) { k.connect(new InetSocketAddress("127.0.0.1", ${PORT}), 5000); k.getOutputStream().write(b); } });
    way("udp", () -> { try (var k = new DatagramSocket()) { k.send(new DatagramPacket(b, b.length, InetAddress.getByName("${ADDRESS}"), ${PORT})); } });
    way("unix", () -> { try (var k = SocketChannel.open(UnixDomainSocketAddress.of(out.resolve("socket-1")))) { k.write(ByteBuffer.wrap(b)); } });
    way("http", () -> new URL("http://${ADDRESS}:${PORT}/" + s).openStream().read());
    System.out.println("tried");
  }
}
`;

const put = (name: string, text: string) => `cat > ${name} <<'END'\n${text}\nEND\n`;

export const java: Program = [
  {
    name: "compiles and runs: threads, mappings, locks, processes",
    async run(stage) {
      await stage.open(
        `${put("Inside.java", INSIDE)}${put("Serve.java", SERVE)}${put("Steal.java", STEAL)}true`,
      );
      await stage.ok(["javac", "Inside.java", "Serve.java", "Steal.java"]);
      deepStrictEqual((await stage.ok(["java", "Inside"])).split("\n"), [
        "threads 4999950000",
        "mapped 4711 true",
        "process 17 secret 0",
        "gc true true",
        "",
      ]);
    },
  },
  {
    name: "an HTTP server and its client",
    async run(stage) {
      deepStrictEqual((await stage.ok(["java", "Serve"])).split("\n"), ["200 xyzzy-4711-plugh", "true", ""]);
    },
  },
  {
    name: "no way out: files, names, TCP, UDP, Unix sockets, HTTP; options of the machine itself",
    async run(stage) {
      const steal = ["java", "Steal", stage.out];
      strictOut((await stage.run(steal)).out);
      await stage.noWayOut([
        { what: "every way", argv: steal, refused: "folder" },
        { what: "every way, network", argv: steal, refused: "network" },
        {
          what: "a log",
          argv: ["java", `-Xlog:gc*:file=${stage.out}/gc.log`, "Inside"],
          refused: "folder",
        },
        {
          what: "javac -d",
          argv: ["javac", "-d", stage.out, "Inside.java"],
          refused: "folder",
        },
      ]);
    },
  },
];

function strictOut(out: string): void {
  deepStrictEqual(out, "tried\n");
}
