/** The parts of setup that need neither root nor network. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStanzas } from "./apt.ts";
import { debianMirror, sourceUris } from "./apt-sources.ts";
import { SetupError } from "./errors.ts";
import { kernelDependencies } from "./kernel.ts";
import { isPresent, isStatic } from "./needs.ts";
import { ensureSystemPackages } from "./packages.ts";
import { silent } from "./progress.ts";

test("addresses of deb822 sources", () => {
  const text = `# a comment
Types: deb
# URIs: http://old.example/debian
URIs: http://one.example/debian/
 http://two.example/debian
Suites: bookworm

Types: deb-src
URIs: http://source.example/debian

Enabled: no
Types: deb
URIs: http://off.example/debian
`;
  assert.deepEqual(sourceUris({ name: "a.sources", text }), [
    "http://one.example/debian/",
    "http://two.example/debian",
  ]);
});

test("addresses of one-line sources", () => {
  const text = `# deb http://off.example/debian x main
deb [arch=amd64 signed-by=/k] http://one.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
`;
  assert.deepEqual(sourceUris({ name: "a.list", text }), [
    "http://one.example/debian",
    "http://security.example/debian-security",
  ]);
});

test("the mirror is the address that ends in /debian", () => {
  const security = { name: "a.list", text: "deb http://x.example/debian-security s main\n" };
  const main = { name: "b.sources", text: "Types: deb\nURIs: http://y.example/debian/\nSuites: s\n" };
  assert.equal(debianMirror([security, main]), "http://y.example/debian");
  assert.equal(debianMirror([security]), null);
});

test("the parts of a kernel are followed, other packages are not", () => {
  const depends =
    "dracut | initramfs-tools (>= 0.120+deb8u2), linux-base (>= 4.17~), linux-binary-7.3.4+deb13-amd64 (= 7.3.4-1), linux-modules-7.3.4+deb13-amd64 (= 7.3.4-1)";
  assert.deepEqual(kernelDependencies(depends), [
    "linux-binary-7.3.4+deb13-amd64",
    "linux-modules-7.3.4+deb13-amd64",
  ]);
});

test("stanzas of apt-cache show", () => {
  const text = "Package: a\nVersion: 2\nDepends: b,\n c\nSize: 12\n\nPackage: a\nVersion: 1\n\n";
  assert.deepEqual(parseStanzas(text), [
    { name: "a", version: "2", depends: "b, c", sizeBytes: 12 },
    { name: "a", version: "1", depends: "", sizeBytes: 0 },
  ]);
});

test("a program with an interpreter is not static", () => {
  assert.equal(isStatic("/proc/self/exe"), false);
  assert.equal(isStatic(import.meta.filename), false); // no ELF program at all
});

test("what can't be installed is listed, with the command that would", async () => {
  const need = { command: "csn-no-such-program", package: "csn-no-such-package", why: "test this" };
  assert.equal(isPresent(need), false);
  // Not as root, so that nothing is tried.
  const getuid = process.getuid;
  process.getuid = () => 1000;
  try {
    await assert.rejects(ensureSystemPackages([need], silent), (error) => {
      assert.ok(error instanceof SetupError);
      assert.equal(error.code, "E_MISSING_PACKAGES");
      assert.match(error.message, /csn-no-such-program \(csn-no-such-package\), to test this/);
      assert.match(error.hint, /apt-get install .*csn-no-such-package/);
      return true;
    });
  } finally {
    process.getuid = getuid!;
  }
});
