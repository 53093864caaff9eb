/**
 * What was one until some time, and who saw what until then: for flows that come late, whose time that was.
 *
 * Guarantee: nothing is forgotten before so many flows have come since that none of its time is put in order any more.
 */
import type { Since } from "./pairs.ts";

export type Former = {
  until: number;
  /** How many flows there were when it ended to be. */
  flows: number;
  /** Of a group; or what was seen, by one member. */
  root: number;
  members: Since;
  isSeen: boolean;
};

/** As far back as records are put in order. */
export const WINDOW = 1 << 12;

/** Was something at a time that began, if at all, and ended? */
export function isThen(time: number, since: number | undefined, until = Infinity): boolean {
  return since !== undefined && since <= time && time <= until;
}

export class Formers {
  #list: Former[] = [];

  add(former: Former): void {
    this.#list.push(former);
  }

  /** Groups in which an entity was at a time. */
  groupsOf(entity: number, time: number): readonly Former[] {
    return this.#list.filter(
      ({ members, until, isSeen }) => !isSeen && isThen(time, members.get(entity), until),
    );
  }

  /** Who saw what at a time. */
  seenAt(time: number): { object: number; process: number }[] {
    return this.#list.flatMap(({ root, members, until, isSeen }) =>
      isSeen
        ? [...members].flatMap(([process, since]) =>
            isThen(time, since, until) ? [{ object: root, process }] : [],
          )
        : [],
    );
  }

  /** Many at once. @param length how many flows there are @returns entities of what is forgotten that are in nothing else here */
  forget(length: number): Set<number> {
    const gone = new Set<number>();
    if (this.#list.length === 0 || this.#list[0]!.flows + 2 * WINDOW > length) return gone;
    const kept = this.#list.findIndex(({ flows }) => flows + WINDOW > length);
    const old = this.#list.splice(0, kept === -1 ? Infinity : kept);
    for (const { root, members } of old) for (const one of [root, ...members.keys()]) gone.add(one);
    for (const { root, members } of this.#list) for (const one of [root, ...members.keys()]) gone.delete(one);
    return gone;
  }
}
