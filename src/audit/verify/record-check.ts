/**
 * What the records themselves must be, one after the other: of a known version, described before they are used,
 * in sequence, and every loss counted [AUD-3].
 */
import {
  KIND_CONTEXT,
  KIND_GAP,
  KIND_LOG,
  KIND_MARK,
  NEWEST_RECORD_VERSION,
  readTextPart,
  RECORD_BYTES,
  type SegmentHeader,
} from "../format.ts";
import { LOST_AT } from "../gaps.ts";
import { FIELD, RECORD_KIND } from "../record.ts";
import { Sequences } from "../sequences.ts";
import { type LogStatement, StatementReader } from "../statements.ts";
import type { Findings, Loss } from "./report.ts";

const { FLOW, EVENT } = RECORD_KIND;
/** Ids below are fixed; this one says that nobody knew. */
const FIRST_CONTEXT = 16;
const UNKNOWN_CONTEXT = 0xffffffff;
const NEWEST_KIND = 31;

export class RecordCheck {
  readonly losses: Loss[] = [];
  readonly statements: LogStatement[] = [];
  readonly #findings: Findings;
  readonly #sequences = new Sequences();
  #boot = "";
  #next = 0;
  #reader = new StatementReader();
  #described = new Set<number>();
  /** Flows whose context the segment does not explain. */
  undescribed = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Flows that the kernel counted, and neither a record nor a gap tells of. */
  get unaccounted(): number {
    const told = this.losses.filter(({ kind, at }) => kind === FLOW && at === LOST_AT.DISK);
    return Math.max(0, this.#sequences.missing - told.reduce((sum, { count }) => sum + count, 0));
  }

  /** A header was passed. */
  begin(header: SegmentHeader | null): void {
    const boot = header?.bootId ?? "";
    if (boot !== this.#boot || header?.first !== this.#next) this.#sequences.restart();
    this.#boot = boot;
    this.#described.clear();
    this.#reader = new StatementReader();
  }

  /** @param records without the header  @param first number of the first */
  take(records: Buffer, first: number, file: string): void {
    this.#next = first + records.length / RECORD_BYTES;
    const view = new DataView(records.buffer, records.byteOffset, records.length);
    for (let at = 0, id = first; at < records.length; at += RECORD_BYTES, id++) {
      const kind = records[at + FIELD.kind]!;
      const version = records[at]!;
      if (version === 0 || version > NEWEST_RECORD_VERSION) this.#strange(version, id, file);
      else if (kind === FLOW || kind === EVENT) {
        this.#explained(view.getUint32(at + FIELD.source_context, true));
        this.#explained(view.getUint32(at + FIELD.sink_context, true));
        if (kind === FLOW) this.#sequences.take(records, at);
      } else this.#other(kind, records.subarray(at, at + RECORD_BYTES), id, file);
    }
  }

  #other(kind: number, record: Buffer, id: number, file: string): void {
    // a statement reaches to its mark: the old keys sign both
    if (kind === KIND_MARK && this.statements.at(-1)?.to === id) this.statements.at(-1)!.to++;
    else if (kind === KIND_CONTEXT) this.#described.add(readTextPart(record).id);
    else if (kind === KIND_LOG) {
      const statement = this.#reader.take(id, record);
      if (statement !== null) this.statements.push(statement);
    } else if (kind === KIND_GAP)
      this.losses.push({
        record: id,
        kind: record[FIELD.source_kind]!,
        refused: record[FIELD.verdict] !== 0,
        at: record[FIELD.sink_kind]!,
        count: record.readUInt32LE(FIELD.count),
      });
    else if (kind === 0 || (kind > NEWEST_KIND && kind !== KIND_MARK))
      this.#findings.add(
        "E_LOG_NEWER",
        id,
        file,
        `record ${id} is of a kind (${kind}) that this version does not know`,
      );
  }

  #strange(version: number, id: number, file: string): void {
    if (version === 0) this.#findings.add("E_LOG_DAMAGED", id, file, `record ${id} is empty`);
    else
      this.#findings.add(
        "E_LOG_NEWER",
        id,
        file,
        `record ${id} is of version ${version}, and this csn knows ${NEWEST_RECORD_VERSION}`,
      );
  }

  #explained(context: number): void {
    if (context >= FIRST_CONTEXT && context !== UNKNOWN_CONTEXT && !this.#described.has(context))
      this.undescribed++;
  }
}
