/**
 * Cases that take more than one call: the ancestor's defects, attacks that were tried, compartments, and
 * leaks that are known and cannot be closed here.
 *
 * Each gives null, or what is wrong. A `known-leak` passes as long as the leak is there: when it no longer
 * is, the case and docs/channels.md have to change together.
 */
import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"; // prettier-ignore
import { setTimeout as sleep } from "node:timers/promises";
import { contextOf, integrityOf, secrecyOf } from "../src/label/index.ts";
import { idOf } from "../src/label/testing.ts";
import { native, PINS, SHAPE } from "../src/kernel/index.ts";
import { type ContextName, DOORS, type SubjectName } from "./cases.ts";
import type { World } from "./inside.ts";
import { contextNamed, labelProcess, Party, PROGRAM } from "./party.ts";
import { compartmentScenarios } from "./scenarios/compartments.ts";
import { observeScenarios } from "./scenarios/observe.ts";
import { ipcScenarios, nextUser } from "./scenarios/ipc.ts";
import { namespaceScenarios } from "./scenarios/namespaces.ts";
import { protectionScenarios } from "./scenarios/protection.ts";
import { raceScenarios } from "./scenarios/races.ts";
import { memoryScenarios } from "./scenarios/memory.ts";
import { waitScenarios } from "./scenarios/waits.ts";
import { recordScenarios } from "./scenarios/records.ts";
import { socketScenarios } from "./scenarios/sockets.ts";
import { compartment, expectAll, file, folder, launch, type Scenario } from "./scenarios/tools.ts";
import { walls } from "./scenarios/walls.ts";
import { wayScenarios } from "./scenarios/ways.ts";

export type { Scenario } from "./scenarios/tools.ts";

/** An unmodified program under a context: what it printed and its exit code. */
function program(
  world: World,
  context: SubjectName,
  command: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const id = String(world.monitor.contexts.idOf(contextNamed(context)));
  const [tool, ...rest] = launch(id, "--cwd", cwd);
  return new Promise((resolve) => {
    const child = spawn(tool!, [...rest, ...command], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      env: { PATH: process.env.PATH ?? "", HOME: cwd, GIT_CONFIG_NOSYSTEM: "1" },
    });
    let output = "";
    child.stdout!.on("data", (data: Buffer) => (output += data.toString()));
    child.stderr!.on("data", (data: Buffer) => (output += data.toString()));
    child.on("close", (code) => resolve({ code, output }));
  });
}

const works = (id: string, script: string, needs: string): Scenario => ({
  id: `works/${id}`,
  row: "",
  run: async (world) => {
    try {
      execFileSync("sh", ["-c", `command -v ${needs}`], { stdio: "ignore" });
    } catch {
      return null; // not installed here, so nothing to show
    }
    const cwd = folder(world, "A");
    const { code, output } = await program(world, "A", ["sh", "-e", "-c", script], cwd);
    return code === 0 ? null : `exit ${code}: ${output.slice(-600)}`;
  },
});

const NODE = process.execPath;

export const scenarios: readonly Scenario[] = [
  {
    id: "defect-1/names-are-mediated",
    row: "F3",
    run: (world) => {
      const secret = folder(world, "A");
      writeFileSync(`${secret}/x`, "secret\n");
      const before = readdirSync(secret).join();
      const fault = expectAll(
        world,
        ["EACCES", "U", `open rw+creat ${secret}/new`], ["EACCES", "U", `mkdir ${secret}/new`],
        ["EACCES", "U", `unlink ${secret}/x`], ["EACCES", "U", `rename ${secret}/x ${secret}/y 0`],
        ["EACCES", "U", `lstat ${secret}/x`], ["EACCES", "U", `lstat ${secret}/nothing`],
        ["EACCES", "U", `with r+dir ${secret} readdir`],
      ); // prettier-ignore
      return fault ?? (readdirSync(secret).join() === before ? null : "the names changed");
    },
  },
  {
    id: "defect-2/mapping-for-execution",
    row: "F12",
    run: (world) => {
      const path = `/data/f/${world.fresh()}`;
      writeFileSync(path, "secret\n");
      const fault = expectAll(world, ["ok", "U", `open r ${path}`]);
      world.monitor.setInode(path, contextNamed("A"));
      return fault ?? expectAll(world, ["EACCES", "U", "f mmap rx private"], ["EACCES", "U", "f mmap x private"], ["EACCES", "U", "f mmap x shared"], ["ok", "U", "close"]);
    },
  },
  {
    id: "defect-3/hooks-that-were-missing",
    row: "T2",
    run: (world) => {
      const [secret, plain] = [file(world, "A"), file(world, "U")];
      const u = world.party("U").pid;
      return expectAll(
        world,
        ["EACCES", "A", `other kill ${u}`], ["EACCES|EPERM", "U", `other attach ${world.party("A").pid}`],
        ["EACCES", "U", `other proc:mem ${world.party("A").pid}`], ["EACCES", "A", `setxattr ${plain}`],
        ["EACCES", "U", `getxattr ${secret}`], ["EACCES", "A", `link ${plain} ${plain}-2`],
        ["EACCES", "A", `rename ${plain} ${plain}-2 0`], ["EACCES|ENOKEY", "A", `key userof ${nextUser()}`],
        ["EACCES", "A", `with r ${plain} flock 1`], ["EACCES|EPERM", "A", "door bind"],
      ); // prettier-ignore
    },
  },
  {
    id: "defect-4/exec-keeps-the-context",
    row: "F15",
    run: (world) => {
      const [secret, plain] = [file(world, "A"), file(world, "U")];
      return expectAll(world, ["ok", "A", `exec with r ${secret} read`], ["EACCES", "A", `exec with w ${plain} write`], ["EACCES", "A", `exec fork exec with w ${plain} write`]);
    },
  },
  {
    id: "defect-5/no-exemption-without-a-record",
    row: "F1",
    run: (world) => {
      const secret = file(world, "A");
      world.refusals();
      const fault = expectAll(world, ["EACCES", "U", `open r ${secret}`]);
      const records = world.refusals();
      return fault ?? (records.length === 1 ? null : `${records.length} records`);
    },
  },
  {
    id: "defect-6/secrecy-and-integrity-apart-64-tags",
    row: "F1",
    run: (world) => {
      const tags = Array.from({ length: 64 }, (_, n) => idOf(`many${n}`));
      const path = `/data/f/${world.fresh()}`;
      writeFileSync(path, "secret\n");
      world.monitor.setInode(path, contextOf(secrecyOf(tags), integrityOf([])));
      const fault = expectAll(world, ["EACCES", "U", `open r ${path}`], ["EACCES", "AB", `open r ${path}`]);
      // the same tags as integrity: anybody may read, nobody without them may write
      const trusted = `/data/f/${world.fresh()}`;
      writeFileSync(trusted, "trusted\n");
      world.monitor.setInode(trusted, contextOf(secrecyOf([]), integrityOf(tags)));
      return fault ?? expectAll(world, ["ok", "A", `open r ${trusted}`], ["EACCES", "U", `open rw ${trusted}`], ["ok", "A", "close"]);
    },
  },
  {
    id: "defect-7/threads-share-the-context",
    row: "T1",
    run: (world) => {
      const [secret, plain] = [file(world, "A"), file(world, "U")];
      return expectAll(world,
        ["ok", "A", `thread with r ${secret} read`], ["EACCES", "A", `thread with w ${plain} write`],
        ["ok", "A", `vm with r ${secret} read`], ["EACCES", "A", `vm with w ${plain} write`],
        ["EACCES", "A", `deep 40 with w ${plain} write`], ["ok", "A", `deep 40 with r ${secret} read`]); // prettier-ignore
    },
  },
  {
    id: "defect-8/open-files-are-judged-again",
    row: "F1",
    run: (world) => {
      const path = `/data/f/${world.fresh()}`;
      writeFileSync(path, "secret\n");
      const fault = expectAll(world, ["ok", "U", `open rw ${path}`], ["ok", "U", "f pread"]);
      world.monitor.setInode(path, contextNamed("A"));
      const after = fault ?? expectAll(world, ["EACCES", "U", "f pread"], ["EACCES", "U", "fork f pread"], ["EACCES", "U", "exec f pread"], ["EACCES", "U", "f sendfile"], ["EACCES", "U", "f stat"]);
      world.monitor.clearInode(path);
      return after ?? expectAll(world, ["ok", "U", "f pread"], ["ok", "U", "close"]);
    },
  },
  {
    id: "defect-9/labels-survive-the-caches",
    row: "F18",
    run: (world) => {
      const [own, above] = [file(world, "A"), folder(world, "A")];
      writeFileSync(`${above}/x`, "secret\n");
      for (const what of ["2", "3"]) {
        const fault = expectAll(world, ["ok", "U", `drop ${what}`], ["EACCES", "U", `with r ${own} read`], ["EACCES", "U", `with r ${above}/x read`],
          ["ok", "A", `with r ${own} read`], ["ok", "A", `with r ${above}/x read`]); // prettier-ignore
        if (fault) return fault;
      }
      return null;
    },
  },
  {
    id: "cache/set-clear-set-above-cached-children",
    row: "F5",
    run: (world) => {
      const above = folder(world, "U");
      writeFileSync(`${above}/x`, "secret\n");
      const read = `with r ${above}/x read`;
      const set = (context: ContextName) => void world.monitor.setInode(above, contextNamed(context));
      const first = expectAll(world, ["ok", "U", read]);
      set("A");
      const second = expectAll(world, ["EACCES", "U", read], ["ok", "A", read]);
      world.monitor.clearInode(above);
      const third = expectAll(world, ["ok", "U", read], ["ok", "A", read]);
      set("B");
      return first ?? second ?? third ?? expectAll(world, ["EACCES", "U", read], ["EACCES", "A", read], ["ok", "B", read]);
    },
  },
  {
    id: "cache/negative-names",
    row: "F5",
    run: (world) => {
      const above = folder(world, "U");
      const first = expectAll(world, ["ENOENT", "U", `lstat ${above}/x`]);
      world.monitor.setInode(above, contextNamed("A"));
      return first ?? expectAll(world, ["EACCES", "U", `lstat ${above}/x`], ["ok", "A", `open rw+creat ${above}/x`], ["EACCES", "U", `lstat ${above}/x`], ["ok", "A", "close"]);
    },
  },
  {
    id: "cache/inode-number-used-again",
    row: "C1",
    run: (world) => {
      const old = file(world, "A");
      const number = statSync(old).ino;
      rmSync(old);
      for (let n = 0; n < 50; n++) {
        const path = `/data/f/${world.fresh()}`;
        writeFileSync(path, "plain\n");
        if (statSync(path).ino !== number) continue;
        return expectAll(world, ["ok", "U", `with r ${path} read`]);
      }
      return null;
    },
  },
  {
    id: "tree/300-levels",
    row: "F5",
    run: (world) => {
      let path = folder(world, "A");
      for (let n = 0; n < 300; n++) path += "/d";
      mkdirSync(path, { recursive: true });
      writeFileSync(`${path}/x`, "secret\n");
      return expectAll(world, ["EACCES", "U", `with r ${path}/x read`], ["ok", "A", `with r ${path}/x read`], ["ok", "U", "drop 2"], ["ok", "A", `with r ${path}/x read`]);
    },
  },
  {
    id: "tree/moved",
    row: "F4",
    run: (world) => {
      const [a, b] = [folder(world, "A"), folder(world, "B")];
      mkdirSync(`${a}/sub`);
      writeFileSync(`${a}/sub/x`, "secret\n");
      const first = expectAll(world, ["ok", "A", `rename ${a}/sub ${a}/moved 0`], ["EACCES", "U", `with r ${a}/moved/x read`], ["EACCES", "A", `rename ${a}/moved ${b}/moved 0`]);
      // a label that is for the directory alone does not go with what is below
      const other = folder(world, "A");
      world.monitor.setInode(`${a}/moved`, contextNamed("A"), { selfOnly: true });
      const second = expectAll(world, ["ok", "A", `rename ${a}/moved ${other}/moved 0`], ["EACCES", "U", `with r ${other}/moved/x read`]);
      // the platform itself moves it out of the label: the own entry holds
      world.monitor.setInode(`${other}/moved`, contextNamed("A"));
      renameSync(`${other}/moved`, `/data/d/${world.fresh()}m`);
      return first ?? second ?? expectAll(world, ["EACCES", "U", `with r+dir /data/d/${readdirSync("/data/d").find((name) => name.endsWith("m"))} readdir`]);
    },
  },
  {
    id: "tree/self-entry-moves-between-contexts",
    row: "F4",
    run: (world) => {
      // U may write both folders' names only when they are unlabelled: a directory whose entry is for
      // itself alone lies in one of another context
      const [from, to] = [folder(world, "AV"), folder(world, "A")];
      mkdirSync(`${from}/sub`);
      world.monitor.setInode(`${from}/sub`, contextNamed("AV"), { selfOnly: true });
      return expectAll(world, ["EACCES", "AV", `rename ${from}/sub ${to}/sub 0`], ["ok", "AV", `rename ${from}/sub ${from}/s 0`]);
    },
  },
  {
    id: "names/exchange",
    row: "F4",
    run: (world) => {
      const [a, u] = [folder(world, "A"), folder(world, "U")];
      writeFileSync(`${a}/x`, "secret\n");
      writeFileSync(`${u}/x`, "plain\n");
      const fault = expectAll(world, ["EACCES", "A", `rename ${a}/x ${u}/x 2`], ["EACCES", "U", `rename ${u}/x ${a}/x 2`], ["EACCES", "AB", `rename ${a}/x ${u}/x 2`]);
      return fault ?? (readFileSync(`${u}/x`, "utf8") === "plain\n" ? null : "exchanged");
    },
  },
  {
    id: "names/existing-target",
    row: "F4",
    run: (world) => {
      const [u, secret] = [folder(world, "U"), file(world, "A")];
      writeFileSync(`${u}/x`, "plain\n");
      return expectAll(world, ["EACCES", "A", `rename ${u}/x ${secret} 0`], ["EACCES", "A", `link ${secret} ${u}/l`], ["ok", "U", `link ${secret} ${u}/l`], ["EACCES", "U", `with r ${u}/l read`], ["EACCES|EPERM", "V", `unlink ${secret}`]);
    },
  },
  {
    id: "handle/of-a-name-that-all-may-see",
    row: "F17",
    run: (world) => {
      const secret = file(world, "A");
      return expectAll(world, ["ok", "U", `handle ${secret}`], ["EACCES", "U", "openhandle r"], ["EACCES", "U", "openhandle w"], ["ok", "U", "drop 3"], ["EACCES|ESTALE", "U", "openhandle r"]);
    },
  },
  {
    id: "handle/below-a-labelled-folder",
    row: "F17",
    run: (world) => {
      const above = folder(world, "U");
      writeFileSync(`${above}/x`, "secret\n");
      const first = expectAll(world, ["ok", "U", `handle ${above}/x`]);
      world.monitor.setInode(above, contextNamed("A"));
      return first ?? expectAll(world, ["EACCES", "U", "openhandle r"], ["ok", "U", "drop 3"], ["EACCES|ESTALE", "U", "openhandle r"]);
    },
  },
  {
    id: "mount/bind-shows-the-same-labels",
    row: "F18",
    run: (world) => {
      const secret = file(world, "A");
      execFileSync("mount", ["--bind", "/data/f", "/data/mnt"]);
      const fault = expectAll(world, ["EACCES", "U", `open r /data/mnt/${secret.split("/").pop()}`], ["ok", "A", `with r /data/mnt/${secret.split("/").pop()} read`]);
      execFileSync("umount", ["/data/mnt"]);
      return fault;
    },
  },
  {
    id: "mount/tmpfs-later",
    row: "I5",
    run: (world) => {
      execFileSync("mount", ["-t", "tmpfs", "later", "/data/mnt"]);
      mkdirSync("/data/mnt/a");
      writeFileSync("/data/mnt/a/x", "secret\n");
      world.monitor.setInode("/data/mnt/a", contextNamed("A"));
      const fault = expectAll(world, ["EACCES", "U", "open r /data/mnt/a/x"], ["ok", "A", "with rw /data/mnt/a/x read"], ["ok", "A", "mkdir /data/mnt/a/new"], ["EACCES", "A", "mkdir /data/mnt/new"],
        ["ok", "A", "with rw+creat+excl /data/mnt/a/y write"], ["EACCES", "U", "open r /data/mnt/a/y"], ["ok", "A", "with rw+tmpfile /data/mnt/a write"], ["ok", "U", "drop 2"], ["EACCES", "U", "open r /data/mnt/a/y"]); // prettier-ignore
      execFileSync("umount", ["/data/mnt"]);
      return fault;
    },
  },
  {
    id: "mount/overlay-of-the-host",
    row: "F18",
    run: (world) => {
      const secret = file(world, "A").split("/").pop()!;
      execFileSync("mount", ["-t", "tmpfs", "upper", "/data/mnt"]);
      for (const name of ["u", "w", "o"]) mkdirSync(`/data/mnt/${name}`);
      execFileSync("mount", ["-t", "overlay", "over", "-o", "lowerdir=/data/f,upperdir=/data/mnt/u,workdir=/data/mnt/w", "/data/mnt/o"]);
      const path = `/data/mnt/o/${secret}`;
      const plain = file(world, "U").split("/").pop()!;
      const fault = expectAll(world, ["EACCES", "U", `open r ${path}`], ["EACCES", "U", `stat ${path}`], ["ok", "A", `with r ${path} read`], ["EACCES|EPERM", "A", `with w ${path} write`],
        ["EACCES", "U", `unlink ${path}`], ["EACCES", "U", `rename ${path} ${path}-2 0`], ["EACCES", "U", `chmod ${path}`], ["ok", "U", `with rw /data/mnt/o/${plain} write`]); // prettier-ignore
      // labelled after it was cached through the overlay
      const late = file(world, "U").split("/").pop()!;
      const before = expectAll(world, ["ok", "U", `with r /data/mnt/o/${late} read`]);
      world.monitor.setInode(`/data/f/${late}`, contextNamed("A"));
      const after = expectAll(world, ["EACCES", "U", `with r /data/mnt/o/${late} read`], ["EACCES", "U", `with r /data/mnt/o/${late} mmap r private`], ["EACCES", "U", `stat /data/mnt/o/${late}`]);
      execFileSync("umount", ["/data/mnt/o"]);
      execFileSync("umount", ["/data/mnt"]);
      return fault ?? before ?? after;
    },
  },
  {
    id: "watch/mount-and-file-system-marks",
    row: "K6",
    run: (world) => {
      world.refusals();
      const fault = expectAll(world, ["EACCES", "U", "fanotify fs /data/f"], ["EACCES", "U", "fanotify mount /data/f"], ["ok", "U", "fanotify inode /data/f"]);
      const count = world.refusals().filter(({ op }) => op === "watch").length;
      return fault ?? (count === 2 ? null : `${count} records`);
    },
  },
  {
    id: "watch/reading-down-would-tell-the-watcher",
    row: "K6",
    run: (world) => {
      const plain = file(world, "U");
      const add = expectAll(world, ["ok", "U", `watch add ${plain}`]);
      const fault = expectAll(world, ["EACCES", "A", `with r ${plain} read`], ["ok", "U", `with r ${plain} read`], ["ok", "U", "watch stop"], ["ok", "A", `with r ${plain} read`]);
      const above = folder(world, "U");
      writeFileSync(`${above}/x`, "plain\n");
      const second = expectAll(world, ["ok", "A", `open r ${above}/x`], ["ok", "U", `watch add ${above}`], ["EACCES", "A", "f read"], ["EACCES", "A", `with r ${above}/x read`], ["EACCES", "A", `with r+dir ${above} readdir`],
        ["ok", "U", "watch stop"], ["ok", "A", "f read"], ["ok", "A", "close"]); // prettier-ignore
      return add ?? fault ?? second;
    },
  },
  {
    id: "watch/layers-tell-too",
    row: "K6",
    run: (world) => {
      const inside = compartment(world, "A");
      const path = "/etc/hosts";
      if (!existsSync(path)) writeFileSync(path, "x");
      const fault = expectAll(world, ["ok", inside, `with r ${path} read`], ["ok", "U", `watch add ${path}`], ["EACCES", inside, `with r ${path} read`]);
      const { detail } = world.party("U").ask("watch get");
      world.party("U").ask("watch stop");
      return fault ?? expectAll(world, ["ok", inside, `with r ${path} read`]) ?? (detail === "0" ? null : `the watcher got ${detail} bytes of events`);
    },
  },
  {
    id: "lease/readers-do-not-break-one",
    row: "F10",
    run: (world) => {
      const plain = file(world, "U");
      return expectAll(world, ["EACCES", "U", `with rw ${plain} lease 1`], ["ok|EAGAIN", "U", `with r ${plain} lease 0`], ["EACCES", "A", `with r ${plain} lease 0`]);
    },
  },
  {
    id: "locks/list-of-all-locks",
    row: "F10",
    run: (world) => {
      const secret = file(world, "A");
      return expectAll(world, ["ok", "A", `open rw ${secret}`], ["ok", "A", "f setlk 1"], ["EACCES", "U", "with r /proc/locks read"], ["EACCES", "A", "with r /proc/locks read"], ["ok", "A", "close"], ["ok", "U", "with r /proc/mounts read"]);
    },
  },
  { id: "disk/raw", row: "K8", run: (world) => expectAll(world, ["EACCES", "U", "door rawdisk"], ["EACCES", "A", "door rawdisk"]) },
  {
    id: "disk/device-nodes",
    row: "K8",
    run: (world) => {
      const mine = folder(world, "A");
      world.refusals();
      const fault = expectAll(world, ["EACCES", "A", `mknod ${mine}/null 1 3`], ["EACCES", "A", `mknod ${mine}/mem 1 1`]);
      const records = world.refusals().filter(({ op }) => op === "device").length;
      return fault ?? (records === 2 ? null : `${records} records`);
    },
  },
  {
    id: "pidfd/of-another-context",
    row: "T3",
    run: (world) => {
      const a = world.party("A").pid;
      return expectAll(world, ["EACCES", "U", `descriptor ${a}`], ["EACCES", "A", `descriptor ${world.party("B").pid}`], ["ok", "AB", `descriptor ${a}`], ["ok", "A", `descriptor ${a}`], ["ok", "U", `descriptor ${world.party("U").pid}`],
        ["ok", "U", "close"], ["ok", "A", "close"], ["ok", "AB", "close"]); // prettier-ignore
    },
  },
  {
    id: "label/only-the-platform-writes-it",
    row: "F8",
    run: (world) => {
      const [secret, plain] = [file(world, "A"), file(world, "U")];
      return expectAll(world, ["EACCES", "U", `setlabel ${plain}`], ["EACCES", "U", `rmlabel ${plain}`], ["EACCES|EPERM", "A", `setlabel ${secret}`], ["EACCES", "U", `setlabel ${secret}`]);
    },
  },
  {
    id: "fail-closed/unknown-context",
    row: "F1",
    run: async (world) => {
      const plain = file(world, "U");
      const objects = native().mapOpen(`${PINS}/subjects`);
      const party = Party.start("lost"); // it never comes back
      labelProcess(world.monitor, party.pid, "U");
      const value = Buffer.alloc(SHAPE.csn_subject.size);
      value.writeUInt32LE(4_000_000, 0);
      value.writeUInt32LE(4_000_000, 4);
      value.writeBigUInt64LE(1n << 60n, 8);
      const pidfd = native().pidfd(party.pid, 0);
      const key = Buffer.alloc(4);
      key.writeUInt32LE(pidfd);
      // it cannot even answer: its FIFO is refused to it; so a child of it is asked, in a pipe that nobody reads
      party.send(`deep 1 with r ${plain} read`);
      party.receive("");
      native().mapSet(objects, key, value, 0);
      world.refusals();
      party.send(`with r ${plain} read`);
      let seen = 0;
      for (let n = 0; n < 3000 && seen === 0; n++) {
        await sleep(20);
        seen = world.refusals().filter(({ verdict }) => verdict === 3).length;
      }
      native().closeFd(pidfd);
      native().closeFd(objects);
      party.stop();
      return seen > 0 ? null : "an unknown context was not refused as such";
    },
  },
  {
    id: "fail-closed/ring-full",
    row: "F1",
    run: (world) => {
      const secret = file(world, "A");
      const lost = world.monitor.counters().lost;
      const { detail } = world.party("U").ask(`repeat 50000 open r ${secret}`);
      const now = world.monitor.counters().lost;
      world.refusals();
      if (detail !== "0") return `${detail} of 50000 got through`;
      return now > lost ? null : "nothing was lost: the ring was not full";
    },
  },
  {
    id: "fail-closed/fork-storm",
    row: "T1",
    run: (world) => {
      const plain = file(world, "U");
      return expectAll(world, ["ok", "A", `deep 60 with r ${plain} read`], ["EACCES", "A", `deep 60 with w ${plain} write`]);
    },
  },
  {
    id: "anonymous/from-another-context",
    row: "I5",
    run: (world) => {
      // made unlabelled, then the process is labelled: what it holds is still unlabelled
      const fresh = Party.start("turncoat");
      labelProcess(world.monitor, fresh.pid, "U");
      const before = expectAll(world, ["ok", fresh, "memfd"], ["ok", fresh, "f pwrite"]);
      fresh.label(world.monitor, "A");
      const after = expectAll(world, ["EACCES", fresh, "f pwrite"], ["EACCES", fresh, "f mmap rw shared"], ["ok", fresh, "f pread"]);
      fresh.stop();
      return before ?? after;
    },
  },
  {
    id: "signal/of-a-file-to-its-owner",
    row: "T2",
    run: (world) => {
      const path = `/data/f/${world.fresh()}`;
      execFileSync("mkfifo", [path]);
      const open = `open rw+nonblock ${path}`;
      const count = (who: SubjectName): string => world.party(who).ask("sigios").detail;
      // named before the label; what a labelled writer does afterwards is told to nobody below it
      const before = expectAll(world, ["ok", "U", open], ["ok", "U", "f async"]);
      if (before) return before;
      world.monitor.setInode(path, contextNamed("A"));
      world.refusals();
      const fault = expectAll(world, ["ok", "A", open], ["ok", "A", "f write"]);
      const records = world.refusals();
      if (fault ?? count("U") !== "0") return fault ?? "a writer above it was told of";
      if (records.length !== 1 || records[0]!.op !== "signal") return `records: ${JSON.stringify(records)}`;
      const own = expectAll(world, ["ok", "A", "f async"], ["ok", "A", "fork f write"], ["EACCES", "U", "f async"]);
      const told = count("A");
      for (const who of ["A", "U"] as const) world.party(who).ask("close");
      return own ?? (told === "0" ? "its own file's signal did not arrive" : null);
    },
  },
  ...socketScenarios,
  ...wayScenarios,
  ...namespaceScenarios,
  ...compartmentScenarios,
  ...ipcScenarios,
  ...protectionScenarios,
  ...raceScenarios,
  ...memoryScenarios,
  ...waitScenarios,
  ...recordScenarios,
  {
    id: "compartment/files-outside-volumes-are-its-own",
    row: "F18",
    run: (world) => {
      const inside = compartment(world, "A");
      const fault = expectAll(world, ["ok", inside, "with rw+creat /tmp/csn-x write"], ["ok", inside, "with rw+creat /etc/csn-x write"], ["ok", inside, "mkdir /usr/csn-x"], ["EACCES|ENOENT|EROFS", inside, "with rw+creat /sys/csn-x write"]);
      const leaked = ["/tmp/csn-x", "/etc/csn-x", "/usr/csn-x"].filter((path) => existsSync(path));
      const gone = expectAll(world, ["ok", inside, "unlink /tmp/csn-x"], ["ok", inside, "unlink /etc/csn-x"], ["ok", inside, "rmdir /usr/csn-x"]);
      return fault ?? (leaked.length === 0 ? gone : `the host sees ${leaked.join()}`);
    },
  },
  {
    id: "compartment/volumes-are-judged",
    row: "F18",
    run: (world) => {
      const inside = compartment(world, "A");
      const [secret, other, plain] = [file(world, "A"), file(world, "B"), file(world, "U")];
      return expectAll(world, ["ok", inside, `with rw ${secret} write`], ["EACCES", inside, `with r ${other} read`], ["EACCES", inside, `with w ${plain} write`], ["ok", inside, `with r ${plain} read`], ["EACCES", inside, `unlink ${plain}`]);
    },
  },
  {
    id: "compartment/doors-are-closed-twice",
    row: "K4",
    run: (world) => {
      const inside = compartment(world, "A");
      for (const { id, command } of DOORS) {
        if (["nice", "setrlimit", "trace-me"].includes(id)) continue;
        const { error } = inside.ask(command);
        if (error === "ok") return `${id} is open`;
      }
      return expectAll(world, ["EINVAL", inside, "door tee"], ["EINVAL", inside, "door splice"], ["EINVAL", inside, "door vmsplice"], ["ENOSYS", inside, "door newcall"], ["ENOSYS", inside, "door x32"], ["ENOSYS|EPERM|EACCES", inside, "door int80"]);
    },
  },
  {
    id: "compartment/kernel-files-are-read-only",
    row: "K9",
    run: (world) => {
      const inside = compartment(world, "A");
      const paths = ["/proc/self/comm", "/proc/self/oom_score_adj", "/proc/self/timerslack_ns", "/proc/self/coredump_filter", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/sys/fs/cgroup/cgroup.procs", "/sys/kernel/mm/ksm/run"];
      return expectAll(world, ...paths.map((path) => ["EACCES|EROFS|ENOENT|EPERM", inside, `with w ${path} write`] as const));
    },
  },
  {
    id: "compartment/sees-no-other-process",
    row: "T5",
    run: (world) => {
      const inside = compartment(world, "A");
      const { detail } = inside.ask("with r+dir /proc readdir");
      const pids = detail.split("/").filter((name) => /^\d+$/.test(name));
      return pids.every((pid) => Number(pid) < 50) ? expectAll(world, ["EACCES", "U", `other proc:cmdline ${inside.process.pid}`]) : `it sees ${pids.join()}`;
    },
  },
  {
    id: "compartment/no-core-dump-by-pipe",
    row: "F16",
    run: async (world) => {
      const id = String(world.monitor.contexts.idOf(contextNamed("A")));
      const party = Party.launched("crash", world.monitor, "A", launch(id));
      const pattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
      rmSync("/data/f/dump", { force: true });
      writeFileSync("/data/f/helper", "#!/bin/sh\ncat > /data/f/dump\n", { mode: 0o755 });
      writeFileSync("/proc/sys/kernel/core_pattern", "|/data/f/helper");
      party.send("crash");
      await sleep(700);
      const leaked = existsSync("/data/f/dump");
      // that the handler works at all
      const plain = Party.start("crash-plain");
      labelProcess(world.monitor, plain.pid, "U");
      plain.send("crash");
      for (let n = 0; n < 40 && !existsSync("/data/f/dump"); n++) await sleep(100);
      writeFileSync("/proc/sys/kernel/core_pattern", pattern);
      if (!existsSync("/data/f/dump")) return "the handler did not run for an unlabelled process either";
      // and nothing of it in the kernel's log
      const log = execFileSync("dmesg", { encoding: "utf8" });
      if (/csn-actor.*segfault/.test(log)) return "the kernel's log tells of the crash";
      return leaked ? "the handler got a dump" : null;
    },
  },
  {
    id: "modules/none-named-by-a-program",
    row: "K8",
    run: async (world) => {
      const path = `/data/f/${world.fresh()}`;
      writeFileSync(path, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), { mode: 0o755 });
      rmSync("/data/f/asked", { force: true });
      const known = readFileSync("/proc/sys/kernel/modprobe", "utf8").trim();
      writeFileSync("/data/f/modprobe", '#!/bin/sh\necho "$@" >> /data/f/asked\n', { mode: 0o755 });
      writeFileSync("/proc/sys/kernel/modprobe", "/data/f/modprobe");
      const first = expectAll(world, ["ENOEXEC|EACCES", "A", `execute ${path}`]);
      await sleep(200);
      const asked = existsSync("/data/f/asked");
      writeFileSync("/proc/sys/kernel/modprobe", known);
      return first ?? (asked ? `modprobe ran: ${readFileSync("/data/f/asked", "utf8")}` : null);
    },
  },
  ...walls,
  ...observeScenarios,
  works("shell", "echo one > x; cat x | tr a-z A-Z > y; test $(cat y) = ONE; awk '{print $1}' x; sort -r x > z; mv z w; rm x; ls -l; for i in 1 2 3; do echo $i; done | wc -l", "awk"),
  works("sort-with-temporary-files", "seq 1 20000 | sort -R -S 64k -T . > x; sort -n -S 64k -T /tmp x | tail -1 | grep -q 20000", "sort"),
  works("perl", "perl -e 'open(F,\">x\");print F \"hi\";close F; print `cat x`; exit($? >> 8)'", "perl"),
  works("python", "python3 -c 'import subprocess,tempfile,threading,os; t=threading.Thread(target=lambda: open(\"x\",\"w\").write(\"hi\")); t.start(); t.join(); assert subprocess.run([\"cat\",\"x\"],capture_output=True).stdout==b\"hi\"; tempfile.TemporaryFile().write(b\"x\"); r,w=os.pipe(); os.write(w,b\"x\"); assert os.read(r,1)==b\"x\"'", "python3"),
  works("python-multiprocessing", "python3 -c 'import multiprocessing as m\nif __name__==\"__main__\":\n  p=m.get_context(\"fork\").Pool(2); assert p.map(abs,[-1,-2])==[1,2]; p.close()'", "python3"),
  works("tar", "mkdir d; echo hi > d/x; tar czf d.tar.gz d; rm -r d; tar xzf d.tar.gz; cat d/x", "tar"),
  works("git", "git init -q .; echo hi > x; git add x; git -c user.name=n -c user.email=e commit -q -m m; git log --oneline | grep -q m; git status --short", "git"),
  works("sqlite", "sqlite3 db 'create table t(x); insert into t values(1),(2);'; test $(sqlite3 db 'select sum(x) from t') = 3", "sqlite3"),
  works("gcc", "echo 'int main(){return 0;}' > x.c; gcc x.c -o x; ./x", "gcc"),
  works("node", `${NODE} -e 'const c=require("child_process"),{Worker}=require("worker_threads"),fs=require("fs");fs.writeFileSync("x","hi");if(c.execFileSync("cat",["x"]).toString()!=="hi")process.exit(3);new Worker("process.exit(0)",{eval:true}).on("exit",()=>{const p=c.spawn("cat",["x"]);p.stdout.on("data",d=>process.stdout.write(d));p.on("close",(k)=>process.exit(k))})'`, "sh"),
  {
    id: "known-leak/futex-on-a-page-that-both-may-read",
    row: "I7",
    run: async (world) => {
      const u = world.party("U");
      u.send(`futex wait ${PROGRAM}`);
      await sleep(300);
      const { detail } = world.party("A").ask(`futex wake ${PROGRAM}`);
      const answer = u.receive("futex");
      return detail === "1" && answer.error === "ok" ? null : `no longer: ${detail} ${answer.error}`;
    },
  },
  {
    // no hook sees that a descriptor is closed
    id: "known-leak/closing-a-file-that-is-watched-later",
    row: "K6",
    run: (world) => {
      const path = file(world, "U");
      const fault = expectAll(world, ["ok", "A", `open r ${path}`], ["ok", "U", `watch add ${path}`], ["ok", "A", "close"]); // prettier-ignore
      const told = world.party("U").ask("watch get").detail;
      world.party("U").ask("watch end");
      return fault ?? (told !== "0" ? null : "closed? then turn this case round");
    },
  },
  {
    id: "known-leak/size-of-a-file-opened-before-its-label",
    row: "F11",
    run: (world) => {
      const path = `/data/f/${world.fresh()}`;
      writeFileSync(path, "secret\n");
      const fault = expectAll(world, ["ok", "U", `open r ${path}`]);
      world.monitor.setInode(path, contextNamed("A"));
      const { error, detail } = world.party("U").ask("f seekend");
      world.party("U").ask("close");
      return fault ?? (error === "ok" && detail === "7" ? null : `no longer: ${error} ${detail}`);
    },
  },
  {
    id: "known-leak/a-program-that-runs-cannot-be-written",
    row: "F14",
    run: (world) => {
      // who executes a file keeps others from opening it for writing (ETXTBSY)
      const path = `/data/f/${world.fresh()}`;
      execFileSync("cp", [PROGRAM, path]);
      world.monitor.setInode(path, contextNamed("U"));
      const fifos = [`/data/io/${world.fresh()}`, `/data/io/${world.fresh()}`];
      execFileSync("mkfifo", fifos);
      const child = spawn(path, fifos, { stdio: "ignore" });
      execFileSync("sleep", ["0.3"]);
      labelProcess(world.monitor, child.pid!, "A");
      const answer = world.party("U").ask(`open w ${path}`);
      child.kill("SIGKILL");
      world.party("U").ask("close");
      return answer.error === "ETXTBSY" ? null : `no longer: ${answer.error}`;
    },
  },
]; // prettier-ignore
