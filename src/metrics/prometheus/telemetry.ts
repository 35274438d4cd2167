/** What a Prometheus has about the two sides of a Rollout: the questions that verdicts and evidence are made of. */
import type { Batcher } from "./batcher.ts";
import type { CounterMetric, Names } from "./dialect.ts";
import type { CanaryTelemetry } from "./istio-counters.ts";
import type { PastPoint } from "./past.ts";
import { droppedShape, newestScrapeShape, pastShape, seenBeforeShape, snapshotShape, tailShape, type SeenBefore } from "./shapes.ts";
import { kindOf, ofWorkloads, type Counters, type Snapshot } from "./snapshot.ts";
import type { Target } from "./targets.ts";

export interface Telemetry {
  /** Both sides as they stood at an instant. */
  at(instantMs: number): Promise<Snapshot>;
  /** The canary's last values within (fromMs, toMs], those of series that went away included. */
  lastValues(fromMs: number, toMs: number): Promise<Counters>;
  /** What both sides' counters had reached whenever they went out of sight or started again within [fromMs, toMs], summed up. */
  dropped(fromMs: number, toMs: number): Promise<Counters>;
  /** Who reported requests within the hour before, and whether more than `reachMs` of what was before is known at all. */
  seenBefore(instantMs: number, reachMs: number): Promise<SeenBefore>;
  /** Stable, step by step, up to an instant. */
  past(untilMs: number): Promise<readonly PastPoint[]>;
  /** When any proxy of the mesh was scraped last; undefined: none is. */
  newestScrapeMs(instantMs: number): Promise<number | undefined>;
}

/** As far back as any proxy is scraped at least once, unless somebody has slowed Prometheus down. */
const USUAL_REACH_MS = 60_000;

/** Answers what was asked before from memory, in which late samples do not change it. */
export function createTelemetry(counter: CounterMetric, names: Names, { target, batcher, signal }: { target: Target; batcher: Batcher; signal: AbortSignal }): Telemetry {
  return {
    at: (instantMs) => batcher.ask(target, snapshotShape(counter), names, instantMs, signal),
    lastValues: (fromMs, toMs) => batcher.ask(target, tailShape(counter, toMs - fromMs), names, toMs, signal),
    dropped: (fromMs, toMs) => batcher.ask(target, droppedShape(counter, toMs - fromMs), names, toMs, signal),
    seenBefore: (instantMs, reachMs) => batcher.ask(target, seenBeforeShape(counter, reachMs), names, instantMs, signal),
    past: (untilMs) => batcher.ask(target, pastShape(counter), names, untilMs, signal),
    newestScrapeMs: (instantMs) => batcher.ask(target, newestScrapeShape(counter), names, instantMs, signal),
  };
}

/** Of copies of requests no caller knows, whatever else it reports: what the pods themselves tell is all there is. */
export function toldByPods(telemetry: Telemetry): Telemetry {
  const ofPods = <Value>(all: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> => new Map([...all].filter(([reporter]) => kindOf(reporter) === "destination"));
  return {
    ...telemetry,
    at: async (instantMs) => {
      const { scrapes, counters } = await telemetry.at(instantMs);
      return { scrapes: ofPods(scrapes), counters: ofPods(counters) };
    },
  };
}

/** The canary alone: what a verdict is about. */
export function canaryTelemetry(telemetry: Telemetry, canary: readonly string[]): CanaryTelemetry {
  return {
    at: async (instantMs) => {
      const { scrapes, counters } = await telemetry.at(instantMs);
      return { scrapes, counters: ofWorkloads(counters, canary) };
    },
    lastValues: telemetry.lastValues,
    seenBefore: async (instantMs) => {
      const { reporters } = await telemetry.seenBefore(instantMs, USUAL_REACH_MS);
      return new Set([...reporters].filter(([, workloads]) => canary.some((one) => workloads.has(one))).map(([reporter]) => reporter));
    },
    newestScrapeMs: telemetry.newestScrapeMs,
  };
}
