/** Durations, percentages and instants: from the strings that users and the API server write to numbers, and back. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Whole numbers with a unit, the largest unit first: `90s`, `1h30m`, `500ms`. Bounded, so that CEL's `duration()` reads each of them too. */
export const DURATION_PATTERN =
  /^(?:[0-9]{1,6}h(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?(?:[0-9]{1,6}ms)?|[0-9]{1,6}m(?:[0-9]{1,6}s)?(?:[0-9]{1,6}ms)?|[0-9]{1,6}s(?:[0-9]{1,6}ms)?|[0-9]{1,6}ms)$/;
export const PERCENTAGE_PATTERN = /^(?:100(?:\.0{1,6})?|[0-9]{1,2}(?:\.[0-9]{1,6})?)%$/;

/** `1.25x+0.05%`: so many times the other side's share, and so many points more. */
export const COMPARISON_PATTERN = /^(?:none|strict|normal|lenient|(?:10(?:\.0{1,4})?|[1-9](?:\.[0-9]{1,4})?)x(?:\+[0-9](?:\.[0-9]{1,4})?%)?)$/;

/** Milliseconds of a duration such as `1m30s`; throws a RangeError on anything else. */
export function msOf(duration: string): number {
  if (!DURATION_PATTERN.test(duration)) throw new RangeError(`expected a duration such as 30s, got ${JSON.stringify(duration)}`);
  return [...duration.matchAll(/(\d+)(ms|[smh])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit!] ?? 0), 0);
}

/** How long ago, or how long to keep: a duration, or whole days such as `90d`. */
export const AGE_PATTERN = new RegExp(`${DURATION_PATTERN.source}|^[0-9]{1,5}d$`);

/** Milliseconds of an age such as `30d` or `36h`; throws a RangeError on anything else. */
export function ageMsOf(age: string): number {
  if (!AGE_PATTERN.test(age)) throw new RangeError(`expected an age such as 30d or 36h, got ${JSON.stringify(age)}`);
  return age.endsWith("d") ? Number(age.slice(0, -1)) * 24 * unitMs["h"]! : msOf(age);
}

/** 0 to 1 for a percentage such as `0.5%`; throws a RangeError on anything else. */
export function fractionOf(percentage: string): number {
  if (!PERCENTAGE_PATTERN.test(percentage)) throw new RangeError(`expected a percentage such as 1%, got ${JSON.stringify(percentage)}`);
  return Number(percentage.slice(0, -1)) / 100;
}

/** Milliseconds since the epoch of an RFC 3339 time. */
export function instantOf(time: string): number {
  return Date.parse(time);
}

/** RFC 3339 with milliseconds, as Weir writes into status. */
export function timeOf(instantMs: number): string {
  return new Date(instantMs).toISOString();
}
