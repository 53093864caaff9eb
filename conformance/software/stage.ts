/**
 * Where one program is run: a tag and a labelled folder of its own, which hold a secret, and an unlabelled
 * folder, a port and a socket outside, where the secret must never arrive.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import type { Bench, Options, Result } from "../e2e/bench.ts";

export const SECRET = "xyzzy-4711-plugh";
/** Where somebody unlabelled listens in the machine: its loopback, and its address in the network. */
export const PORT = 4711;
export const ADDRESS = "10.0.2.15";
const CAUGHT = "/data/caught";

export type RunOptions = Options & {
  user?: number;
  folder?: string;
  /** Another label than the stage's. */
  tags?: string;
  /** All of the disk is one volume, so that names may be joined across folders. */
  whole?: true;
};

/** A way to get the secret out that a program has by itself. */
export type Attempt = {
  what: string;
  argv: readonly string[];
  /** What must be on the record. Null: nothing, since there is nobody to reach, and so no flow to refuse. */
  refused: "folder" | "network" | RegExp | null;
  options?: RunOptions;
};

/** A server under the label, for as long as it is wanted. */
export type Server = { out: () => string; stop: (signal?: NodeJS.Signals) => Promise<Result> };

/** How refusals are written, to be matched: `OP PROGRAM: SOURCE -> KIND SINK (CONTEXT) RULE`. */
const REFUSED = {
  folder: /-> (file|directory|symlink) .*\(unlabelled\) FLOW-1$/,
  network: /^(socket|connect|send) /,
};

type Entity = { kind: string; name: string; context: { secrecy: string[] } | null };
type Entry = { id: number; op: string; program: string; rule: string; source: Entity; sink: Entity };

function lineOf({ op, program, source, sink, rule }: Entry): string {
  const context = sink.context?.secrecy.join() || "unlabelled";
  return `${op} ${program}: ${source.name} -> ${sink.kind} ${sink.name} (${context}) ${rule}`;
}

export class Stage {
  readonly bench: Bench;
  readonly tag: string;
  /** The labelled folder. */
  readonly data: string;
  /** The unlabelled one. */
  readonly out: string;

  constructor(bench: Bench, name: string) {
    this.bench = bench;
    this.tag = `soft/${name}`;
    this.data = `/data/${name}`;
    this.out = `/data/out/${name}`;
  }

  /** `prepare` is run unlabelled in the folder before it gets its label. */
  async open(prepare = "true", owner = 0): Promise<void> {
    await this.bench.ok("tag", "create", this.tag);
    await this.bench.shellOk(
      `mkdir -p ${this.data} ${this.out} && cd ${this.data} && echo ${SECRET} > secret && ${prepare} && chown -R ${owner} . && chmod 777 ${this.out} && ln /data/out/socket-* ${this.out}`,
    );
    await this.bench.ok("label", "set", this.data, "--secrecy", this.tag);
  }

  #args(argv: readonly string[], options: RunOptions): string[] {
    const volumes = options.whole === true ? ["/data"] : [this.data, this.out];
    const folders = volumes.flatMap((folder) => ["--volume", `${folder}:${folder}`]);
    return [
      ...["run", "--release", "--secrecy", options.tags ?? this.tag, ...folders],
      ...["--workdir", options.folder ?? this.data, "--env", "LC_ALL=C", "--env", "HOME=/tmp"],
      ...(options.user === undefined ? [] : ["--user", `${options.user}:${options.user}`]),
      ...["--", ...argv],
    ];
  }

  /** A program under the label, to its end. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
    return this.bench.csn(this.#args(argv, options), options);
  }

  /** Must exit 0; gives what it printed. */
  async ok(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await this.run(argv, options);
    deepStrictEqual(
      {
        argv,
        code: result.code,
        err: result.code === 0 ? "" : result.err,
        out: result.code === 0 ? "" : result.out,
      },
      { argv, code: 0, err: "", out: "" },
    );
    return result.out;
  }

  shell(script: string, options: RunOptions = {}): Promise<string> {
    return this.ok(["sh", "-ec", script], options);
  }

  /** A server under the label; returns once `ready` matches what it has printed. */
  async serve(argv: readonly string[], ready: RegExp, options: RunOptions = {}): Promise<Server> {
    const { child, ended } = this.bench.begin(this.#args(argv, options), {
      timeoutMs: 3_600_000,
      ...options,
    });
    let out = "";
    let over: Result | undefined;
    child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (out += chunk.toString()));
    const isOver = ended.then((result) => (over = result));
    await this.bench
      .until(`${argv[0]} is ready`, async () => {
        if (over !== undefined) throw new Error(`${argv.join(" ")} exited with ${over.code}:\n${out}`);
        return Promise.resolve(ready.test(out));
      })
      .catch((error: unknown) => {
        child.kill("SIGKILL");
        throw new Error(`${String(error)}; it printed:\n${out}`);
      });
    return {
      out: () => out,
      async stop(signal = "SIGTERM") {
        child.kill(signal);
        return isOver;
      },
    };
  }

  /** Refused flows of this stage after record `after`, a line each. See REFUSED. */
  async refusals(after: number): Promise<string[]> {
    return (await this.#refused(after)).map(lineOf);
  }

  async #refused(after: number): Promise<Entry[]> {
    const text = await this.bench.ok("log", "--refused", "--json", "--tag", this.tag, "-n", "2000");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Entry)
      .filter(({ id }) => id > after);
  }

  /** The number of the last refusal. */
  async mark(): Promise<number> {
    const text = await this.bench.ok("log", "--refused", "--json", "-n", "1");
    return text === "" ? 0 : (JSON.parse(text) as Entry).id;
  }

  /** All of them must fail to get the secret out, and leave their refusals on the record. */
  async noWayOut(attempts: readonly Attempt[]): Promise<void> {
    const faults: string[] = [];
    await this.bench.shellOk(`echo ordinary > ${this.out}/existing`);
    const before = await this.outside();
    let mark = await this.mark();
    for (const { what, argv, refused, options } of attempts) {
      const result = await this.run(argv, options);
      const found = await this.#refused(mark);
      const records = found.map(lineOf);
      mark = found.at(-1)?.id ?? mark;
      const wanted: RegExp | null = typeof refused === "string" ? REFUSED[refused] : refused;
      if (wanted !== null && !records.some((line) => wanted.test(line)))
        faults.push(
          `${what}: no record like ${wanted}; found:\n${records.join("\n")}\nit printed:\n${result.out}${result.err}`,
        );
    }
    // Once, at the end: each look costs as much as an attempt.
    const after = await this.outside();
    if (after !== before) faults.push(`outside is now\n${after}\nand was\n${before}`);
    strictEqual(faults.join("\n\n"), "");
  }

  /** All that an unlabelled root shell finds of what labelled programs may have left. */
  async outside(): Promise<string> {
    const { out } = await this.bench.shell(
      `cd ${this.out} && find . -printf '%p %y %s %m %T@ %l\\n' | sort
       cat ${CAUGHT} 2>/dev/null
       grep -rsl ${SECRET} /data/out /tmp /dev/shm /run/csn/tree /proc/sys/kernel/hostname 2>/dev/null
       find /data/out /tmp /dev/shm /dev/mqueue /sys/fs/cgroup -name '*${SECRET}*' 2>/dev/null
       cat /proc/net/unix | grep ${SECRET}
       dmesg | grep ${SECRET}`,
    );
    return out;
  }
}

/** Somebody unlabelled listens in the machine, and writes down what it hears. */
export async function listenOutside(bench: Bench): Promise<void> {
  await bench.shellOk("mkdir -p /data/out && : > /data/caught");
  const script = `
import os, selectors, socket
s = selectors.DefaultSelector()
def add(family, kind, address):
    k = socket.socket(family, kind)
    if family != socket.AF_UNIX: k.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    k.bind(address)
    if kind == socket.SOCK_STREAM: k.listen(64)
    s.register(k, selectors.EVENT_READ, kind)
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    for port in (${PORT}, 53): add(socket.AF_INET, kind, ("0.0.0.0", port))
    add(socket.AF_INET6, kind, ("::1", ${PORT}))
    add(socket.AF_UNIX, kind, "/data/out/socket-%d" % kind)
    os.chmod("/data/out/socket-%d" % kind, 0o777)
    add(socket.AF_UNIX, kind, "\\0outside-%d" % kind)
os.write(1, b"x")
out = open("/data/caught", "ab", 0)
while True:
    for key, _ in s.select():
        k = key.fileobj
        try:
            if key.data == socket.SOCK_STREAM:
                c = k.accept()[0]
                out.write(b"connection\\n")
                s.register(c, selectors.EVENT_READ, None)
                continue
            data = k.recv(65536)
        except OSError:
            data = b""
        if data: out.write(data)
        elif key.data is None:
            s.unregister(k)
            k.close()
`;
  await bench.shellOk(
    `cat > /run/listener.py <<'END'\n${script}\nEND\nsetsid python3 /run/listener.py > /run/listener.ready 2> /run/listener.log < /dev/null &
     for i in $(seq 1000); do test -s /run/listener.ready && exit 0; sleep 0.2; done; cat /run/listener.log >&2; exit 1`,
  );
  // It works at all: what is sent unlabelled does arrive.
  await bench.shellOk(
    `python3 -c 'import socket
for a in ("127.0.0.1", "${ADDRESS}"): socket.create_connection((a, ${PORT})).sendall(b"hello ")
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello ", ("${ADDRESS}", 53))'
     for i in $(seq 1000); do test "$(grep -o hello /data/caught | wc -l)" = 3 && break; sleep 0.2; done`,
  );
  const caught = await bench.shellOk("grep -o hello /data/caught | wc -l");
  ok(caught.trim() === "3", `the listener outside caught ${caught}`);
  await bench.shellOk(": > /data/caught");
}
