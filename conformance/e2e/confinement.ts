/**
 * Programs that the demo does not know look for a way from a labelled file to an unlabelled reader. The
 * unlabelled reader is a root shell of the machine that searches everything it can see for the secret.
 */
import { ok, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench } from "./bench.ts";
import type { Case } from "./suite.ts";

const TAG = "lab/patient";
const SECRET = "xyzzy-4711-plugh";

/** Each gets /data/leak, an unlabelled volume, and /data/s/f, which holds the secret. */
const ATTEMPTS: Record<string, string[]> = {
  "perl writes": [
    "perl",
    "-e",
    `open I,"/data/s/f";$x=<I>;open O,">/data/leak/perl";print O $x;mkdir "/data/leak/$x";symlink $x,"/data/leak/link"`,
  ],
  "a shell with every redirection": [
    "sh",
    "-c",
    `x=$(cat /data/s/f); echo "$x" > /data/leak/a; echo "$x" >> /data/leak/existing; touch "/data/leak/$x"; ln -s "$x" /data/leak/l; mkfifo "/data/leak/$x.fifo"; cp /data/s/f /data/leak; install /data/s/f /data/leak/i; true`,
  ],
  "sed, tee, rsync-like copies": [
    "sh",
    "-c",
    "sed p /data/s/f > /data/leak/sed; tee /data/leak/tee < /data/s/f; cat /data/s/f | dd of=/data/leak/dd; tar c /data/s | tar x -C /data/leak; cpio -pdm /data/leak < /data/s/f; true",
  ],
  "python threads and processes": [
    "python3",
    "-c",
    `
import os, threading
s = open('/data/s/f').read().strip()
def t():
    try: open('/data/leak/thread','w').write(s)
    except OSError: pass
ts=[threading.Thread(target=t) for _ in range(8)]; [x.start() for x in ts]; [x.join() for x in ts]
for i in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            t(); os._exit(0)
        os._exit(0)
try: os.chmod('/data/leak/existing', 0o123)
except OSError: pass
try: os.utime('/data/leak/existing', (4711, 4711))
except OSError: pass
try: os.setxattr('/data/leak/existing', 'user.x', s.encode())
except OSError: pass
try: os.rename('/data/leak/existing', '/data/leak/'+s)
except OSError: pass
try: os.unlink('/data/leak/existing')
except OSError: pass`,
  ],
  "a deep tree of processes": [
    "sh",
    "-c",
    `f() { [ $1 -gt 0 ] && (f $(($1-1))) || cat /data/s/f > /data/leak/deep; }; f 40; true`,
  ],
  "a static binary": [
    "busybox",
    "sh",
    "-c",
    "busybox cp /data/s/f /data/leak/static; busybox nc -w 1 127.0.0.1 7070 < /data/s/f; true",
  ],
  "what root has elsewhere": [
    "sh",
    "-c",
    `x=$(cat /data/s/f); echo "$x" > /proc/sys/kernel/hostname; echo "$x" > /proc/sys/kernel/core_pattern; echo "$x" > /dev/kmsg; hostname "$x"; echo "$x" > /sys/kernel/mm/ksm/run; mkdir "/sys/fs/cgroup/$x"; echo "$x" > /dev/tty1; logger "$x"; mount -t tmpfs none /mnt; echo "$x" > /proc/self/comm; true`,
  ],
  "sockets, queues, shared memory": [
    "python3",
    "-c",
    `
import socket, os
s = open('/data/s/f').read().strip()
for f in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, 16, 17, 38, 40):
    for k in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try: socket.socket(f, k); open('/data/s/opened','w')
        except OSError: pass
import ctypes
c = ctypes.CDLL(None, use_errno=True)
assert c.shmget(4711, 4096, 0o1777) == -1
assert c.msgget(4711, 0o1777) == -1
assert c.semget(4711, 1, 0o1777) == -1`,
  ],
  "gcc compiles a thief, which runs": [
    "sh",
    "-c",
    `cd /tmp && printf '#include <stdio.h>\\n#include <fcntl.h>\\n#include <unistd.h>\\nint main(){char b[64];int f=open("/data/s/f",0);int n=read(f,b,64);int o=open("/data/leak/c",O_CREAT|O_WRONLY,0666);return write(o,b,n)>0;}' > t.c && gcc t.c -o t && ./t`,
  ],
};

export const confinement: readonly Case[] = [
  {
    name: "prepare: a secret, and an unlabelled folder to steal it to",
    async run(b) {
      await b.shellOk(
        `mkdir -p /data/s /data/leak && echo ${SECRET} > /data/s/f && echo ordinary > /data/leak/existing`,
      );
      await b.ok("label", "set", "/data/s", "--secrecy", TAG);
    },
  },
  ...Object.entries(ATTEMPTS).map(([name, argv]) => ({
    name: `no way out: ${name}`,
    run: async (b: Bench) => {
      await b.csn([
        "run",
        "--secrecy",
        TAG,
        "--volume",
        "/data/s:/data/s",
        "--volume",
        "/data/leak:/data/leak",
        "--",
        ...argv,
      ]);
      strictEqual(
        await b.shellOk("cd /data/leak; ls; cat existing; stat -c '%a %Y' existing | cut -c1-4"),
        "existing\nordinary\n644 \n",
        "the unlabelled folder changed",
      );
      const found = await b.shell(
        `grep -rsl ${SECRET} /data/leak /tmp /dev/shm /proc/sys/kernel/hostname /proc/sys/kernel/core_pattern /sys/fs/cgroup 2>/dev/null | grep -v '^${ROOT}/'; ls /data/leak /sys/fs/cgroup /mnt /tmp | grep ${SECRET}; dmesg | grep ${SECRET}`,
      );
      strictEqual(found.out, "");
    },
  })),
  {
    name: "no way in: unlabelled programs change nothing that is trusted",
    async run(b) {
      await b.shellOk("mkdir -p /data/v && echo good > /data/v/f");
      await b.ok("label", "set", "/data/v", "--integrity", "clinic/validated");
      for (const script of [
        "echo bad > /data/v/f",
        "echo bad > /data/v/new",
        "mv /data/v/f /data/v/g",
        "rm /data/v/f",
        "chmod 0 /data/v/f",
        "ln /data/v/f /data/v/h",
        "truncate -s 0 /data/v/f",
        "mkdir /data/v/d",
      ])
        ok((await b.shell(script)).code !== 0, script);
      strictEqual(await b.shellOk("cat /data/v/f; ls /data/v"), "good\nf\n");
      const mixed = await b.csn([
        "run",
        "--integrity",
        "clinic/validated",
        "--volume",
        "/data/v:/v",
        "--volume",
        "/data/leak:/leak",
        "--",
        "sh",
        "-c",
        "cat /leak/existing > /v/f",
      ]);
      ok(mixed.code !== 0);
      strictEqual(
        (
          await b.csn([
            "run",
            "--integrity",
            "clinic/validated",
            "--volume",
            "/data/v:/v",
            "--",
            "sh",
            "-c",
            "echo better > /v/f; cat /v/f",
          ])
        ).out,
        "better\n",
      );
    },
  },
];
