/** Laws of readiness, rest and endings: who may get traffic at all, what is left behind, and that everything comes to an end. */
import { isPickedOut } from "../../../src/rollout/ladder.ts";
import { FINALIZER } from "../../../src/rollout/rollout.ts";
import { targetOf } from "../../../src/rollout/announcements.ts";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { RolloutRunSpec } from "../../../src/rollout/rollout-run.ts";
import { type Run, STATUS_VERSION } from "../../../src/rollout/status.ts";
import { instantOf } from "../../../src/rollout/units.ts";
import { daemonOf, isDaemon, OLDEST_VIEW_MS, runOf, specOf, splitIn, stampOf, statusOf, type Facts } from "../world/facts.ts";
import { matchedTo, mirroredTo, pointsByVersion, sessionRoutes } from "../world/route-points.ts";
import { GARBAGE_COLLECTOR, type ObjectVersion } from "../world/api-server.ts";
import type { Law } from "./law.ts";

export const readyBeforeTraffic: Law = {
  number: 10,
  says: "no version is given more weight before it has enough ready pods behind it",
  watch: (facts) => ({
    onRollout(version) {
      const { object, previous, author, atMs } = version;
      const [before, after] = [runOf(previous), runOf(object)];
      if (!isDaemon(facts, author) || !after || after.outcome || specOf(object)?.analysis.mode === "observe") return undefined;
      if (!isRise(before, after) || wasReady(facts, after.to.version, Math.max(after.weight, after.mirrored ?? 0), atMs)) return undefined;
      return `${after.to.version} was given ${after.weight}% and has not been ready for it since ${OLDEST_VIEW_MS} ms`;
    },
  }),
};

/** As it was seen at some time that a lagging cache may still show. */
function wasReady({ pods }: Facts, version: string, weightPercent: number, atMs: number): boolean {
  const own = pods.filter((then) => then.version === version);
  const recent = own.filter((then, index) => (own[index + 1]?.atMs ?? Infinity) >= atMs - OLDEST_VIEW_MS && then.atMs <= atMs);
  return recent.some(({ ready, wanted }) => ready >= Math.max(1, Math.ceil((wanted * weightPercent) / 100)));
}

export const finalizerHolds: Law = {
  number: 2,
  says: "the finalizer is there before traffic is moved and until the last write has been made; a Rollout that is being deleted gets none",
  watch: (facts) => ({
    onRoute(version) {
      const rollout = facts.server.get("rollouts", "reviews");
      if (!isDaemon(facts, version.author) || !stampOf(version.object)) return undefined;
      const run = runOf(rollout);
      const isRaised = run && (splitIn(version.object, run).canary > splitIn(version.previous, run).canary || (isExtra(version.object) && !isExtra(version.previous)));
      if (!rollout || !isRaised || rollout.metadata.finalizers?.includes(FINALIZER)) return undefined;
      return `${version.author} raised ${run.to.version} while the Rollout had no finalizer`;
    },
    onRollout(version) {
      return addedTooLate(facts, version) ?? goneTooSoon(facts, version);
    },
  }),
};

/** The canary has requests, or copies of them, beside its share. */
function isExtra(route: KubernetesObject | undefined): boolean {
  const mirrored = mirroredTo(route);
  return matchedTo(route) !== undefined || (mirrored !== undefined && mirrored.version !== "v1");
}

function hasFinalizer({ metadata }: { readonly metadata: { readonly finalizers?: readonly string[] } }): boolean {
  return metadata.finalizers?.includes(FINALIZER) ?? false;
}

function addedTooLate(facts: Facts, { object, previous, author }: ObjectVersion): string | undefined {
  const isAdded = previous && !hasFinalizer(previous) && hasFinalizer(object);
  return isAdded && isDaemon(facts, author) && previous.metadata.deletionTimestamp ? "a finalizer was added to a Rollout that is being deleted" : undefined;
}

function goneTooSoon({ server, ...facts }: Facts, { object, previous, author }: ObjectVersion): string | undefined {
  const isRemoved = previous && hasFinalizer(previous) && !hasFinalizer(object);
  const route = server.get("virtualServices", "reviews");
  if (!isRemoved || !isDaemon(facts, author) || !route) return undefined;
  const [stamp, run] = [stampOf(route), runOf(object)];
  // A deletion waits for traffic alone: without any there is nothing to give back.
  const isOurs = stamp?.startsWith(`${object.metadata.uid}/`) && run && (!object.metadata.deletionTimestamp || splitIn(route, run).canary > 0 || isExtra(route));
  return isOurs ? `the finalizer was taken away while the route still bears ${stamp}` : undefined;
}

export const restIsRest: Law = {
  number: 11,
  says: "a Rollout at rest is looked at without a write",
  watch: (facts) => ({
    onArrival: ({ author, errand }) => (facts.isResting ? `${author} sent a ${errand} request at rest` : undefined),
  }),
};

export const everythingEnds: Law = {
  number: 1,
  says: "once nothing goes wrong any more everything comes to rest: the run ends, our stamp and finalizer are gone, the weights add up, and a refused version has none",
  watch: (facts) => ({
    onEnd() {
      const route = facts.server.get("virtualServices", "reviews");
      const rollout = facts.server.get("rollouts", "reviews");
      if (!route) return "there is no route";
      if (rollout && isOwnersTurn(rollout, route)) return undefined;
      return leftOnRoute(route) ?? (rollout && (leftInRollout(rollout) ?? refusedShare(rollout, route)));
    },
  }),
};

/** Whoever has some of the requests besides would be drawn by users, too: it is said, and waited for. */
function isOwnersTurn(rollout: KubernetesObject, route: KubernetesObject): boolean {
  const run = runOf(rollout);
  const isStranger = (version: string): boolean => version !== run?.from.version && version !== run?.to.version;
  return run !== undefined && !run.outcome && statusOf(rollout)!.message.includes("sessionAffinity out of the strategy") && Object.entries(pointsByVersion(route)).some(([version, points]) => points > 0 && isStranger(version));
}

function leftOnRoute(route: KubernetesObject): string | undefined {
  const sum = Object.values(pointsByVersion(route)).reduce((total, each) => total + each, 0);
  if (sum !== 100) return `the route's weights add up to ${sum}`;
  if (mirroredTo(route) !== undefined && mirroredTo(route)!.version !== "v1") return `requests are still copied to ${mirroredTo(route)!.version}`; // a hand may have left one to v1
  if (sessionRoutes(route).length > 0) return "users are still kept with their version";
  if (matchedTo(route) !== undefined) return `requests are still picked out for ${matchedTo(route)}`;
  return stampOf(route) ? `our stamp is still there: ${stampOf(route)}` : undefined;
}

function leftInRollout(rollout: KubernetesObject): string | undefined {
  const status = statusOf(rollout);
  const said = `${status?.phase}/${status?.reason}: ${status?.message}`;
  if (!status || !["Healthy", "Degraded"].includes(status.phase)) return `the Rollout does not come to rest: ${said}`;
  if (status.run && !status.run.outcome) return `run ${status.run.number} does not end: ${said}`;
  return hasFinalizer(rollout) ? "the finalizer is still there" : undefined;
}

function refusedShare(rollout: KubernetesObject, route: KubernetesObject): string | undefined {
  const { refused, stable } = statusOf(rollout)!;
  const points = refused && stable && refused.version !== stable.version ? splitIn(route, { from: stable, to: refused }).canary : 0;
  return points > 0 ? `${refused!.version} is refused and has ${points} points` : undefined;
}

export const peopleAreTold: Law = {
  number: 5,
  says: "every announcement reaches each target at least once (DESIGN §8)",
  watch(facts) {
    const owed = new Map<string, string>();
    return {
      onRollout({ object, type }) {
        const run = runOf(object);
        const spec = specOf(object);
        if (type === "deleted") return void owed.clear();
        if (!run || !spec) return undefined;
        const targets = spec.notifications.map((notification, index) => ({ target: targetOf(notification, index), events: notification.events }));
        if (targets.length === 0) owed.clear();
        for (const { seq, event } of run.announcements) {
          if (targets.some(({ events }) => events.includes(event))) owed.set(`${object.metadata.uid} ${run.number} ${seq}`, event);
        }
        return undefined;
      },
      onEnd() {
        for (const { rollout, run, seq } of facts.deliveries) owed.delete(`${rollout.uid} ${run} ${seq}`);
        const [first] = owed;
        return first && `nobody was told of ${first[1]} (${first[0]})`;
      },
    };
  },
};

export const newerStatusIsLeftAlone: Law = {
  number: 15,
  says: "a daemon leaves a status of a newer version alone",
  watch: (facts) => ({
    onRollout({ object, previous, author }) {
      const isNewer = (statusOf(previous)?.version ?? 0) > STATUS_VERSION;
      if (!isNewer || previous?.["status"] === object["status"] || !isDaemon(facts, author) || daemonOf(facts, author)?.isNext || object.metadata.uid !== previous?.metadata.uid) return undefined;
      return `${author} wrote a Rollout whose status is of version ${statusOf(previous)?.version}`;
    },
  }),
};

export const noStepUpUnderOldCrd: Law = {
  number: 15,
  says: "a daemon that is newer than the CRD takes no step up",
  watch: (facts) => ({
    onRollout({ object, previous, author }) {
      const after = runOf(object);
      if (!after || after.outcome || !isDaemon(facts, author)) return undefined;
      const rises = isRise(runOf(previous), after);
      const isKnown = Math.min(facts.truth.hasSeenOldCrdForMs(author), facts.truth.controlForMs()) > OLD_CRD_GRACE_MS;
      return rises && isKnown ? `${author} went to ${after.weight}% under a CRD that is older than it` : undefined;
    },
  }),
};

/** A new intent above what was committed before. */
function isRise(before: Run | undefined, after: Run): boolean {
  return before?.number === after.number ? after.epoch > before.epoch && isMore(before, after) : after.epoch > 0;
}

function isMore(before: Run, after: Run): boolean {
  return after.weight > before.weight || (isPickedOut(after) && !isPickedOut(before)) || (after.mirrored ?? 0) > (before.mirrored ?? 0);
}

/** A tick that began before may still commit. */
const OLD_CRD_GRACE_MS = 1_000;

export const runsFollowEachOther: Law = {
  number: 2,
  says: "runs are numbered one after the other, an ended run stays ended, and an intent is never taken up again",
  watch: (facts) => ({
    onRollout({ object, previous, author }) {
      const [before, after] = [runOf(previous), runOf(object)];
      if (!before || !isDaemon(facts, author) || object.metadata.uid !== previous?.metadata.uid) return undefined;
      if (!after) return `run ${before.number} is gone from status`;
      return after.number === before.number ? turnedBack(before, after) : outOfTurn(before, after);
    },
  }),
};

function outOfTurn(before: Run, after: Run): string | undefined {
  return after.number === before.number + 1 && before.outcome ? undefined : `run ${after.number} followed run ${before.number}, which ${before.outcome ? "had ended" : "had not ended"}`;
}

function turnedBack(before: Run, after: Run): string | undefined {
  if (before.outcome && before.outcome !== after.outcome) return `run ${before.number} had ended as ${before.outcome} and became ${after.outcome}`;
  if (after.epoch < before.epoch) return `intent ${after.epoch} of run ${after.number} followed ${before.epoch}`;
  return instantOf(after.startedAt) === instantOf(before.startedAt) ? undefined : `run ${after.number} began twice`;
}

export const recordIsKept: Law = {
  number: 1,
  says: "a run that ended has one record, which says how it ended, is never changed, and outlives its Rollout (DESIGN §3)",
  watch(facts) {
    const records = new Map<string, string>();
    let held = "";
    return {
      onRollout({ object }) {
        const run = runOf(object);
        if (run && hasFinalizer(object)) held = `${object.metadata.uid} ${run.number}`;
        return undefined;
      },
      onRecord({ object, type, author }) {
        const { rollout, number, outcome } = object["spec"] as RolloutRunSpec;
        records.set(`${rollout.uid} ${number}`, outcome);
        return type === "added" ? undefined : `the record ${object.metadata.name} was ${type} by ${author}`;
      },
      onEnd() {
        const rollout = facts.server.get("rollouts", "reviews");
        const run = runOf(rollout);
        const key = `${rollout?.metadata.uid} ${run?.number}`;
        if (!run?.outcome || held !== key) return undefined; // without a finalizer it is written as well as it goes
        return records.get(key) === run.outcome ? undefined : `run ${run.number} ended as ${run.outcome}, and its record says ${records.get(key) ?? "nothing: there is none"}`;
      },
    };
  },
};

export const nothingIsOwned: Law = {
  number: 10,
  says: "the route is owned by no Rollout: it would go with it, under live traffic",
  watch: () => ({
    onRoute: ({ object, type, author }) => (type === "deleted" && author === GARBAGE_COLLECTOR ? `the route ${object.metadata.name} went with the Rollout that owned it` : undefined),
  }),
};
