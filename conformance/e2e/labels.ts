/**
 * Labels of files and folders through the command line: trees, links, holders, what came before.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import type { Case } from "./suite.ts";

const TAG = "lab/patient";

export const labels: readonly Case[] = [
  {
    name: "a folder's label reaches what is below, now and later",
    async run(b) {
      await b.shellOk("mkdir -p /data/t/a/b/c && echo one > /data/t/a/b/c/one && ls -lR /data/t > /dev/null");
      await b.ok("label", "set", "/data/t", "--secrecy", TAG);
      for (const path of ["/data/t", "/data/t/a/b", "/data/t/a/b/c/one"])
        deepStrictEqual(
          (JSON.parse(await b.ok("label", "get", path, "--json")) as { context: { secrecy: string[] } }[])[0]
            ?.context.secrecy,
          [TAG],
        );
      strictEqual(
        (
          await b.labelled(
            TAG,
            ["/data/t:/data/t"],
            ["sh", "-c", "echo two > /data/t/a/two && cat /data/t/a/b/c/one"],
          )
        ).out,
        "one\n",
      );
      deepStrictEqual(
        (
          JSON.parse(await b.ok("label", "get", "/data/t/a/two", "--json")) as {
            context: { secrecy: string[] };
          }[]
        )[0]?.context.secrecy,
        [TAG],
      );
      for (const script of ["cat /data/t/a/b/c/one", "ls /data/t", "stat /data/t/a", "cat /data/t/a/two"])
        ok((await b.shell(script)).code !== 0, script);
    },
  },
  {
    name: "a hard link that lies outside the folder is covered too",
    async run(b) {
      await b.shellOk(
        "mkdir -p /data/h/in && echo x > /data/h/in/f && ln /data/h/in/f /data/h/out && cat /data/h/out > /dev/null",
      );
      await b.ok("label", "set", "/data/h/in", "--secrecy", TAG);
      ok((await b.shell("cat /data/h/out")).code !== 0);
      ok((await b.shell("echo 3 > /proc/sys/vm/drop_caches; cat /data/h/out")).code !== 0);
    },
  },
  {
    name: "who has it mapped, or watches it, is named, and nothing is labelled",
    async run(b) {
      await b.shellOk("mkdir -p /data/m && head -c 8192 /dev/zero > /data/m/f");
      const hold = (code: string) =>
        b.shellOk(
          `setsid python3 -c '${code}' </dev/null >/dev/null 2>&1 & until test -e /tmp/held; do sleep 0.1; done; rm /tmp/held`,
        );
      await hold(`import mmap,time
f=open("/data/m/f","r+b"); m=mmap.mmap(f.fileno(),0)
open("/tmp/held","w"); time.sleep(60)`);
      match(await b.fails("E_IN_USE", ["label", "set", "/data/m", "--secrecy", TAG]), /python3.*mapped/);
      await b.shellOk("cat /data/m/f > /dev/null; pkill -9 python3; sleep 0.5");
      await hold(`import ctypes,time
c=ctypes.CDLL(None); f=c.inotify_init1(0); c.inotify_add_watch(f,b"/data/m",0xfff)
open("/tmp/held","w"); time.sleep(60)`);
      match(await b.fails("E_IN_USE", ["label", "set", "/data/m", "--secrecy", TAG]), /python3.*watches/);
      await b.shellOk("ls /data/m > /dev/null; pkill -9 python3; sleep 0.5");
      await b.ok("label", "set", "/data/m", "--secrecy", TAG);
    },
  },
  {
    name: "pages that a pipe holds since before the label keep it off",
    async run(b) {
      await b.shellOk("mkdir -p /data/p && head -c 8192 /dev/zero > /data/p/f");
      await b.shellOk(`setsid python3 -c '
import os, time
r, w = os.pipe()
assert os.splice(os.open("/data/p/f", os.O_RDONLY), w, 4096) == 4096
open("/tmp/held", "w"); time.sleep(100)' </dev/null >/dev/null 2>&1 & until test -e /tmp/held; do sleep 0.1; done; rm /tmp/held`);
      match(await b.fails("E_IN_USE", ["label", "set", "/data/p", "--secrecy", TAG]), /pipe/);
      await b.shellOk("cat /data/p/f > /dev/null; pkill -9 python3; sleep 0.5");
      await b.ok("label", "set", "/data/p", "--secrecy", TAG);
    },
  },
  {
    name: "a file that is a disk or swap of the kernel's gets no label",
    async run(b) {
      await b.csn(["tag", "create", TAG]); // may be there
      await b.shellOk(
        "mkdir -p /data/l && head -c 1048576 /dev/zero > /data/l/f && modprobe loop; losetup /dev/loop0 /data/l/f",
      );
      match(await b.fails("E_IN_USE", ["label", "set", "/data/l", "--secrecy", TAG]), /loop0.*as a disk/);
      await b.shellOk("mv /data/l/f /data/l/other");
      match(await b.fails("E_IN_USE", ["label", "set", "/data/l", "--secrecy", TAG]), /loop0.*as a disk/);
      await b.shellOk(
        "losetup -d /dev/loop0 && chmod 600 /data/l/other && mkswap /data/l/other && swapon /data/l/other",
      );
      match(await b.fails("E_IN_USE", ["label", "set", "/data/l", "--secrecy", TAG]), /for swapping/);
      await b.shellOk("swapoff /data/l/other");
      await b.ok("label", "set", "/data/l", "--secrecy", TAG);
      ok((await b.shell("losetup /dev/loop0 /data/l/other")).code !== 0, "a labelled file became a disk");
    },
  },
  {
    name: "a call that is under way, and a FIFO that is open, keep the label off",
    async run(b) {
      await b.shellOk("mkdir -p /data/w && head -c 4194304 /dev/zero > /data/w/f && mkfifo /data/w/q");
      const hold = (code: string) =>
        b.shellOk(
          `setsid python3 -c '${code}' </dev/null >/dev/null 2>&1 & until test -e /tmp/held; do sleep 0.1; done; sleep 0.5; rm /tmp/held`,
        );
      // nobody reads the other end, so the call waits, with most of the file still to come
      await hold(`import os,socket,threading
a,z=socket.socketpair(); f=os.open("/data/w/f",os.O_RDONLY)
threading.Timer(1,lambda: open("/tmp/held","w")).start()
os.sendfile(a.fileno(),f,0,1<<22)`);
      match(
        await b.fails("E_IN_USE", ["label", "set", "/data/w", "--secrecy", TAG]),
        /python3.*in the middle/,
      );
      await b.shellOk("pkill -9 python3; sleep 0.5");
      await hold(`import os,time
q=os.open("/data/w/q",os.O_RDWR); open("/tmp/held","w"); time.sleep(60)`);
      match(await b.fails("E_IN_USE", ["label", "set", "/data/w", "--secrecy", TAG]), /python3.*FIFO/);
      await b.shellOk("pkill -9 python3; sleep 0.5");
      await b.ok("label", "set", "/data/w", "--secrecy", TAG);
    },
  },
  {
    name: "a file that was open before its label is refused at the next use",
    async run(b) {
      await b.shellOk("mkdir -p /data/o && echo before > /data/o/f");
      await b.shellOk(
        `setsid sh -c 'exec 3< /data/o/f 4>> /data/o/f; : > /tmp/open-ready; until test -e /tmp/open-go; do sleep 0.1; done; cat <&3 > /tmp/open-read; echo more >&4; : > /tmp/open-done' </dev/null >/dev/null 2>&1 & until test -e /tmp/open-ready; do sleep 0.1; done`,
      );
      await b.ok("label", "set", "/data/o", "--secrecy", TAG);
      await b.shellOk(
        ": > /tmp/open-go; until test -e /tmp/open-done; do sleep 0.1; done; test ! -s /tmp/open-read",
      );
    },
  },
  {
    name: "names with newlines and control characters, in files, labels and the log",
    async run(b) {
      await b.shellOk("mkdir -p /data/n && printf x > '/data/n/a\nb\u001b[31mred'");
      await b.ok("label", "set", "/data/n/a\nb\u001b[31mred", "--secrecy", TAG);
      ok((await b.shell("cat '/data/n/a\nb\u001b[31mred'")).code !== 0);
      const log = await b.ok("log", "--refused", "-n", "3");
      ok(!log.includes("\u001b[31m"), "control characters reach the terminal");
      strictEqual(log.trimEnd().split("\n").length, 3);
    },
  },
  {
    name: "every refusal is on the record, and can be explained",
    async run(b) {
      await b.shell("cat /data/t/a/two");
      const last = (await b.ok("log", "--refused", "--json", "-n", "1000"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { id: number; rule: string; tags: string[]; program: string });
      const mine = last.findLast((entry) => entry.tags.includes(TAG));
      strictEqual(mine?.rule, "FLOW-1");
      const text = await b.ok("explain", String(mine.id));
      match(text, /FLOW-1/);
      match(text, /lab\/patient/);
      await b.fails("E_NO_RECORD", ["explain", "999999999"]);
    },
  },
  {
    name: "clear takes the label off, links included",
    async run(b) {
      await b.ok("label", "clear", "/data/h/in");
      await b.shellOk("cat /data/h/in/f /data/h/out");
    },
  },
  {
    name: "2,000 files in one folder, labelled with progress",
    async run(b) {
      await b.shellOk(
        "mkdir -p /data/big/d && cd /data/big/d && python3 -c 'for i in range(2000): open(str(i), \"w\")'",
      );
      await b.ok("label", "set", "/data/big", "--secrecy", TAG);
      ok((await b.shell("cat /data/big/d/1999")).code !== 0);
    },
  },
];
