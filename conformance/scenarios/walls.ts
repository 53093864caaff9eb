/**
 * Scenarios that reach one check alone, where another one usually refuses first. Each is here because
 * without it a check could be taken out of the monitor and nothing failed. [docs/mutation.md]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { DEVICE_VOLATILE, KIND, native, PINS, SHAPE } from "../../src/kernel/index.ts";
import type { World } from "../inside.ts";
import { contextNamed, labelNetwork, labelProcess, Party } from "../party.ts";
import { roommates } from "./ipc.ts";
import { expectAll, file, folder, type Scenario, type Step } from "./tools.ts";

/** Runs with a file system of its own at /data/mnt. */
function withTmpfs(world: World, run: () => string | null): string | null {
  execFileSync("mount", ["-t", "tmpfs", "wall", "/data/mnt"]);
  const { map, key } = device(world, "/data/mnt");
  native().mapDelete(map, key); // an earlier one with its number may have held labels
  try {
    return run();
  } finally {
    try {
      execFileSync("umount", ["--lazy", "/data/mnt"], { stdio: "ignore" }); // a fault may leave files open
    } catch {
      // that somebody unmounted it is what one of them looks for
    }
  }
}

/** Runs with a party of its own, unlabelled at first. */
function withParty(world: World, run: (party: Party) => string | null): string | null {
  const party = Party.start("wall");
  try {
    party.label(world.monitor, "U");
    return run(party);
  } finally {
    party.stop();
  }
}

/** The `devices` map and the key of a file system in it. */
function device(world: World, path: string, bits = 0): { map: number; key: Buffer } {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(world.monitor.inode(path).dev | bits);
  return { map: native().mapOpen(`${PINS}/devices`), key };
}

function keysOf(map: number): string[] {
  const keys: string[] = [];
  for (let key = native().mapNext(map, null, 8); key !== null; key = native().mapNext(map, key, 8))
    keys.push(key.toString("hex"));
  return keys;
}

const ALL_MINORS = 0xfffff;

export const walls: readonly Scenario[] = [
  {
    id: "gate/what-it-moves-keeps-its-context",
    row: "F4",
    run: (world) =>
      withParty(world, (gate) => {
        labelProcess(world.monitor, gate.pid, "AB", "U");
        const [a, u] = [folder(world, "A"), folder(world, "U")];
        writeFileSync(`${a}/x`, "x\n");
        mkdirSync(`${a}/sub`);
        world.monitor.setInode(`${a}/sub`, contextNamed("A"), { selfOnly: true });
        return expectAll(world,
          ["ok", gate, `mkdir ${u}/new`], ["EACCES", gate, `mkdir ${a}/new`], ["EACCES", gate, `link ${a}/x ${u}/x`],
          ["EACCES", gate, `rename ${a}/x ${u}/x 0`], ["EACCES", gate, `rename ${a}/sub ${u}/sub 0`]); // prettier-ignore
      }),
  },
  {
    id: "gate/what-it-exchanges-keeps-its-context",
    row: "F4",
    run: (world) =>
      withParty(world, (gate) => {
        labelProcess(world.monitor, gate.pid, "AB", "U");
        const [a, u] = [folder(world, "A"), folder(world, "U")];
        for (const path of [`${a}/x`, `${u}/y`]) writeFileSync(path, "x\n");
        world.monitor.setInode(`${u}/y`, contextNamed("U"));
        return expectAll(world, ["EACCES", gate, `rename ${u}/y ${a}/x 2`]);
      }),
  },
  {
    id: "tree/a-label-for-the-folder-alone",
    row: "F5",
    run: (world) => {
      const above = folder(world, null);
      writeFileSync(`${above}/x`, "x\n");
      world.monitor.setInode(above, contextNamed("V"), { selfOnly: true });
      return expectAll(world, ["ok", "U", `with rw ${above}/x write`], ["EACCES", "U", `chmod ${above}`]);
    },
  },
  {
    id: "names/victims-of-another-context",
    row: "F4",
    run: (world) => {
      const u = folder(world, "U");
      mkdirSync(`${u}/secret`);
      world.monitor.setInode(`${u}/secret`, contextNamed("A"));
      for (const name of ["x", "v"]) writeFileSync(`${u}/${name}`, "x\n");
      world.monitor.setInode(`${u}/v`, contextNamed("V"));
      return expectAll(world, ["EACCES", "U", `rmdir ${u}/secret`], ["EACCES", "U", `link ${u}/v ${u}/l`], ["EACCES", "U", `rename ${u}/v ${u}/w 0`], ["EACCES", "U", `rename ${u}/x ${u}/v 0`]);
    },
  },
  {
    id: "names/into-a-secret-folder",
    row: "F4",
    run: (world) => {
      const [a, u] = [folder(world, "A"), folder(world, "U")];
      writeFileSync(`${u}/x`, "x\n");
      world.monitor.setInode(`${u}/x`, contextNamed("U"));
      return expectAll(world, ["EACCES", "U", `rename ${u}/x ${a}/x 0`]);
    },
  },
  {
    id: "mount/labelled-subjects-unmount-nothing",
    row: "K4",
    run: (world) => withTmpfs(world, () => expectAll(world, ["EACCES|EPERM", "A", "door umount"])),
  },
  {
    id: "mount/a-file-system-of-a-compartment-is-forgotten",
    row: "F18",
    run: (world) => {
      const { map, key } = withDevice(world);
      return native().mapGet(map, key, SHAPE.csn_device.size) === null ? null : "the next one with its number is labelled";
    },
  },
  {
    id: "mount/overlay-mapped-after-its-label",
    row: "F18",
    run: (world) => {
      const name = file(world, "AB").split("/").pop()!;
      return withTmpfs(world, () => {
        for (const each of ["u", "w", "o"]) mkdirSync(`/data/mnt/${each}`);
        world.monitor.setInode("/data/mnt", contextNamed("AB"));
        const options = "lowerdir=/data/f,upperdir=/data/mnt/u,workdir=/data/mnt/w,userxattr";
        execFileSync("mount", ["-t", "overlay", "over", "-o", options, "/data/mnt/o"]);
        const fault = expectAll(world, ["ok", "AB", `open rw /data/mnt/o/${name}`], ["ok", "AB", "f mmap rw shared"]);
        if (fault) return fault;
        world.monitor.setInode(`/data/mnt/u/${name}`, contextNamed("A"));
        const after = expectAll(world, ["EACCES", "AB", "f mmap rw shared"]);
        world.monitor.setInode(`/data/mnt/u/${name}`, contextNamed("W"));
        const last = expectAll(world, ["EACCES", "AB", "f mmap w shared"], ["ok", "AB", "close"]);
        execFileSync("umount", ["/data/mnt/o"]);
        return after ?? last;
      });
    },
  },
  {
    id: "watch/whole-file-systems-tell-too",
    row: "K6",
    run: (world) =>
      withTmpfs(world, () => {
        writeFileSync("/data/mnt/x", "plain\n");
        const fault = expectAll(world, ["ok", "A", "open r /data/mnt/x"], ["ok", "A", "f pread"], ["ok", "U", "fanotify fs /data/mnt keep"], ["EACCES", "A", "f pread"], ["EACCES", "A", "with r /data/mnt/x read"], ["ok", "U", "watch stop"], ["ok", "A", "f pread"],
          ["EACCES|EPERM", "A", "fanotify mount /data/mnt"]); // prettier-ignore
        for (const name of ["A", "U"] as const) expectAll(world, ["ok", name, "close"], ["ok", name, "watch stop"]);
        return fault;
      }),
  },
  {
    id: "watch/whole-mounts-tell-too",
    row: "K6",
    run: (world) =>
      withTmpfs(world, () => {
        writeFileSync("/data/mnt/x", "plain\n");
        const fault = expectAll(world, ["ok", "A", "open r /data/mnt/x"], ["ok", "A", "f pread"], ["ok", "U", "fanotify mount /data/mnt keep"], ["EACCES", "A", "f pread"], ["EACCES", "A", "with r /data/mnt/x read"], ["ok", "U", "watch stop"], ["ok", "A", "f pread"]);
        for (const name of ["A", "U"] as const) expectAll(world, ["ok", name, "close"], ["ok", name, "watch stop"]);
        return fault;
      }),
  },
  {
    id: "disk/nodes-that-somebody-made",
    row: "K8",
    run: (world) => {
      // the numbers of /dev/null, but a disk's; and a device that nobody knows
      const [block, unknown] = [`/data/f/${world.fresh()}`, `/data/f/${world.fresh()}`];
      execFileSync("mknod", [block, "b", "1", "3"]);
      execFileSync("mknod", [unknown, "c", "240", "77"]);
      return expectAll(world, ["EACCES", "U", "open r /dev/vda"], ["EACCES", "A", `open r ${block}`], ["EACCES", "A", `open r ${unknown}`]);
    },
  },
  {
    id: "disk/closed-by-the-first-label",
    row: "K8",
    run: (world) => {
      const { map, key } = device(world, "/data/f", ALL_MINORS);
      native().mapDelete(map, key);
      file(world, "A");
      return expectAll(world, ["EACCES", "U", "open r /dev/vda"]);
    },
  },
  {
    id: "pidfd/of-one-that-was-labelled-later",
    row: "T3",
    run: (world) =>
      withParty(world, (party) => {
        const before = expectAll(world, ["ok", "U", `descriptor ${party.pid}`], ["ok|ENOTTY", "U", "f fionread"]);
        party.label(world.monitor, "A");
        const after = expectAll(world, ["EACCES", "U", "f fionread"]);
        return before ?? after ?? expectAll(world, ["ok", "U", "close"]);
      }),
  },
  {
    id: "pidfd/of-one-that-ended",
    row: "T3",
    run: (world) =>
      withParty(world, (holder) => {
        holder.label(world.monitor, "A");
        const { detail } = holder.ask("child");
        const before = expectAll(world, ["ok", holder, `descriptor ${detail}`], ["ok", holder, `other kill9 ${detail}`]);
        holder.label(world.monitor, "U");
        return before ?? expectAll(world, ["EACCES", holder, "f fionread"]);
      }),
  },
  {
    id: "anonymous/huge-and-secret-memory",
    row: "I5",
    run: (world) =>
      expectAll(world, ["ok", "A", "memfdhuge"], ["ok", "A", "f chmod"], ["ok", "A", "close"]) ??
      (world.party("U").ask("memfdsecret").error === "ENOSYS" ? null : expectAll(world, ["ok", "A", "memfdsecret"], ["ok", "A", "f chmod"], ["ok", "A", "close"])) ??
      expectAll(world, ["ok", "U", "close"]),
  },
  {
    id: "task/own-child-of-another-context",
    row: "T6",
    run: (world) =>
      withParty(world, (parent) => {
        parent.label(world.monitor, "A");
        const { detail } = parent.ask("child");
        labelProcess(world.monitor, Number(detail), "U");
        return expectAll(world, ["EACCES", parent, `other setpgid ${detail}`]);
      }),
  },
  {
    id: "sysv/found-by-key-and-sent-to",
    row: "I2",
    run: (world) => {
      const [user, owner] = roommates(world, "A", "B");
      const made = ["shm", "msg", "sem"].map((kind, n) => owner.ask(`sysv ${kind}make ${7300 + n}`).detail);
      const fault = expectAll(world, ["EACCES", user, "sysv shmkey 7300"], ["EACCES", user, "sysv msgkey 7301"], ["EACCES", user, "sysv semkey 7302"],
        ["EACCES", user, `sysv msgsnd ${made[1]}`], ["EACCES", user, `sysv semop ${made[2]}`]); // prettier-ignore
      for (const [n, kind] of ["shm", "msg", "sem"].entries()) owner.ask(`sysv ${kind}rm ${made[n]}`);
      user.stop();
      owner.stop();
      return fault;
    },
  },
  {
    id: "sysv/attached-to-write",
    row: "I1",
    run: (world) => {
      const [user, owner] = roommates(world, "AB", "A");
      const { detail } = owner.ask("sysv shmmake 7310");
      const fault = expectAll(world, ["EACCES", user, `sysv shmat ${detail} 0`], ["ok", user, `sysv shmat ${detail} 1`], ["ok", owner, `sysv shmrm ${detail}`]);
      user.stop();
      owner.stop();
      return fault;
    },
  },
  {
    id: "mqueue/to-read-does-not-arrive",
    row: "I4",
    run: (world) =>
      withParty(world, (party) => {
        const { detail } = party.ask("room");
        const before = expectAll(world, ["ok", party, "mq make /csn-wall"], ["ok", party, "mq openr /csn-wall"], ["ok", party, "mq pass"]);
        labelNetwork(world.monitor, detail, "A");
        party.label(world.monitor, "A");
        return before ?? expectAll(world, ["EACCES", party, "mq pass"], ["ok", party, "memfd"], ["ok", party, "f pass"]);
      }),
  },
  {
    id: "sysv/forgotten-when-it-is-gone",
    row: "I1",
    run: async (world) => {
      const map = native().mapOpen(`${PINS}/made`);
      const known = new Set(keysOf(map));
      const [user, owner] = roommates(world, "A", "V");
      for (const kind of ["shm", "msg", "sem"]) {
        const { detail } = owner.ask(`sysv ${kind}make 0`);
        owner.ask(`sysv ${kind}rm ${detail}`);
      }
      let left = keysOf(map).filter((key) => !known.has(key));
      for (let n = 0; n < 30 && left.length > 0; n++) {
        await sleep(100); // they go when nobody can be looking at them any more
        left = keysOf(map).filter((key) => !known.has(key));
      }
      user.stop();
      owner.stop();
      return left.length === 0 ? null : `${left.length} contexts are left for whoever gets the address next`;
    },
  },
  {
    id: "modules/none-for-a-question-about-sockets",
    row: "K8",
    run: async (world) => {
      const known = readFileSync("/proc/sys/kernel/modprobe", "utf8").trim();
      rmSync("/data/f/asked-2", { force: true });
      writeFileSync("/data/f/modprobe-2", '#!/bin/sh\necho "$@" >> /data/f/asked-2\n', { mode: 0o755 });
      writeFileSync("/proc/sys/kernel/modprobe", "/data/f/modprobe-2");
      const first = expectAll(world, ["ok", "A", "door sockdiag"]);
      await sleep(200);
      const asked = existsSync("/data/f/asked-2");
      const second = expectAll(world, ["ok", "U", "door sockdiag"]);
      for (let n = 0; n < 30 && !existsSync("/data/f/asked-2"); n++) await sleep(100);
      writeFileSync("/proc/sys/kernel/modprobe", known);
      if (asked) return `modprobe ran: ${readFileSync("/data/f/asked-2", "utf8")}`;
      return first ?? second ?? (existsSync("/data/f/asked-2") ? null : "modprobe did not run for an unlabelled process either");
    },
  },
  {
    id: "exec/tells-what-runs",
    row: "F15",
    run: (world) => {
      world.refusals();
      const fault = expectAll(world, ["ok", "A", "exec pid"]);
      world.refusals();
      return fault ?? (world.kinds.has(KIND.PROCESS) ? null : "no record says what runs");
    },
  },
  {
    id: "platform/its-files-of-proc-take-nothing",
    row: "T5",
    run: (world) => expectAll(world, ["EACCES", "U", `chmod /proc/${process.pid}/comm`]),
  },
  {
    id: "cache/of-a-process-that-was-never-labelled",
    row: "F5",
    run: (world) => {
      const name = world.fresh();
      writeFileSync(`/data/f/${name}`, "plain\n");
      return withTmpfs(world, () =>
        withParty(world, (bare) => {
          for (const each of ["u", "w", "o"]) mkdirSync(`/data/mnt/${each}`);
          const options = "lowerdir=/data/f,upperdir=/data/mnt/u,workdir=/data/mnt/w";
          execFileSync("mount", ["-t", "overlay", "over", "-o", options, "/data/mnt/o"]);
          const first = expectAll(world, ["ok", bare, `open r /data/mnt/o/${name}`]);
          world.monitor.setInode("/data/mnt/u", contextNamed("A"));
          bare.forget(world.monitor);
          const before = first ?? expectAll(world, ["ok", bare, "f pread"], ["ok", bare, "f stat"]);
          execFileSync("chmod", ["600", `/data/mnt/o/${name}`]); // it is in the upper layer now
          const after = expectAll(world, ["EACCES", bare, "f stat"], ["EACCES", bare, "f pread"], ["ok", bare, "close"]);
          execFileSync("umount", ["/data/mnt/o"]);
          return before ?? after;
        }),
      );
    },
  },
  {
    id: "cache/of-one-object-is-not-anothers",
    row: "F1",
    run: (world) => {
      const a = world.party("A").pid;
      const first = expectAll(world, ["ok", "A", `other proc:comm ${a}`], ["EACCES", "A", `other procw:comm ${a}`]);
      // what it wrote last now fills all that it remembers, and none of it is this
      const fault = Array.from({ length: 24 }, () => file(world, "A")).map((path) => expectAll(world, ["ok", "A", `with w ${path} write`]));
      return first ?? fault.find((each) => each !== null) ?? expectAll(world, ["EACCES", "A", `other procw:comm ${a}`]);
    },
  },
  {
    id: "cache/what-was-written-before-the-label",
    row: "F1",
    run: (world) => {
      const path = file(world, "A");
      // again and again: nothing new is in it, so that it is remembered
      const before = expectAll(world, ["ok", "A", `open rw ${path}`], ["ok", "A", "f pwrite"], ["ok", "A", "f pwrite"]);
      world.monitor.setInode(path, contextNamed("B"));
      return before ?? expectAll(world, ["EACCES", "A", "f pwrite"], ["ok", "A", "close"]);
    },
  },
  {
    id: "cache/each-file-has-its-own-record",
    row: "F1",
    run: (world) => {
      // more of them than a task remembers, and somebody else has used each
      const paths = Array.from({ length: 24 }, () => file(world, "A"));
      const used = expectAll(world, ...paths.map((path): Step => ["ok", "A", `fork with w ${path} write`]));
      const inodes = paths.map((path) => statSync(path).ino);
      const unrecorded = (way: string, commands: readonly string[]): string | null => {
        world.flows();
        const fault = expectAll(world, ...commands.map((command): Step => ["ok", "A", command]));
        const found = new Set(world.flows().map(({ otherInode }) => otherInode));
        return fault ?? (inodes.every((inode) => found.has(inode)) ? null : `some were ${way} without a record`);
      };
      const written = used ?? unrecorded("written", paths.map((path) => `chmod ${path}`));
      // the one that changed last is read first
      return written ?? unrecorded("read", paths.toReversed().map((path) => `with r ${path} read`));
    },
  },
  {
    id: "perf/of-itself",
    row: "K3",
    run: (world) => {
      const path = "/proc/sys/kernel/perf_event_paranoid";
      const known = readFileSync(path, "utf8");
      writeFileSync(path, "1");
      const fault = expectAll(world, ["EACCES", "A", "door perf-user"], ["ok|ENOENT", "U", "door perf-user"]);
      writeFileSync(path, known);
      return fault;
    },
  },
]; // prettier-ignore

/** A file system as the launcher marks one, after it is gone. */
function withDevice(world: World): { map: number; key: Buffer } {
  let found: { map: number; key: Buffer } | null = null;
  withTmpfs(world, () => {
    found = device(world, "/data/mnt");
    const value = Buffer.alloc(SHAPE.csn_device.size);
    value.writeUInt32LE(world.monitor.contexts.idOf(contextNamed("A")), SHAPE.csn_device.context);
    value.writeUInt32LE(DEVICE_VOLATILE, SHAPE.csn_device.flags);
    native().mapSet(found.map, found.key, value, 0);
    return null;
  });
  return found!;
}
