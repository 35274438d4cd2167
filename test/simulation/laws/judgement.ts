/** Laws of judging: when a step may be left, on what evidence, and how soon harm is taken back. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { isGiven } from "../../../src/rollout/ladder.ts";
import type { Metric, RolloutSpec } from "../../../src/rollout/spec.ts";
import type { Step } from "../../../src/rollout/spec-steps.ts";
import type { Run } from "../../../src/rollout/status.ts";
import { fractionOf, instantOf, msOf } from "../../../src/rollout/units.ts";
import type { ObjectVersion } from "../world/api-server.ts";
import { daemonOf, isDaemon, OLDEST_VIEW_MS, runOf, specOf, splitIn, stampFor, statusOf, type Facts } from "../world/facts.ts";
import { matchedTo, mirroredTo } from "../world/route-points.ts";
import type { Answered } from "../world/prometheus.ts";
import type { Law } from "./law.ts";

/** A step that was left by itself: no command did it. */
interface StepLeft {
  readonly version: ObjectVersion;
  readonly spec: RolloutSpec;
  readonly before: Run;
  readonly after: Run;
  /** When Weir wrote the route with the intent of the step that is left; undefined where it never did. */
  readonly shownAtMs: number | undefined;
}

/** Undefined where this version of the Rollout leaves no step, or on a person's word. */
function stepLeft(facts: Facts, version: ObjectVersion): StepLeft | undefined {
  const { object, previous, author } = version;
  const [before, after] = [runOf(previous), runOf(object)];
  const spec = previous && specOf(previous);
  if (!isDaemon(facts, author) || !before || !after || !spec || before.outcome || before.number !== after.number || spec.analysis.mode === "observe") return undefined;
  if (statusOf(object)?.lastCommand?.id !== statusOf(previous)?.lastCommand?.id) return undefined;
  const rises = after.outcome === undefined && after.epoch > before.epoch && after.weight > before.weight;
  if (!rises && !isPassed(before, after)) return undefined;
  const intent = facts.intents.get(stampFor(object.metadata.uid, before));
  const shownAtMs = before.epoch === 0 ? instantOf(before.startedAt) : intent?.shownAtMs;
  return { version, spec, before, after, shownAtMs };
}

/** The last step is left once the old version is only kept; else with the run's success; of a Deployment as it begins to roll, while its canary has everything. */
function isPassed(before: Run, after: Run): boolean {
  if (before.keptSince === undefined && after.keptSince !== undefined) return true;
  return before.keptSince === undefined && isThrough(before, after);
}

function isThrough(before: Run, after: Run): boolean {
  return after.deployment === undefined ? after.outcome === "Succeeded" : after.rollingSince !== undefined && before.rollingSince === undefined;
}

export const holdIsKept: Law = {
  number: 9,
  says: "a hold is measured from when its weight is in force, and a restart neither shortens nor skips it",
  watch: (facts) => ({
    onRollout(version) {
      const left = stepLeft(facts, version);
      if (!left || left.before.epoch === 0) return undefined;
      const { spec, before, shownAtMs } = left;
      if (shownAtMs === undefined) return `the step at ${before.weight}% was left, and its weight was never on the route`;
      const leastMs = msOf(spec.strategy.propagation) + shortestHoldMs(spec, before);
      const stayedMs = version.atMs - shownAtMs + skewOf(facts, version.author);
      return stayedMs < leastMs ? `the step at ${before.weight}% was left ${stayedMs} ms after its weight was on the route; propagation and hold are ${leastMs} ms` : undefined;
    },
  }),
};

/** By the ladder of the run, or by an edited one. */
function shortestHoldMs({ strategy }: RolloutSpec, before: Run): number {
  const edited = strategy.steps;
  if (before.direct) return 0;
  return Math.min(holdMsAt(before.ladder, before.weight), holdMsAt(edited, before.weight));
}

/** Of the last step that is not above a share. */
function holdMsAt(ladder: readonly Step[], weight: number): number {
  const step = ladder.findLast((each) => !("pause" in each) && (each.weight ?? 0) <= weight + 1e-6);
  return step && !("pause" in step) ? msOf(step.hold) : 0;
}

/** How much earlier a daemon may take the time for over. */
function skewOf(facts: Facts, author: string): number {
  return Math.abs(daemonOf(facts, author)?.skewMs ?? 0) + 1;
}

export const pauseIsKept: Law = {
  number: 9,
  says: "a pause of the ladder ends by its duration, or by promote, and not sooner",
  watch: (facts) => ({
    onRollout(version) {
      const left = stepLeft(facts, version);
      const step = left?.before.ladder[left.before.step];
      if (!left || !step || !("pause" in step) || left.before.pausedBy !== "Step") return undefined;
      const { duration } = step.pause;
      if (duration === undefined) return isEdited(left) ? undefined : "a pause without duration was passed by nobody's word";
      const stayedMs = version.atMs - instantOf(left.before.pausedAt!) + 2 * mostSkewMs(facts);
      return stayedMs < msOf(duration) && !isEdited(left) ? `a pause of ${duration} was left after ${stayedMs} ms` : undefined;
    },
  }),
};

export const oldIsKept: Law = {
  number: 9,
  says: "the old version is kept for as long as the last step says, but for a promote or another release, and not shorter",
  watch: (facts) => ({
    onRollout({ object, previous, author, atMs }) {
      const [before, after] = [runOf(previous), runOf(object)];
      if (!isDaemon(facts, author) || !before || !after || before.number !== after.number || before.outcome || before.keptSince === undefined || !isThrough(before, after)) return undefined;
      const [status, spec] = [statusOf(object), specOf(object)];
      if (status?.lastCommand?.id !== statusOf(previous)?.lastCommand?.id || !spec || spec.release !== before.release) return undefined;
      const leastMs = Math.min(keptMsIn(before.ladder), keptMsIn(spec.strategy.steps));
      const keptMs = atMs - instantOf(before.keptSince) + 2 * mostSkewMs(facts);
      return keptMs < leastMs ? `the old version was kept for ${keptMs} ms, and ${leastMs} ms were to be` : undefined;
    },
  }),
};

function keptMsIn(ladder: readonly Step[]): number {
  const last = ladder.at(-1);
  return last && !("pause" in last) ? msOf(last.keepOld ?? "0s") : 0;
}

function isEdited({ spec, before }: StepLeft): boolean {
  return JSON.stringify(spec.strategy.steps) !== JSON.stringify(before.ladder);
}

function mostSkewMs({ scene }: Facts): number {
  return Math.max(...scene.daemons.map(({ skewMs }) => Math.abs(skewMs))) + 1;
}

export const silenceIsNotSuccess: Law = {
  number: 6,
  says: "a step is left only after enough conclusive passes inside it, which Prometheus really gave",
  watch: (facts) => ({
    onRollout(version) {
      const left = stepLeft(facts, version);
      if (!left || left.before.direct || left.before.epoch === 0 || isFirstShare(left)) return undefined;
      const { spec, before } = left;
      const { analysis, strategy } = spec;
      if ([analysis.onNoData, analysis.onInconclusive, analysis.onProviderError].includes("advance")) return undefined;
      const fromMs = (stepShownAtMs(facts, version.object.metadata.uid, before) ?? Infinity) + msOf(strategy.propagation);
      const lacking = analysis.metrics.find((metric) => metric.onFail !== "ignore" && passesOf(facts, version, metric, fromMs, analysis.minRequests) < analysis.minVerdicts);
      return lacking && `the step at ${before.weight}% was left with ${passesOf(facts, version, lacking, fromMs, analysis.minRequests)} passes of ${lacking.name}, and ${analysis.minVerdicts} are needed`;
    },
  }),
};

/** Where a hand had left nothing to the new version nothing could be judged: it gets the ladder's first share, and no other. */
function isFirstShare({ before, after }: StepLeft): boolean {
  const [first] = after.ladder.flatMap((step) => ("pause" in step ? [] : (step.weight ?? [])));
  return !isGiven(before) && after.weight === first;
}

/** A raise that was put back is a new intent, in the same step. */
function stepShownAtMs({ intents }: Facts, uid: string | undefined, { number, epoch, weight }: Run): number | undefined {
  const intentAt = (each: number) => intents.get(stampFor(uid, { number, epoch: each }));
  let first = epoch;
  while (intentAt(first - 1)?.weight === weight) first -= 1;
  return intentAt(first)?.shownAtMs ?? intentAt(epoch)?.shownAtMs;
}

/** Instants within the step at which the answer was a pass by the metric's own numbers. */
function passesOf(facts: Facts, { object, atMs }: ObjectVersion, metric: Metric, fromMs: number, minRequests: number): number {
  const to = runOf(object)!.to.version;
  const passed = facts.answers.filter((answered) => isAbout(answered, object.metadata.uid, metric, to) && answered.question.instantMs >= fromMs && answered.atMs <= atMs && isPass(answered, metric, minRequests));
  return new Set(passed.map(({ question }) => question.instantMs)).size;
}

function isAbout({ uid, question }: Answered, rolloutUid: string | undefined, metric: Metric, version: string): boolean {
  const [asked, now] = [question.metric, metric];
  return uid === rolloutUid && question.canary.version === version && JSON.stringify([asked.name, asked.errorRate, asked.query, asked.min, asked.max]) === JSON.stringify([now.name, now.errorRate, now.query, now.min, now.max]);
}

function isPass({ measurement }: Answered, metric: Metric, minRequests: number): boolean {
  if (measurement.kind === "value") return measurement.value <= (metric.max ?? Infinity) && measurement.value >= (metric.min ?? -Infinity);
  if (measurement.kind !== "counted" || !metric.errorRate) return false;
  return measurement.requests >= minRequests && measurement.bad <= measurement.requests * fractionOf(metric.errorRate.max ?? "100%");
}

/** So many of its requests fail that no limit could take it for good. */
const PLAINLY_BAD = 0.2;
const SLACK_MS = 20_000;

export const harmIsTakenBack: Law = {
  number: 5,
  says: "a version that is plainly bad while everything works is taken back within a bound",
  watch(facts) {
    let harmedSinceMs: number | undefined;
    return {
      onTime() {
        const rollout = facts.server.get("rollouts", "reviews");
        const spec = rollout && specOf(rollout);
        if (!rollout || !spec || !isHarmed(facts, rollout, spec)) return void (harmedSinceMs = undefined);
        harmedSinceMs ??= facts.clock.nowMs;
        const harmedMs = Math.min(facts.clock.nowMs - harmedSinceMs, facts.truth.wellForMs());
        const boundMs = boundOf(facts, spec);
        return harmedMs > boundMs ? `${runOf(rollout)!.to.version} has been plainly bad for ${harmedMs} ms while everything worked, and still has traffic` : undefined;
      },
    };
  },
};

function isHarmed(facts: Facts, rollout: KubernetesObject, spec: RolloutSpec): boolean {
  const run = runOf(rollout);
  const route = facts.server.get("virtualServices", "reviews");
  const isJudged = spec.analysis.metrics.some(({ errorRate, onFail }) => errorRate !== undefined && onFail === "rollback");
  if (!run || run.outcome || run.direct || !route || spec.suspend || spec.analysis.mode === "observe" || !isJudged || rollout.metadata.deletionTimestamp) return false;
  return (splitIn(route, run).canary > 0 || matchedTo(route) !== undefined || mirroredTo(route)?.version === run.to.version) && facts.truth.badShare(run.to.version) >= PLAINLY_BAD && isReadyNow(facts, run.from.version) && requestsPerInterval(facts, spec, run) >= spec.analysis.minRequests;
}

function requestsPerInterval({ truth }: Facts, { analysis }: RolloutSpec, { to }: Run): number {
  return (truth.shares()[to.version] ?? 0) * truth.perSecond() * (msOf(analysis.interval) / 1_000);
}

/** Base, then as many failures as it takes, each an interval or a scrape long; a lost tick costs an interval more (law 1). */
function boundOf({ scene }: Facts, { analysis, strategy }: RolloutSpec): number {
  const failures = Math.max(...analysis.metrics.filter(({ errorRate }) => errorRate).map((metric) => metric.failures));
  const lookMs = Math.max(msOf(analysis.interval), scene.scrapeMs);
  return 2 * msOf(strategy.propagation) + (failures + 4) * 2 * lookMs + SLACK_MS;
}

export function isReadyNow(facts: Facts, version: string): boolean {
  return (facts.pods.findLast((then) => then.version === version)?.ready ?? 0) > 0;
}

export const rollbackHasReason: Law = {
  number: 6,
  says: "a version that answers well, with pods, seen by a Prometheus that works, is not taken back",
  watch(facts) {
    let lastWrongMs = -Infinity;
    const look = (): undefined => {
      if (facts.truth.isAnythingWrong()) lastWrongMs = facts.clock.nowMs;
    };
    return {
      onTime: look,
      onRollout({ object, previous, author }) {
        look();
        const [before, after] = [runOf(previous), runOf(object)];
        if (!isDaemon(facts, author) || !after || after.outcome !== "RolledBack" || before?.outcome || asksForRollback(object)) return undefined;
        const isSuspicious = lastWrongMs > Math.min(instantOf(after.startedAt), facts.clock.nowMs - OLDEST_VIEW_MS);
        return isSuspicious ? undefined : `run ${after.number} was rolled back although nothing was wrong: ${after.reason}`;
      },
    };
  },
};

/** Where silence is to roll back nothing needs to be wrong. */
function asksForRollback(rollout: KubernetesObject): boolean {
  const analysis = specOf(rollout)?.analysis;
  return !analysis || [analysis.onNoData, analysis.onInconclusive, analysis.onProviderError, analysis.holdLimit.then].includes("rollback");
}
