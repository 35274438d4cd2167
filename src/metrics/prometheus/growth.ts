/** What both sides did since an instant, in whole requests: what the evidence of a run is made of. */
import type { Growth, Question } from "../../rollout/analysis/measurement.ts";
import { contradicts, hasFallen, increasesOf, podsOf, type Passage, type Pod } from "./pods.ts";
import type { SeenBefore } from "./shapes.ts";
import { NO_COUNTERS, podOf, reporterKindOf, workloadOf, type Counters, type Reporter, type Series } from "./snapshot.ts";
import type { Telemetry } from "./telemetry.ts";

type Asked = Pick<Growth, "sinceMs"> & Pick<Question, "instantMs" | "inForceAtMs">;

export type GrowthReading =
  /** `increases`: of requests to both sides, by pod. */
  | (Pick<Growth, "reporter" | "inStep"> & { readonly kind: "grown"; readonly increases: Counters })
  /** No newer scrape, or nothing was known at the beginning: counting goes on from the instant. */
  | { readonly kind: "nothing" }
  /** What happened is not whole yet: to be asked again, from the same beginning. */
  | { readonly kind: "awaited" };

/** Scrapes that a pod may miss before the others stop waiting for it. */
const MISSED_SCRAPES = 3;
/** Prometheus' own default. */
const USUAL_SCRAPE_INTERVAL_MS = 60_000;
/** Snapshots that contradict each other for so long never fit again; Prometheus itself forgets a series after it. */
const PATIENCE_MS = 300_000;

/**
 * From the snapshots at both instants, so that growth upon growth counts each request once: a sample that arrived after its instant was asked for is not
 * in the snapshot that is remembered, and counts at the next one. (A daemon that takes over asks for the beginning again. It gets the same, but for such
 * late samples: those it finds in the beginning and does not count; it never counts one twice.)
 */
export async function readGrowth(asked: Asked, telemetry: Telemetry): Promise<GrowthReading> {
  const { sinceMs, instantMs } = asked;
  const [base, head] = await Promise.all([telemetry.at(sinceMs), telemetry.at(instantMs)]);
  const reporter = reporterKindOf(base.scrapes) ?? reporterKindOf(head.scrapes) ?? "destination";
  const pods = podsOf({ base, head }, reporter);
  if (pods.some(isBehind)) return { kind: "awaited" };
  if (!pods.some(hasNews)) return { kind: "nothing" };
  if (reporter === "destination" && isHalfScraped(pods, instantMs)) return { kind: "awaited" };
  const fallen = pods.filter((pod) => hasFallen(pod, { base, head }));
  const passage = { base, head, dropped: fallen.length > 0 ? ofPods(fallen, await telemetry.dropped(sinceMs, instantMs)) : NO_COUNTERS };
  if (pods.some((pod) => contradicts(pod, passage))) return { kind: instantMs - sinceMs < PATIENCE_MS ? "awaited" : "nothing" };
  const increases = await countedIn(passage, pods, sinceMs, telemetry);
  return increases.size > 0 ? { kind: "grown", reporter, inStep: isInStep(pods, asked), increases } : { kind: "nothing" };
}

/** Somebody new, somebody gone, or a newer scrape. */
function hasNews({ baseAtMs = -Infinity, headAtMs = Infinity }: Pod): boolean {
  return headAtMs > baseAtMs;
}

/** Its newest scrape is older than it was: another Prometheus has answered, which has not come as far. */
function isBehind({ baseAtMs = -Infinity, headAtMs = Infinity }: Pod): boolean {
  return headAtMs < baseAtMs;
}

/**
 * Where pods report themselves, all of them have to be scraped again: else one side's requests would be there and the other's not, as if they had
 * never been sent. (A caller tells of both sides at once.)
 */
function isHalfScraped(pods: readonly Pod[], instantMs: number): boolean {
  const patienceMs = MISSED_SCRAPES * (shortestGapMs(pods) ?? USUAL_SCRAPE_INTERVAL_MS);
  return pods.some(({ baseAtMs, headAtMs }) => headAtMs !== undefined && headAtMs === baseAtMs && instantMs - headAtMs <= patienceMs);
}

function ofPods(pods: readonly Pod[], counters: Counters): Counters {
  const tellings = new Set(pods.flatMap((pod) => pod.tellings));
  return new Map([...counters].filter(([reporter]) => tellings.has(reporter)));
}

/** Between a pod's two newest scrapes: one scrape interval, or some. */
function shortestGapMs(pods: readonly Pod[]): number | undefined {
  const shortestMs = Math.min(...pods.map(({ baseAtMs = -Infinity, headAtMs = Infinity }) => headAtMs - baseAtMs).filter((gapMs) => gapMs > 0));
  return Number.isFinite(shortestMs) ? shortestMs : undefined;
}

/** Somebody who has gone away may still have counted something before; who was not scraped again has not. */
function isInStep(pods: readonly Pod[], { sinceMs, inForceAtMs }: Asked): boolean {
  return sinceMs >= inForceAtMs && pods.filter(hasNews).every(({ baseAtMs = Infinity }) => baseAtMs >= inForceAtMs);
}

/** Each pod's growth under one of its reporters' names; without those of which nothing can be known. */
async function countedIn(passage: Passage, pods: readonly Pod[], sinceMs: number, telemetry: Telemetry): Promise<Counters> {
  const reachMs = 1_000 * Math.ceil((MISSED_SCRAPES * (shortestGapMs(pods) ?? USUAL_SCRAPE_INTERVAL_MS / MISSED_SCRAPES)) / 1_000);
  const before = pods.every(({ baseAtMs }) => baseAtMs !== undefined) ? NOTHING_SEEN : await telemetry.seenBefore(sinceMs, reachMs);
  const workloads = workloadsByPod(before);
  const counted = new Map<Reporter, ReadonlyMap<Series, number>>();
  for (const pod of pods) {
    const { baseAtMs, tellings: [reporter = ""] } = pod;
    if (baseAtMs === undefined && !before.reachesBack) continue;
    const known = baseAtMs === undefined ? workloads.get(podOf(reporter)) : undefined;
    counted.set(reporter, new Map([...increasesOf(pod, passage)].filter(([series]) => !known?.has(workloadOf(series)))));
  }
  return counted;
}

const NOTHING_SEEN: SeenBefore = { reporters: new Map(), reachesBack: false };

/** What was out of sight at the beginning, but not long before: how much of its counters is new is unknown, so they are an origin only. */
function workloadsByPod({ reporters }: SeenBefore): ReadonlyMap<string, ReadonlySet<string>> {
  const byPod = new Map<string, ReadonlySet<string>>();
  for (const [reporter, workloads] of reporters) byPod.set(podOf(reporter), new Set([...(byPod.get(podOf(reporter)) ?? []), ...workloads]));
  return byPod;
}
