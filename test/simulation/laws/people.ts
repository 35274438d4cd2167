/** Laws about people: their commands, what they refuse, and their hands on the route. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { Run, RolloutStatus } from "../../../src/rollout/status.ts";
import type { ObjectVersion } from "../world/api-server.ts";
import { commandIn, committedBy, isDaemon, pointsOfShare, runOf, specOf, splitIn, stampFor, stampOf, statusOf, type Facts } from "../world/facts.ts";
import { DEPLOYMENT, versionIn } from "../world/deployment.ts";
import { isReadyNow } from "./judgement.ts";
import type { Law } from "./law.ts";

/** What this version of the Rollout acknowledges that the one before did not. */
function newlyAnswered({ object, previous }: ObjectVersion): NonNullable<RolloutStatus["lastCommand"]> | undefined {
  const [before, after] = [statusOf(previous)?.lastCommand, statusOf(object)?.lastCommand];
  return after && JSON.stringify(after) !== JSON.stringify(before) ? after : undefined;
}

export const obeyedOnce: Law = {
  number: 7,
  says: "a person's command is obeyed once",
  watch: (facts) => {
    const obeyed = new Set<string>();
    return {
      onRollout(version) {
        const answer = newlyAnswered(version);
        if (!answer || answer.result !== "Accepted" || !isDaemon(facts, version.author)) return undefined;
        const key = `${version.object.metadata.uid} ${answer.id}`;
        if (obeyed.has(key)) return `${answer.verb} (id ${answer.id}) was obeyed twice`;
        obeyed.add(key);
        return undefined;
      },
    };
  },
};

export const obeyedForItsRun: Law = {
  number: 7,
  says: "a command is obeyed only for the run that its author saw",
  watch: (facts) => ({
    onRollout(version) {
      const answer = newlyAnswered(version);
      const given = answer && facts.commands.get(answer.id);
      if (!answer || !given || answer.result !== "Accepted") return undefined;
      const present = runOf(version.previous)?.number ?? 0;
      return given.run === present ? undefined : `${answer.verb} for run ${given.run} was obeyed in run ${present}`;
    },
  }),
};

const OBEYED_WITHIN_MS = 15_000;

export const abortIsInForce: Law = {
  number: 5,
  says: "an abort is obeyed at once while the API server and a daemon work, whatever Prometheus and Redis do, and then the traffic is back",
  watch(facts) {
    let waiting: { readonly text: string; readonly sinceMs: number } | undefined;
    return {
      onTime() {
        const rollout = facts.server.get("rollouts", "reviews");
        const text = commandIn(rollout);
        const run = runOf(rollout);
        const isDue = text?.startsWith("abort") && run && !run.outcome && facts.commands.get(idIn(text) ?? "")?.run === run.number && specOf(rollout!)?.analysis.mode !== "observe";
        if (!isDue) return void (waiting = undefined);
        if (waiting?.text !== text) waiting = { text: text!, sinceMs: facts.clock.nowMs };
        const waitedMs = Math.min(facts.clock.nowMs - waiting!.sinceMs, facts.truth.controlForMs());
        return waitedMs > OBEYED_WITHIN_MS ? `${text} has waited ${waitedMs} ms` : undefined;
      },
    };
  },
};

function idIn(text: string): string | undefined {
  return /\bid=(\S+)/.exec(text)?.[1];
}

export const endedRunIsOffTheRoute: Law = {
  of: "versions",
  number: 5,
  says: "the traffic of a run that was taken back goes to stable, as soon as stable can take it",
  watch(facts) {
    let owedSinceMs: number | undefined;
    return {
      onTime() {
        const rollout = facts.server.get("rollouts", "reviews");
        const route = facts.server.get("virtualServices", "reviews");
        const run = runOf(rollout);
        const isOwed = rollout && route && run?.outcome && stampOf(route)?.startsWith(`${rollout.metadata.uid}/`) && isMovable(facts, rollout, run, route);
        if (!isOwed) return void (owedSinceMs = undefined);
        owedSinceMs ??= facts.clock.nowMs;
        const owedMs = Math.min(facts.clock.nowMs - owedSinceMs, facts.truth.controlForMs());
        return owedMs > 2 * OBEYED_WITHIN_MS ? `run ${run.number} has ended as ${run.outcome}, and for ${owedMs} ms the route has not been given back` : undefined;
      },
    };
  },
};

function isMovable(facts: Facts, rollout: KubernetesObject, run: Run, route: KubernetesObject): boolean {
  const spec = specOf(rollout);
  const { total, canary } = splitIn(route, run);
  const gainer = run.outcome === "Succeeded" ? run.to.version : run.from.version;
  const gains = run.outcome === "Succeeded" ? canary < total : canary > 0;
  const isSound = facts.truth.isRouteSound();
  return isSound && !(spec?.suspend && run.outcome !== "Aborted") && (!gains || isReadyNow(facts, gainer)) && spec?.analysis.mode !== "observe";
}

/** A revision that was taken back, as an onlooker remembers it. */
interface Refusal {
  readonly version: string;
  readonly revision: string;
}

export const refusedStaysRefused: Law = {
  number: 8,
  says: "a refused revision is not tried again while the spec goes on naming it",
  watch(facts) {
    let refusal: Refusal | undefined;
    const named = (object: KubernetesObject): string | undefined => (object["spec"] as { readonly release?: string }).release;
    return {
      /** Another template is another wish. */
      onVersion({ kind, object, previous }) {
        const isOurs = kind === "deployments" && object.metadata.name === DEPLOYMENT;
        if (isOurs && (!previous || versionIn(object) !== versionIn(previous))) refusal = undefined;
        return undefined;
      },
      onRollout(version) {
        const { object, previous, author } = version;
        if (!previous || previous.metadata.uid !== object.metadata.uid) refusal = undefined;
        if (previous && named(previous) !== named(object)) refusal = undefined;
        const answer = newlyAnswered(version);
        const [before, after] = [runOf(previous), runOf(object)];
        if (!isDaemon(facts, author) || !after) return undefined;
        if (answer?.result === "Accepted" && (answer.verb === "retry" || answer.verb === "undo")) return void (refusal = undefined);
        const isNew = after.number !== before?.number;
        const isRepeated = isNew && refusal?.version === after.to.version && refusal.revision === after.to.revision && refusal.revision !== "";
        if (isRepeated) return `run ${after.number} tries ${after.to.version} ${after.to.revision} again, which was refused`;
        if (after.outcome && !before?.outcome && isRefusing(after, answer?.verb) && isCanarysFault(object)) refusal = after.to;
        return undefined;
      },
    };
  },
};

/** Where it was the Deployment that stood in the way, gone or rolling unheld, its template may well be tried again. */
function isCanarysFault(rollout: KubernetesObject): boolean {
  const { run, refused } = statusOf(rollout)!;
  return run?.deployment === undefined || refused?.version === run.to.version;
}

/** A rollback refuses, and so does a person's abort; leaving the version in the spec does not. */
function isRefusing({ outcome, to, release }: Run, verb: string | undefined): boolean {
  return to.version === release && (outcome === "RolledBack" || (outcome === "Aborted" && verb === "abort"));
}

export const handThatLowersIsObeyed: Law = {
  number: 12,
  says: "a hand that lowers the newest version's share is obeyed, until a person lets the run go on",
  watch(facts) {
    let lowered: Lowered | undefined;
    return {
      onRoute(version) {
        const rollout = facts.server.get("rollouts", "reviews");
        const run = runOf(rollout);
        if (!run || version.type !== "modified" || specOf(rollout!)?.analysis.mode === "observe") return void (lowered = undefined);
        if (lowered?.run !== keyOf(rollout!, run)) lowered = undefined;
        if (!isDaemon(facts, version.author)) return void (lowered = afterHand(facts, lowered, version));
        const { canary } = splitIn(version.object, run);
        const status = statusOf(rollout)!;
        const isOfRefused = run.outcome !== undefined && status.refused?.version === run.from.version; // an undone version had it, and a refused one gets nothing at rest
        const isOverridden = lowered && canary > lowered.points && status.lastCommand?.id === lowered.lastCommand && !isOfRefused;
        return isOverridden ? `${lowered!.by} lowered ${run.to.version} to ${lowered!.points} points, and Weir wrote ${canary}` : undefined;
      },
    };
  },
};

interface Lowered {
  readonly run: string;
  readonly points: number;
  readonly by: string;
  readonly lastCommand: string | undefined;
}

function keyOf({ metadata }: KubernetesObject, { number }: Run): string {
  return `${metadata.uid}/${number}`;
}

/** A hand that raises lets go of what a hand before it has lowered; one that takes our stamp away before its weight is in force cannot be told from a write that never was. */
function afterHand(facts: Facts, lowered: Lowered | undefined, { object, previous, manager }: ObjectVersion): Lowered | undefined {
  const rollout = facts.server.get("rollouts", "reviews")!;
  const run = runOf(rollout)!;
  const [was, is] = [splitIn(previous, run), splitIn(object, run)];
  if (is.total !== was.total || is.canary > was.canary) return undefined;
  const isKnown = run.inForceAt !== undefined || stampOf(object) === stampOf(previous);
  if (run.outcome || !isKnown || is.canary >= leastPoints(facts, rollout, run, is.total)) return lowered;
  return { run: keyOf(rollout, run), points: is.canary, by: manager, lastCommand: statusOf(rollout)?.lastCommand?.id };
}

/** Below these only a hand can have gone: what is committed once it was on the route, until then what the route had when that was decided. */
function leastPoints(facts: Facts, { metadata: { uid } }: KubernetesObject, run: Run, total: number): number {
  const wanted = pointsOfShare(run.weight, total);
  const intent = facts.intents.get(stampFor(uid, run));
  return intent && intent.shownAtMs === undefined && run.epoch > 0 ? Math.min(intent.pointsBefore, wanted) : wanted;
}

/** A fight is repaired at most every 30 s. */
const REPAIRED_WITHIN_MS = 30_000 + 20_000;

export const handThatRaisesIsUndone: Law = {
  number: 12,
  says: "a foreign raise of the newest version's share is put back, in a run and, for a refused version, at rest",
  watch(facts) {
    let raisedSinceMs: number | undefined;
    return {
      onTime() {
        const rollout = facts.server.get("rollouts", "reviews");
        const excess = rollout && excessOf(facts, rollout);
        if (!excess) return void (raisedSinceMs = undefined);
        raisedSinceMs ??= facts.clock.nowMs;
        const raisedMs = Math.min(facts.clock.nowMs - raisedSinceMs, facts.truth.wellForMs());
        return raisedMs > REPAIRED_WITHIN_MS ? `${excess} for ${raisedMs} ms` : undefined;
      },
    };
  },
};

function excessOf(facts: Facts, rollout: KubernetesObject): string | undefined {
  const route = facts.server.get("virtualServices", "reviews");
  const status = statusOf(rollout);
  const run = status?.run;
  const spec = specOf(rollout);
  if (!route || !run || !spec || spec.suspend || spec.analysis.mode === "observe" || !facts.truth.isRouteSound() || rollout.metadata.deletionTimestamp) return undefined;
  if (run.outcome) return refusedExcess(facts, status, route);
  const { canary, total } = splitIn(route, run);
  const isShown = stampOf(route) === stampFor(rollout.metadata.uid, run);
  const committed = pointsOfShare(run.weight, total);
  return isShown && canary > committed && isReadyNow(facts, run.from.version) ? `${run.to.version} has ${canary} points and ${committed} are committed` : undefined;
}

function refusedExcess(facts: Facts, { refused, stable }: RolloutStatus, route: KubernetesObject): string | undefined {
  if (!refused || !stable || refused.version === stable.version || !isReadyNow(facts, stable.version)) return undefined;
  const isSame = facts.pods.findLast(({ version }) => version === refused.version)?.revision === refused.revision;
  const { canary } = splitIn(route, { from: stable, to: refused });
  return isSame && canary > 0 ? `${refused.version} is refused and has ${canary} points` : undefined;
}

export const suspendIsObeyed: Law = {
  number: 5,
  says: "while spec.suspend is true no route is written, but for abort, naming stable, and deletion",
  watch: (facts) => ({
    onRoute({ author, object, atMs }) {
      const committed = committedBy(facts, author);
      if (!isDaemon(facts, author) || !committed || !specOf(committed)?.suspend) return undefined;
      return runOf(committed)?.outcome === "Aborted" || wasOnItsWay(facts, author, object, atMs) ? undefined : `${author} wrote the route although spec.suspend was true when it committed`;
    },
  }),
};

/** Two ticks of a daemon that thaws may go on at once: an intent from before the suspension, and the look that finds it. */
const THAW_MS = 1_000;

function wasOnItsWay({ rollouts }: Facts, author: string, route: KubernetesObject, atMs: number): boolean {
  const own = rollouts.filter((version) => version.author === author && statusOf(version.object) !== undefined);
  const found = own.find(({ object }) => specOf(object)?.suspend && runOf(object)?.number === runOf(own.at(-1)?.object)?.number);
  const isCommitted = own.some(({ object }) => !specOf(object)?.suspend && runOf(object) !== undefined && stampFor(object.metadata.uid, runOf(object)!) === stampOf(route));
  return isCommitted && found !== undefined && atMs - found.atMs < THAW_MS;
}
