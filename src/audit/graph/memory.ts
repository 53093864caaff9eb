/**
 * Flows that no record tells one by one: what goes through memory that several hold, for loads and stores have no hook. [AUD-1]
 *
 * Guarantee: what may have gone from one to another, by what records say they hold, is a way in the graph. What holds each other
 * for reading and writing is one: what flows into a member flows on to the group's root at once, and before something flows out
 * of a member it gets all from there (from what it only sees, too). Who does nothing himself gets it when he ends, lets go, or
 * what there is of the log has been read (`settle`). Each such flow has the time and the record of the one that is its cause, and
 * is seen by who may see that and both of its own ends. [AUD-4]
 *
 * A record that comes late tells again what came before it and happened later; what has ended since counts for a flow that comes late.
 * Both may tell a little more than what was: that somebody had something as soon as it came, who held the memory only soon after.
 *
 * Not covered: what was unmapped counts as held until the process ends or runs another program. A question with `until` may miss who did
 * nothing himself until then. Where ends that a reader may not see connect what he may see, he is not told of all ways there are.
 */
import type { Columns, Put } from "./columns.ts";
import type { Entities } from "./entities.ts";
import { grown } from "./grown.ts";
import { type Group, Holdings, type Since } from "./holdings.ts";
import { isImplied, isRefused, type Meta, type Metas } from "./metas.ts";
import { ENTITY, OP, RECORD_FLAG } from "../record.ts";

/** The flow that others come of. */
type Cause = { meta: number; time: number; record: number };
/** What was one until a time: for what comes late. */
type Former = {
  until: number;
  /** How many flows there were when it ended to be. */
  flows: number;
  root: number;
  members: Since;
  /** Goes into members only: it was seen. */
  isSeen: boolean;
};
/** As far back as records are put in order. */
const WINDOW = 1 << 12;
const MOST_CONTEXTS = 0x100000;

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
  #former: Former[] = [];
  /** Groups that got something which not all members did, with the last causes by their contexts. */
  #unsettled = new Map<Group, Map<number, Cause>>();
  #cause: Cause = { meta: 0, time: 0, record: 0 };
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
    this.#former = [];
    this.#unsettled = new Map();
  }

  /** A flow that happened comes to the graph, with what comes of it. @param back its other direction, or -1 */
  see(flow: Put, back: number): void {
    const { source, sink, meta, time, record } = flow;
    this.#forget();
    this.#cause = { meta, time, record };
    this.#isLate = this.#isBehind(time);
    this.#move(flow);
    if (back !== -1) this.#move({ source: sink, sink: source, meta: back, time, record });
    if (this.#change(source, sink, meta) && this.#isLate) this.#tellAgain(time);
  }

  /** What is told already of later times, without knowing of what began now. */
  #tellAgain(time: number): void {
    for (const flow of this.#toldAfter(time)) {
      const { source, sink, meta, record } = flow;
      if (!this.concerns(source, sink, 0)) continue;
      this.#cause = { meta, time: flow.time, record };
      this.#move({ ...flow, meta: this.#implied(source, sink, meta) });
    }
  }

  /** Who has done nothing himself since others got something has it, too. @returns flows to put where their times are */
  settle(): Put[] {
    const [put, unsettled] = [this.#put, this.#unsettled];
    const found: Put[] = [];
    this.#put = (one) => found.push(one);
    this.#isLate = false;
    for (const [group, causes] of unsettled)
      for (const cause of causes.values()) {
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
      this.#contexts[source] = meta.source;
      this.#pull(source);
    }
    this.#put(flow);
    if (this.#marks[sink] !== 1) return;
    this.#contexts[sink] = meta.sink;
    this.#push(sink);
  }

  /** @returns has it changed who holds what? */
  #change(source: number, sink: number, number: number): boolean {
    const { op, flags, source: from, sink: to, sinkKind } = this.#meta(number);
    const isHolding = (flags & RECORD_FLAG.HOLDS) !== 0;
    if (op === OP.end || (isHolding && sinkKind === ENTITY.none)) this.#leave(source);
    else if (op === OP.fork) this.#begin(source, sink, isHolding, from, to);
    else if (isHolding) {
      const isSource = (flags & RECORD_FLAG.ACTOR_IS_SOURCE) !== 0;
      const [process, object] = isSource ? [source, sink] : [sink, source];
      this.#mark(source, from);
      this.#mark(sink, to);
      // who only writes holds it like who does both: that is more
      if (isSource || (flags & RECORD_FLAG.BOTH) !== 0) this.#hold(process, object);
      else this.#holdings.see(process, object, this.#cause.time);
    } else return false;
    return true;
  }

  #begin(parent: number, child: number, isOneMemory: boolean, from: number, to: number): void {
    const { held, seen } = this.#holdings.inherited(parent, isOneMemory);
    if (held.length + seen.length === 0 && !isOneMemory) return;
    this.#mark(parent, from);
    this.#mark(child, to);
    if (isOneMemory) {
      const common = this.#holdings.commonOf(parent);
      this.#holdings.join(child, common);
      this.#hold(parent, common);
      this.#hold(child, common);
    }
    for (const object of held) this.#hold(child, object);
    for (const object of seen) this.#holdings.see(child, object, this.#cause.time);
  }

  /** What both had before, all have. */
  #hold(process: number, object: number): void {
    this.#sawUntilNow(process, object);
    const merged = this.#holdings.hold(process, object, this.#cause.time);
    if (merged === null) return;
    const [into, from] = merged;
    this.#was(from.root, from.members);
    this.#tell(from.root, into.root);
    this.#tell(into.root, from.root);
    this.#unsettle(into, this.#unsettled.get(from));
    this.#unsettled.delete(from);
  }

  /** What is there stays with each part; what comes later does not. */
  #leave(process: number): void {
    for (const object of this.#holdings.seenOf(process).keys()) this.#sawUntilNow(process, object);
    const left = this.#holdings.leave(process, this.#cause.time);
    if (left === null) return;
    const { group, pieces, alone } = left;
    this.#was(group.root, group.members);
    const causes = this.#unsettled.get(group);
    this.#unsettled.delete(group);
    for (const piece of pieces) {
      this.#tell(group.root, piece.root);
      this.#unsettle(piece, causes);
    }
    for (const object of alone) {
      this.#tell(group.root, object);
      this.#show(object);
    }
  }

  /** Whatever may have come to an entity without a call comes before something flows out of it. */
  #pull(entity: number): void {
    const group = this.#holdings.group(entity);
    const drawn = new Set<Group>();
    for (const [object, process] of this.#seenThen()) {
      this.#draw(this.#holdings.group(object), object, drawn);
      this.#fill(object);
      this.#tell(object, process);
      this.#tellRoots(process);
    }
    if ((group?.seers ?? this.#holdings.seenOf(entity)).size > 0) this.#draw(group, entity, drawn);
    this.#fill(entity);
  }

  /** What comes late: who saw what at its time and does so no more. */
  *#seenThen(): Generator<[object: number, process: number]> {
    if (!this.#isLate) return;
    for (const { root, members, until, isSeen } of this.#former)
      for (const [process, since] of members) if (isSeen && this.#isThen(since, until)) yield [root, process];
  }

  /** From its root. */
  #fill(entity: number): void {
    for (const root of this.#rootsOf(entity)) this.#tell(root, entity);
  }

  /** What a group, or a process that is in none, sees elsewhere comes to it: from there, and from what is seen there in turn. */
  #draw(group: Group | undefined, entity: number, drawn: Set<Group>): void {
    if (group !== undefined) drawn.add(group);
    for (const process of group?.seers ?? [entity])
      for (const [object, since] of this.#holdings.seenOf(process)) {
        const its = this.#holdings.group(object);
        const isOne = its === group && group !== undefined && !this.#isLate;
        // of what nobody writes by holding it, all is told at once
        if (isOne || !this.#isThen(since) || this.#rootsOf(object).length === 0) continue;
        if (its !== undefined && !drawn.has(its)) this.#draw(its, object, drawn);
        this.#fill(object);
        this.#tell(object, process);
        if (group !== undefined) this.#tellRoots(process);
      }
  }

  /** What flowed into an entity goes on to who has it without a call. */
  #push(entity: number): void {
    const group = this.#holdings.group(entity);
    this.#tellRoots(entity);
    if (group !== undefined) this.#unsettle(group);
    if (this.#rootsOf(entity).length === 0) this.#show(entity);
  }

  #tellRoots(entity: number): void {
    for (const root of this.#rootsOf(entity)) this.#tell(entity, root);
  }

  /** To who only sees what nobody holds otherwise. */
  #show(object: number): void {
    for (const [seen, process] of this.#seenThen()) if (seen === object) this.#showTo(process, object);
    for (const [process, since] of this.#holdings.seersOf(object))
      if (this.#isThen(since)) this.#showTo(process, object);
  }

  #showTo(process: number, object: number): void {
    this.#tell(object, process);
    this.#tellRoots(process);
    const group = this.#holdings.group(process);
    if (group !== undefined) this.#unsettle(group);
  }

  /** The root of its group at the cause's time; of what is long ago, that before. */
  #rootsOf(entity: number): number[] {
    const group = this.#holdings.group(entity);
    const roots = this.#isThen(group?.members.get(entity)) ? [group!.root] : [];
    if (this.#isLate)
      for (const { root, members, until, isSeen } of this.#former)
        if (!isSeen && this.#isThen(members.get(entity), until)) roots.push(root);
    return roots;
  }

  /** Was something at the time of the cause that began, if at all, and ended? */
  #isThen(since: number | undefined, until = Infinity): boolean {
    const { time } = this.#cause;
    return since !== undefined && since <= time && time <= until;
  }

  /** With all that see something of it, and so on. */
  #settle(first: Group): void {
    const groups = new Set([first]);
    const others = new Set<number>();
    for (const group of groups)
      for (const member of group.members.keys())
        for (const process of this.#holdings.seersOf(member).keys()) {
          const its = this.#holdings.group(process);
          if (its === undefined) others.add(process);
          else groups.add(its);
        }
    for (const group of groups) {
      this.#draw(group, group.root, new Set());
      for (const [member, since] of group.members) if (this.#isThen(since)) this.#tell(group.root, member);
    }
    for (const process of others) this.#draw(undefined, process, new Set());
  }

  #unsettle(group: Group, more: ReadonlyMap<number, Cause> = new Map()): void {
    const causes = this.#unsettled.get(group) ?? new Map<number, Cause>();
    this.#unsettled.set(group, causes);
    for (const cause of [...more.values(), this.#cause]) {
      const { source, sink } = this.#meta(cause.meta);
      const key = source * MOST_CONTEXTS + sink;
      if ((causes.get(key)?.time ?? -1) <= cause.time) causes.set(key, cause);
    }
  }

  #tell(source: number, sink: number): void {
    if (source === sink) return;
    const { meta, time, record } = this.#cause;
    this.#put({ source, sink, meta: this.#implied(source, sink, meta), time, record });
  }

  #implied(source: number, sink: number, cause: number): number {
    const kinds = [this.#entities.kind(source), this.#entities.kind(sink)] as const;
    return this.#metas.internImplied(this.#contexts[source]!, this.#contexts[sink]!, ...kinds, cause);
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
    this.#former.push({ until: this.#cause.time, flows: this.#flows.length, root, members, isSeen });
  }

  /** What was, and is so long ago that nothing of then can come any more. */
  #forget(): void {
    let n = 0;
    for (; n < this.#former.length; n++) {
      const { flows, members } = this.#former[n]!;
      if (flows + WINDOW > this.#flows.length) break;
      for (const member of members.keys()) this.#marks[member] = this.#holdings.knows(member) ? 1 : 0;
    }
    if (n === 0) return;
    this.#former = this.#former.slice(n);
    for (const { members } of this.#former) for (const member of members.keys()) this.#marks[member] = 1;
  }
}
