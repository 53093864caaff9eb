/**
 * Pairs of a process and an object, found by both, each with the time since when they are one.
 */
export type Since = ReadonlyMap<number, number>;
const NOBODY: Since = new Map();

export class Pairs {
  readonly #objects = new Map<number, Map<number, number>>();
  readonly #processes = new Map<number, Map<number, number>>();

  /** One that is there already may have been earlier. */
  add(process: number, object: number, time: number): void {
    const since = Math.min(time, this.of(process).get(object) ?? time);
    put(this.#objects, process, object, since);
    put(this.#processes, object, process, since);
  }

  delete(process: number, object: number): void {
    remove(this.#objects, process, object);
    remove(this.#processes, object, process);
  }

  has(process: number, object: number): boolean {
    return this.of(process).has(object);
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

function put(map: Map<number, Map<number, number>>, key: number, value: number, since: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Map([[value, since]]));
  else known.set(value, since);
}

function remove(map: Map<number, Map<number, number>>, key: number, value: number): void {
  const known = map.get(key);
  if (known?.delete(value) === true && known.size === 0) map.delete(key);
}
