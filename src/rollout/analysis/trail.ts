/** A run's looks as one short string: how many requests each of them counted on both sides, and how many of those were bad. */

export interface Counted {
  readonly requests: number;
  readonly bad: number;
}

/** What came to light between the look before and the instant `atMs`; whole numbers all. */
export interface Look {
  /** The end of what was counted, milliseconds since the epoch. */
  readonly atMs: number;
  readonly canary: Counted;
  readonly stable: Counted;
}

const MOST_LOOKS = 64;
/** Counts so large that fewer looks fill the string are merged earlier. */
const MOST_CHARS = 1_500;
const RADIX = 36;

/** `time,canary,bad,stable,bad` in base 36, the time since the look before; zeros are left out, and so are commas at the end. */
const READABLE = /^[0-9a-z]+(?:,[0-9a-z]*){0,4}(?: [0-9a-z]+(?:,[0-9a-z]*){0,4})*$/;

/** The trail with one look more. Where it grows too long neighbours become one look, so what is older is coarser and no request is lost. */
export function appended(trail: string, look: Look): string {
  const whole = written([...looksIn(trail), look]);
  return isTooLong(whole) ? shortened(whole) : whole;
}

/** Oldest first; none in what is not a trail. */
export function looksIn(trail: string): Look[] {
  if (!READABLE.test(trail)) return [];
  let atMs = 0;
  return trail.split(" ").map((text) => {
    const [sinceMs = 0, canary = 0, canaryBad = 0, stable = 0, stableBad = 0] = text.split(",").map((digits) => Number.parseInt(digits || "0", RADIX));
    atMs += sinceMs;
    return { atMs, canary: { requests: canary, bad: canaryBad }, stable: { requests: stable, bad: stableBad } };
  });
}

function isTooLong(trail: string): boolean {
  return trail.length > MOST_CHARS || trail.split(" ").length > MOST_LOOKS;
}

function shortened(trail: string): string {
  const looks = looksIn(trail);
  const pairs = looks.flatMap((look, index) => (index % 2 === 0 ? [[look, looks[index + 1]] as const] : []));
  const shorter = written(pairs.map(([one, other]) => (other ? merged(one, other) : one)));
  return isTooLong(shorter) ? shortened(shorter) : shorter;
}

function merged(one: Look, other: Look): Look {
  const sum = (a: Counted, b: Counted): Counted => ({ requests: a.requests + b.requests, bad: a.bad + b.bad });
  return { atMs: other.atMs, canary: sum(one.canary, other.canary), stable: sum(one.stable, other.stable) };
}

function written(looks: readonly Look[]): string {
  return looks.map((look, index) => lookText(look, looks[index - 1]?.atMs ?? 0)).join(" ");
}

function lookText({ atMs, canary, stable }: Look, beforeMs: number): string {
  const counts = [canary.requests, canary.bad, stable.requests, stable.bad].map((count) => (count === 0 ? "" : count.toString(RADIX)));
  return [Math.max(0, atMs - beforeMs).toString(RADIX), ...counts].join(",").replace(/,+$/, "");
}
