/**
 * What is enforced stays so: the daemon killed, caches dropped, the machine restarted and cut off, the disk
 * full; and `csn down` is the only way off.
 */
import { match, ok, strictEqual } from "node:assert";
import { machineStatus } from "../../src/machine/index.ts";
import type { Case } from "./suite.ts";

const TAG = "lab/patient";

export const survival: readonly Case[] = [
  {
    name: "prepare: a secret",
    async run(b) {
      await b.shellOk("mkdir -p /data/k/sub && echo secret > /data/k/sub/f");
      await b.ok("label", "set", "/data/k", "--secrecy", TAG);
    },
  },
  {
    name: "caches dropped",
    async run(b) {
      ok(
        (
          await b.shell(
            "for i in 1 2 3; do echo $i > /proc/sys/vm/drop_caches; cat /data/k/sub/f && exit 0; done; exit 1",
          )
        ).code === 1,
      );
    },
  },
  {
    name: "the daemon killed (SIGKILL): not one refused flow gets through until and after it is back",
    async run(b) {
      await b
        .shellOk(
          `setsid sh -c 'end=$(($(date +%s) + 25)); old=$(cat /run/csn/daemon.pid); kill -9 $old; while [ $(date +%s) -lt $end ]; do cat /data/k/sub/f >> /tmp/got 2>/dev/null; echo x >> /data/k/sub/f 2>/dev/null && : > /tmp/wrote; echo >> /tmp/tries; done; : > /tmp/survived' </dev/null >/dev/null 2>&1 &`,
        )
        .catch(() => undefined);
      await b.until("the loop to end", async () => (await b.shell("test -e /tmp/survived")).code === 0);
      await b.shellOk(
        "test ! -s /tmp/got && test ! -e /tmp/wrote && test $(wc -l < /tmp/tries) -gt 20; rm -f /tmp/tries /tmp/survived",
      );
      strictEqual((await b.labelled(TAG, ["/data/k:/data/k"], ["cat", "/data/k/sub/f"])).out, "secret\n");
      const records = (await b.ok("log", "--refused", "--json", "-n", "100000")).trim().split("\n").length;
      ok(records > 20, `${records} refusals on the record`);
    },
  },
  {
    name: "a labelled program that was running when the daemon was killed ends with it",
    async run(b) {
      const run = b.labelled(TAG, ["/data/k:/data/k"], ["sh", "-c", "sleep 100"]);
      await b.until(
        "it to run",
        async () => (JSON.parse(await b.ok("ps", "--json")) as unknown[]).length > 0,
      );
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      strictEqual((await run).code, 125);
      await b.until(
        "the daemon to be back",
        async () =>
          (await b.csn(["status", "--json"])).code === 0 &&
          (await b.csn(["ps", "--json"])).out.trim() === "[]",
      );
    },
  },
  {
    name: "down is refused while labelled programs run, and to others than root; then it is off, and up brings all back",
    async run(b) {
      const run = b.labelled(TAG, [], ["sleep", "100"]);
      await b.until(
        "it to run",
        async () => (JSON.parse(await b.ok("ps", "--json")) as unknown[]).length > 0,
      );
      await b.fails("E_LABELLED_RUNNING", ["down"]);
      ok((await b.shell("cat /data/k/sub/f")).code !== 0);
      const held = JSON.parse(await b.ok("ps", "--json")) as { pid: number; command: string }[];
      await b.shellOk(`kill -9 ${held.find((p) => p.command === "sleep 100")?.pid}`); // its name is a secret, to signal it is not
      await run;
      await b.ok("down");
      strictEqual(machineStatus(b.home, "system").running, false);
      await b.ok("up");
      ok((await b.shell("cat /data/k/sub/f")).code !== 0, "the label is gone after down and up");
    },
  },
  {
    name: "the machine restarted: labels are in force before anybody is served",
    async run(b) {
      await b.ok("machine", "stop");
      await b.ok("machine", "start");
      ok((await b.shell("cat /data/k/sub/f")).code !== 0);
      match(await b.ok("label", "get", "/data/k/sub/f"), /lab\/patient/);
      strictEqual((await b.labelled(TAG, ["/data/k:/data/k"], ["cat", "/data/k/sub/f"])).out, "secret\n");
    },
  },
  {
    name: "a power cut right after a label: what was said to be labelled is",
    async run(b) {
      await b.shellOk("mkdir -p /data/cut && echo cut > /data/cut/f && sync");
      await b.ok("label", "set", "/data/cut", "--secrecy", TAG);
      process.kill(machineStatus(b.home, "system").state!.qemu.pid, "SIGKILL");
      await b.until("the machine to be gone", async () => !machineStatus(b.home, "system").running);
      await b.ok("up");
      ok((await b.shell("cat /data/cut/f")).code !== 0);
      strictEqual((await b.labelled(TAG, ["/data/cut:/data/cut"], ["cat", "/data/cut/f"])).out, "cut\n");
    },
  },
  {
    name: "the disk full: labelling fails and leaves nothing half done; refusals hold and are counted",
    async run(b) {
      await b.shellOk(
        "mkdir -p /data/full && echo x > /data/full/f && fallocate -l $(($(df -k --output=avail /data | tail -1) - 64))K /data/fill; (head -c 1M /dev/zero > /data/fill2; :) 2>/dev/null; sync",
      );
      const set = await b.csn(["label", "set", "/data/full", "--secrecy", TAG]);
      if (set.code !== 0) {
        match(set.err, /E_STORE/);
        await b.shellOk("cat /data/full/f");
      }
      ok((await b.shell("cat /data/k/sub/f")).code !== 0);
      await b.ok("status");
      await b.shellOk("rm /data/fill /data/fill2; sync");
      await b.ok("label", "set", "/data/full", "--secrecy", TAG);
      ok((await b.shell("cat /data/full/f")).code !== 0);
    },
  },
];
