/**
 * The kinds of steps: how each is drawn, what it is in the actor's language, and what it does in the model.
 *
 * To add a kind, add a row here: nothing else knows the kinds.
 * The order of checks and errors inside `play` is Linux's own, as its manual pages and sources have it.
 *
 * Not generated yet: POSIX queues; mappings that stay over steps; watches; access lists; handles; mounts; tracing; running programs of a volume. `splice`, `tee` and `vmsplice` are
 * closed by the launcher (P3); `sendfile` into a pipe or FIFO has no hook on the pipe's side.
 */
import type { ContextName } from "../cases.ts";
import { Act, NotModelled, Refused, type Outcome, outcomeOf } from "./act.ts";
import { type Kind, number, type Step, text } from "./kind.ts";
import { fileKinds } from "./play-files.ts";
import { madeKinds, socketKinds } from "./play-messages.ts";
import { nameKinds } from "./play-names.ts";
import { contextOfParty, entityOf, PARTIES, PLATFORM, verdictOf, type World } from "./world.ts";

const task = (id: string, op: "OP-8" | "OP-9" | "OP-10", weight: number, ops: readonly string[], how: { errno?: string; tries?: boolean } = {}): [string, Kind] => [
  id,
  {
    weight,
    draw: ({ random, who }) => {
      const other = 1 + random.below(PARTIES.length - 1);
      return other === who ? null : [other];
    },
    command: ([other]) => `other ${id} #${other}`,
    play: (act, args) => {
      const other = number(args, 0);
      const [mine, theirs] = [act.context, contextOfParty(other)];
      const verdict = verdictOf(op, mine, theirs);
      // it would really change an equal's memory
      if (id === "vmwrite" && verdict === "allow") throw new NotModelled();
      act.tries = how.tries === true;
      const errors = how.errno === undefined ? ["EACCES"] : ["EACCES", how.errno];
      const [source, sink] = op === "OP-9" ? [theirs, mine] : [mine, theirs];
      if (verdict !== "allow")
        throw new Refused({ ops: ops as never, rule: op === "OP-10" ? "OP-10" : verdict, source, sink }, errors);
      // within one context the record shows no end of a process, and of /proc it shows the file
      if (mine === theirs || id.startsWith("proc:")) return null;
      if (op === "OP-9") act.world.moved(entityOf(other), theirs, entityOf(act.who), mine);
      else act.world.moved(entityOf(act.who), mine, entityOf(other), theirs);
      return null;
    },
  },
]; // prettier-ignore

/** By the platform: labels as the daemon sets them. */
const label = (self: boolean): Kind => ({
  weight: self ? 0 : 4,
  platform: true,
  draw: ({ random, world }) => {
    const all = [...world.paths()];
    if (all.length === 0) return null;
    // mostly of what somebody has open, and back to another label again
    const open = all.filter(([, inode]) => inode.opens > 0);
    const from = open.length > 0 && random.chance(50) ? open : all;
    return [random.pick(from)[0], random.pick(["U", "A", "B", "AB", "V", "W", "AV", "base"])];
  },
  command: (args) => `ask 2 ${CONTEXT_MARK}${text(args, 1)} ${self ? 1 : 0} @${text(args, 0)}`,
  play: (act, args) => relabel(act, text(args, 0), { context: text(args, 1) as ContextName, self }),
});

/** In a command, before the name of a context: the runner puts its number there. */
export const CONTEXT_MARK = "$";

function relabel(act: Act, path: string, to: { context: ContextName; self: boolean } | null): null {
  const { world } = act;
  const inode = act.find(path, false);
  const before = inode.label;
  inode.label = to;
  // by which of its names would it have a context? the daemon gives such a file a label of its own
  for (const each of world.inodes())
    if (world.isAmbiguous(each)) {
      inode.label = before;
      throw new NotModelled();
    }
  return null;
}

/** All kinds. */
export const KINDS: Readonly<Record<string, Kind>> = {
  ...fileKinds,
  ...nameKinds,
  ...madeKinds,
  ...socketKinds,
  label: label(false),
  "label-self": label(true),
  clear: {
    weight: 1,
    platform: true,
    draw: ({ random, world }) => {
      const own = [...world.paths()].filter(([, inode]) => inode.label !== null);
      return own.length === 0 ? null : [random.pick(own)[0]];
    },
    command: (args) => `ask 3 0 0 @${text(args, 0)}`,
    play: (act, args) => relabel(act, text(args, 0), null),
  },
  ...Object.fromEntries([
    task("kill0", "OP-8", 1, ["signal"]),
    task("kill", "OP-8", 1, ["signal"]),
    task("sigqueue", "OP-8", 1, ["signal"]),
    task("tgkill", "OP-8", 1, ["signal"]),
    task("ioprio", "OP-8", 1, ["schedule"]),
    task("getpgid", "OP-9", 1, ["inspect"]),
    task("getscheduler", "OP-9", 1, ["inspect"]),
    task("capget", "OP-9", 1, ["inspect"]),
    task("proc:status", "OP-9", 1, ["inspect", "open", "lookup"]),
    task("proc:cmdline", "OP-9", 1, ["inspect", "open", "lookup"]),
    task("proc:environ", "OP-9", 1, ["inspect", "open", "lookup", "readlink", "trace"], { errno: "EPERM", tries: true }),
    task("vmread", "OP-10", 1, ["trace", "inspect"], { errno: "EPERM", tries: true }),
    task("vmwrite", "OP-10", 1, ["trace", "inspect"], { errno: "EPERM", tries: true }),
    task("kcmp", "OP-9", 1, ["inspect"], { errno: "EPERM", tries: true }),
  ]), // prettier-ignore
};

/** What a step must answer, and does it in the model; null: the model does not say. */
export function play(world: World, step: Step): Outcome | null {
  const kind = KINDS[step.kind];
  if (!kind || (kind.platform === true && step.who !== PLATFORM))
    throw new Error(`party ${step.who} has no step ${step.kind}`);
  const act = new Act(world, step.who);
  return outcomeOf(act, () => kind.play(act, step.args));
}

export function commandOf(step: Step): string {
  const kind = KINDS[step.kind];
  if (!kind) throw new Error(`no step ${step.kind}`);
  return kind.command(step.args);
}
