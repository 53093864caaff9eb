/**
 * A gate as a filter for a client: its input, output to it. [GATE-3, TERM-1]
 */
import { GateRun, type RunRequest } from "../api/index.ts";
import type { Csn } from "./csn.ts";
import { ENVIRONMENT, ReadyGate } from "./gate-run.ts";
import { findGate } from "./gates.ts";
import type { Caller } from "./identity.ts";
import { parse } from "./parse.ts";
import type { Runs } from "./runs.ts";

/** Prepares it. @throws CsnError, PolicyError */
export function runGate(csn: Csn, caller: Caller, runs: Runs, body: unknown): { id: string } {
  const { name, shows, release } = parse(GateRun, body);
  const ready = new ReadyGate(csn, caller, findGate(csn, caller, name));
  const request: RunRequest = {
    argv: [...ready.argv],
    context: { secrecy: [], integrity: [] },
    env: ENVIRONMENT,
    cwd: "/",
    volumes: [],
    tty: null,
    user: { uid: caller.uid, gid: caller.gid, groups: [...caller.groups] },
    hostname: "csn",
    shows,
    release,
    plain: false,
    via: [],
    mode: "enforce",
  };
  const args = ready.launchArgs();
  return { id: runs.prepare({ request, context: ready.to, caller, args, watch: ready }) };
}
