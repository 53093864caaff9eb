/**
 * What the record of a gate's run says of its streams: the pipes at both ends, by which its programs are known, or the client of the bus
 * that it is.
 */
/** `device:inode:generation` of a pipe. */
export type PipeId = readonly [second: number, first: number, third: number];
export type GateRun = {
  name: string;
  input: readonly PipeId[];
  output: readonly PipeId[];
  /** Number of the client; null: it is none. */
  client: bigint | null;
  /** Recorded at its end: what it did lies before the record. */
  isOver: boolean;
};

const NOTHING: GateRun = { name: "a gate", input: [], output: [], client: null, isOver: true };

/** @param detail as the daemon wrote it; a gap may have taken a part of it */
export function readGateRun(detail: string): GateRun {
  try {
    const { gate = NOTHING.name, input, output, client, ended } = JSON.parse(detail) as Detail;
    const [, number] = /^client:(\d{1,20})$/.exec(client ?? "") ?? [];
    return {
      name: gate,
      input: pipesOf(input),
      output: pipesOf(output),
      client: number === undefined ? null : BigInt(number),
      isOver: ended !== "",
    };
  } catch {
    return NOTHING;
  }
}

type End = { streams?: string[] } | undefined;
type Detail = { gate?: string; input?: End; output?: End; client?: string; ended?: string };

function pipesOf(end: End): PipeId[] {
  return (end?.streams ?? []).map((text) => text.split(":").map(Number) as [number, number, number]);
}
