/** The rows of the tables: what the traffic does, and what an earlier simulation of the method gave for it. */
import { USUAL, type Flakiness, type Quality, type Scenario } from "./traffic.ts";

/** A row about a healthy canary. `published`: false rollbacks in percent, of Weir at α=.01, at α=.05, and strict. */
export interface HealthyRow {
  readonly scenario: Scenario;
  readonly published: readonly [number, number, number];
  /** Runs that the published figures come from. */
  readonly publishedRuns: number;
}

/** A row about a regression. `published`: `detected % · median/95th percentile of seconds to rollback · of harmed requests`, of the same three. */
export interface RegressionRow {
  readonly scenario: Scenario;
  readonly published: readonly [string, string, string];
}

/** A row about pace. `published`: `detected % · median harm`, or the median of seconds to the end, with fixed steps and by evidence. */
export interface PaceRow {
  readonly scenario: Scenario;
  readonly published: readonly [PaceFigures, PaceFigures];
}

export interface PaceFigures {
  readonly detected?: number;
  readonly harmed?: number;
  readonly seconds?: number;
}

export const REGRESSION_RUNS = 1_000;
export const PACE_RUNS = 1_000;
const HEALTHY_RUNS = 10_000;
const CLUSTERED_RUNS = 4_000;

const RAMP_SECONDS = 300;
const COLD_SECONDS = 30;
const INCIDENT = { from: 100, to: 200 };
/** Bad spells of 30 s on single pods, one request in a thousand in all. How many pods were flaky, and how much, was not published: chosen so that Weir with φ=1 and Flagger fare as published. */
const FLAKY: Flakiness = { stablePods: 10, canaryPods: 3, errors: 0.05, badScrapes: 3, badFraction: 0.02 };

export const HEALTHY: readonly HealthyRow[] = [
  row("const 0.05 rps", alike(0.05, USUAL), [0, 0, 0]),
  row("const 1 rps", alike(1, USUAL), [0.01, 0.02, 0.01]),
  row("const 10 rps", alike(10, USUAL), [0, 0.03, 0.03]),
  row("const 100 rps", alike(100, USUAL), [0, 0.02, 0.01]),
  row("const 1000 rps", alike(1000, USUAL), [0, 0, 0]),
  row("ramp .05->.5% 100 rps", same(100, ramp), [0, 0.01, 0.02]),
  row("ramp .05->.5% 1000 rps", same(1000, ramp), [0, 0, 0]),
  row("shared 20% incident 1", same(1, during({ errors: 0.2 })), [0.57, 1.37, 0.59]),
  row("shared 20% incident 10", same(10, during({ errors: 0.2 })), [0, 0.01, 0]),
  row("shared 20% incident 100", same(100, during({ errors: 0.2 })), [0, 0, 0]),
  row("shared 20% incident 1000", same(1000, during({ errors: 0.2 })), [0, 0, 0]),
  row("shared x3 slow 1", same(1, during({ medianMs: 3 * USUAL.medianMs })), [0.61, 1.52, 0.61]),
  row("shared x3 slow 10", same(10, during({ medianMs: 3 * USUAL.medianMs })), [0.13, 0.26, 0.13]),
  row("shared x3 slow 100", same(100, during({ medianMs: 3 * USUAL.medianMs })), [0, 0, 0]),
  row("shared x3 slow 1000", same(1000, during({ medianMs: 3 * USUAL.medianMs })), [0, 0, 0]),
  row("baseline err 2% 10 rps", alike(10, withErrors(0.02)), [0, 0.06, 0.02]),
  row("baseline err 2% 100 rps", alike(100, withErrors(0.02)), [0, 0, 0]),
  row("mix x1.2 (.5->.6%) 100 rps", unlike(100, withErrors(0.005), withErrors(0.006)), [0.01, 0.1, 0.15]),
  row("mix x1.2 (.5->.6%) 1000 rps", unlike(1000, withErrors(0.005), withErrors(0.006)), [0, 0.01, 0.39]),
  row("bursts of 5, 100 rps", { ...alike(100, USUAL), burst: 5 }, [0, 0.15, 0.07], CLUSTERED_RUNS),
  row("bursts of 20, 1000 rps", { ...alike(1000, USUAL), burst: 20 }, [0.03, 0.05, 0.05], CLUSTERED_RUNS),
  row("flaky pods 10 rps", { ...alike(10, USUAL), flaky: FLAKY }, [0.15, 0.25, 0.2], CLUSTERED_RUNS),
  row("flaky pods 100 rps", { ...alike(100, USUAL), flaky: FLAKY }, [0.12, 0.33, 0.15], CLUSTERED_RUNS),
  row("flaky pods 1000 rps", { ...alike(1000, USUAL), flaky: FLAKY }, [0.1, 0.62, 0.22], CLUSTERED_RUNS),
];

export const REGRESSIONS: readonly RegressionRow[] = [
  failing(0.003, 1, "0% · –/–s · 0.2/0.2", "0% · 120/129s · 0.2/0.2", "0% · –/–s · 0.2/0.2"),
  failing(0.003, 10, "0% · 275/297s · 1.8/1.9", "1% · 210/290s · 1.8/1.9", "0% · 240/272s · 1.8/1.9"),
  failing(0.003, 100, "5% · 230/300s · 18.0/18.3", "13% · 220/300s · 18.0/18.3", "22% · 230/300s · 17.9/18.3"),
  failing(0.003, 1000, "99% · 150/260s · 60.7/151.4", "100% · 130/230s · 43.5/113.9", "100% · 100/150s · 28.4/55.6"),
  failing(0.01, 1, "0% · –/–s · 0.8/1.0", "0% · 120/278s · 0.8/1.0", "0% · –/–s · 0.8/1.0"),
  failing(0.01, 10, "19% · 240/300s · 8.0/8.5", "36% · 220/300s · 7.9/8.5", "27% · 230/300s · 8.0/8.5"),
  failing(0.01, 100, "100% · 90/160s · 11.2/26.8", "100% · 80/140s · 9.2/21.9", "100% · 80/140s · 9.3/21.5"),
  failing(0.01, 1000, "100% · 20/30s · 20.1/29.7", "100% · 20/30s · 19.9/29.3", "100% · 20/30s · 19.9/29.2"),
  failing(0.05, 1, "18% · 240/300s · 4.3/5.1", "32% · 230/300s · 4.2/5.1", "19% · 240/300s · 4.3/5.1"),
  failing(0.05, 10, "100% · 90/150s · 6.1/13.9", "100% · 80/140s · 4.8/11.6", "100% · 90/150s · 5.7/12.9"),
  failing(0.05, 100, "100% · 20/30s · 11.1/16.7", "100% · 20/30s · 11.0/16.2", "100% · 20/30s · 11.0/16.5"),
  failing(0.05, 1000, "100% · 20/20s · 107.8/111.6", "100% · 20/20s · 107.8/111.6", "100% · 20/20s · 107.8/111.6"),
  failing(0.5, 1, "100% · 60/110s · 3.7/7.7", "100% · 50/100s · 3.1/6.9", "100% · 60/110s · 3.7/7.7"),
  failing(0.5, 10, "100% · 20/30s · 11.2/15.9", "100% · 20/20s · 11.0/15.4", "100% · 20/30s · 11.2/15.9"),
  failing(0.5, 100, "100% · 20/20s · 110.1/123.0", "100% · 20/20s · 110.1/123.0", "100% · 20/20s · 110.1/123.0"),
  failing(0.5, 1000, "100% · 20/20s · 1098.0/1139.6", "100% · 20/20s · 1098.0/1139.6", "100% · 20/20s · 1098.0/1139.6"),
];

/** Healthy but for its first half minute. */
export const COLD_STARTS: readonly Scenario[] = [10, 100, 1000].map((requestsPerSecond) => ({
  name: `x3 slow for 30 s, ${requestsPerSecond} rps`,
  requestsPerSecond,
  stable: () => USUAL,
  canary: (second) => (second < COLD_SECONDS ? { ...USUAL, medianMs: 3 * USUAL.medianMs } : USUAL),
}));

const SLOW: Quality = { ...USUAL, medianMs: 1.5 * USUAL.medianMs };

export const PACES: readonly PaceRow[] = [
  pace("1000 rps healthy", alike(1000, USUAL), { seconds: 300 }, { seconds: 100 }),
  pace("100 rps healthy", alike(100, USUAL), { seconds: 300 }, { seconds: 300 }),
  pace("10 rps healthy", alike(10, USUAL), { seconds: 300 }, { seconds: 1430 }),
  pace("1 rps healthy", alike(1, USUAL), { seconds: 300 }, { seconds: 1500 }),
  pace("1000 rps err .3%", unlike(1000, USUAL, withErrors(0.003)), { detected: 99, harmed: 61 }, { detected: 99.1, harmed: 78 }),
  pace("100 rps err .3%", unlike(100, USUAL, withErrors(0.003)), { detected: 5.5, harmed: 18 }, { detected: 39, harmed: 49 }),
  pace("100 rps err 1%", unlike(100, USUAL, withErrors(0.01)), { detected: 100, harmed: 11.2 }, { detected: 100, harmed: 9.6 }),
  pace("10 rps err 1%", unlike(10, USUAL, withErrors(0.01)), { detected: 20.5, harmed: 8 }, { detected: 99.4, harmed: 10 }),
  pace("10 rps err 5%", unlike(10, USUAL, withErrors(0.05)), { detected: 100, harmed: 6.1 }, { detected: 100, harmed: 5.2 }),
  pace("10 rps lat x1.5", unlike(10, USUAL, SLOW), { detected: 95.7, harmed: 13.1 }, { detected: 100, harmed: 9.9 }),
  pace("1 rps err 5%", unlike(1, USUAL, withErrors(0.05)), { detected: 16.9, harmed: 4.3 }, { detected: 99.4, harmed: 6.6 }),
  pace("1 rps lat x1.5", unlike(1, USUAL, SLOW), { detected: 1.4, harmed: 3.2 }, { detected: 56, harmed: 14.5 }),
];

type Unnamed = Omit<Scenario, "name">;

function row(name: string, scenario: Unnamed, published: HealthyRow["published"], publishedRuns = HEALTHY_RUNS): HealthyRow {
  return { scenario: { name, ...scenario }, published, publishedRuns };
}

function failing(errors: number, requestsPerSecond: number, ...published: RegressionRow["published"]): RegressionRow {
  return { scenario: { name: `err ${100 * errors}% @${requestsPerSecond} rps`, ...unlike(requestsPerSecond, USUAL, withErrors(errors)) }, published };
}

function pace(name: string, scenario: Unnamed, ...published: PaceRow["published"]): PaceRow {
  return { scenario: { name, ...scenario }, published };
}

function alike(requestsPerSecond: number, quality: Quality): Unnamed {
  return unlike(requestsPerSecond, quality, quality);
}

function unlike(requestsPerSecond: number, stable: Quality, canary: Quality): Unnamed {
  return { requestsPerSecond, stable: () => stable, canary: () => canary };
}

function same(requestsPerSecond: number, quality: (second: number) => Quality): Unnamed {
  return { requestsPerSecond, stable: quality, canary: quality };
}

function withErrors(errors: number): Quality {
  return { ...USUAL, errors };
}

function ramp(second: number): Quality {
  return withErrors(0.0005 + (0.0045 * Math.min(second, RAMP_SECONDS)) / RAMP_SECONDS);
}

function during(quality: Partial<Quality>): (second: number) => Quality {
  return (second) => (second >= INCIDENT.from && second < INCIDENT.to ? { ...USUAL, ...quality } : USUAL);
}
