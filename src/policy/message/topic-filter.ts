/**
 * Topic filters of message types, in MQTT's notation: `home/+/temperature`, `plant/#`.
 *
 * Guarantee: of the types whose filters match a topic, one is narrower than all others, or the policy was refused; so
 * which type a message has never depends on an order. Types have no filter for topics that begin with `$`: those are the bus's own.
 */

/** In bytes, as MQTT has it. */
const MAX_FILTER_BYTES = 65_535;
const MAX_LEVELS = 64;

/** What is wrong with a filter, as what was expected; null when it is one. */
export function filterFault(filter: string): string | null {
  if (filter === "" || Buffer.byteLength(filter) > MAX_FILTER_BYTES) return `1 to ${MAX_FILTER_BYTES} bytes`;
  if (!filter.isWellFormed() || /[\u0000-\u001f\u007f-\u009f]/.test(filter))
    return "a topic filter without control characters";
  if (filter.startsWith("$")) return "a filter that does not begin with `$`: such topics are the bus's own";
  const levels = filter.split("/");
  if (levels.length > MAX_LEVELS) return `at most ${MAX_LEVELS} levels`;
  if (levels.some((level) => level.length > 1 && /[+#]/.test(level)))
    return "`+` and `#` alone in their level";
  if (levels.slice(0, -1).includes("#")) return "`#` at the end only";
  return null;
}

/** Does the filter match this topic? */
export function filterMatches(filter: string, topic: string): boolean {
  return !topic.startsWith("$") && covers(levelsOf(filter), topic.split("/"));
}

/** Is there a topic that both match? */
export function filtersOverlap(a: string, b: string): boolean {
  const [left, right] = [levelsOf(a), levelsOf(b)];
  for (let i = 0; ; i++) {
    const [x, y] = [left[i], right[i]];
    if (x === "#" || y === "#" || (x === undefined && y === undefined)) return true;
    if (x === undefined || y === undefined) return false;
    if (x !== "+" && y !== "+" && x !== y) return false;
  }
}

/** Does `a` match whatever `b` matches? */
export function filterCovers(a: string, b: string): boolean {
  return covers(levelsOf(a), levelsOf(b));
}

/** Does `b` match all that `a` does, and more? Then `a` wins where both match. */
export function isNarrower(a: string, b: string): boolean {
  return filterCovers(b, a) && !filterCovers(a, b);
}

/** A topic is a filter without wildcards. */
function covers(wide: readonly string[], narrow: readonly string[]): boolean {
  for (let i = 0; ; i++) {
    const [w, n] = [wide[i], narrow[i]];
    if (w === "#") return true;
    if (w === undefined || n === undefined) return w === n;
    if (n === "#" || (w !== "+" && w !== n)) return false;
  }
}

/** `+/#` matches what `#` does, since each topic has a first level. */
function levelsOf(filter: string): readonly string[] {
  return filter === "+/#" ? ["#"] : filter.split("/");
}
