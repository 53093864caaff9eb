/** A longer copy, at least twice as long, so that growing costs little in all; what is new is 0. @param index that there must be room for */
export function grown(old: Uint32Array<ArrayBuffer>, index: number): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(Math.max(old.length * 2, index + 1));
  longer.set(old);
  return longer;
}
