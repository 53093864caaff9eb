/**
 * Flows that no record tells one by one: what goes through memory that several hold, for loads and stores have no hook.
 * [AUD-1]
 *
 * Guarantee: what may have gone from one to another, by what records say they hold, is a way in the graph, and nothing else
 * is. Who holds each other for reading and writing is one: what flows into a member flows on to the group's root at once,
 * and before something flows out of a member it gets what is new there, and what is new in what members only see. Who does
 * nothing himself gets it when he ends, lets go, or before questions are asked (`settle`). Each such flow has the time and
 * the record of the one that is its cause. The platform alone is told of it: to others it would say who holds what that
 * they may not see (a compartment before its label, a gate). [AUD-4]
 *
 * Records come in the order of time (native/rings.c), but not what the daemon writes: what is already there of later times
 * is then told again, and what has ended since counts. That may tell a little more than what was: of who held the memory
 * only soon after.
 *
 * Not covered: what was unmapped counts as held until the process ends or runs another program. A question with `until` may
 * miss who did nothing himself until then. Readers other than the platform are not told of these ways.
 */
import type { Columns, Put } from "./columns.ts";
import type { Entities } from "./entities.ts";
import { Formers, isThen, WINDOW } from "./former.ts";
import { grown } from "./grown.ts";
import type { Group } from "./group.ts";
import { Holdings } from "./holdings.ts";
import type { Since } from "./pairs.ts";
import { isImplied, isRefused, type Meta, type Metas } from "./metas.ts";
import { ENTITY, OP, RECORD_FLAG } from "../record.ts";

/** The flow that others come of. */
type Cause = { time: number; record: number };
/** Of groups from which something is drawn: it is under way, it may lack something, it has all. */
type Drawn = Map<Group, number>;
const OPEN = 0;
const PART = 1;
const WHOLE = 2;
/** A group, or what was one. */
type Rooted = { root: number; members: Since; group?: Group };

export class Memory {
  /** By entity: not 0, it holds or is held, or did until just now. */
  #marks = new Uint8Array(1 << 12);
  /** By entity: the context under which a record last told of it, if it has a mark. */
  #contexts = new Uint32Array(1 << 12);
  readonly #flows: Columns;
  readonly #entities: Entities;
  readonly #metas: Metas;
  readonly #known: Meta[] = [];
  #put: (put: Put) => void;
  #holdings: Holdings;
  #formers = new Formers();
  /** Groups that got something which not all members did, with the last cause. */
  #unsettled = new Map<Group, Cause>();
  #cause: Cause = { time: 0, record: 0 };
  /** There are flows behind it already: nothing that was told is sure to be enough. */
  #isLate = false;

  constructor(flows: Columns, entities: Entities, metas: Metas, put: (put: Put) => void) {
    [this.#flows, this.#entities, this.#metas, this.#put] = [flows, entities, metas, put];
    this.#holdings = this.#nothing();
  }

  get bytes(): number {
    return this.#marks.byteLength + this.#contexts.byteLength;
  }

  /** Is this one of those that `see` has to be told of? */
  concerns(source: number, sink: number, flags: number): boolean {
    return ((this.#marks[source] ?? 0) | (this.#marks[sink] ?? 0)) !== 0 || (flags & RECORD_FLAG.HOLDS) !== 0;
  }

  /** Processes are of one boot. */
  startBoot(): void {
    this.#marks.fill(0);
    this.#holdings = this.#nothing();
    this.#formers = new Formers();
    this.#unsettled = new Map();
  }

  /** A flow that happened comes to the graph, with what comes of it. @param back its other direction, or -1 */
  see(flow: Put, back: number): void {
    const { source, sink, meta, time, record } = flow;
    for (const gone of this.#formers.forget(this.#flows.length))
      this.#marks[gone] = this.#holdings.knows(gone) ? 1 : 0;
    this.#isLate = this.#isBehind(time);
    this.#cause = { time, record };
    this.#move(flow);
    if (back !== -1) this.#move({ source: sink, sink: source, meta: back, time, record });
    this.#change(source, sink, meta);
    if (this.#isLate) this.#tellAgain(time);
  }

  /** What is told already of later times, without knowing of this. */
  #tellAgain(after: number): void {
    for (const flow of this.#toldAfter(after)) {
      const { source, sink, time, record } = flow;
      if (!this.concerns(source, sink, 0)) continue;
      this.#cause = { time, record };
      this.#move({ ...flow, meta: this.#implied(source, sink) });
    }
  }

  /** Who has done nothing himself since others got something has it, too. @returns flows to put where their times are */
  settle(): Put[] {
    const [put, unsettled] = [this.#put, this.#unsettled];
    const found: Put[] = [];
    this.#put = (one) => found.push(one);
    for (const [group, cause] of unsettled) {
      this.#cause = cause;
      this.#settle(group);
    }
    this.#put = put;
    this.#unsettled = new Map();
    return found.sort((a, b) => a.time - b.time);
  }

  #nothing(): Holdings {
    return new Holdings((entity) => this.#entities.kind(entity) === ENTITY.process);
  }

  #meta(number: number): Meta {
    return (this.#known[number] ??= this.#metas.of(number));
  }

  #isBehind(time: number): boolean {
    const { length, bootStart } = this.#flows;
    return length > bootStart && this.#flows.time(length - 1) > time;
  }

  /** What records told of in this boot that happened after a time. */
  #toldAfter(time: number): Put[] {
    const floor = Math.max(this.#flows.bootStart, this.#flows.length - WINDOW);
    const told: Put[] = [];
    for (let n = this.#flows.length - 1; n >= floor && this.#flows.time(n) > time; n--) {
      const flow = this.#flows.at(n);
      const meta = this.#meta(flow.meta);
      if (!isRefused(meta) && !isImplied(meta)) told.push(flow);
    }
    return told.reverse();
  }

  #move(flow: Put): void {
    const { source, sink } = flow;
    const meta = this.#meta(flow.meta);
    if (this.#marks[source] === 1) {
      this.#isNow(source, meta.source);
      this.#pull(source);
    }
    this.#put(flow);
    if (this.#marks[sink] !== 1) return;
    this.#isNow(sink, meta.sink);
    this.#push(sink);
  }

  #isNow(entity: number, context: number): void {
    if (this.#contexts[entity] === context) return;
    this.#contexts[entity] = context;
    this.#holdings.group(entity)?.tellAgain();
  }

  #change(source: number, sink: number, number: number): void {
    const { op, flags, source: from, sink: to, sinkKind } = this.#meta(number);
    const isHolding = (flags & RECORD_FLAG.HOLDS) !== 0;
    if (op === OP.end || (isHolding && sinkKind === ENTITY.none)) this.#leave(source);
    else if (op === OP.fork) this.#fork(source, sink, isHolding, from, to);
    else if (isHolding) {
      const isSource = (flags & RECORD_FLAG.ACTOR_IS_SOURCE) !== 0;
      const [process, object] = isSource ? [source, sink] : [sink, source];
      this.#mark(source, from);
      this.#mark(sink, to);
      // who only writes holds it like who does both: that is more
      if (isSource || (flags & RECORD_FLAG.BOTH) !== 0) this.#hold(process, object);
      else this.#see(process, object);
    }
  }

  #fork(parent: number, child: number, isOneMemory: boolean, from: number, to: number): void {
    const { held, seen } = this.#holdings.inherited(parent, isOneMemory);
    if (held.length + seen.length === 0 && !isOneMemory) return;
    this.#mark(parent, from);
    this.#mark(child, to);
    if (isOneMemory) {
      const common = this.#holdings.share(parent, child);
      this.#hold(parent, common);
      this.#hold(child, common);
    }
    for (const object of held) this.#hold(child, object);
    for (const object of seen) this.#see(child, object);
  }

  #see(process: number, object: number): void {
    this.#holdings.see(process, object, this.#cause.time);
    this.#announce(this.#holdings.group(process)!);
  }

  /** What both had before, all have. */
  #hold(process: number, object: number): void {
    this.#sawUntilNow(process, object);
    const merged = this.#holdings.hold(process, object, this.#cause.time);
    if (merged === null) return;
    const [into, from] = merged;
    this.#was(from.root, from.members);
    this.#tell(into.root, from.root);
    this.#come(into, from.root, this.#unsettled.get(from));
    this.#unsettled.delete(from);
  }

  /** What is there stays with each part; what comes later does not. */
  #leave(process: number): void {
    for (const object of this.#holdings.seenOf(process).keys()) this.#sawUntilNow(process, object);
    const left = this.#holdings.leave(process, this.#cause.time);
    if (left === null) return;
    const { group, pieces, alone } = left;
    this.#was(group.root, group.members);
    const cause = this.#unsettled.get(group);
    this.#unsettled.delete(group);
    for (const piece of pieces) this.#come(piece, group.root, cause);
    for (const object of alone) this.#tell(group.root, object);
  }

  /** Whatever may have come to an entity without a call comes before something flows out of it. */
  #pull(entity: number): void {
    const drawn: Drawn = new Map();
    if (this.#isLate) this.#drawThen(drawn);
    this.#drawFor(entity, drawn);
    this.#fill(entity);
  }

  /** From its root. */
  #fill(entity: number): void {
    for (const { root, group } of this.#rootsOf(entity)) {
      if (group?.hasTold(entity) === true && !this.#isLate) continue;
      this.#tell(root, entity);
      if (!this.#isLate) group?.told(entity);
    }
  }

  #drawFor(entity: number, drawn: Drawn): void {
    const group = this.#holdings.group(entity);
    if (group !== undefined) this.#draw(group, drawn);
    if (!this.#isLate) return;
    // with whom it was one then
    for (const { members } of this.#formers.groupsOf(entity, this.#cause.time))
      for (const member of members.keys()) {
        const its = this.#holdings.group(member);
        if (its !== undefined) this.#draw(its, drawn);
      }
  }

  /**
   * What a group sees elsewhere comes to it: from there, and from what is seen there in turn. Who is on the way to where
   * it is drawn to gives nothing: what he has comes there by himself. So nobody but that one is sure to have all, if they
   * see each other in a circle.
   */
  #draw(group: Group, drawn: Drawn): void {
    if (drawn.has(group)) return;
    if (group.hasDrawn() && !this.#isLate) {
      drawn.set(group, WHOLE);
      return;
    }
    const isFirst = drawn.size === 0;
    let state = WHOLE;
    drawn.set(group, OPEN);
    const views = this.#isLate ? this.#holdings.everyViewOf(group) : this.#holdings.viewsOf(group);
    for (const { process, object, since, its } of views) {
      if (!this.#isThen(since)) continue;
      this.#drawFor(object, drawn);
      const got = drawn.get(its) ?? WHOLE;
      if (got !== WHOLE) state = PART;
      const isTold = got === OPEN || its.hasTold(group.root);
      if (this.#isLate || !isTold) this.#drawFrom(object, process);
    }
    drawn.set(group, state);
    if (this.#isLate) return;
    if (state === WHOLE || isFirst) group.drew();
    for (const { its } of this.#holdings.viewsOf(group)) its.isAnnounced = false;
  }

  #drawFrom(object: number, process: number): void {
    this.#fill(object);
    this.#tell(object, process);
    const group = this.#holdings.group(process);
    if (!this.#isLate && group !== undefined) this.#holdings.group(object)?.told(group.root);
    this.#push(process);
  }

  /** The same of who saw something at the cause's time and does so no more. */
  #drawThen(drawn: Drawn): void {
    for (const { object, process } of this.#formers.seenAt(this.#cause.time)) {
      this.#drawFor(object, drawn);
      this.#drawFrom(object, process);
    }
  }

  /** What flowed into an entity goes on to its group. */
  #push(entity: number): void {
    for (const { root, group, members } of this.#rootsOf(entity)) {
      if (group !== undefined) {
        this.#come(group, entity);
        continue;
      }
      // all who were in it then have it, and so has whom they are with now
      this.#tell(entity, root);
      for (const member of members.keys()) {
        this.#tell(root, member);
        const its = this.#holdings.group(member);
        if (its !== undefined) this.#come(its, member);
      }
    }
  }

  /** @param cause another one for which it is not settled either */
  #come(group: Group, from: number, cause?: Cause): void {
    this.#tell(from, group.root);
    group.came(from);
    this.#announce(group);
    this.#unsettle(group, cause);
  }

  /** Whoever sees something of a group may see more now, and who sees something of that. */
  #announce(group: Group): void {
    if (group.isAnnounced) return;
    group.isAnnounced = true;
    for (const its of this.#holdings.watchersOf(group)) {
      its.seesMore();
      this.#announce(its);
    }
  }

  /** Those of an entity at the cause's time; of what comes late, that before. */
  #rootsOf(entity: number): Rooted[] {
    const group = this.#holdings.group(entity);
    const isMember = group !== undefined && this.#isThen(group.members.get(entity));
    const roots: Rooted[] = isMember ? [{ root: group.root, members: group.members, group }] : [];
    return this.#isLate ? roots.concat(this.#formers.groupsOf(entity, this.#cause.time)) : roots;
  }

  #isThen(since: number | undefined): boolean {
    return isThen(this.#cause.time, since);
  }

  /** With all that see something of it, and so on. */
  #settle(first: Group): void {
    const groups = new Set([first]);
    for (const group of groups) {
      for (const [member, since] of group.members) if (this.#isThen(since)) this.#tell(group.root, member);
      for (const object of group.watched)
        for (const [process, since] of this.#holdings.seersOf(object)) {
          const its = this.#holdings.group(process)!;
          if (its === group || !this.#isThen(since)) continue;
          this.#tell(object, process);
          if (this.#isThen(its.members.get(process))) this.#tell(process, its.root);
          groups.add(its);
        }
    }
  }

  #unsettle(group: Group, other = this.#cause): void {
    for (const cause of [other, this.#cause])
      if ((this.#unsettled.get(group)?.time ?? -1) <= cause.time) this.#unsettled.set(group, cause);
  }

  #tell(source: number, sink: number): void {
    if (source === sink) return;
    this.#put({ source, sink, meta: this.#implied(source, sink), ...this.#cause });
  }

  #implied(source: number, sink: number): number {
    const kinds = [this.#entities.kind(source), this.#entities.kind(sink)] as const;
    return this.#metas.internImplied(this.#contexts[source]!, this.#contexts[sink]!, ...kinds);
  }

  #mark(entity: number, context: number): void {
    if (entity >= this.#contexts.length) {
      this.#contexts = grown(this.#contexts, entity);
      const marks = new Uint8Array(this.#contexts.length);
      marks.set(this.#marks);
      this.#marks = marks;
    }
    this.#marks[entity] = 1;
    this.#contexts[entity] = context;
  }

  #sawUntilNow(process: number, object: number): void {
    const since = this.#holdings.seenOf(process).get(object);
    if (since !== undefined) this.#was(object, new Map([[process, since]]), true);
  }

  #was(root: number, members: Since, isSeen = false): void {
    this.#formers.add({ until: this.#cause.time, flows: this.#flows.length, root, members, isSeen });
  }
}
