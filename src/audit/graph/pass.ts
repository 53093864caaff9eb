/**
 * A pass over the flows in their order: what is asked, and what it found. The passes themselves are in flood.ts, sweep.ts and walk.ts.
 *
 * A label stands for one way to have been reached: by which flow, after which other label. For an entity the newest
 * counts; older ones stay, for those that were reached through them. Labels are numbered in the order of the pass.
 */
export type Pass = {
  readonly direction: "from" | "to";
  /** How many labels, and how many entities have one. */
  readonly count: number;
  readonly reached: number;
  /** By label: its entity. */
  readonly entity: Int32Array;
  /** By label: flow by which; -1: it is where the question begins. */
  readonly flow: Int32Array;
  isReached(entity: number): boolean;
  /** The entity's label with the fewest flows, or -1: not reached. */
  label(entity: number): number;
  /** Is it the one that `label` tells of its entity? */
  isChosen(label: number): boolean;
  /** Of a label without a flow: the one that made it a beginning, or -1. */
  began(label: number): number;
  /** Label of the entity at the other end of the label's flow; -1: it is where the question begins. */
  parent(label: number): number;
};

export type Question = {
  direction: "from" | "to";
  /** Where it begins: entities, and from which flow on (forward) or up to which (backward). */
  roots: readonly { entity: number; at: number }[];
  /** For each kind of flow: not 0, it counts. */
  follows: Uint8Array;
  /** For each kind of flow: its source (forward) or sink (backward) is a beginning too. */
  begins?: Uint8Array | undefined;
  depth?: number | undefined;
  stops?: Stops | undefined;
  inTime?: InTime | undefined;
  looksFor?: LooksFor | undefined;
  /** Flows beyond this one, in the direction of the pass, do not matter; it may see some of them. */
  until?: number | undefined;
};

/** Where data does not go on from what holds it under one context by flows that have another one. */
export type Stops = {
  /** At these entities; null: at all, and `isStopped` does not ask which. */
  at: ReadonlySet<number> | null;
  /** @param held context under which data came @param kind of the flow by which it would go on */
  isStopped: (entity: number, held: number, kind: number) => boolean;
};

/** Only flows whose time is not after this. */
export type InTime = {
  /** Of all flows of a block; null: they differ. */
  block: (number: number) => boolean | null;
  flow: (at: number) => boolean;
};

/** Flows of these kinds or into these entities are looked for, from what was reached. */
export type LooksFor = {
  kinds?: Uint8Array | undefined;
  entities?: readonly number[] | undefined;
  /** Told of each, with the label of the end that was reached. @returns is that enough? */
  hit: (flow: number, label: number, pass: Pass) => boolean;
};

/** The flows of the path to an entity, in the order of time. */
export function pathTo(pass: Pass, label: number): number[] {
  const path: number[] = [];
  for (let at = label; at !== -1 && pass.flow[at] !== -1; at = pass.parent(at)) path.push(pass.flow[at]!);
  return pass.direction === "from" ? path.reverse() : path;
}
