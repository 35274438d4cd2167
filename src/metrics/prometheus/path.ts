/** Counters as they stood at several instants, one after the other: what was lost from sight between them. */
import type { Counters, Reporter, Series } from "./snapshot.ts";

type GroupOf = (series: Series) => string;
type Values = ReadonlyMap<Series, number>;

/**
 * By reporter and series: the sum of what it had reached each time it started again or went away, so that
 * `last value + dropped - first value` is how much it grew, whatever happened in between.
 */
export function droppedIn(points: readonly Counters[], groupOf: GroupOf): Counters {
  const reporters = new Set(points.flatMap((point) => [...point.keys()]));
  return new Map([...reporters].map((reporter) => [reporter, droppedBy(reporter, points, groupOf)]));
}

function droppedBy(reporter: Reporter, points: readonly Counters[], groupOf: GroupOf): Values {
  const dropped = new Map<Series, number>();
  const reached = new Map<Series, number>();
  const drop = (series: Series): void => {
    dropped.set(series, (dropped.get(series) ?? 0) + (reached.get(series) ?? 0));
    reached.delete(series);
  };
  for (const point of points) {
    const values = point.get(reporter);
    if (!values) continue; // out of sight for a while (a scrape that failed): it may come back as it was
    startedAgain(reached, values, groupOf).forEach(drop);
    for (const [series, value] of values) reached.set(series, value);
  }
  if (!points.at(-1)?.has(reporter)) [...reached.keys()].forEach(drop);
  return dropped;
}

/**
 * Those that fell, or are not shown beside others any more, with their group. Where these had most of what the process had counted, the process has
 * started again, and with it the series that have overtaken their old values since; else (a proxy forgets what has not been used for long) they alone have.
 */
function startedAgain(before: Values, now: Values, groupOf: GroupOf): readonly Series[] {
  const fell = new Set([...before].filter(([series, value]) => (now.get(series) ?? -1) < value).map(([series]) => groupOf(series)));
  if (fell.size === 0) return [];
  const inFallen = [...before].filter(([series]) => fell.has(groupOf(series)));
  return (2 * sumOf(inFallen) > sumOf([...before]) ? [...before] : inFallen).map(([series]) => series);
}

function sumOf(entries: readonly (readonly [Series, number])[]): number {
  return entries.reduce((sum, [, value]) => sum + value, 0);
}
