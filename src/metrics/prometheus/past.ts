/** What stable did before its run, from its counters as they stood at every step of the time before. */
import { dispersionOf, type PodSeries } from "../../rollout/analysis/dispersion.ts";
import type { History, SideGrowth } from "../../rollout/analysis/measurement.ts";
import { boundsIn } from "./latency.ts";
import { droppedIn } from "./path.ts";
import { hasFallen, increasesOf, podsOf } from "./pods.ts";
import { NO_COUNTERS, podOf, type Counters, type Reporter, type ReporterKind, type Series, type Snapshot } from "./snapshot.ts";

/** Stable at one instant. */
export interface PastPoint {
  readonly atMs: number;
  readonly snapshot: Snapshot;
}

export interface PastAsked {
  readonly kind: "errors" | "latency";
  readonly untilMs: number;
  /** Whose word counts for the requests; how they cluster in pods, only the pods' own proxies can tell. */
  readonly reporter: ReporterKind;
  groupOf(series: Series): string;
  /** Stable's requests, and of latency how many were slower than each bound. */
  count(increases: Counters, boundsMs: readonly number[]): SideGrowth;
}

/** What is known of the time before: enough to see bad spells that last for some minutes, in steps about as long as the time between two scrapes. */
export const PAST_MS = 30 * 60_000;
export const PAST_STEP_MS = 15_000;
const RECENT_MS = 10 * 60_000;

/** Undefined where nothing is known. */
export function historyIn(points: readonly PastPoint[], asked: PastAsked): History | undefined {
  const recent = stepsIn(points.filter(({ atMs }) => atMs >= asked.untilMs - RECENT_MS), asked.reporter, asked);
  if (recent.every(({ increases }) => increases.size === 0)) return undefined;
  const total = summedUp(recent.map(({ increases }) => increases));
  const boundsMs = asked.kind === "latency" ? boundsIn(total) : [];
  const { requests, bad, slower = [] } = asked.count(total, boundsMs);
  const [ofBad, ...ofBounds] = dispersionsIn(stepsIn(points, "destination", asked), boundsMs, asked);
  return {
    requests,
    bad,
    ...(ofBad === undefined ? {} : { dispersion: ofBad }),
    ...(asked.kind === "latency" ? { slower: boundsMs.map((boundMs, at) => ({ boundMs, slower: slower[at] ?? 0, ...(ofBounds[at] === undefined ? {} : { dispersion: ofBounds[at] }) })) } : {}),
  };
}

/** How much each pod's counters grew up to a point. */
interface Step {
  readonly atMs: number;
  readonly increases: Counters;
  /** From the scrape before; the shortest of all pods. */
  readonly gapMs: number;
}

/** Between one point and the next; of a pod that is new, nothing is known. */
function stepsIn(points: readonly PastPoint[], reporter: ReporterKind, { groupOf }: Pick<PastAsked, "groupOf">): readonly Step[] {
  return points.slice(1).map(({ atMs, snapshot: head }, index) => {
    const base = points[index]!.snapshot;
    const pods = podsOf({ base, head }, reporter).filter(({ baseAtMs }) => baseAtMs !== undefined);
    const hasLost = pods.some((pod) => hasFallen(pod, { base, head }));
    const passage = { base, head, dropped: hasLost ? droppedIn([base.counters, head.counters], groupOf) : NO_COUNTERS };
    const gapsMs = pods.map(({ baseAtMs = 0, headAtMs = 0 }) => headAtMs - baseAtMs).filter((gapMs) => gapMs > 0);
    return { atMs, increases: new Map(pods.map((pod) => [pod.tellings[0] ?? "", increasesOf(pod, passage)])), gapMs: Math.min(...gapsMs) };
  });
}

function summedUp(all: readonly Counters[]): Counters {
  const total = new Map<Reporter, Map<Series, number>>();
  for (const [reporter, increases] of all.flatMap((one) => [...one])) {
    const sum = total.get(reporter) ?? new Map<Series, number>();
    for (const [series, increase] of increases) sum.set(series, (sum.get(series) ?? 0) + increase);
    total.set(reporter, sum);
  }
  return total;
}

/** φ of what is bad, then of what is slower than each bound; undefined where less than two pods have served anything. */
function dispersionsIn(steps: readonly Step[], boundsMs: readonly number[], { kind, count }: PastAsked): readonly (number | undefined)[] {
  const pods = scrapesByPod(steps).map((scrapes) => scrapes.map((increases) => count(increases, boundsMs))).filter((sides) => sides.some(({ requests }) => requests > 0));
  if (pods.length < 2) return [];
  const dispersion = (badIn: (side: SideGrowth) => number): number => {
    const series: PodSeries = pods.map((sides) => sides.map((side) => ({ requests: side.requests, bad: badIn(side) })));
    return dispersionOf(series, { kind });
  };
  return [dispersion(({ bad }) => bad), ...boundsMs.map((_, at) => dispersion(({ slower }) => slower?.[at] ?? 0))];
}

/** What each pod did scrape by scrape; where steps are shorter than that, several of them are one. */
function scrapesByPod(all: readonly Step[]): readonly (readonly Counters[])[] {
  const steps = all.slice(all.findIndex(({ increases }) => increases.size > 0));
  const scrapeMs = Math.max(PAST_STEP_MS, Math.min(...steps.map(({ gapMs }) => gapMs)));
  const startMs = (steps[0]?.atMs ?? 0) - PAST_STEP_MS;
  const scrapeOf = ({ atMs }: Step): number => Math.floor((atMs - startMs - 1) / (PAST_STEP_MS * Math.round(scrapeMs / PAST_STEP_MS)));
  const last = steps.at(-1);
  const length = last === undefined ? 0 : scrapeOf(last) + 1;
  const pods = new Map<string, Counters[][]>();
  for (const step of steps) {
    for (const [reporter, increases] of step.increases) {
      const scrapes = pods.get(podOf(reporter)) ?? Array.from({ length }, (): Counters[] => []);
      scrapes[scrapeOf(step)]!.push(new Map([[podOf(reporter), increases]]));
      pods.set(podOf(reporter), scrapes);
    }
  }
  return [...pods.values()].map((scrapes) => scrapes.map(summedUp));
}
