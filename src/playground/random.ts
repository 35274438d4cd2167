/** Random numbers that a seed repeats, so that a delivery in the playground can be played again. */

/** Draws a number from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;

/** The mulberry32 sequence of a 32-bit seed. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A sequence of its own for each name, so that one name's draws do not depend on how often the others draw. */
export function createNamedRandom(seed: number, name: string): Random {
  return createRandom([...name].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193), seed ^ 0x811c9dc5));
}

/** A draw from the standard normal distribution. */
export function normalFrom(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
