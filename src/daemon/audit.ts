/**
 * The log's proofs for callers: a checkpoint to anybody, a record's proof to whoever may read it [AUD-4], the rest to
 * root. A checkpoint tells how many records there are, and a proof where one of them stands: they are the exceptions to what
 * else a reader learns (docs/decisions/0026).
 */
import { setImmediate } from "node:timers/promises";
import {
  AuditKeep,
  type AuditKept,
  AuditVerify,
  AuditWitness,
  type AuditWitnesses,
  type CheckpointView,
  type ProofView,
} from "../api/index.ts";
import {
  AuditError,
  compressClosed,
  copyLog,
  exportLog,
  parseCheckpoint,
  parseVkey,
  proofDocument,
  verifySteps,
} from "../audit/index.ts";
import type { Csn } from "./csn.ts";
import { type Caller, requireRoot } from "./identity.ts";
import { parse } from "./parse.ts";
import { readable } from "./record-names.ts";

/** Between two lines of progress, ms. */
const PROGRESS_MS = 500;

export function proof(csn: Csn, caller: Caller, id: string): ProofView {
  const { entry } = readable(csn, caller, id);
  csn.records.keeper.sign();
  return { ...proofDocument(csn.records.folder, entry.id), keys: csn.records.keeper.writer.vkeys };
}

export function checkpoint(csn: Csn): CheckpointView {
  csn.records.drain();
  const { keeper } = csn.records;
  const signed = keeper.sign() ?? keeper.writer.checkpoint;
  if (signed === null)
    throw new AuditError(
      "E_LOG_NONE",
      "expected a log with records, found none",
      "the first record of a labelled flow begins it",
    );
  return { checkpoint: signed.text, keys: keeper.writer.vkeys };
}

export function rotate(csn: Csn, caller: Caller): CheckpointView {
  requireRoot(caller, "change the log's keys");
  csn.records.drain();
  csn.records.keeper.rotateKeys();
  return checkpoint(csn);
}

/** In steps, so that others are answered meanwhile. */
export async function verifyLog(
  csn: Csn,
  caller: Caller,
  body: unknown,
  line: (value: unknown) => void,
): Promise<void> {
  requireRoot(caller, "verify the log");
  const { keys, checkpoints, witnesses } = parse(AuditVerify, body ?? {});
  csn.records.drain();
  csn.records.keeper.sign();
  const steps = verifySteps(csn.records.folder, {
    keys: keys.map(parseVkey),
    checkpoints: checkpoints.map(parseCheckpoint),
    witnesses: witnesses.map(parseVkey),
  });
  for (let shown = performance.now(); ;) {
    const step = steps.next();
    if (step.done === true) return line({ report: step.value });
    if (performance.now() - shown > PROGRESS_MS) {
      shown = performance.now();
      line({ progress: step.value });
    }
    await setImmediate();
  }
}

export function keep(csn: Csn, caller: Caller, body: unknown): AuditKept {
  requireRoot(caller, "change how the log is kept");
  const request = parse(AuditKeep, body ?? {});
  const { folder, keeper } = csn.records;
  csn.records.drain();
  keeper.sign();
  const gone =
    request.retain === undefined
      ? null
      : keeper.writer.retain(request.retain.before, request.retain.reason, caller.name);
  const compressed = request.compress ? compressClosed(folder) : 0;
  const copied = request.copy === undefined ? null : copyLog(folder, request.copy);
  const exported = request.export === undefined ? null : exportLog(folder, request.export);
  return {
    compressed,
    gone,
    copied: copied && { size: copied.size },
    exported: exported && { size: exported.checkpoint.size, files: exported.written, gone: exported.gone },
  };
}

export function listWitnesses(csn: Csn): AuditWitnesses {
  const { all, trouble } = csn.witnessing;
  return all.map(({ url, keys }) => ({ url, keys, trouble: trouble.get(url) ?? null }));
}

export async function addWitness(csn: Csn, caller: Caller, body: unknown): Promise<AuditWitnesses> {
  requireRoot(caller, "choose the log's witnesses");
  csn.witnessing.add(parse(AuditWitness, body));
  csn.records.keeper.sign();
  await csn.witnessing.ask();
  return listWitnesses(csn);
}
