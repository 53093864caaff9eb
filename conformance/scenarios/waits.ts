/**
 * Reads that waited (bpf/wait.bpf.c): what came meanwhile is on the record as read, behind what it came of. [AUD-1]
 */
import { ENTITY_KINDS, KIND, SHAPE } from "../../src/kernel/index.ts";
import type { World } from "../inside.ts";
import { inodeOf, records } from "./told.ts";
import { expectAll, file, newCompartment, type Scenario } from "./tools.ts";

const R = SHAPE.csn_record;

type EntityKind = (typeof ENTITY_KINDS)[number];
type Flow = {
  source: string;
  sink: string;
  sourceKind: number;
  sinkKind: number;
  inode: bigint;
  time: bigint;
};

function flows(world: World): Flow[] {
  const entity = (record: Buffer, at: number) =>
    record.subarray(at, at + SHAPE.csn_entity.size).toString("hex");
  return records(world)
    .filter((record) => record[R.kind] === KIND.FLOW)
    .map((record) => ({
      source: entity(record, R.source),
      sink: entity(record, R.sink),
      sourceKind: record[R.source_kind]!,
      sinkKind: record[R.sink_kind]!,
      inode: record.readBigUInt64LE(R.source),
      time: record.readBigUInt64LE(R.time),
    }));
}

/** @param times how often something that was learnt from a file is given, into what one call takes it from */
function waited(what: string, kind: EntityKind, times: number): Scenario {
  return {
    id: `waits/${what}`,
    row: "",
    run: (world) => {
      const inside = newCompartment(world, "A");
      const paths = Array.from({ length: times }, () => file(world, "A"));
      records(world);
      const fault = expectAll(world, ["ok", inside, `late ${what} ${paths.join(" ")}`]);
      const all = flows(world);
      inside.stop();
      if (fault) return fault;
      const number = ENTITY_KINDS.indexOf(kind);
      const inodes = new Set(paths.map(inodeOf));
      const learners = new Set(all.filter(({ inode }) => inodes.has(inode)).map(({ sink }) => sink));
      // of a pair that sends datagrams the writer's own end is told, too
      const ends = new Set(
        all.filter((o) => o.sourceKind === number && !learners.has(o.sink)).map((o) => o.source),
      );
      const given = all.filter(({ source, sink }) => ends.has(sink) && learners.has(source));
      if (given.length < times) return `of ${times} that were given ${given.length} are told`;
      const isTaken = ({ source, sink, time }: Flow) =>
        all.some((o) => o.source === sink && o.sink !== source && o.time > time);
      const lost = given.filter((flow) => !isTaken(flow));
      return lost.length === 0
        ? null
        : `of ${given.length} that were given ${lost.length} are not told to be taken`;
    },
  };
}

export const waitScenarios: readonly Scenario[] = [
  waited("pipe", "pipe", 1),
  waited("socket", "socket", 1),
  waited("messages", "socket", 2),
  waited("queue", "ipc", 1),
  waited("terminal", "device", 1),
];
