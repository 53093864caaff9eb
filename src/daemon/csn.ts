/**
 * The daemon's state: the store, the monitor if it is attached, the records.
 *
 * Guarantee: a host on which no label exists, of a file or an address, has nothing attached; whoever needs
 * enforcement calls `attached()`, which attaches, marks base and csn's own state, and brings back all that is
 * stored before it returns.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { BASE, type Context, SEALED } from "../label/index.ts";
import { Monitor, probeKernel } from "../kernel/index.ts";
import { ROOT } from "../setup/index.ts";
import { scopeText } from "../api/index.ts";
import { type AnswerTo, type Ask, AskThread, type Format, type Reader } from "../audit/index.ts";
import { restoreAddresses, rulesOf } from "./addresses.ts";
import { Authority } from "./authority.ts";
import { BusService } from "./bus.ts";
import { CsnError } from "./errors.ts";
import { restoreLabels } from "./labels.ts";
import { Mounts } from "./mounts.ts";
import { clearNetworks } from "./networks.ts";
import { Records } from "./records.ts";
import { recordConfiguration } from "./run-events.ts";
import { putScope } from "./scope.ts";
import { Store } from "./store.ts";
import { VERSION } from "./version.ts";
import { Witnessing } from "./witnessing.ts";
import { removeWaysOut, WaysOut } from "./way-out.ts";

/** Programs and libraries of the host image [CTX-3]: what every subject may read, whatever it demands. */
const BASE_FOLDERS = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", ROOT];

export class Csn {
  readonly home: string;
  readonly store: Store;
  readonly authority: Authority;
  readonly records: Records;
  readonly witnessing: Witnessing;
  readonly machine: string | null;
  readonly waysOut = new WaysOut();
  readonly bus: BusService;
  readonly #questions: AskThread;
  monitor: Monitor | null = null;
  since: Date | null = null;
  absentHooks: string[] = [];
  waitingLabels = 0;

  constructor(home: string, machine: string | null) {
    this.home = home;
    this.machine = machine;
    // An earlier daemon may have left the monitor on: our own state is sealed until we are the platform.
    if (Monitor.isAttached()) becomePlatform();
    this.store = new Store(home);
    this.authority = new Authority(this.store);
    this.records = new Records(join(home, "log"), this.store.bootId, () => this.#describe());
    this.witnessing = new Witnessing(join(home, "witnesses.json"), this.records.keeper);
    this.#questions = new AskThread(join(home, "log"));
    this.bus = new BusService(this);
  }

  /** What the host is called in statements. */
  get host(): string {
    return this.machine === null ? hostname() : `machine ${this.machine} of ${hostname()}`;
  }

  /** All that a reader may see. */
  exportRecord(
    reader: Reader,
    format: Format,
    options: { noise: boolean; refused: boolean },
  ): AsyncGenerator<string> {
    this.records.drain();
    return this.#questions.export(reader, format, options);
  }

  /** Of the record as it is now. @throws AskError */
  ask<A extends Ask>(reader: Reader, ask: A): Promise<AnswerTo<A>> {
    this.records.drain();
    return this.#questions.ask(reader, ask, this.authority.now().getTime());
  }

  /** Takes over or restores what was in force; attaches nothing where no label is stored. */
  begin(): void {
    if (Monitor.isAttached()) {
      const monitor = Monitor.takeOver(this.store);
      restoreAddresses(monitor, this.store); // an earlier daemon may have ended in the middle of a change
      this.#use(monitor, false);
      this.waysOut.update(monitor, rulesOf(this.store));
    } else if (this.store.hasPolicy()) {
      this.attached();
    }
  }

  /**
   * Makes sure that labels can be enforced: attaches where some are stored, and tries a single program where
   * none is, so that a host without a label pays nothing. @throws KernelError
   */
  ready(): void {
    if (this.monitor !== null) return;
    if (this.store.hasPolicy()) this.attached();
    else probeKernel();
  }

  /** The monitor, attached now if it was not. @throws KernelError */
  attached(): Monitor {
    if (this.monitor !== null) return this.monitor;
    removeWaysOut(null);
    clearNetworks();
    const { monitor, absent } = Monitor.attach(this.store);
    this.absentHooks = absent;
    try {
      for (const folder of BASE_FOLDERS) if (existsSync(folder)) monitor.setInode(folder, BASE);
      for (const folder of above(BASE_FOLDERS)) monitor.setInode(folder, BASE, { selfOnly: true });
      monitor.setInode(this.home, SEALED);
      restoreAddresses(monitor, this.store);
      const mounts = new Mounts();
      try {
        this.waitingLabels = restoreLabels(monitor, this.store, mounts).waiting;
      } finally {
        mounts.close();
      }
    } catch (error) {
      Monitor.detach();
      throw error;
    }
    this.#use(monitor, true);
    return monitor;
  }

  /** Before a program of that context starts. */
  prepareNetwork(context: Context): void {
    this.waysOut.prepare(this.attached(), rulesOf(this.store), context);
  }

  /**
   * Takes the monitor off; stored labels stay stored.
   *
   * @throws CsnError E_LABELLED_RUNNING while labelled programs run, unless forced
   */
  down(force: boolean): void {
    if (this.monitor === null) return;
    const running = this.labelledPids().length;
    if (running > 0 && !force) {
      throw new CsnError(
        "E_LABELLED_RUNNING",
        `expected no labelled program to be running, found ${running}`,
        "`csn ps` shows them; `csn down --force` lets them go on without any limit",
        409,
      );
    }
    this.records.stop();
    removeWaysOut(this.monitor);
    Monitor.detach();
    this.monitor.close();
    this.monitor = null;
    this.since = null;
  }

  labelledPids(): number[] {
    const { monitor } = this;
    if (monitor === null) return [];
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid > 0)
      .filter((pid) => {
        const subject = monitor.subject(pid);
        return subject !== null && !subject.platform;
      });
  }

  /** Numbers of the compartments that float [FLT-1]. */
  readonly floating = new Set<number>();

  observedPids(): number[] {
    return this.labelledPids().filter((pid) => this.monitor?.subject(pid)?.observed === true);
  }

  /** Ends the daemon's part; what is attached goes on. */
  close(): void {
    this.witnessing.close();
    void this.#questions.close();
    this.records.close();
    this.store.close();
  }

  /** Whether flows that cannot be recorded are refused [AUD-3]; stays so over restarts. */
  setOnFull(refuse: boolean, uid: number): void {
    this.store.refuseOnFull = refuse;
    this.monitor?.setOnFull(refuse);
    recordConfiguration(this, uid, { onFull: refuse ? "refuse" : "count" });
  }

  /** What records were made under: each segment of the log begins with it. */
  #describe(): Record<string, unknown> {
    const { seq } = this.authority.world;
    const [head] = seq === 0 ? [] : this.store.statements(seq, 1);
    return {
      csn: VERSION,
      kernel: kernelRelease(),
      machine: this.machine,
      addresses: this.store.addresses().length,
      labels: this.store.labelCount(),
      onFull: this.store.refuseOnFull ? "refuse" : "count",
      scope: this.store.scope.map(scopeText),
      statements: seq,
      policy: head === undefined ? null : createHash("sha256").update(head).digest("hex"),
    };
  }

  #use(monitor: Monitor, anew: boolean): void {
    this.monitor = monitor;
    monitor.setOnFull(this.store.refuseOnFull);
    this.since = new Date();
    this.records.start(monitor, anew);
    putScope(monitor, this.store.scope);
  }
}

/** Only marks this process; `takeOver` follows once the store can be read. */
function becomePlatform(): void {
  Monitor.takeOver({ contexts: () => [], add: () => undefined, tagNumber: () => 0 }).close();
}

/** The folders on the way to these. */
function above(folders: readonly string[]): string[] {
  const found = new Set<string>();
  for (const folder of folders) {
    const parts = folder.split("/").slice(1, -1);
    for (let i = 0; i <= parts.length; i++) found.add(`/${parts.slice(0, i).join("/")}`);
  }
  for (const folder of folders) found.delete(folder);
  return [...found];
}

/** For people: which kernel this is. */
export function kernelRelease(): string {
  return readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
}
