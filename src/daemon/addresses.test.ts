/**
 * Who may set policy for addresses, and that a fault leaves the old one, in the kernel and on disk.
 */
import { deepStrictEqual, strictEqual, throws } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { addressText } from "../api/index.ts";
import type { RangeEntry } from "../kernel/index.ts";
import { contextKey } from "../label/index.ts";
import { listAddresses, setAddress, unsetAddress } from "./addresses.ts";
import type { Csn } from "./csn.ts";
import { Authority } from "./authority.ts";
import { PolicyError } from "../policy/index.ts";
import { CsnError } from "./errors.ts";
import type { DaemonEvent } from "./records.ts";
import type { Caller } from "./identity.ts";
import { Store } from "./store.ts";

const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const ALICE: Caller = { uid: 7, gid: 7, groups: [], name: "alice" };
const BOB: Caller = { uid: 8, gid: 8, groups: [], name: "bob" };

let home: string;
let store: Store;
let kernel: string[];
let events: string[];
/** Of the last two records: from which context to which. */
let last: [string, string][];
let failing: "kernel" | null;
let updates: number;
let csn: Csn;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "csn-addresses-"));
  store = new Store(home);
  const authority = new Authority(store);
  authority.createTags(ALICE, ["alice/a"]);
  authority.createTags(BOB, ["bob/b"]);
  [kernel, events, last, failing, updates] = [[], [], [], null, 0];
  const replace = (entries: readonly RangeEntry[]) => {
    kernel = entries.map(
      ({ bytes, ports }) => `${addressText(bytes)} ${ports.map((p) => `${p.first}-${p.last}`).join(" ")}`,
    );
    if (failing === "kernel") {
      failing = null;
      throw new Error("no memory");
    }
  };
  const monitor = { ranges: { replace } };
  csn = {
    store,
    authority,
    attached: () => monitor,
    waysOut: {
      update: () => updates++,
      why: ({ bits }: { bits: number }) => (bits === 128 ? "" : "no way"),
    },
    records: {
      event: ({ op, source, sink }: DaemonEvent) => {
        events.push(op);
        last = [...last.slice(-1), [contextKey(source), contextKey(sink)]];
      },
    },
  } as unknown as Csn;
});
afterEach(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});

const set = (who: Caller, address: string, ...secrecy: string[]) =>
  setAddress(csn, who, { address, context: { secrecy, integrity: [] } }).address;
const unset = (who: Caller, address: string) => unsetAddress(csn, who, { address }).address;
const fails = (code: string, work: () => unknown) => {
  const before = [listAddresses(csn, ROOT), [...kernel], [...events]];
  throws(work, (error) => (error instanceof CsnError || error instanceof PolicyError) && error.code === code);
  deepStrictEqual([listAddresses(csn, ROOT), kernel, events], before);
};

/** Its records: it was changed, and changed back. */
const undone = (work: () => void) => {
  events = [];
  work();
  deepStrictEqual([events, last[0]], [["network", "network"], last[1]?.toReversed()]);
};

describe("policy for addresses", () => {
  it("is set, listed in order, replaced and unset, each change with a record", () => {
    for (const address of ["[2001:db8::]/32:1", "10.2.0.0/16", "10.0.0.0/8", "9.0.0.1:70", "9.0.0.1:8"])
      set(ALICE, address, "alice/a");
    deepStrictEqual(
      listAddresses(csn, ROOT).map((rule) => rule.address),
      ["9.0.0.1:8", "9.0.0.1:70", "10.0.0.0/8", "10.2.0.0/16", "[2001:db8::]/32:1"],
    );
    set(ALICE, "10.2.0.0/16", "alice/a"); // as it is: nothing happened
    set(ROOT, "10.2.0.0/16", "bob/b");
    deepStrictEqual(listAddresses(csn, ROOT)[3]!.context, { secrecy: ["bob/b"], integrity: [] });
    for (const { address } of listAddresses(csn, ROOT)) unset(ROOT, address);
    deepStrictEqual([kernel, listAddresses(csn, ROOT), events.length], [[], [], 11]);
    strictEqual(updates, 12); // the way out follows each time
  });

  it("is for the owners of the tags, and of those that have decided so far", () => {
    set(ROOT, "10.0.0.0/8:80-90", "bob/b");
    fails("E_TAG_UNKNOWN", () => set(ALICE, "11.0.0.0/8", "bob/b")); // whose tag it is not even shown
    fails("E_TAG_UNKNOWN", () => set(ALICE, "11.0.0.0/8", "alice/a", "bob/b"));
    fails("E_NOT_PERMITTED", () => set(ALICE, "10.2.0.0/16", "alice/a"));
    fails("E_NOT_PERMITTED", () => set(ALICE, "10.0.0.0/8:80-90", "alice/a"));
    fails("E_NOT_PERMITTED", () => unset(ALICE, "10.0.0.0/8:80-90"));
    set(ALICE, "10.2.0.0/16:91-99", "alice/a"); // the wider rule has other ports
    set(ALICE, "0.0.0.0/0", "alice/a"); // decides only where nothing narrower does
    unset(BOB, "10.0.0.0/8:80-90");
  });

  it("only root takes addresses out of a range, and puts them back", () => {
    set(ALICE, "10.0.0.0/8", "alice/a");
    fails("E_NOT_PERMITTED", () => set(ALICE, "10.2.0.0/16"));
    set(ROOT, "10.2.0.0/16");
    deepStrictEqual(
      listAddresses(csn, ROOT).map(({ reachable, why }) => [reachable, why === ""]),
      [
        [false, false],
        [true, true],
      ],
    );
    deepStrictEqual(listAddresses(csn, ROOT)[0]!.why, "no way");
    fails("E_NOT_PERMITTED", () => set(ALICE, "10.2.3.0/24", "alice/a"));
    fails("E_NOT_PERMITTED", () => unset(ALICE, "10.2.0.0/16"));
    unset(ROOT, "10.2.0.0/16");
  });

  it("what can't be is an error, and changes nothing", () => {
    set(ALICE, "10.2.0.0/16:80-90", "alice/a");
    fails("E_NETWORK_OVERLAP", () => set(ALICE, "10.2.0.0/16:90", "alice/a"));
    fails("E_NETWORK_OVERLAP", () => set(ALICE, "10.2.0.0/16", "alice/a"));
    fails("E_NETWORK_UNKNOWN", () => unset(ALICE, "10.2.0.0/16"));
    fails("E_NETWORK_ADDRESS", () => set(ALICE, "10.2.0.1/16", "alice/a"));
    fails("E_TAG_UNKNOWN", () => set(ALICE, "10.2.0.1", "alice/x"));
    fails("E_BAD_REQUEST", () => setAddress(csn, ALICE, { address: 5, context: {} }));
  });

  it("a fault of the kernel or the disk leaves the old policy in both", () => {
    set(ALICE, "10.2.0.0/16:80-90", "alice/a");
    const before = [...kernel];
    failing = "kernel";
    undone(() => throws(() => set(ALICE, "10.3.0.0/16", "alice/a"), /no memory/));
    deepStrictEqual([kernel, listAddresses(csn, ROOT).length], [before, 1]);
    const broken = new Proxy(store, {
      get: (target, name) => {
        if (name === "putAddress" || name === "removeAddress")
          return () => {
            throw new CsnError("E_STORE", "full", "make space", 500);
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    csn = Object.assign(csn, { store: broken });
    const rules = listAddresses(csn, ROOT);
    for (const work of [
      () => set(ALICE, "10.3.0.0/16", "alice/a"),
      () => unset(ALICE, "10.2.0.0/16:80-90"),
    ]) {
      undone(() => throws(work, (error) => error instanceof CsnError && error.code === "E_STORE"));
      deepStrictEqual([kernel, listAddresses(csn, ROOT)], [before, rules]);
    }
  });
});
