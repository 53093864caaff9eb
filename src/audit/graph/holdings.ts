/**
 * Who holds which memory now, and what is one by it: processes and objects between which data goes both ways without a call.
 *
 * Guarantee: whoever holds or sees something, and each thing that is held or seen, is in one group: all that is connected
 * by holding for reading and writing. Its root is the object that was on the record first.
 */
import { Group } from "./group.ts";
import { Pairs, type Since } from "./pairs.ts";

/** What became of a group when a process left it. */
export type Left = {
  group: Group;
  /** What is still connected, and objects that nobody holds any more. */
  pieces: Group[];
  alone: number[];
};
/** A process sees an object, which is in a group. */
export type View = { process: number; object: number; since: number; its: Group };
type Views = { changes: number; views: readonly View[]; watchers: readonly Group[] };

export class Holdings {
  /** For reading and writing; for reading only. */
  readonly #holds = new Pairs();
  readonly #sees = new Pairs();
  readonly #groups = new Map<number, Group>();
  /** By process: the one that stands for the memory that it has in common with others, which is held as objects are. */
  readonly #common = new Map<number, number>();
  /** How often it changed who holds or sees what; what was found out of groups after so many. */
  #changes = 0;
  readonly #views = new WeakMap<Group, Views>();
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

  /** Others that see something of a group. */
  watchersOf(group: Group): readonly Group[] {
    return this.#viewsOf(group).watchers;
  }

  /** What members of a group see of others: of each of these one thing, with one who sees it. */
  viewsOf(group: Group): readonly View[] {
    return this.#viewsOf(group).views;
  }

  /** All that members of a group see. */
  *everyViewOf(group: Group): Generator<View> {
    for (const process of group.seers)
      for (const [object, since] of this.#sees.of(process))
        yield { process, object, since, its: this.#groups.get(object)! };
  }

  see(process: number, object: number, time: number): void {
    if (this.#holds.has(process, object)) return;
    this.#changes++;
    this.#sees.add(process, object, time);
    const group = this.#groupFor(process, time);
    group.seers.add(process);
    group.seesMore();
    this.#groupFor(object, time).watched.add(object);
  }

  /** @returns groups that are one now, the first with its old root; null: they were before */
  hold(process: number, object: number, time: number): [into: Group, from: Group] | null {
    this.#changes++;
    this.#holds.add(process, object, time);
    this.#sees.delete(process, object);
    const [one, other] = [this.#groupFor(process, time), this.#groupFor(object, time)];
    if (one === other) return null;
    const [into, from] = this.#isOlder(one.root, other.root) ? [one, other] : [other, one];
    for (const member of from.members.keys()) {
      into.members.set(member, time);
      this.#groups.set(member, into);
    }
    for (const seer of from.seers) into.seers.add(seer);
    for (const watched of from.watched) into.watched.add(watched);
    into.seesMore();
    into.isAnnounced = false;
    return [into, from];
  }

  /** What a process has by being begun. @param isOneMemory with who began it */
  inherited(parent: number, isOneMemory: boolean): { held: number[]; seen: number[] } {
    const copied = isOneMemory ? undefined : this.#common.get(parent);
    const held = [...this.#holds.of(parent).keys()].filter((object) => object !== copied);
    return { held, seen: [...this.#sees.of(parent).keys()] };
  }

  /** What two have in common from now on, for both to hold. @returns what stands for it */
  share(parent: number, child: number): number {
    const common = this.#common.get(parent) ?? parent;
    this.#common.set(parent, common);
    this.#common.set(child, common);
    return common;
  }

  /** It holds and sees nothing any more. */
  leave(process: number, time: number): Left | null {
    this.#changes++;
    const group = this.#groups.get(process);
    this.#leaveCommon(process, time);
    for (const object of [...this.#sees.of(process).keys()]) {
      this.#sees.delete(process, object);
      if (!this.knows(object) && this.#groups.get(object)!.members.size === 1) this.#groups.delete(object);
    }
    for (const object of [...this.#holds.of(process).keys()]) this.#holds.delete(process, object);
    if (group === undefined) return null;
    for (const member of group.members.keys()) this.#groups.delete(member);
    const left: Left = { group, pieces: [], alone: [] };
    for (const member of group.members.keys()) {
      if (this.#groups.has(member)) continue;
      if (this.knows(member)) left.pieces.push(this.#pieceOf(member, group, time));
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

  #viewsOf(group: Group): Views {
    const known = this.#views.get(group);
    if (known?.changes === this.#changes) return known;
    const views = new Map<Group, View>();
    for (const view of this.everyViewOf(group)) if (!views.has(view.its)) views.set(view.its, view);
    const watchers = new Set<Group>();
    for (const object of group.watched)
      for (const process of this.#sees.by(object).keys()) watchers.add(this.#groups.get(process)!);
    views.delete(group);
    watchers.delete(group);
    const found = { changes: this.#changes, views: [...views.values()], watchers: [...watchers] };
    this.#views.set(group, found);
    return found;
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
    const group = new Group(root, new Map(entities.map((member) => [member, since(member, root)])));
    for (const member of entities) {
      if (this.#sees.of(member).size > 0) group.seers.add(member);
      if (this.#sees.by(member).size > 0) group.watched.add(member);
    }
    return group;
  }

  /** An object rather than a process, for that ends. */
  #isOlder(one: number, other: number): boolean {
    const [a, b] = [this.#isProcess(one), this.#isProcess(other)];
    return a === b ? one < other : b;
  }
}
