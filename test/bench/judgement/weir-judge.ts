/** Weir's judgement of a rollout, made of the kernel: what it takes back, and when it goes on. */
import { lnEvidence, newProcess, updated, type EProcess, type ProcessSettings } from "../../../src/rollout/analysis/e-process.ts";
import type { Counts, Side } from "../../../src/rollout/analysis/increment.ts";
import { capFor, lnPooled, lnThreshold } from "../../../src/rollout/analysis/pool.ts";
import * as settings from "../../../src/rollout/analysis/settings.ts";
import { advanceLatencyTolerance, advanceTolerance, limitTolerance, oddsTolerance, TOLERANCES } from "../../../src/rollout/analysis/tolerances.ts";
import type { Judge, Wish } from "./delivery.ts";
import { BOUNDS_MS, LIMIT_MS, SCRAPE_SECONDS, slowerFractions, type Answered, type Quality, type Scrape } from "./traffic.ts";

export interface WeirSettings {
  readonly falseRollback: number;
  readonly compare: keyof typeof TOLERANCES;
  /** φ of the errors, from before the rollout. */
  readonly dispersion: number;
  readonly pace: "fixed" | "evidence";
  /** From when the canary's pods are ready, which in the bench is the beginning. */
  readonly warmUpMs: number;
}

/** As the published tables were made: with pods that were warm from the beginning. */
export const WEIR: WeirSettings = { falseRollback: settings.FALSE_ROLLBACK, compare: "normal", dispersion: 1, pace: "fixed", warmUpMs: 0 };

/** What was known of the stable version before the rollout. */
export interface Before {
  readonly quality: Quality;
  readonly requestsPerSecond: number;
  readonly weights: readonly number[];
}

interface Channel {
  readonly share: number;
  readonly process: ProcessSettings;
  /** Which of a version's requests are bad. */
  readonly badOf: (answered: Answered) => number;
  readonly guess: number;
  /** A limit is blamed on the canary only while the stable version keeps it. */
  readonly isLimit: boolean;
  /** Judged during the warm-up too. */
  readonly isUrgent?: boolean;
}

const FIXED_HOLD_SECONDS = 60;
/** Requests that the first guess stands on. */
const PRIOR_REQUESTS = 600;
const HISTORY_SECONDS = 600;
const ADVANCE_BOUND = BOUNDS_MS.indexOf(250);

export function createWeirJudge(before: Before, own: WeirSettings): Judge {
  const evidence = createEvidence(channelsOf(before, own), before, own.warmUpMs);
  const pace = own.pace === "fixed" ? createFixedPace() : createEvidencePace(before);
  const threshold = lnThreshold(own.falseRollback);
  return (scrape) => {
    const { lnE, isMuted } = evidence(scrape);
    return lnE >= threshold ? "rollBack" : pace(scrape, !isMuted && lnE <= 0);
  };
}

function channelsOf({ quality }: Before, own: WeirSettings): readonly Channel[] {
  const { errors, latency } = TOLERANCES[own.compare];
  const slower = slowerFractions(quality.medianMs);
  const channel = (share: number, tolerance: ProcessSettings["tolerance"], dispersion: number, rest: Omit<Channel, "share" | "process">): Channel => {
    const cap = capFor(own.falseRollback, share, settings.REGRESSIONS.length);
    return { share, process: { tolerance, dispersion, cap, grid: settings.REGRESSIONS, firstStake: settings.FIRST_STAKE, laterStake: settings.LATER_STAKE }, ...rest };
  };
  const failed = { badOf: ({ errors: bad }: Answered) => bad, guess: quality.errors };
  const slowerThan = (bound: number): Pick<Channel, "badOf" | "guess"> => ({ badOf: (answered) => answered.slower[bound]!, guess: slower[bound]! });
  return [
    channel(settings.SHARES.errors, errors, own.dispersion, { ...failed, isLimit: false }),
    ...BOUNDS_MS.map((_, bound) =>
      channel(settings.SHARES.latency / BOUNDS_MS.length, oddsTolerance(slower[bound]!, latency.oddsRatio, latency.delta), 1, { ...slowerThan(bound), isLimit: false }),
    ),
    channel(settings.SHARES.errorLimit, limitTolerance(settings.ERROR_LIMIT), own.dispersion, { ...failed, isLimit: true, isUrgent: true }),
    channel(settings.SHARES.latencyLimit, limitTolerance(settings.SLOW_LIMIT), 1, { ...slowerThan(BOUNDS_MS.indexOf(LIMIT_MS)), isLimit: true }),
  ];
}

type Evidence = (scrape: Scrape) => { readonly lnE: number; readonly isMuted: boolean };

function createEvidence(channels: readonly Channel[], before: Before, warmUpMs: number): Evidence {
  let processes = channels.map(({ guess, process }) => newProcess(process.grid, { guess, requests: PRIOR_REQUESTS }));
  let blamed = channels.map((channel) => (channel.isLimit ? primed(channel, before) : undefined));
  return (scrape) => {
    blamed = channels.map((channel, index) => blamed[index] && updated(blamed[index], asCanary(sideOf(channel, scrape.stable)), channel.process));
    const muted = blamed.map((process) => process !== undefined && lnEvidence(process) > 0);
    const isCold = scrape.second * 1_000 <= warmUpMs;
    const skip = (channel: Channel, index: number): boolean => muted[index]! || (isCold && !channel.isUrgent);
    processes = channels.map((channel, index) => updated(processes[index]!, countsOf(channel, scrape), channel.process, { skip: skip(channel, index) }));
    const lnE = lnPooled(channels.map(({ share }, index) => ({ share, lnE: lnEvidence(processes[index]!) })));
    return { lnE, isMuted: muted.includes(true) };
  };
}

/** The stable version's own keeping of a limit, with the ten minutes before the rollout as one scrape. */
function primed({ process, guess }: Channel, { requestsPerSecond }: Before): EProcess {
  const requests = HISTORY_SECONDS * requestsPerSecond;
  return updated(newProcess(process.grid, { guess, requests: PRIOR_REQUESTS }), asCanary({ requests, bad: requests * guess }), process);
}

function asCanary(side: Side): Counts {
  return { canary: side, stable: { requests: 0, bad: 0 } };
}

function sideOf({ badOf }: Pick<Channel, "badOf">, answered: Answered): Side {
  return { requests: answered.requests, bad: badOf(answered) };
}

function countsOf(channel: Pick<Channel, "badOf">, { canary, stable }: Scrape): Counts {
  return { canary: sideOf(channel, canary), stable: sideOf(channel, stable) };
}

type Pace = (scrape: Scrape, isHealthy: boolean) => Wish;

function createFixedPace(): Pace {
  let stageSeconds = 0;
  return () => {
    stageSeconds += SCRAPE_SECONDS;
    if (stageSeconds < FIXED_HOLD_SECONDS) return "stay";
    stageSeconds = 0;
    return "advance";
  };
}

/** On as soon as there is evidence that the next weight does no harm worth speaking of, and at the latest when the stage's time is over. */
function createEvidencePace(before: Before): Pace {
  let stage = createStage(before, 0);
  let [stages, stageSeconds] = [0, 0];
  return (scrape, isHealthy) => {
    stageSeconds += SCRAPE_SECONDS;
    const isShown = stage(scrape) >= lnThreshold(settings.FALSE_ADVANCE) && isHealthy && stageSeconds * 1_000 >= settings.LEAST_STAGE_MS;
    if (!isShown && stageSeconds * 1_000 < settings.MOST_STAGE_MS) return "stay";
    stage = createStage(before, ++stages);
    stageSeconds = 0;
    return "advance";
  };
}

/** The least of what errors and latency say for a canary that may advance, after each scrape of one stage. */
function createStage({ weights, quality }: Before, stage: number): (scrape: Scrape) => number {
  const slower = slowerFractions(quality.medianMs)[ADVANCE_BOUND]!;
  const asked = [
    { tolerance: advanceTolerance(weights[stage + 1] ?? 1), guess: quality.errors, badOf: ({ errors }: Answered) => errors },
    { tolerance: advanceLatencyTolerance(slower), guess: slower, badOf: (answered: Answered) => answered.slower[ADVANCE_BOUND]! },
  ];
  let processes = asked.map(({ guess }) => newProcess(settings.SOUND, { guess, requests: PRIOR_REQUESTS }));
  return (scrape) => {
    processes = asked.map((one, index) =>
      updated(processes[index]!, countsOf(one, scrape), { tolerance: one.tolerance, grid: settings.SOUND, dispersion: 1, cap: Infinity, firstStake: 1, laterStake: 0 }),
    );
    return Math.min(...processes.map(lnEvidence));
  };
}
