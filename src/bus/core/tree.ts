/**
 * A tree of topic filters: what was put in under the filters that match a topic.
 *
 * Guarantee: the same answer as asking `matches` for each filter, in time that depends on the topic's depth. A branch
 * without anything in it is taken away.
 */
class Branch<T> {
  readonly below = new Map<string, Branch<T>>();
  readonly here = new Set<T>();
}

export class FilterTree<T> {
  readonly #root = new Branch<T>();

  add(levels: readonly string[], item: T): void {
    let branch = this.#root;
    for (const level of levels) {
      let next = branch.below.get(level);
      if (next === undefined) branch.below.set(level, (next = new Branch()));
      branch = next;
    }
    branch.here.add(item);
  }

  remove(levels: readonly string[], item: T): void {
    const path: Branch<T>[] = [this.#root];
    for (const level of levels) {
      const next = path.at(-1)?.below.get(level);
      if (next === undefined) return;
      path.push(next);
    }
    path.at(-1)?.here.delete(item);
    for (let at = levels.length; at > 0; at--) {
      const branch = path[at] as Branch<T>;
      if (branch.here.size > 0 || branch.below.size > 0) return;
      path[at - 1]?.below.delete(levels[at - 1] as string);
    }
  }

  /** All that stands under a filter that matches. */
  matching(topic: string): T[] {
    const found: T[] = [];
    collect(this.#root, topic.split("/"), 0, topic.startsWith("$"), found);
    return found;
  }

  get isEmpty(): boolean {
    return this.#root.below.size === 0;
  }
}

function collect<T>(
  branch: Branch<T>,
  levels: readonly string[],
  at: number,
  isHidden: boolean,
  found: T[],
): void {
  // `#` stands for any number of levels, also none.
  if (!isHidden) for (const item of branch.below.get("#")?.here ?? []) found.push(item);
  if (at === levels.length) {
    for (const item of branch.here) found.push(item);
    return;
  }
  const named = branch.below.get(levels[at] as string);
  if (named !== undefined) collect(named, levels, at + 1, false, found);
  const any = isHidden ? undefined : branch.below.get("+");
  if (any !== undefined) collect(any, levels, at + 1, false, found);
}
