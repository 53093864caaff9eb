import assert from "node:assert/strict";
import { test } from "node:test";
import { addTags, environmentOf, parseContext, userOf, volumeOf } from "./arguments.ts";

const throws = (code: string, work: () => unknown) => assert.throws(work, { code });

test("tags: gathered, sorted, each once, at most 64", () => {
  assert.deepEqual(addTags("c/d,a/b", ["a/b", "x/y"]), ["a/b", "c/d", "x/y"]);
  const many = Array.from({ length: 64 }, (_, n) => `a/t${n}`).join(",");
  assert.equal(addTags(many).length, 64);
  throws("E_LABEL_TOO_LONG", () => addTags(`${many},a/more`));
  for (const wrong of ["", "a", "A/b", "a/b,", "a/b c/d", "a/b/c", "a/b\n"])
    throws("E_TAG_NAME", () => addTags(wrong));
});

test("contexts", () => {
  assert.deepEqual(parseContext("unlabelled"), { secrecy: [], integrity: [] });
  assert.deepEqual(parseContext("S=c/d,a/b;I=e/f"), { secrecy: ["a/b", "c/d"], integrity: ["e/f"] });
  assert.deepEqual(parseContext("I=e/f"), { secrecy: [], integrity: ["e/f"] });
  assert.deepEqual(parseContext("S=;I="), { secrecy: [], integrity: [] });
  for (const wrong of ["", "a/b", "S=a/b;S=c/d", "X=a/b", "S=a/b;"])
    throws("E_USAGE", () => parseContext(wrong));
  throws("E_TAG_NAME", () => parseContext("S=A"));
});

test("volumes: relative sources are the caller's, targets are absolute", () => {
  assert.equal(volumeOf("data:/data", "/srv"), "/srv/data:/data");
  assert.equal(volumeOf("../x:/a/../b/:ro", "/srv/y"), "/srv/x:/b/:ro");
  assert.equal(volumeOf("/a:/b:rw", "/"), "/a:/b");
  assert.equal(volumeOf(String.raw`a\:b:/c`, "/x:y"), String.raw`/x\:y/a\:b:/c`);
  for (const wrong of ["", "a", "a:", ":/b", "a:b", "a:/", "a:/b/..", "a:/b:rx", "a:/b:ro:z"])
    throws("E_VOLUME", () => volumeOf(wrong, "/"));
});

test("environment: the caller's, without what steers csn, Node.js or the linker", () => {
  const own = { PATH: "/bin", CSN_SOCKET: "s", LD_PRELOAD: "l", NODE_OPTIONS: "n", CSNX: "kept" };
  assert.deepEqual(environmentOf(own, []), { PATH: "/bin", CSNX: "kept" });
  assert.deepEqual(environmentOf(own, ["A=b=c", "PATH=", "LD_PRELOAD", "NOWHERE"]), {
    PATH: "",
    CSNX: "kept",
    A: "b=c",
    LD_PRELOAD: "l",
  });
  throws("E_USAGE", () => environmentOf(own, ["=x"]));
});

test("users: numbers or names, with the user's own group", () => {
  assert.deepEqual(userOf("0"), { uid: 0, gid: 0, groups: [0] });
  assert.deepEqual(userOf("root"), { uid: 0, gid: 0, groups: [0] });
  assert.deepEqual(userOf("4242:17"), { uid: 4242, gid: 17, groups: [17] });
  for (const wrong of ["", ":1", "no-such-user-here", "0:no-such-group", "0:0:0", "-1", "4294967295"])
    throws("E_USER", () => userOf(wrong));
});
