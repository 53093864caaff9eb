import { deepStrictEqual } from "node:assert";
import { it } from "node:test";
import { placesFor } from "./asking.ts";

it("where a file may be of which the record has the end of the path: below folders that were labelled", () => {
  deepStrictEqual(placesFor("/etc/passwd", ["/data"]), ["/etc/passwd"]);
  deepStrictEqual(placesFor("…/b/c/x", ["/a/b"]), ["/a/b/b/c/x", "/a/b/c/x"]);
  deepStrictEqual(placesFor("…/b/c/x", ["/a"]), ["/a/b/c/x"]);
  deepStrictEqual(placesFor("…/a/b/c", ["/r/a/b/c"]).at(-1), "/r/a/b/c");
  deepStrictEqual(placesFor("file 7", ["/a"]), []);
});
