/**
 * What the demo tries, as data. Each step is one unmodified program on real data; `verify` is asked
 * afterwards of an ordinary root shell, so a refusal that had an effect, or a success without one, shows.
 */
import type { Actor } from "./stage.ts";

export type Step = {
  title: string;
  actor: Actor;
  argv: string[];
  expected: "allowed" | "refused" | "withheld";
  /** A shell command, run unlabelled, that exits 0 when the effect is as it should be. */
  verify?: string;
};

export const PATIENT = "registry/patient";
export const VALIDATED = "clinic/validated";

/** @param at the demo's folder, `registry` and `clinic` below it labelled, `public` not */
export function steps(at: string): Step[] {
  const data = `${at}/registry/lung.csv`;
  const analyst: Actor = { context: { secrecy: [PATIENT] }, volumes: [`${at}:${at}`] };
  // mounted by itself: a program that demands integrity does not trust the names of unlabelled folders on the way
  const clinic: Actor = {
    context: { integrity: [VALIDATED] },
    volumes: [`${at}/clinic:/clinic`, `${at}/public:/public`],
  };
  const root: Actor = { plain: true };
  const sh = (script: string) => ["sh", "-c", script];
  const python = (script: string) => ["python3", "-c", script];
  const absent = (name: string) => `test ! -e ${at}/${name}`;
  const allowed = (title: string, argv: string[], actor = analyst): Step => ({
    title,
    actor,
    argv,
    expected: "allowed",
  });
  const refused = (title: string, argv: string[], verify: string, actor = analyst): Step => ({
    title,
    actor,
    argv,
    expected: "refused",
    verify,
  });

  return [
    allowed(
      "awk averages survival by sex, into the labelled folder",
      sh(
        `awk -F, 'NR > 1 { s[$5] += $2; n[$5]++ } END { for (k in s) print k, s[k] / n[k] }' ${data} > ${at}/registry/by-sex.txt && test -s ${at}/registry/by-sex.txt`,
      ),
    ),
    allowed(
      "sort and head find the longest survivors",
      sh(
        `sort -t, -k2,2nr ${data} | head -5 > ${at}/registry/longest.csv && test "$(wc -l < ${at}/registry/longest.csv)" = 5`,
      ),
    ),
    allowed(
      "python3 computes a median",
      python(`import csv, statistics
rows = list(csv.DictReader(open('${data}')))
assert len(rows) == 228
open('${at}/registry/median.txt', 'w').write(str(statistics.median(int(r['time']) for r in rows)))
assert open('${at}/registry/median.txt').read() == '255.5'`),
    ),
    allowed(
      "python3's SQLite makes a database of it",
      python(`import csv, sqlite3
rows = list(csv.DictReader(open('${data}')))
db = sqlite3.connect('${at}/registry/lung.db')
db.execute('create table lung (time int, age int)')
db.executemany('insert into lung values (?, ?)', [(r['time'], r['age']) for r in rows])
db.commit()
assert db.execute('select count(*) from lung').fetchone() == (228,)`),
    ),
    allowed("tar packs it, beside it", [
      "tar",
      "cf",
      `${at}/registry/backup.tar`,
      "-C",
      `${at}/registry`,
      "lung.csv",
    ]),
    allowed(
      "git commits it to a labelled repository",
      sh(
        `cd ${at}/registry && git init -q . && git add lung.csv && git -c user.name=a -c user.email=a@example.org commit -qm data`,
      ),
    ),
    allowed(
      "a scratch file in /tmp belongs to the compartment, and ends with it",
      sh(`cp ${data} /tmp/scratch.csv && cmp /tmp/scratch.csv ${data}`),
    ),

    refused("cp to an unlabelled folder", ["cp", data, `${at}/public/copy.csv`], absent("public/copy.csv")),
    refused(
      "tar into an unlabelled folder",
      ["tar", "cf", `${at}/public/copy.tar`, data],
      absent("public/copy.tar"),
    ),
    refused("a hard link outside", ["ln", data, `${at}/public/link.csv`], absent("public/link.csv")),
    refused("moving the file out", ["mv", data, `${at}/public/moved.csv`], absent("public/moved.csv")),
    refused(
      "dd over an unlabelled file",
      ["dd", `if=${data}`, `of=${at}/public/existing.txt`, "conv=notrunc"],
      `grep -qx unlabelled ${at}/public/existing.txt`,
    ),
    refused(
      "its content as a file name",
      sh(`mkdir "${at}/public/$(head -c 6 ${data})"`),
      `! ls ${at}/public | grep -q inst`,
    ),
    refused(
      "git add to an unlabelled repository",
      ["git", `--git-dir=${at}/public/repo/.git`, `--work-tree=${at}/registry`, "add", "lung.csv"],
      `test -z "$(git -C ${at}/public/repo ls-files)"`,
    ),
    refused(
      "a shared memory mapping of an unlabelled file",
      python(`import mmap
f = open('${at}/public/existing.txt', 'r+b')
mmap.mmap(f.fileno(), 0)[0:1] = b'X'`),
      `grep -qx unlabelled ${at}/public/existing.txt`,
    ),
    refused(
      "sendfile into an unlabelled file",
      python(`import os
i = os.open('${data}', os.O_RDONLY)
o = os.open('${at}/public/existing.txt', os.O_WRONLY)
os.sendfile(o, i, 0, 100)`),
      `grep -qx unlabelled ${at}/public/existing.txt`,
    ),
    refused(
      "a FIFO with an unlabelled reader",
      sh(`cat ${data} > ${at}/public/fifo`),
      `test ! -s ${at}/public/from-fifo`,
    ),
    refused(
      "opening the network",
      python(`import socket
socket.create_connection(('127.0.0.1', 7070), 2)`),
      "true",
    ),
    refused(
      "an extended attribute on an unlabelled file",
      python(`import os
os.setxattr('${at}/public/existing.txt', 'user.leak', b'secret')`),
      `python3 -c "import os, sys; sys.exit(len(os.listxattr('${at}/public/existing.txt')))"`,
    ),
    {
      title: "printing it where nobody is cleared to look",
      actor: analyst,
      argv: ["cat", data],
      expected: "withheld",
    },

    refused("an unlabelled root shell reads it", ["cat", data], "true", root),
    refused("an unlabelled root shell lists the folder", ["ls", `${at}/registry`], "true", root),
    refused("an unlabelled root shell overwrites it", sh(`echo x > ${data}`), "true", root),
    refused(
      "a program that had the file open before it was labelled",
      ["test", "-s", `${at}/public/from-open`],
      `test -e ${at}/public/open-done`,
      root,
    ),

    allowed(
      "validated input is sorted by a program that demands it",
      sh("sort /clinic/input.csv > /clinic/sorted.csv && test -s /clinic/sorted.csv"),
      clinic,
    ),
    refused(
      "unvalidated input for the same program",
      ["cp", "/public/unvalidated.csv", "/clinic/input2.csv"],
      absent("clinic/input2.csv"),
      clinic,
    ),
    refused(
      "an unlabelled root shell writes into the validated folder",
      ["cp", `${at}/public/unvalidated.csv`, `${at}/clinic/input3.csv`],
      absent("clinic/input3.csv"),
      root,
    ),
  ];
}
