/**
 * The demo's stage: programs run through the daemon exactly as `csn run` does, with what they print kept
 * instead of shown.
 */
import { type ContextInput, controlFrame, type DaemonControl, FRAME, FrameReader } from "../../api/index.ts";
import type { Need } from "../../setup/index.ts";
import { environmentOf } from "../arguments.ts";
import type { Client } from "../client.ts";
import type { Ui } from "../ui.ts";
import type { Step } from "./steps.ts";

export type Actor = {
  context?: Partial<ContextInput>;
  volumes?: string[];
  /** No label and no compartment: a process of the host, as root. */
  plain?: boolean;
  /** Take labelled output on one's own responsibility. */
  release?: boolean;
};

export type Outcome = {
  code: number;
  output: string;
  error: string;
  withheld: boolean;
};

/** Runs a program to its end. */
export async function perform(client: Client, actor: Actor, argv: string[]): Promise<Outcome> {
  const { id } = await client.call("createRun", {
    body: {
      argv,
      context: { secrecy: [], integrity: [], ...actor.context },
      env: environmentOf(
        { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LC_ALL: "C" },
        [],
      ),
      cwd: "/",
      volumes: actor.volumes ?? [],
      tty: null,
      user: { uid: process.getuid!(), gid: process.getgid!(), groups: [] },
      hostname: "csn",
      shows: { output: "other", error: "other" },
      release: actor.release ?? false,
      plain: actor.plain ?? false,
    },
  });
  const { connection, head } = await client.upgrade(`/v1/runs/${id}/stream`, "csn-stream");
  connection.write(controlFrame({ close: true }));
  const outcome: Outcome = { code: 125, output: "", error: "", withheld: false };
  const reader = new FrameReader();
  const take = (chunk: Buffer) => {
    for (const { kind, content } of reader.push(chunk)) {
      if (kind === FRAME.OUTPUT) outcome.output += content.toString();
      else if (kind === FRAME.ERROR) outcome.error += content.toString();
      else if (kind === FRAME.CONTROL) heed(JSON.parse(content.toString()) as DaemonControl, outcome);
    }
  };
  if (head.length > 0) take(head);
  await new Promise<void>((resolve, reject) => {
    connection.on("data", take);
    connection.on("end", resolve);
    connection.on("close", resolve);
    connection.on("error", reject);
  });
  return outcome;
}

function heed(message: DaemonControl, outcome: Outcome): void {
  if ("exit" in message) outcome.code = message.exit.code;
  else if ("withheld" in message) outcome.withheld = true;
  else {
    outcome.code = message.failed.exit;
    outcome.error += `${message.failed.code}: ${message.failed.message}`;
  }
}

/** One demo: what it needs, what is tried, and how its traces go. `at`: a folder of its own. */
export type Scene = {
  name: string;
  /** Besides what each demo uses; it can't do without. */
  needs?: readonly Need[];
  setUp(client: Client, ui: Ui, at: string): Promise<void>;
  steps(at: string): Step[];
  cleanUp(client: Client, at: string): Promise<void>;
};

export async function must(outcome: Promise<Outcome>): Promise<void> {
  const { code, error } = await outcome;
  if (code !== 0) throw new Error(`the demo's data could not be made (exit ${code}): ${error.trim()}`);
}
