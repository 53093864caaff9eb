import { deepStrictEqual, strictEqual, throws } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { parseTagId } from "../label/index.ts";
import { CsnError } from "./errors.ts";
import { Store } from "./store.ts";

let home: string;
let store: Store;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "csn-store-"));
  store = new Store(home, () => new Date(0));
});
afterEach(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});
const reopen = () => {
  store.close();
  store = new Store(home);
};
const code = (expected: string) => (error: unknown) => error instanceof CsnError && error.code === expected;

describe("store", () => {
  it("keeps labels by file system and handle; the last one counts", () => {
    const label = { fsid: "aa", handle: Buffer.from([1, 2, 0, 3]), context: "S=;I=", path: "/a\n b" };
    store.putLabels([label]);
    store.putLabels([{ ...label, path: "/c" }]);
    reopen();
    deepStrictEqual(
      store.labels().map((l) => [l.fsid, [...l.handle], l.path]),
      [["aa", [1, 2, 0, 3], "/c"]],
    );
    store.removeLabel("aa", label.handle);
    strictEqual(store.labelCount(), 0);
  });

  it("keeps contexts of addresses; the last one counts", () => {
    strictEqual(store.hasPolicy(), false);
    store.putAddress("10.2.0.0/16:5432", "S=;I=");
    store.putAddress("10.2.0.0/16:5432", `S=${"a".repeat(32)};I=`);
    reopen();
    deepStrictEqual(
      store.addresses().map(({ address, context }) => [address, context]),
      [["10.2.0.0/16:5432", `S=${"a".repeat(32)};I=`]],
    );
    strictEqual(store.hasPolicy(), true);
    store.removeAddress("10.2.0.0/16:5432");
    strictEqual(store.hasPolicy(), false);
  });

  it("gives a tag one number in a boot, and remembers what context ids mean", () => {
    const tags = ["a", "b", "c"].map((c) => parseTagId(c.repeat(32)));
    deepStrictEqual(
      tags.map((t) => store.tagNumber(t)),
      [1, 2, 3],
    );
    store.add(16, "S=;I=");
    reopen();
    deepStrictEqual(
      tags.map((t) => store.tagNumber(t)),
      [1, 2, 3],
    );
    deepStrictEqual([...store.contexts()], [[16, "S=;I="]]);
  });

  it("says in one error that its folder can't be used", () => {
    throws(() => new Store(join(home, "csn.db")), code("E_STORE"));
  });
});
