/**
 * Where a program that floats is after what it reads, against model/. What it takes to start so.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { floated } from "../../model/changes.ts";
import { contextEquals, flowsTo } from "../label/index.ts";
import { Authority } from "./authority.ts";
import { raised } from "./float.ts";
import type { Caller } from "./identity.ts";
import { Store } from "./store.ts";
import { readContext } from "./views.ts";

const TAGS = ["ann/a", "ann/b", "ben/c", "ben/d"];
const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const label = fc.subarray([...TAGS]);
const context = fc.record({ secrecy: label, integrity: label });

let home: string;
let store: Store;
let authority: Authority;
before(() => {
  home = mkdtempSync(join(tmpdir(), "csn-float-"));
  store = new Store(join(home, "store"));
  authority = new Authority(store);
  for (const name of ["ann", "ben"]) authority.createPrincipal(name, "person", null, null);
  authority.createTags(ROOT, TAGS);
});
after(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});

test("[FLT-1..3] it is where the reference says, after any reads in any order, and reads what it was raised for", () => {
  fc.assert(
    fc.property(context, fc.array(context, { maxLength: 6 }), context, (start, objects, given) => {
      // a clearance is at least as secret as the start, and claims no more
      const clearance = {
        secrecy: [...new Set([...start.secrecy, ...given.secrecy])],
        integrity: start.integrity.filter((tag) => given.integrity.includes(tag)),
      };
      const ceiling = readContext(clearance, authority);
      const expected = floated(start, objects, clearance);
      let at = readContext(start, authority);
      const read = objects.map((object) => {
        const of = readContext(object, authority);
        const earlier = at;
        at = raised(at, [of], ceiling);
        ok(flowsTo(earlier, at), "never lower");
        return flowsTo(of, at);
      });
      deepStrictEqual(read, expected.read);
      ok(
        contextEquals(
          at,
          readContext(
            { secrecy: [...expected.at.secrecy], integrity: [...expected.at.integrity] },
            authority,
          ),
        ),
      );
      ok(flowsTo(at, ceiling));
    }),
    { numRuns: 2000 },
  );
});

test("[FLT-1] what a name leads through counts all together, or not at all", () => {
  const of = (...secrecy: string[]) => readContext({ secrecy, integrity: [] }, authority);
  const both = raised(of(), [of("ann/a"), of("ben/c")], of("ann/a", "ben/c"));
  ok(contextEquals(both, of("ann/a", "ben/c")));
  strictEqual(contextEquals(raised(of(), [of("ann/a"), of("ben/c")], of("ann/a")), of()), true);
});

/**
 * Property 6 of docs/model.md: what a secret does to the objects that helpers try to read, data or none, is not told by what
 * helpers can still do. `onPush` is the mode that we do not have: raised by what arrives.
 */
function seenByOthers(secret: readonly boolean[], tries: readonly boolean[], onPush: boolean): boolean[] {
  const low = readContext({ secrecy: [], integrity: [] }, authority);
  const high = readContext({ secrecy: ["ann/a"], integrity: [] }, authority);
  return tries.map((looks, helper) => {
    const isRaised = onPush ? secret[helper] : looks;
    return flowsTo(isRaised ? raised(low, [high], high) : low, low); // may it still tell?
  });
}

test("[FLT-2] helpers of which a secret chooses some tell nobody which; if what arrives raised them, they would", () => {
  const bits = fc.array(fc.boolean(), { minLength: 2, maxLength: 2 });
  const leaks: string[] = [];
  fc.assert(
    fc.property(bits, bits, bits, (one, other, tries) => {
      deepStrictEqual(seenByOthers(one, tries, false), seenByOthers(other, tries, false));
      if (seenByOthers(one, tries, true).join() !== seenByOthers(other, tries, true).join())
        leaks.push("told");
    }),
  );
  ok(leaks.length > 0, "the attack works where it should");
});
