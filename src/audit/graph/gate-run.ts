/**
 * What the record of a gate's run says of its streams: the pipes at both ends, by which its programs are known.
 */
/** `device:inode:generation` of a pipe. */
export type PipeId = readonly [second: number, first: number, third: number];
export type GateRun = { name: string; input: readonly PipeId[]; output: readonly PipeId[] };

const NOTHING: GateRun = { name: "a gate", input: [], output: [] };

/** @param detail as the daemon wrote it; a gap may have taken a part of it */
export function readGateRun(detail: string): GateRun {
  try {
    const { gate = NOTHING.name, input, output } = JSON.parse(detail) as Detail;
    return { name: gate, input: pipesOf(input), output: pipesOf(output) };
  } catch {
    return NOTHING;
  }
}

type End = { streams?: string[] } | undefined;
type Detail = { gate?: string; input?: End; output?: End };

function pipesOf(end: End): PipeId[] {
  return (end?.streams ?? []).map((text) => text.split(":").map(Number) as [number, number, number]);
}
