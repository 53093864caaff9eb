/**
 * The rules on owners of docs/model.md (TAG, PRIV, COI) as plainly as possible: the oracle for src/policy.
 *
 * A world here is the list of everything that was ever said and accepted; each question goes through all of it.
 * Written from the rules, independently of src/policy. Tags are any strings `owner/name`, `owner/name:instance`.
 */

export type Said =
  | { say: "open"; tag: string; privilege: string; open: boolean }
  | {
      say: "grant";
      id: number;
      by: string;
      to: string;
      tag: string;
      privileges: string[];
      delegate: boolean;
      until: number;
      via: number | null;
    }
  | { say: "revoke"; id: number }
  | { say: "conflict"; tags: string[] }
  | { say: "held"; who: string; tag: string };

/** Who stands before the slash. */
export function owner(tag: string): string {
  return tag.slice(0, tag.indexOf("/"));
}

/** Is `tag` one of those that `pattern` means? */
export function means(pattern: string, tag: string): boolean {
  if (pattern === tag) return true;
  return pattern.endsWith(":*") && tag.startsWith(pattern.slice(0, -1));
}

/** [PRIV-1, PRIV-2] Is the grant in force: not revoked, in its time, and what it came from as well? */
export function inForce(world: readonly Said[], id: number, now: number): boolean {
  if (world.some((said) => said.say === "revoke" && said.id === id)) return false;
  const grant = world.find((said) => said.say === "grant" && said.id === id);
  if (grant === undefined || grant.say !== "grant" || grant.until <= now) return false;
  return grant.via === null || inForce(world, grant.via, now);
}

/** [TAG-1, TAG-2, PRIV-1, PRIV-2, COI-1] */
export function holds(
  world: readonly Said[],
  who: string,
  privilege: string,
  tag: string,
  now: number,
): boolean {
  if (inConflict(world, who, tag)) return false;
  if (owner(tag) === who) return true;
  let isOpen = false;
  for (const pattern of new Set(world.flatMap((said) => (said.say === "open" ? [said.tag] : [])))) {
    if (!means(pattern, tag)) continue;
    const last = world.findLast(
      (said) => said.say === "open" && said.tag === pattern && said.privilege === privilege,
    );
    if (last?.say === "open" && last.open) isOpen = true;
  }
  if (isOpen) return true;
  return world.some(
    (said) =>
      said.say === "grant" &&
      said.to === who &&
      means(said.tag, tag) &&
      said.privileges.includes(privilege) &&
      inForce(world, said.id, now),
  );
}

/** [COI-1] Has `who` ever had another member of a set that `tag` belongs to? */
export function inConflict(world: readonly Said[], who: string, tag: string): boolean {
  return world.some(
    (said) =>
      said.say === "conflict" &&
      said.tags.some(
        (member) =>
          means(member, tag) && said.tags.some((other) => other !== member && everHad(world, who, other)),
      ),
  );
}

/** Owns it, was ever granted it (whatever became of that), or a program of his carried it. */
function everHad(world: readonly Said[], who: string, member: string): boolean {
  if (owner(member) === who) return true;
  return world.some(
    (said) =>
      (said.say === "grant" && said.to === who && (means(said.tag, member) || means(member, said.tag))) ||
      (said.say === "held" && said.who === who && means(member, said.tag)),
  );
}

/** [PRIV-1] May `by` make this grant, at that time? */
export function mayGrant(
  world: readonly Said[],
  grant: Extract<Said, { say: "grant" }>,
  now: number,
): boolean {
  if (grant.until <= now || grant.to === grant.by || inConflict(world, grant.to, grant.tag)) return false;
  if (grant.via === null) return owner(grant.tag) === grant.by;
  const via = world.find((said) => said.say === "grant" && said.id === grant.via);
  if (via === undefined || via.say !== "grant") return false;
  return (
    via.to === grant.by &&
    via.delegate &&
    inForce(world, via.id, now) &&
    means(via.tag, grant.tag) &&
    grant.privileges.every((privilege) => via.privileges.includes(privilege)) &&
    grant.until <= endOf(world, via.id) &&
    !inConflict(world, grant.by, grant.tag)
  );
}

function endOf(world: readonly Said[], id: number): number {
  const grant = world.find((said) => said.say === "grant" && said.id === id);
  if (grant === undefined || grant.say !== "grant") return 0;
  return grant.via === null ? grant.until : Math.min(grant.until, endOf(world, grant.via));
}

/** [PRIV-2] Whoever granted it, stands above it, or owns the tag. */
export function mayRevoke(world: readonly Said[], by: string, id: number): boolean {
  const grant = world.find((said) => said.say === "grant" && said.id === id);
  if (grant === undefined || grant.say !== "grant") return false;
  if (world.some((said) => said.say === "revoke" && said.id === id)) return false;
  if (owner(grant.tag) === by || grant.by === by) return true;
  return grant.via !== null && isAbove(world, by, grant.via);
}

function isAbove(world: readonly Said[], by: string, id: number): boolean {
  const grant = world.find((said) => said.say === "grant" && said.id === id);
  if (grant === undefined || grant.say !== "grant") return false;
  return grant.by === by || (grant.via !== null && isAbove(world, by, grant.via));
}
