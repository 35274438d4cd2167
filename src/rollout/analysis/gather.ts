/** What a run learns at one look: each test's capital after what both sides did since the look before. Nothing else remembers anything, so any daemon can go on. */
import type { Analysis, Metric } from "../spec.ts";
import { type Evidence, type ShareEvidence } from "../status.ts";
import { timeOf } from "../units.ts";
import { lnEvidence, newStakes, priorOf, updated, type EProcess, type ProcessSettings, type Stakes, type StakeSettings } from "./e-process.ts";
import type { Counts } from "./increment.ts";
import type { Growth, History, Measurement, SideGrowth } from "./measurement.ts";
import { dispersionOfRun } from "./dispersion.ts";
import { FADING, FIRST_STAKE, LATER_STAKE } from "./settings.ts";
import { newShareCheck, updatedShareCheck } from "./share-check.ts";
import { betterTest, isCompared, kindOf, safeTest, testsFor } from "./tests.ts";
import { comparedBounds } from "./tolerances.ts";
import { appended, type Look } from "./trail.ts";

/** What besides the counts decides how a look is taken; none of it depends on the canary's own answers. */
export interface Circumstances {
  readonly analysis: Pick<Analysis, "falseRollback" | "metrics">;
  /** Fingerprint of the metric. */
  readonly definition: string;
  /** The canary's pods became ready only now: all but the errors that the limit forbids is passed over. */
  readonly isWarmingUp: boolean;
  readonly canaryPods: number;
  /** False where requests were picked out for the canary, or copied to it: they are no sample of all, and stable's no measure for them. */
  readonly isComparable: boolean;
  /** The next weight, as a fraction, where it has to be shown to be safe. */
  readonly nextShare?: number;
}

/** Stable's pods could not be told apart, so nobody knows how its bad requests cluster. */
const UNKNOWN_DISPERSION = 2;
/** The pods' own proxies count each attempt, and Istio retries twice unless told otherwise. */
const RETRY_ATTEMPTS = 2;
/** Fewer requests than this choose no bounds. */
const LEAST_HISTORY = 100;

/** The evidence after a measurement; the same where it brought no news. Undefined for a custom query, and before the first look. */
export function nextEvidence(previous: Evidence | undefined, metric: Metric, measured: Measurement, look: Circumstances): Evidence | undefined {
  if (kindOf(metric) === undefined || measured.kind === "skipped" || measured.kind === "error" || measured.growthAwaited) return previous;
  const begun = withBounds(previous ?? beginning(metric, measured, look), metric, measured.history);
  const at = timeOf(measured.instantMs);
  // A gap in what can be known is a gap in the evidence: what happened in it is judged neither way.
  const { growth, history } = measured;
  if (!growth) return { ...begun, at };
  return { ...learnt(begun, metric, { growth, history }, look), at, trail: appended(begun.trail, lookOf(metric, growth, measured.instantMs)) };
}

/** True while stable's past would still teach something. */
export function wantsHistory(evidence: Evidence | undefined, metric: Metric): boolean {
  return kindOf(metric) !== undefined && (evidence === undefined || (metric.latency !== undefined && isCompared(metric) && evidence.boundsMs === undefined));
}

/** A person has looked at what failed and lets it go on: the tests begin again, what was counted stays counted. */
export function begunAnew({ againstStable: _stable, againstLimit: _limit, stableAgainstLimit: _mute, better: _better, safe: _safe, ...kept }: Evidence): Evidence {
  return { ...kept, looks: 0, compared: 0, inStep: 0 };
}

/** At another weight the next one has to be shown to be safe again. */
export function inNextStep({ safe: _, ...kept }: Evidence): Evidence {
  return { ...kept, inStep: 0 };
}

function beginning(metric: Metric, { history, growth, name }: Measurement, { definition, canaryPods }: Circumstances): Evidence {
  const prior = priorOf(history ?? { requests: 0, bad: 0 });
  return {
    name,
    definition,
    at: timeOf(0),
    canary: { requests: 0, bad: [0] },
    stable: { requests: 0, bad: [0] },
    dispersion: rounded(dispersionFrom(metric, history, growth?.reporter, canaryPods)),
    past: { requests: rounded(prior.requests), bad: [rounded(prior.guess * prior.requests)] },
    looks: 0,
    compared: 0,
    inStep: 0,
    trail: "",
  };
}

function dispersionFrom(metric: Metric, history: History | undefined, reporter: Growth["reporter"] | undefined, canaryPods: number): number {
  const seen = [history?.dispersion, ...(metric.latency ? (history?.slower ?? []).map(({ dispersion }) => dispersion) : [])].filter((one) => one !== undefined);
  const attempts = reporter === "destination" ? RETRY_ATTEMPTS : 0;
  return seen.length > 0 ? dispersionOfRun(Math.max(...seen), { canaryPods, attempts }) : Math.max(UNKNOWN_DISPERSION, attempts + 1);
}

/** The bounds are chosen once, from what stable did before they are looked at. */
function withBounds(evidence: Evidence, metric: Metric, history: History | undefined): Evidence {
  const chooses = metric.latency && isCompared(metric) && evidence.boundsMs === undefined;
  if (!chooses || !history?.slower || history.requests < LEAST_HISTORY) return evidence;
  const boundsMs = comparedBounds(history.slower, history.requests);
  if (boundsMs.length === 0) return evidence;
  const slower = boundsMs.map((bound) => history.slower!.find(({ boundMs }) => boundMs === bound)!.slower);
  const prior = slower.map((bad) => priorOf({ requests: history.requests, bad }));
  const zeros = boundsMs.map(() => 0);
  const widened = ({ requests, bad }: Evidence["canary"]): Evidence["canary"] => ({ requests, bad: [bad[0]!, ...zeros] });
  return {
    ...evidence,
    boundsMs,
    slowerBefore: slower.map((bad) => rounded(bad / history.requests)),
    canary: widened(evidence.canary),
    stable: widened(evidence.stable),
    past: { requests: rounded(prior[0]!.requests), bad: [evidence.past.bad[0]!, ...prior.map(({ guess, requests }) => rounded(guess * requests))] },
  };
}

interface News {
  readonly growth: Growth;
  readonly history: History | undefined;
}

/** One look's growth, put to every test. */
function learnt(evidence: Evidence, metric: Metric, news: News, look: Circumstances): Evidence {
  const { againstStable, againstLimit } = testsFor(metric, look.analysis, evidence);
  return {
    ...evidence,
    ...totalsAfter(evidence, news.growth),
    looks: evidence.looks + 1,
    ...(againstStable.length > 0 ? comparedAfter(evidence, metric, againstStable, { ...news, skip: look.isWarmingUp || !look.isComparable }) : {}),
    ...(againstLimit ? limitedAfter(evidence, againstLimit, { ...news, skip: look.isWarmingUp && metric.latency !== undefined }) : {}),
    ...safeAfter(evidence, metric, news.growth, look),
  };
}

function comparedAfter(evidence: Evidence, metric: Metric, tests: readonly ProcessSettings[], { growth, skip }: News & { skip: boolean }): Partial<Evidence> {
  const first = metric.latency ? 1 : 0;
  const { compared: looks } = evidence;
  const rows = tests.map((settings, at) => grown({ capital: evidence.againstStable?.[at], looks, settings, past: pastOf(evidence, at + first) }, countsOf(growth, at + first), skip));
  return { againstStable: rows, compared: looks + 1 };
}

/** The blame rule: while stable itself breaks the limit, the limit says nothing about the canary (and passing over depends on stable alone). */
function limitedAfter(evidence: Evidence, settings: ProcessSettings, { growth, history, skip }: News & { skip: boolean }): Partial<Evidence> {
  const { looks } = evidence;
  const past = pastOf(evidence, 0);
  const stable = looks === 0 && history ? sumOf(history, growth.stable) : { requests: growth.stable.requests, bad: growth.stable.bad };
  const stableAgainstLimit = grown({ capital: evidence.stableAgainstLimit, looks, settings, past }, { canary: stable, stable });
  const isMuted = lnOf(stableAgainstLimit, looks + 1, settings) > 0;
  return {
    stableAgainstLimit,
    againstLimit: grown({ capital: evidence.againstLimit, looks, settings, past }, countsOf(growth, 0), skip || isMuted),
    better: grown({ capital: evidence.better, looks, settings: betterTest(evidence), past }, countsOf(growth, 0)),
  };
}

function sumOf(one: Counts["stable"], other: Counts["stable"]): Counts["stable"] {
  return { requests: one.requests + other.requests, bad: one.bad + other.bad };
}

function safeAfter(evidence: Evidence, metric: Metric, growth: Growth, { nextShare, isWarmingUp }: Circumstances): Partial<Evidence> {
  const test = nextShare === undefined || !growth.inStep ? undefined : safeTest(metric, evidence, nextShare);
  if (!test) return {};
  const { settings, row } = test;
  const safe = grown({ capital: evidence.safe, looks: evidence.inStep, settings, past: pastOf(evidence, row) }, countsOf(growth, row), isWarmingUp);
  return { safe, inStep: evidence.inStep + 1 };
}

interface Kept {
  readonly capital: readonly number[] | undefined;
  readonly looks: number;
  readonly settings: ProcessSettings;
  readonly past: Pick<EProcess, "bad" | "requests">;
}

function grown({ capital, looks, settings, past }: Kept, counts: Counts, skip = false): number[] {
  return updated({ ...stakesOf(capital, looks, settings), ...past }, counts, settings, { skip }).capital.map(rounded);
}

/** The reserve is not kept: how often was staked tells it. */
function stakesOf(capital: readonly number[] | undefined, looks: number, settings: StakeSettings & Pick<ProcessSettings, "grid">): Stakes {
  if (capital === undefined || looks === 0) return newStakes(settings.grid);
  return { capital, reserve: (1 - settings.firstStake) * (1 - settings.laterStake) ** (looks - 1) };
}

/** ln E of a test, in nats; 0 for one that has not begun. */
export function lnOf(capital: readonly number[] | undefined, looks: number, settings: ProcessSettings): number {
  return capital === undefined || looks === 0 ? 0 : lnEvidence(stakesOf(capital, looks, settings));
}

function pastOf({ past }: Evidence, row: number): Pick<EProcess, "bad" | "requests"> {
  return { requests: past.requests, bad: past.bad[row] ?? 0 };
}

function countsOf({ canary, stable }: Growth, row: number): Counts {
  const side = (one: SideGrowth): Counts["canary"] => ({ requests: one.requests, bad: badAt(one, row) });
  return { canary: side(canary), stable: side(stable) };
}

/** By kind: what the limit forbids, then what is slower than each bound. */
function badAt({ bad, slower }: SideGrowth, row: number): number {
  return row === 0 ? bad : (slower?.[row - 1] ?? 0);
}

function totalsAfter({ canary, stable, past }: Evidence, growth: Growth): Pick<Evidence, "canary" | "stable" | "past"> {
  const added = (total: Evidence["canary"], side: SideGrowth): Evidence["canary"] => ({ requests: total.requests + side.requests, bad: total.bad.map((bad, row) => bad + badAt(side, row)) });
  return {
    canary: added(canary, growth.canary),
    stable: added(stable, growth.stable),
    past: { requests: rounded(FADING * past.requests + growth.stable.requests), bad: past.bad.map((bad, row) => rounded(FADING * bad + badAt(growth.stable, row))) },
  };
}

/** Where nothing is limited, what is slower than the first bound stands for what is bad. */
export function shownRow(metric: Metric): number {
  return metric.latency && metric.latency.max === undefined ? 1 : 0;
}

function lookOf(metric: Metric, growth: Growth, atMs: number): Look {
  return { atMs, ...countsOf(growth, shownRow(metric)) };
}

/** Seven digits are more than the decision needs, and every daemon goes on from the same ones. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}

/** Whether the canary gets its share, after a look within one weight. `canaryShare`: a fraction between 0 and 1, both excluded. */
export function nextShareEvidence(previous: ShareEvidence | undefined, { canary, stable }: Growth, canaryShare: number): ShareEvidence {
  const before = previous && previous.looks > 0 ? shareStakes(previous) : newShareCheck();
  const after = updatedShareCheck(before, { canaryWeight: canaryShare, canary: canary.requests, stable: stable.requests });
  return {
    looks: (previous?.looks ?? 0) + 1,
    capital: after.capital.map(rounded),
    canary: (previous?.canary ?? 0) + canary.requests,
    stable: (previous?.stable ?? 0) + stable.requests,
  };
}

/** ln E that the canary gets less than half of its share, in nats. */
export function lnMissing(share: ShareEvidence | undefined): number {
  return share === undefined || share.looks === 0 ? 0 : lnEvidence(shareStakes(share));
}

function shareStakes({ capital, looks }: ShareEvidence): Stakes {
  return stakesOf(capital, looks, { firstStake: FIRST_STAKE, laterStake: LATER_STAKE, grid: capital });
}
