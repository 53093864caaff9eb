/**
 * client: a program under `csn run` changes its own compartment's context. [CHG-1] May use: nothing.
 *
 * For programs in TypeScript or JavaScript; others run `csn context change`, or write the line themselves
 * (docs/context.md).
 */
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, readSync, rmSync, writeSync } from "node:fs";

const FOLDER = "/run/csn";
/** More would not be written in one piece (PIPE_BUF). */
const MAX_LINE = 4096;

/** Names of tags, `owner/name`. */
export type Change = {
  add?: readonly string[];
  drop?: readonly string[];
  addIntegrity?: readonly string[];
  dropIntegrity?: readonly string[];
};

/** Nothing has changed. The code is in docs/errors.md. */
export class ChangeRefused extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.name = "ChangeRefused";
    this.code = code;
    this.hint = hint;
  }
}

/**
 * Adds and drops all of these tags, or none. Returns when all programs of the compartment have the new context;
 * they stand still meanwhile, the caller too.
 *
 * @throws ChangeRefused
 */
export function changeContext(change: Change): void {
  if (!existsSync(`${FOLDER}/ask`))
    throw new ChangeRefused(
      "E_NO_COMPARTMENT",
      `expected to be inside \`csn run\`, found no ${FOLDER}/ask`,
      "start the program with `csn run`",
    );
  const name = `answer-${process.pid}-${process.hrtime.bigint()}`;
  const line = `${[name, "change", ...words(change)].join(" ")}\n`;
  if (Buffer.byteLength(line) > MAX_LINE || line.indexOf("\n") !== line.length - 1)
    throw new ChangeRefused("E_BAD_REQUEST", "expected the names of few enough tags", "use several changes");
  execFileSync("mkfifo", ["-m", "0600", `${FOLDER}/${name}`], { stdio: "ignore" });
  try {
    // for both, so that opening it waits for nobody and there is always a reader
    const answer = openSync(`${FOLDER}/${name}`, "r+");
    try {
      ask(line);
      read(answer);
    } finally {
      closeSync(answer);
    }
  } finally {
    rmSync(`${FOLDER}/${name}`, { force: true });
  }
}

function words(change: Change): string[] {
  const word = (option: string, tags: readonly string[] = []) =>
    tags.length > 0 ? [`${option}=${tags.join(",")}`] : [];
  return [
    ...word("add", change.add),
    ...word("drop", change.drop),
    ...word("add-integrity", change.addIntegrity),
    ...word("drop-integrity", change.dropIntegrity),
  ];
}

function ask(line: string): void {
  const fd = openSync(`${FOLDER}/ask`, "a");
  try {
    writeSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

function read(fd: number): void {
  const buffer = Buffer.alloc(2 * MAX_LINE);
  let text = "";
  while (!text.includes("\n")) text += buffer.toString("utf8", 0, readSync(fd, buffer));
  const [word, code = "", message = "", hint = ""] = text.trimEnd().split("\t");
  if (word !== "done") throw new ChangeRefused(code, message, hint);
}
