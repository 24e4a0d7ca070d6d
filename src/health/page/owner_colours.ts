// Pure.
/**
 * Which of a dozen colours a worker has. A colour is only a help for the eye: the name always stands with it.
 *
 * @module
 */

/** Colours in page_style.ts, classes `o0` to `o11`. */
export const COLOURS = 12;

/** The class of each worker's colour. */
export type OwnerColours = ReadonlyMap<string, string>;

/**
 * Gives each worker a colour. Most workers keep theirs while others come and go, as a name prefers its own
 * colour. Two workers share one only when there are more workers than colours.
 */
export function ownerColours(owners: Iterable<string>): OwnerColours {
  const names = [...new Set(owners)].sort();
  // A small fleet has the first half, which differ most.
  const count = names.length <= COLOURS / 2 ? COLOURS / 2 : COLOURS;
  const free = new Set(Array.from({ length: count }, (_, index) => index));
  return new Map(names.map((name) => {
    let index = hashOf(name) % count;
    while (free.size > 0 && !free.has(index)) index = (index + 1) % count;
    free.delete(index);
    return [name, `o${index}`];
  }));
}

/** A number below 2^53, the same for the same text. Spreads well; it hides nothing. */
export function hashOf(text: string): number {
  // cyrb53 of bryc/code, public domain: two multiplied halves, mixed at the end.
  let a = 0xdeadbeef, b = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}
