/**
 * Who holds which memory now, and what is one by it: processes and objects between which data goes both ways without a call.
 *
 * Guarantee: a group is all that is connected by holding for reading and writing; of who only sees an object it is known that he does.
 * Its root is the object that was on the record first.
 */
export type Group = {
  readonly root: number;
  /** With the time since when this root is theirs. */
  readonly members: Map<number, number>;
  /** Of the members: processes that see other things besides. */
  readonly seers: Set<number>;
};
/** What became of a group when a process left it. */
export type Left = {
  group: Group;
  /** What is still connected, and objects that nobody holds any more. */
  pieces: Group[];
  alone: number[];
};

type Times = Map<number, number>;
/** With a time for each. */
export type Since = ReadonlyMap<number, number>;
const NOBODY: Since = new Map();

/** Pairs of a process and an object, found by both, and since when. */
class Pairs {
  readonly #objects = new Map<number, Times>();
  readonly #processes = new Map<number, Times>();

  add(process: number, object: number, time: number): void {
    const since = Math.min(time, this.of(process).get(object) ?? time);
    for (const [map, key, value] of [
      [this.#objects, process, object],
      [this.#processes, object, process],
    ] as const)
      map.set(key, (map.get(key) ?? (new Map() as Times)).set(value, since));
  }

  delete(process: number, object: number): void {
    for (const [map, key, value] of [
      [this.#objects, process, object],
      [this.#processes, object, process],
    ] as const) {
      const times = map.get(key);
      if (times?.delete(value) === true && times.size === 0) map.delete(key);
    }
  }

  has(process: number, object: number): boolean {
    return this.#objects.get(process)?.has(object) === true;
  }

  /** Objects of a process. */
  of(process: number): Since {
    return this.#objects.get(process) ?? NOBODY;
  }

  /** Processes of an object. */
  by(object: number): Since {
    return this.#processes.get(object) ?? NOBODY;
  }

  /** Has it any, as either? */
  knows(entity: number): boolean {
    return this.#objects.has(entity) || this.#processes.has(entity);
  }
}

export class Holdings {
  /** For reading and writing; for reading only. */
  readonly #holds = new Pairs();
  readonly #sees = new Pairs();
  readonly #groups = new Map<number, Group>();
  /** By process: the one that stands for the memory that it has in common with others, which is held as objects are. */
  readonly #common = new Map<number, number>();
  readonly #isProcess: (entity: number) => boolean;

  constructor(isProcess: (entity: number) => boolean) {
    this.#isProcess = isProcess;
  }

  group(entity: number): Group | undefined {
    return this.#groups.get(entity);
  }

  /** What a process only sees. */
  seenOf(process: number): Since {
    return this.#sees.of(process);
  }

  seersOf(object: number): Since {
    return this.#sees.by(object);
  }

  knows(entity: number): boolean {
    return this.#holds.knows(entity) || this.#sees.knows(entity);
  }

  see(process: number, object: number, time: number): void {
    if (this.#holds.has(process, object)) return;
    this.#sees.add(process, object, time);
    this.#groups.get(process)?.seers.add(process);
  }

  /** @returns groups that are one now, the first with its old root; null: they were before */
  hold(process: number, object: number, time: number): [into: Group, from: Group] | null {
    this.#holds.add(process, object, time);
    this.#sees.delete(process, object);
    const [one, other] = [this.#groupFor(process, time), this.#groupFor(object, time)];
    if (this.#sees.of(process).size === 0) one.seers.delete(process);
    if (one === other) return null;
    const [into, from] = this.#isOlder(one.root, other.root) ? [one, other] : [other, one];
    for (const member of from.members.keys()) {
      into.members.set(member, time);
      this.#groups.set(member, into);
    }
    for (const seer of from.seers) into.seers.add(seer);
    return [into, from];
  }

  /** What a process began is in one memory with it. @returns what stands for that memory */
  commonOf(process: number): number {
    const common = this.#common.get(process) ?? process;
    this.#common.set(process, common);
    return common;
  }

  /** What a process has by being begun. @param isOneMemory with who began it */
  inherited(parent: number, isOneMemory: boolean): { held: number[]; seen: number[] } {
    const copied = isOneMemory ? undefined : this.#common.get(parent);
    const held = [...this.#holds.of(parent).keys()].filter((object) => object !== copied);
    return { held, seen: [...this.#sees.of(parent).keys()] };
  }

  join(process: number, common: number): void {
    this.#common.set(process, common);
  }

  /** It holds and sees nothing any more. */
  leave(process: number, time: number): Left | null {
    const group = this.#groups.get(process);
    this.#leaveCommon(process, time);
    for (const object of [...this.#sees.of(process).keys()]) this.#sees.delete(process, object);
    for (const object of [...this.#holds.of(process).keys()]) this.#holds.delete(process, object);
    if (group === undefined) return null;
    for (const member of group.members.keys()) this.#groups.delete(member);
    const left: Left = { group, pieces: [], alone: [] };
    for (const member of group.members.keys()) {
      if (this.#groups.has(member)) continue;
      if (this.#holds.knows(member)) left.pieces.push(this.#pieceOf(member, group, time));
      else if (member !== process) left.alone.push(member);
    }
    return left;
  }

  /** The memory lives on with the others, and another of them stands for it; with one it is nobody's but its own. */
  #leaveCommon(process: number, time: number): void {
    const common = this.#common.get(process);
    if (common === undefined) return;
    this.#common.delete(process);
    this.#holds.delete(process, common);
    const others = [...this.#holds.by(common).keys()];
    const heir = others.includes(common) ? common : others[0]!;
    for (const other of others) {
      this.#holds.delete(other, common);
      this.#common.delete(other);
      if (others.length === 1) continue;
      this.#holds.add(other, heir, time);
      this.#common.set(other, heir);
    }
  }

  #groupFor(entity: number, time: number): Group {
    const group = this.#groups.get(entity) ?? this.#groupOf([entity], () => time);
    this.#groups.set(entity, group);
    return group;
  }

  /** All that is still connected with one. */
  #pieceOf(first: number, before: Group, time: number): Group {
    const found = new Set([first]);
    // a set's loop comes to what is added meanwhile
    for (const one of found) {
      for (const object of this.#holds.of(one).keys()) found.add(object);
      for (const process of this.#holds.by(one).keys()) found.add(process);
    }
    const group = this.#groupOf([...found], (member, root) =>
      root === before.root ? before.members.get(member)! : time,
    );
    for (const member of found) this.#groups.set(member, group);
    return group;
  }

  #groupOf(entities: readonly number[], since: (member: number, root: number) => number): Group {
    const root = entities.reduce((oldest, one) => (this.#isOlder(one, oldest) ? one : oldest));
    const members = new Map(entities.map((member) => [member, since(member, root)]));
    const seers = new Set(entities.filter((member) => this.#sees.of(member).size > 0));
    return { root, members, seers };
  }

  /** An object rather than a process, for that ends. */
  #isOlder(one: number, other: number): boolean {
    const [a, b] = [this.#isProcess(one), this.#isProcess(other)];
    return a === b ? one < other : b;
  }
}
