/**
 * Is the record true? Real bytes go from one process to another through each way that the kernel has (lineage.py), and the
 * record must tell that they did. [AUD-1, AUD-2, AUD-5]
 *
 * Guarantee: that they did come through is seen in the file that the receiver wrote; the pair beside it, which another file went
 * through, must not be told.
 */
import { deepStrictEqual, doesNotMatch, match, ok } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench } from "./bench.ts";
import type { Case } from "./suite.ts";

const FOLDER = "/data/lineage";
/** Told only with the folders that are gone through. */
const BY_FOLDER = new Set(["file-name"]);
/** More is told than was: a number of a terminal is given again, and one file stands for the making of all. */
const LOOSE = new Set(["terminal", "terminal-back"]);

type Way = { name: string; order: string; out: string; beside: string; what: string };

async function play(b: Bench): Promise<Way[]> {
  const { code, out, err } = await b.csn(
    ["run", "--release", "--secrecy", "lineage/s", "--volume", `${FOLDER}:${FOLDER}`, "--", "python3",
      `${ROOT}/conformance/e2e/lineage.py`, FOLDER], { timeoutMs: 600_000 }); // prettier-ignore
  deepStrictEqual([code, err], [0, ""]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, name = "", order = "", to = "", beside = "", what = ""] =
        /^(\S+) (\S+) (\S+) (\S+) (.*)$/.exec(line)!;
      return { name, order, out: to, beside, what };
    });
}

export const lineage: readonly Case[] = [
  {
    name: "lineage: what went through each way of the kernel's is told, and nothing that did not",
    async run(b) {
      await b.ok("tag", "create", "lineage/s");
      await b.shellOk(
        `mkdir -p ${FOLDER} && cd ${FOLDER} && echo sourceword > src && echo otherword > other`,
      );
      await b.ok("label", "set", FOLDER, "--secrecy", "lineage/s");
      const ways = await play(b);
      deepStrictEqual(ways.filter(({ what }) => what !== "ok"), []); // prettier-ignore
      const told = await b.ok("trace", "from", `${FOLDER}/src`, "--json", "--limit", "10000");
      const isTold = (path: string) => told.includes(`${path.slice(path.lastIndexOf("/"))}"`);
      const asText = ({ name, order }: Way) => `${name} ${order}`;
      deepStrictEqual(
        {
          missing: ways.filter((way) => !isTold(way.out) && !BY_FOLDER.has(way.name)).map(asText), // prettier-ignore
          invented: ways.filter((way) => isTold(way.beside) && !LOOSE.has(way.name)).map(asText),
        },
        { missing: [], invented: [] },
      );
      // a person can tell which connection it was
      match(told, /"TCP connection 127\.0\.0\.1:\d+ - 127\.0\.0\.1:\d+"/);
      for (const { out } of ways.filter(({ name }) => BY_FOLDER.has(name)))
        match((await b.csn(["leak", "--of", `${FOLDER}/src`, "--to", out])).out, /^yes/);
    },
  },
  {
    name: "lineage: a `no` needs no word on memory, since what went through it is followed",
    async run(b) {
      const { out } = await b.csn(["leak", "--of", `${FOLDER}/src`, "--to", "10.9.8.7"]);
      match(out, /^no/m);
      doesNotMatch(out, /share memory/);
    },
  },
  {
    name: "lineage: two that talk with each other have no news for ever; what one learns elsewhere is told [AUD-2]",
    async run(b) {
      const recorded = async () =>
        (JSON.parse(await b.ok("status", "--json")) as { counts: { flows: { recorded: number } } }).counts
          .flows.recorded;
      // and both of them holding memory, so that what one learns the other may tell
      for (const held of ["", "import mmap; held = mmap.mmap(-1, 4096)"]) {
        const out = `${FOLDER}/talked-${held === "" ? "apart" : "holding"}`;
        const before = await recorded();
        const ran = await b.csn(
          ["run", "--release", "--secrecy", "lineage/s", "--volume", `${FOLDER}:${FOLDER}`, "--", "python3", "-c", `${held}${TALK}`, FOLDER, out]); // prettier-ignore
        deepStrictEqual([ran.code, ran.out, ran.err], [0, `${ROUNDS}\n`, ""]);
        const told = (await recorded()) - before;
        ok(told < ROUNDS, `${told} records of ${ROUNDS} questions and answers`);
        match((await b.csn(["leak", "--of", `${FOLDER}/src`, "--to", out])).out, /^yes/);
      }
    },
  },
  {
    name: "lineage: memory that was shared before there was a label is followed when there is one",
    async run(b) {
      const { code, err } = await b.csn(
        ["run", "--float", "--clearance", "lineage/s", "--volume", `${FOLDER}:${FOLDER}`, "--", "python3", "-c", BEFORE, FOLDER]); // prettier-ignore
      deepStrictEqual([code, err], [0, ""]);
      match((await b.csn(["leak", "--of", `${FOLDER}/src`, "--to", `${FOLDER}/shared-before`])).out, /^yes/);
    },
  },
];

const BEFORE = `
import mmap, os, sys, time
memory = mmap.mmap(-1, 4096)
if os.fork() == 0:
    while not memory[:64].strip(b"\\0"):
        time.sleep(0.05)
    open(sys.argv[1] + "/shared-before", "wb").write(memory[:64])
    os._exit(0)
text = open(sys.argv[1] + "/src", "rb").read()
memory[:len(text)] = text
os.wait()
`;
const ROUNDS = 2000;
/** The child has read nothing of the file; what its parent learned of it comes with the last answer. */
const TALK = `
import os, socket, sys
one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
folder = sys.argv[1]
if os.fork() == 0:
    one.close()
    while (word := two.recv(100)) != b"":
        if word == b"file":
            break
        two.send(word)
    open(sys.argv[2], "wb").write(two.recv(100))
    os._exit(0)
two.close()
for n in range(${ROUNDS}):
    one.send(b"word")
    one.recv(100)
text = open(folder + "/src", "rb").read()
one.send(b"file")
one.send(text)
os.wait()
print(${ROUNDS})
`;
