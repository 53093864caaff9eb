/**
 * The parts of the machine that need no machine. Boots are exercised by the conformance
 * suite, which runs in one.
 */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bootScript, quote } from "./boot-settings.ts";
import { cpio, directory, PROGRAM } from "./cpio.ts";
import { MachineError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { loadOrder, moduleName, parseModulesDep } from "./modules.ts";
import { isAlive, nameProcess, startTicksOf } from "./process.ts";
import { qemuArguments } from "./qemu.ts";
import {
  machineFolder,
  machineNames,
  makeFolder,
  readState,
  runningState,
  writeState,
  type MachineState,
} from "./state.ts";
import { excerpt, parseStatus, Tail } from "./status.ts";
import { endpoint, machineStatus } from "./lifecycle.ts";

function withFolder(work: (folder: string) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "csn-machine-"));
    try {
      await work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

const MODULES_DEP = `kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz
kernel/net/9p/9pnet.ko.xz: kernel/fs/netfs/netfs.ko.xz
kernel/fs/netfs/netfs.ko.xz:
kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz
kernel/drivers/x/needs-two.ko: kernel/fs/9p/9p.ko.xz kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz
`;

test("every module comes after all that it needs, and once", () => {
  const dep = parseModulesDep(MODULES_DEP);
  const { files, missing } = loadOrder(
    ["9p", "9pnet_virtio", "needs_two", "ext4", "nosuch"],
    dep,
    "kernel/fs/ext4/ext4.ko\n",
  );
  assert.deepEqual(files.map(moduleName), ["netfs", "9pnet", "9p", "9pnet_virtio", "needs_two"]);
  assert.deepEqual(missing, ["nosuch"]); // ext4 is built in, so it is not missing
});

test(
  "an archive is what cpio reads",
  { skip: spawnSync("cpio", ["--version"]).error && "no cpio here" },
  () => {
    const archive = cpio([directory("a"), { path: "a/b", mode: PROGRAM, data: Buffer.from("hello") }]);
    assert.equal(archive.length % 4, 0);
    const listed = spawnSync("cpio", ["-tv", "--quiet"], { input: archive, encoding: "utf8" });
    assert.equal(listed.status, 0, listed.stderr);
    assert.match(listed.stdout, /drwxr-xr-x .* a\n-rwxr-xr-x .* 5 .* a\/b\n/);
  },
);

test("boot settings reach a shell unchanged, whatever they hold", () => {
  const odd = ["plain", "two words", "it's", "$HOME `id` \\", "new\nline", "", "-n", '"'];
  const script = bootScript({
    token: "t",
    root: "/a b",
    name: "m",
    modulesDir: "/m",
    kernelVersion: "6",
    hidden: "/h",
    command: odd,
    env: { ODD: "it's" },
  });
  const shown = spawnSync("sh", ["-c", `${script}\nprintf '%s\\0' "$CSN_BOOT_ROOT" "$ODD" "$@"`], {
    encoding: "utf8",
  });
  assert.deepEqual(shown.stdout.split("\0").slice(0, -1), ["/a b", "it's", ...odd]);
  assert.throws(() => quote("a\0b"), TypeError);
});

test("status lines count only when whole", () => {
  assert.deepEqual(parseStatus(""), { ready: false, exitCode: null });
  assert.deepEqual(parseStatus("ready\nexit 7"), { ready: true, exitCode: null });
  assert.deepEqual(parseStatus("ready\nexit 7\npoweroff\n"), { ready: true, exitCode: 7 });
  assert.deepEqual(parseStatus("ready\ndaemon-exit 3\n"), { ready: true, exitCode: null });
});

test("a panic's reason is shown however long its trace is", () => {
  const log = `ok\r\nKernel panic - not syncing: x\r\n${"trace\n".repeat(50)}end\n`;
  assert.deepEqual(excerpt(log, 2).split("\n"), ["Kernel panic - not syncing: x", "trace", "end"]);
  assert.equal(excerpt("\x1b[1;32ma\x1b[0m\nb\n", 20), "a\nb");
});

test(
  "a tail gives each byte once",
  withFolder((folder) => {
    const path = join(folder, "log");
    const tail = new Tail(path);
    assert.equal(tail.next(), null);
    writeFileSync(path, "one");
    assert.equal(tail.next()?.toString(), "one");
    assert.equal(tail.next(), null);
    writeFileSync(path, "two", { flag: "a" });
    assert.equal(tail.next()?.toString(), "two");
  }),
);

test("a process is told from a later one with its number", async () => {
  const child = spawn("sleep", ["60"]);
  const name = nameProcess(child.pid!)!;
  assert.ok(isAlive(name));
  assert.ok(!isAlive({ ...name, startTicks: name.startTicks - 1 }));
  assert.ok(!isAlive({ ...name, bootId: "another boot" }));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.on("exit", resolve));
  assert.ok(!isAlive(name));
});

test("a process name with blanks and brackets doesn't shift the fields", () => {
  const rest = Array.from({ length: 40 }, (_, i) => i + 4).join(" ");
  assert.equal(startTicksOf(`12 (a) b (c) S ${rest}`), 22);
  assert.equal(startTicksOf(`12 (gone) Z ${rest}`), null);
});

test(
  "a machine runs only while its process does",
  withFolder(async (home) => {
    const files = machineFolder(home, "m");
    await makeFolder(files);
    assert.deepEqual(machineNames(home), ["m"]);
    const state: MachineState = {
      name: "m",
      qemu: nameProcess(process.pid)!,
      port: 1,
      kernel: { id: "6.12", version: "6.12.0" },
      accel: "tcg",
      started: "2026-01-01T00:00:00.000Z",
      root: "/",
      mode: "daemon",
    };
    await writeState(files, state);
    assert.deepEqual(runningState(files), state);
    assert.equal(machineStatus(home, "m").running, true);

    await writeState(files, { ...state, qemu: { ...state.qemu, startTicks: 1 } });
    assert.notEqual(readState(files), null);
    assert.equal(runningState(files), null);
    assert.throws(() => endpoint(home, "m"), { code: "E_MACHINE_NOT_RUNNING" });

    writeFileSync(files.state, "{ half");
    assert.equal(machineStatus(home, "m").running, false);
  }),
);

test("names that would leave the folder are refused", () => {
  for (const name of ["", "..", "../x", "a/b", "A", "x".repeat(32)]) {
    assert.throws(
      () => machineFolder("/h", name),
      (error) => error instanceof MachineError && error.code === "E_MACHINE_NAME",
    );
  }
});

test(
  "one at a time behind a lock",
  withFolder(async (folder) => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(join(folder, "lock"), work)));
    assert.equal(most, 1);
  }),
);

test("QEMU is told to keep the host safe", () => {
  const options = {
    accel: "tcg",
    cpus: 2,
    memoryMiB: 512,
    vmlinuz: "/k",
    port: 4242,
    icount: false,
    extraAppend: "",
  } as const;
  const args = qemuArguments(options).join(" ");
  assert.match(args, /-fsdev local,\S*readonly=on/);
  assert.match(args, /restrict=on,hostfwd=tcp:127\.0\.0\.1:4242-:7070/);
  assert.match(args, /tcg,thread=single -smp 2/);
  assert.match(
    qemuArguments({ ...options, icount: true }).join(" "),
    /-accel tcg -smp 1 -icount shift=0,sleep=off/,
  );
});
