/**
 * What users type, checked: tags, contexts, volumes, users, variables. Each fault is an error that says
 * what was expected and what was found.
 *
 * Not covered: whether a tag or path exists, which only the daemon knows.
 */
import { readFileSync } from "node:fs";
import { isAbsolute, normalize, resolve } from "node:path";
import type { ContextInput, RunRequest } from "../api/index.ts";
import { MAX_TAGS, parseTagName } from "../label/index.ts";
import { CliError } from "./errors.ts";

const CONTEXT_HINT = "write `S=lab/patient,lab/trial;I=clinic/validated`, either part alone, or `unlabelled`";
const VOLUME_HINT =
  "write SRC:DST or SRC:DST:ro, as in `--volume ./data:/data:ro`; `\\:` is a colon in a path";

/**
 * What `csn log` calls a record: its number, or for others than root a name such as `3f2a1b-1k9x0w2`.
 *
 * @throws CliError E_USAGE
 */
export function recordOf(text: string): string {
  const name = /^#?(\d+|[0-9a-f]{6}-[0-9a-z]+(?:\.\d+)?)$/.exec(text)?.[1];
  if (name !== undefined) return name;
  throw new CliError(
    "E_USAGE",
    `expected what \`csn log\` calls a record, found \`${text}\``,
    "it stands at the end of each line, after #: #17 is 17",
  );
}

/** For commander: gathers `--secrecy a/b,c/d --secrecy e/f`. @throws CliError E_TAG_NAME, E_LABEL_TOO_LONG */
export function addTags(text: string, before: string[] = []): string[] {
  const tags = new Set([...before, ...text.split(",").map(tagOf)]);
  if (tags.size > MAX_TAGS)
    throw new CliError(
      "E_LABEL_TOO_LONG",
      `expected at most ${MAX_TAGS} tags in a label, found ${tags.size}`,
      "use fewer tags",
    );
  return [...tags].sort();
}

/** @throws CliError E_TAG_NAME */
export function tagOf(text: string): string {
  const parsed = parseTagName(text);
  if (parsed.ok) return parsed.name;
  const { expected, found } = parsed.problem;
  throw new CliError(
    "E_TAG_NAME",
    `\`${text}\` is no tag name: expected ${expected}, found ${found}`,
    "a tag is named `owner/name`, as in `lab/patient`",
  );
}

/** @throws CliError E_USAGE, E_TAG_NAME, E_LABEL_TOO_LONG */
export function parseContext(text: string): ContextInput {
  const context: ContextInput = { secrecy: [], integrity: [] };
  if (text === "unlabelled") return context;
  const seen = new Set<string>();
  for (const part of text.split(";")) {
    const [, letter, tags] = /^\s*([SI])=(.*?)\s*$/.exec(part) ?? [];
    if (letter === undefined || tags === undefined || seen.has(letter))
      throw new CliError("E_USAGE", `\`${text}\` is no context`, CONTEXT_HINT);
    seen.add(letter);
    if (tags !== "") context[letter === "S" ? "secrecy" : "integrity"] = addTags(tags);
  }
  return context;
}

/** `SRC:DST[:ro]` with an absolute SRC; `\:` is a colon in a path. @throws CliError E_VOLUME */
export function volumeOf(text: string, cwd: string): string {
  const parts = text.split(/(?<!\\):/).map((part) => part.replaceAll("\\:", ":"));
  const [source, target, mode, ...more] = parts;
  const fail = (message: string) => new CliError("E_VOLUME", `\`${text}\`: ${message}`, VOLUME_HINT);
  if (!source || !target) throw fail("expected a path, a colon and a path");
  if (more.length > 0) throw fail(`expected one or two colons, found ${parts.length - 1}`);
  if (mode !== undefined && mode !== "ro" && mode !== "rw")
    throw fail(`expected \`ro\` or \`rw\` after the second colon, found \`${mode}\``);
  if (!isAbsolute(target)) throw fail(`expected an absolute path inside, found \`${target}\``);
  const inside = normalize(target);
  if (inside === "/") throw fail("expected a path below `/`, found the root folder");
  const paths = [resolve(cwd, source), inside].map((path) => path.replaceAll(":", "\\:"));
  return [...paths, ...(mode === "ro" ? ["ro"] : [])].join(":");
}

/**
 * The variables of the program: the caller's, as a shell would pass them, without those that steer csn
 * itself, Node.js or the dynamic linker; then `-e NAME=VALUE`, or `-e NAME` for the caller's own.
 *
 * @throws CliError E_USAGE
 */
export function environmentOf(own: NodeJS.ProcessEnv, extra: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && !/^(CSN_|LD_|NODE_)/.test(name)) env[name] = value;
  }
  for (const setting of extra) {
    const at = setting.indexOf("=");
    const name = at < 0 ? setting : setting.slice(0, at);
    if (name === "")
      throw new CliError(
        "E_USAGE",
        `\`${setting}\`: expected a variable's name before \`=\``,
        "write --env NAME=VALUE",
      );
    const value = at < 0 ? own[name] : setting.slice(at + 1);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

export type User = RunRequest["user"];

/** The caller. */
export function callingUser(): User {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return { uid, gid, groups: process.getgroups?.() ?? [gid] };
}

/** `UID[:GID]` or names; without a group the user's own. @throws CliError E_USER */
export function userOf(text: string): User {
  const [who = "", group, ...more] = text.split(":");
  const user = lookUp("/etc/passwd", who);
  const uid = /^\d+$/.test(who) ? Number(who) : user?.id;
  const gid =
    group === undefined
      ? (user?.group ?? uid)
      : /^\d+$/.test(group)
        ? Number(group)
        : lookUp("/etc/group", group)?.id;
  if (uid === undefined || gid === undefined || more.length > 0 || uid > 0xfffffffe || gid > 0xfffffffe)
    throw new CliError(
      "E_USER",
      `expected UID[:GID] or the names of a user and a group, found \`${text}\``,
      "`id` shows both numbers",
    );
  return { uid, gid, groups: [gid] };
}

/** The line of /etc/passwd or /etc/group with this name or number. */
function lookUp(file: string, who: string): { id: number; group: number } | undefined {
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [name, , id, group] = line.split(":");
    if (who !== "" && (name === who || id === who)) return { id: Number(id), group: Number(group) };
  }
  return undefined;
}
