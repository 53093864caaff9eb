/**
 * Short programs that once disagreed. Played before all others, on disk and in memory.
 */
import type { Step, Value } from "./kind.ts";
import { PARTIES, type PartyName } from "./world.ts";

const by =
  (who: PartyName) =>
  (kind: string, ...args: readonly Value[]): Step => ({ who: PARTIES.indexOf(who), kind, args });
const [platform, U, B, V, W, AB, AV] = [
  by("platform"),
  by("U"),
  by("B"),
  by("V"),
  by("W"),
  by("AB"),
  by("AV"),
];

const folder = (name: string, context: string): readonly Step[] => [
  platform("folder", name),
  platform("label", name, context),
  platform("file", `${name}/f`),
  platform("put-path", `${name}/f`, "", 0, "content;"),
];

export const REGRESSIONS: readonly { readonly id: string; readonly steps: readonly Step[] }[] = [
  {
    // U wrote the file, then learns that V's object is there: when it writes again, that is news
    id: "what an unlabelled process learns of an object without a file is news where it writes",
    steps: [
      ...folder("d2", "U"),
      V("semaphores-make", 0),
      platform("label", "d2/f", "AB"),
      U("rename", "d2/f", "d2/g", 0),
      U("semaphores-value", 0),
      U("rename", "d2/g", "d2/h", 0),
    ],
  },
  {
    // AB learns of the second folder by a call that is both directions; where it wrote before, that is news
    id: "what a two-way call tells is news to others",
    steps: [
      ...folder("d0", "AB"),
      ...folder("d1", "AB"),
      AB("put-path", "d1/f", "", 0, "before.;"),
      U("size-path", "d1/f", ""),
      AB("mark-path", "d0/f", "", "mark...;"),
      AB("put-path", "d1/f", "", 0, "after..;"),
    ],
  },
  {
    id: "what a signal tells is news to others",
    steps: [
      ...folder("d0", "AB"),
      AB("open", 0, "rw", "d0/f"),
      AB("put", 0, "", 0, "before.;"),
      AV("tgkill", PARTIES.indexOf("AB")),
      U("tgkill", PARTIES.indexOf("AB")),
      AB("put", 0, "", 0, "after..;"),
    ],
  },
  {
    id: "what a look into a process tells is news to others",
    steps: [
      ...folder("d0", "AB"),
      AB("open", 0, "rw", "d0/f"),
      AB("put", 0, "", 0, "before.;"),
      AB("getpgid", PARTIES.indexOf("A")),
      AB("put", 0, "", 0, "after..;"),
    ],
  },
  {
    id: "a file that moves between unlabelled and base has its new context at once",
    steps: [
      ...folder("d0", "base"),
      ...folder("d1", "U"),
      W("open", 0, "r", "d0/f"),
      W("take", 0, ""),
      U("rename", "d0/f", "d1/g", 0),
      W("take", 0, ""),
    ],
  },
  {
    // what its hook had noted of the FIFO was looked at when the fork's pipe was read
    id: "what was refused once is not tried again by reading something else",
    steps: [
      ...folder("d0", "U"),
      platform("mkfifo", "d0/q"),
      U("open", 0, "rw", "d0/q"),
      platform("label", "d0/q", "B"),
      U("next", 0, ""),
      B("open", 0, "rw", "d0/q"),
      B("push", 0, "", "text..;"),
      U("size-path", "d0/f", "fork "),
    ],
  },
];
