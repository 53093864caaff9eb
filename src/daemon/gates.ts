/**
 * Gates as they are offered: made, shown, taken away. [GATE-1]
 *
 * Guarantee: a gate is shown only to who may run it or owns it; to others it does not exist. Its digests are of what
 * its maker can read without any label.
 */
import { spawn } from "node:child_process";
import { basename } from "node:path";
import { GateCreate, GateRemove, type GateTag, type GateView } from "../api/index.ts";
import { PINS } from "../kernel/index.ts";
import { type Context, isAll, type TagId } from "../label/index.ts";
import {
  type Gate,
  type GateNow,
  gateNow,
  type GateTag as TagNow,
  gatesFor,
  type GateText,
  mayUse,
  ownerOf,
  type Pattern,
  PLATFORM,
  PolicyError,
} from "../policy/index.ts";
import { ROOT } from "../setup/index.ts";
import type { Authority } from "./authority.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import type { Caller } from "./identity.ts";
import { gateFailure } from "./launch-failure.ts";
import { parse } from "./parse.ts";
import { userArgs } from "./stage.ts";
import { bookFor, nameOf, readContext } from "./views.ts";

/** Offers a gate, or another of that name. @throws CsnError, PolicyError */
export async function createGate(csn: Csn, caller: Caller, body: unknown): Promise<GateView> {
  const request = parse(GateCreate, body);
  const { authority } = csn;
  const book = bookFor(authority, caller);
  for (const context of [request.in, request.out]) readContext(context, book);
  const paths = [request.program, ...request.files];
  requirePaths(paths);
  const [digest = "", ...digests] = await digestsOf(csn, caller, paths);
  const gate: GateText = {
    program: request.program,
    digest,
    args: request.args,
    files: request.files.map((path, at) => ({ path, digest: digests[at]! })),
    in: sorted(request.in),
    out: sorted(request.out),
    consent: request.consent,
    purpose: request.purpose,
  };
  const by = ownerOf(request.name as Pattern);
  // a malformed name is the statement's own error
  if (by !== "" && by !== PLATFORM) authority.speaker(caller, by);
  authority.say(caller, by, { kind: "gate", name: request.name, gate, users: request.users });
  return viewGate(csn, caller, authority.world.state.gates.get(request.name)!);
}

export function removeGate(csn: Csn, caller: Caller, body: unknown): GateView {
  const gate = findGate(csn, caller, parse(GateRemove, body).name);
  const view = viewGate(csn, caller, gate);
  csn.authority.say(caller, ownerOf(gate.name as Pattern), { kind: "ungate", name: gate.name });
  return view;
}

export function listGates(csn: Csn, caller: Caller): GateView[] {
  return [...csn.authority.world.state.gates.values()]
    .filter((gate) => sees(csn, caller, gate))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((gate) => viewGate(csn, caller, gate));
}

/** @throws PolicyError E_GATE_UNKNOWN, also for a gate that is not offered to the caller */
export function findGate(csn: Csn, caller: Caller, name: string): Gate {
  const gate = csn.authority.world.state.gates.get(name);
  if (gate !== undefined && sees(csn, caller, gate)) return gate;
  throw new PolicyError(
    "E_GATE_UNKNOWN",
    `expected a gate that you may run, found ${JSON.stringify(name)}`,
    "`csn gate list` shows them",
  );
}

export function nowOf(csn: Csn, caller: Caller, gate: Gate): GateNow {
  const { authority } = csn;
  return gateNow(authority.world.state, gate, authority.holderOf(caller), authority.now().getTime());
}

/** Gates that the caller may run now and that would let this data go there. [GATE-4] */
export function offersFor(csn: Csn, caller: Caller, from: Context, to: Context): string[] {
  const { authority } = csn;
  const user = authority.holderOf(caller);
  const [source, sink] = [textOf(from, authority), textOf(to, authority)];
  if (source === null || sink === null) return [];
  return gatesFor(authority.world.state, source, sink, user, authority.now().getTime())
    .filter((gate) => obstacle(gate, nowOf(csn, caller, gate)) === null)
    .map((gate) => gate.name);
}

/** By names; null for one with more tags than can be named. */
function textOf({ secrecy, integrity }: Context, authority: Authority): GateText["in"] | null {
  if (isAll(secrecy) || isAll(integrity)) return null;
  const names = (tags: readonly TagId[]) => tags.map((tag) => nameOf(tag, authority)).sort();
  return { secrecy: names(secrecy), integrity: names(integrity) };
}

function sees(csn: Csn, caller: Caller, gate: Gate): boolean {
  return caller.uid === 0 || mayUse(gate, csn.authority.holderOf(caller));
}

function viewGate(csn: Csn, caller: Caller, gate: Gate): GateView {
  const now = nowOf(csn, caller, gate);
  const { program, digest, args, files, consent, purpose } = gate.gate;
  const why = obstacle(gate, now)?.message ?? "";
  return {
    name: gate.name,
    holder: gate.holder,
    program,
    digest,
    args: [...args],
    files: files.map(({ path, digest: sum }) => ({ path, digest: sum })),
    in: { secrecy: [...now.in.secrecy], integrity: [...now.in.integrity] },
    out: { secrecy: [...now.out.secrecy], integrity: [...now.out.integrity] },
    consent: [...consent],
    purpose,
    users: [...gate.users],
    tags: now.tags.map(viewTag),
    ready: why === "",
    why,
  };
}

export function viewTag({ change, privilege, tag, by, chain }: TagNow): GateTag {
  const grants = (chain?.grants ?? []).map((grant) => ({
    id: grant.id,
    by: grant.by,
    until: grant.until === null ? null : new Date(grant.until).toISOString(),
    purpose: grant.purpose,
  }));
  return { change, privilege, tag, by, grants };
}

/** Why nobody can run it now, or null. */
export function obstacle(gate: Gate, now: GateNow): CsnError | PolicyError | null {
  if (now.conflict !== null) {
    const { conflict, wanted, other } = now.conflict;
    return new PolicyError(
      "E_CONFLICT",
      `[COI-1] gate \`${gate.name}\` would bring \`${wanted}\` together with \`${other}\`: \`${conflict.name}\` allows only one of them`,
      "history counts: dropping the one does not free the other",
    );
  }
  const missing = now.tags.filter(({ by }) => by === null);
  if (missing.length === 0) return null;
  const list = missing.map(
    ({ change, privilege, tag }) => `${change} \`${tag}\` without \`${privilege}\` from ${ownerOf(tag)}`,
  );
  const { privilege, tag } = missing[0]!;
  return new CsnError(
    "E_GATE_PRIVILEGE",
    `[GATE-1] gate \`${gate.name}\` ${list.join(", and it ")}`,
    `${ownerOf(tag)} may grant it: \`csn tag grant ${tag} ${privilege} --to gate:${gate.name}\``,
    403,
  );
}

/** The copies lie in one folder (native/launch/verify.c), by their last names. */
function requirePaths(paths: readonly string[]): void {
  const names = new Set<string>();
  for (const path of paths) {
    const name = basename(path);
    const fault =
      !path.startsWith("/") || path.endsWith("/")
        ? `an absolute path, found ${JSON.stringify(path)}`
        : names.has(name)
          ? `files with different names, found two named \`${name}\``
          : null;
    if (fault !== null)
      throw new CsnError(
        "E_GATE_FILE",
        `expected ${fault}`,
        "paths are those of the machine that enforces",
        400,
      );
    names.add(name);
  }
}

/** What the caller may read, hashed by the launcher as he and without a label. @throws CsnError E_GATE_FILE */
function digestsOf(csn: Csn, caller: Caller, paths: readonly string[]): Promise<string[]> {
  const args = csn.monitor === null ? [] : ["--pins", PINS];
  args.push("--digests", ...userArgs(caller));
  return new Promise((resolve, reject) => {
    const child = spawn(`${ROOT}/build/csn-launch`, [...args, "--", ...paths], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
      env: {},
    });
    let text = "";
    child.stdio[3]!.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.on("error", reject);
    child.on("close", () => {
      const found = [...text.matchAll(/^digest ([0-9a-f]{64})$/gm)].map((line) => line[1]!);
      if (found.length === paths.length) return resolve(found);
      const [, step = "gate: read", why = text] = /^error (.*): \d+ (.*)$/ms.exec(text) ?? [];
      const { code, message, hint } = gateFailure(step, why);
      reject(new CsnError(code, message, hint, 400));
    });
  });
}

function sorted({ secrecy, integrity }: GateText["in"]): GateText["in"] {
  return { secrecy: [...new Set(secrecy)].sort(), integrity: [...new Set(integrity)].sort() };
}
