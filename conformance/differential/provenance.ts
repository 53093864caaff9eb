/**
 * Whose data has whom reached? Asked of the model's flows and of the record's, and compared.
 *
 * Repeated flows without news need no record [AUD-2]; what must hold is that each path of real flows is a path
 * of records in the order of time. So: whatever the flows say reached an entity, the records must say too.
 */
import type { Entity, Move } from "./world.ts";

export class Provenance {
  readonly #reached = new Map<Entity, Set<Entity>>();

  of(entity: Entity): Set<Entity> {
    const known = this.#reached.get(entity);
    if (known) return known;
    const fresh = new Set([entity]);
    this.#reached.set(entity, fresh);
    return fresh;
  }

  add({ from, to }: Move): void {
    const sink = this.of(to);
    for (const origin of this.of(from)) sink.add(origin);
  }

  /** What `other` says reached the entity and this does not. */
  lacks(other: Provenance, entity: Entity): Entity[] {
    const mine = this.of(entity);
    return [...other.of(entity)].filter((origin) => !mine.has(origin));
  }
}
