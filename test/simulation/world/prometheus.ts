/** The Prometheus of a simulated world: scrapes the mesh's counters, answers questions from what it has, and may be late, silent, broken or a liar. */
import type { Growth, Measurement, Question } from "../../../src/rollout/analysis/measurement.ts";
import type { MetricProvider } from "../../../src/metrics/metric-provider.ts";
import type { Dice } from "./dice.ts";
import type { Ailment } from "./history.ts";
import type { Counters, Mesh } from "./mesh.ts";
import type { Process } from "./process.ts";
import type { WorldClock } from "./world-clock.ts";

/** What was asked and answered, for whoever watches over the laws. */
export interface Answered {
  readonly atMs: number;
  readonly uid: string;
  readonly question: Question;
  readonly measurement: Measurement;
}

export interface Prometheus {
  providerOf(process: Process): MetricProvider;
  ail(ailment: Ailment, forMs: number): void;
  isWell(): boolean;
  recover(): void;
}

export interface PrometheusOptions {
  readonly clock: WorldClock;
  readonly dice: Dice;
  readonly mesh: Pick<Mesh, "counters">;
  readonly scrapeMs: number;
  readonly onAnswer: (answered: Answered) => void;
}

const USUALLY_KNOWN_AFTER_MS = 100;
/** That of the real provider. */
const DEADLINE_MS = 10_000;
const LATE_KNOWN_AFTER_MS = 12_000;
/** A sample is forgotten after so long. */
const LOOK_BACK_MS = 300_000;

export function createPrometheus(options: PrometheusOptions): Prometheus {
  const { clock, dice, onAnswer } = options;
  const ailments: { readonly kind: Ailment; readonly fromMs: number; untilMs: number }[] = [];
  const ails = (kind: Ailment, atMs = clock.nowMs): boolean => ailments.some((each) => each.kind === kind && each.fromMs <= atMs && atMs < each.untilMs);
  const store = createStore(options, ails);

  function measure(process: Process, question: Question, signal: AbortSignal): Promise<Measurement> {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      const tell = (measurement: Measurement): void => {
        onAnswer({ atMs: clock.nowMs, uid: question.rollout.uid, question, measurement });
        clock.after(dice.between(5, 200), () => process.enter(() => resolve(measurement)));
      };
      if (ails("hang")) clock.after(DEADLINE_MS, () => tell(failed(question, "Prometheus gave no answer before the deadline")));
      else clock.after(dice.between(5, 200), () => tell(answer(question, store, ails)));
    });
  }

  return {
    providerOf: (process) => ({ measure: (question, signal) => measure(process, question, signal) }),
    ail: (kind, forMs) => void ailments.push({ kind, fromMs: clock.nowMs, untilMs: clock.nowMs + forMs }),
    isWell: () => ailments.every(({ untilMs }) => untilMs <= clock.nowMs),
    recover: () => ailments.forEach((each) => void (each.untilMs = Math.min(each.untilMs, clock.nowMs))),
  };
}

interface Store {
  /** The newest scrape at or before an instant, as far as it is known by now. */
  newestScrapeMs(instantMs: number): number | undefined;
  counters(version: string, scrapeMs: number): Counters;
}

type Ails = (kind: Ailment, atMs?: number) => boolean;

function createStore({ clock, mesh, scrapeMs }: PrometheusOptions, ails: Ails): Store {
  const isKnown = (atMs: number): boolean => atMs + (ails("late", atMs) ? LATE_KNOWN_AFTER_MS : USUALLY_KNOWN_AFTER_MS) <= clock.nowMs && !ails("vanish", atMs);
  return {
    counters: mesh.counters,
    newestScrapeMs(instantMs) {
      const newest = Math.floor(instantMs / scrapeMs) * scrapeMs;
      for (let atMs = newest; atMs > newest - LOOK_BACK_MS; atMs -= scrapeMs) if (isKnown(atMs)) return atMs;
      return undefined;
    },
  };
}

function askedBy({ metric, instantMs, canary }: Question): Pick<Measurement, "name" | "instantMs" | "query"> {
  return { name: metric.name, instantMs, query: `${metric.name}@${canary.version}` };
}

function failed(question: Question, message: string): Measurement {
  return { ...askedBy(question), kind: "error", message };
}

/** One question, from a stream of counters: the one place that knows what a provider answers. */
function answer(question: Question, store: Store, ails: Ails): Measurement {
  const asked = askedBy(question);
  if (ails("error")) return failed(question, "Prometheus answered 503");
  if (ails("vanish")) return { ...asked, kind: "noData" };
  if (question.metric.query !== undefined) return { ...asked, ...value(question, store, ails) };
  const growth = growthOf(question, store, ails);
  return { ...asked, ...counted(question, store, ails), ...(growth ? { growth } : {}) };
}

/** What both sides did since the evidence ended; liars lie about the canary. */
function growthOf({ canary, stable, instantMs, inForceAtMs, evidenceSinceMs }: Question, store: Store, ails: Ails): Growth | undefined {
  const head = store.newestScrapeMs(instantMs);
  const base = evidenceSinceMs === undefined ? undefined : store.newestScrapeMs(evidenceSinceMs);
  if (head === undefined || base === undefined || head <= base) return undefined;
  const ofCanary = between(store.counters(canary.version, base), store.counters(canary.version, head));
  const said = ails("praise") ? { ...ofCanary, bad: 0 } : ails("blame") ? { ...ofCanary, bad: ofCanary.requests } : ofCanary;
  return { sinceMs: evidenceSinceMs!, reporter: "source", inStep: base >= inForceAtMs, canary: said, stable: between(store.counters(stable.version, base), store.counters(stable.version, head)) };
}

type Said = { readonly kind: "skipped" | "noData" | "base" } | { readonly kind: "counted"; readonly requests: number; readonly bad: number } | { readonly kind: "value"; readonly value: number };

function counted({ canary, instantMs, inForceAtMs, sinceMs, lastInstantMs = sinceMs }: Question, store: Store, ails: Ails): Said {
  const head = store.newestScrapeMs(instantMs);
  if (head === undefined) return { kind: "noData" };
  if (sinceMs === undefined || lastInstantMs === undefined) return { kind: head < inForceAtMs ? "skipped" : "base" };
  if (head <= (store.newestScrapeMs(lastInstantMs) ?? -Infinity)) return { kind: "skipped" };
  const base = store.newestScrapeMs(sinceMs);
  if (base === undefined || base < inForceAtMs) return { kind: "base" };
  const grown = between(store.counters(canary.version, base), store.counters(canary.version, head));
  if (ails("praise")) return { kind: "counted", requests: grown.requests, bad: 0 };
  return { kind: "counted", requests: grown.requests, bad: ails("blame") ? grown.requests : grown.bad };
}

/** The share of bad requests in the window. */
function value({ canary, instantMs, windowMs }: Question, store: Store, ails: Ails): Said {
  const [base, head] = [store.newestScrapeMs(instantMs - windowMs), store.newestScrapeMs(instantMs)];
  if (base === undefined || head === undefined || base === head || ails("nan")) return { kind: "noData" };
  if (ails("infinite")) return { kind: "value", value: Infinity };
  const { requests, bad } = between(store.counters(canary.version, base), store.counters(canary.version, head));
  if (requests === 0) return { kind: "noData" };
  return { kind: "value", value: ails("praise") ? 0 : ails("blame") ? 1 : bad / requests };
}

function between(base: Counters, head: Counters): Counters {
  return { requests: head.requests - base.requests, bad: head.bad - base.bad };
}
