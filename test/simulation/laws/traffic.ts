/** Laws of route writes: which weights, from which intent, and that nothing else is touched. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { EPOCH_ANNOTATION } from "../../../src/rollout/rollout.ts";
import type { RolloutStatus, Run } from "../../../src/rollout/status.ts";
import type { ObjectVersion } from "../world/api-server.ts";
import { committedBy, isDaemon, OLDEST_VIEW_MS, pointsOfShare, runOf, splitIn, stampFor, stampOf, statusOf, type Facts } from "../world/facts.ts";
import { destinationsOf, isSound, managedRoute, pointsByVersion, type Destination } from "../world/route-points.ts";
import type { Law, Watch } from "./law.ts";

/** A route write of Weir's, with what its author had committed before. */
interface OurWrite {
  readonly version: ObjectVersion;
  readonly before: KubernetesObject;
  readonly after: KubernetesObject;
  readonly committed: KubernetesObject;
  readonly status: RolloutStatus;
  readonly run: Run;
}

/** Looks at Weir's own route writes alone. */
function onOurWrites(look: (facts: Facts, write: OurWrite) => string | undefined): (facts: Facts) => Watch {
  return (facts) => ({
    onRoute(version) {
      if (!isDaemon(facts, version.author) || version.type !== "modified") return undefined;
      const committed = committedBy(facts, version.author);
      const run = runOf(committed);
      if (!committed || !run) return `${version.author} wrote the route and has committed no run`;
      return look(facts, { version, before: version.previous!, after: version.object, committed, status: statusOf(committed)!, run });
    },
  });
}

export const wholeWeights: Law = {
  number: 4,
  says: "weights of one route are whole numbers and keep their sum of 100",
  watch: onOurWrites((_, { after }) => {
    const points = Object.values(pointsByVersion(after));
    if (points.some((each) => !Number.isInteger(each) || each < 0)) return `weights ${points.join(", ")} were written`;
    const sum = points.reduce((total, each) => total + each, 0);
    return sum === 100 ? undefined : `weights that add up to ${sum} were written`;
  }),
};

export const othersUntouched: Law = {
  number: 4,
  says: "destinations, routes, fields and order that are not ours stay byte for byte what they were",
  watch: onOurWrites((_, { before, after, run, status }) => {
    const ours = new Set([run.from.version, run.to.version, status.stable?.version, status.refused?.version]);
    const [was, is] = [foreignPart(before, ours), foreignPart(after, ours)];
    if (was !== is) return `what is not ours was ${was} and became ${is}`;
    return strangeAddition(before, after);
  }),
};

/** Everything but our destinations, whose weights change and which come and go, and our stamp. */
function foreignPart({ metadata, spec }: KubernetesObject, ours: ReadonlySet<string | undefined>): string {
  const { http, ...rest } = spec as { readonly http: readonly object[] };
  const routes = http.map((route, index) => (index === http.length - 1 ? { ...route, route: (route as { readonly route?: readonly Destination[] }).route?.filter(({ destination }) => !ours.has(destination.subset)) } : route));
  const { [EPOCH_ANNOTATION]: _, ...annotations } = metadata.annotations ?? {};
  return JSON.stringify([rest, routes, annotations]);
}

/** One of ours that stays keeps its other fields, and one that is added is a copy of the other. */
function strangeAddition(before: KubernetesObject, after: KubernetesObject): string | undefined {
  const known = new Set(destinationsOf(before).map(bare));
  const strange = destinationsOf(after).find((destination) => !known.has(bare(destination)));
  return strange && `a destination was written that is no copy of one that was there: ${JSON.stringify(strange)}`;
}

function bare({ weight: _, destination: { host }, ...fields }: Destination): string {
  return JSON.stringify([host, fields]);
}

export const onlyKnownWeights: Law = {
  number: 4,
  says: "Weir writes only weights that the ladder names, 0, and 100 by --full, undo, the rollback window or firstRun: direct; of S points the canary gets floor(S·w/100), at least 1",
  watch(facts) {
    const left = new Map<string, Set<number>>();
    const remember = (object: KubernetesObject | undefined): void => {
      const rollout = facts.server.get("rollouts", facts.rollouts[0]?.object.metadata.name ?? "");
      const run = runOf(rollout);
      if (!run || !object) return;
      added(left, keyOf(rollout!, run), splitIn(object, run).canary);
    };
    const ladders = new Map<string, Set<number>>();
    const ours = onOurWrites((_, { before, after, committed, run }) => {
      const { canary, total } = splitIn(after, run);
      if (canary === splitIn(before, run).canary) return undefined;
      // A daemon that froze with an intent on its lips may have committed the run's end since: what it says is that intent still.
      if (run.outcome && stampOf(after) === undefined) return endedWeight(run, canary, total);
      const shares = [...(ladders.get(keyOf(committed, run)) ?? [])];
      const isKnown = [0, ...shares].some((share) => pointsOfShare(share, total) === canary) || left.get(keyOf(committed, run))?.has(canary);
      return isKnown ? undefined : `${canary} of ${total} points were written for ${run.to.version}, whose ladder is ${shares.join(", ")}`;
    })(facts);
    return {
      onRoute(version) {
        const wrong = ours.onRoute!(version);
        remember(version.object);
        return wrong;
      },
      /** What the route gave when the run began is what it may be put back to. */
      onRollout({ object, previous }) {
        const run = runOf(object);
        if (run?.number !== runOf(previous)?.number) remember(facts.routes.at(-1)?.object);
        // An edit of the ladder leaves the intent where it is that was committed before.
        for (const step of run?.ladder ?? []) if ("weight" in step) added(ladders, keyOf(object, run!), step.weight);
        return undefined;
      },
    };
  },
};

function keyOf({ metadata: { uid } }: KubernetesObject, { number }: Run): string {
  return `${uid}/${number}`;
}

function added<Value>(sets: Map<string, Set<Value>>, key: string, value: Value): void {
  sets.set(key, (sets.get(key) ?? new Set()).add(value));
}

function endedWeight({ outcome, to, number }: Run, canary: number, total: number): string | undefined {
  const wanted = outcome === "Succeeded" ? total : 0;
  return canary === wanted ? undefined : `run ${number} ended as ${outcome}, and ${to.version} was given ${canary} of ${total} points`;
}

export const committedFirst: Law = {
  number: 2,
  says: "a tick that has any effect has written status first, even unchanged",
  watch: (facts) => ({
    onArrival({ author, errand, object }) {
      if (errand !== "route" && errand !== "finalizer") return undefined;
      const commits = facts.commits.get(author);
      const done = (commits?.done.get(errand) ?? 0) + 1;
      if (!commits || done > commits.rollouts.length) return `${author} sent a ${errand} request without a status write of its own before it`;
      commits.done.set(errand, done);
      const stamp = errand === "route" ? stampOf(object) : undefined;
      const isOwn = stamp === undefined || commits.rollouts.some((rollout) => stamp === ownStamp(rollout));
      return isOwn ? undefined : `${author} stamped the route ${stamp} and had committed no such intent`;
    },
  }),
};

function ownStamp(rollout: KubernetesObject): string | undefined {
  const run = runOf(rollout);
  return run && stampFor(rollout.metadata.uid, run);
}

export const noRiseWithoutIntent: Law = {
  number: 2,
  says: "no weight rises above what is committed",
  watch: onOurWrites((facts, { before, after, committed, run }) => {
    const [was, is] = [splitIn(before, run), splitIn(after, run)];
    if (is.canary <= was.canary || run.outcome === "Succeeded") return undefined;
    const intent = facts.intents.get(stampFor(committed.metadata.uid, run));
    const allowed = intent ? pointsOfShare(intent.weight, is.total) : 0;
    return is.canary <= allowed ? undefined : `${run.to.version} rose from ${was.canary} to ${is.canary} points; committed were ${allowed}`;
  }),
};

/** How far a daemon had got when it wrote: which run, which intent, and whether the run had ended. */
type Progress = readonly [uid: string, run: number, epoch: number, ended: number];

export const staleWriterMovesNothing: Law = {
  number: 3,
  says: "a stale writer cannot move traffic: after a newer intent, or a run's end, was on the route, no older one gets there",
  watch(facts) {
    let newest: Progress | undefined;
    return onOurWrites((_, { version, committed, run }) => {
      const mine: Progress = [committed.metadata.uid!, run.number, run.epoch, run.outcome ? 1 : 0];
      const isStale = newest !== undefined && newest[0] === mine[0] && isBefore(mine, newest);
      if (isStale) return `${version.author} wrote from run ${mine.slice(1).join(".")} after ${newest!.slice(1).join(".")} had been written`;
      newest = mine;
      return undefined;
    })(facts);
  },
};

function isBefore(one: Progress, other: Progress): boolean {
  const differing = [1, 2, 3].find((index) => one[index] !== other[index]);
  return differing !== undefined && one[differing]! < other[differing]!;
}

export const ownNames: Law = {
  number: 9,
  says: "weights are written by field manager weir, whose time in managedFields is when a weight was set, and what an ended run writes beside them by weir-stamp",
  watch: onOurWrites((_, { version, before, after, run }) => {
    const moves = JSON.stringify(managedRoute(before)) !== JSON.stringify(managedRoute(after));
    // An intent may find its weight set already, and what mends a mangled route that nothing has to move.
    const isOwnName = moves ? version.manager === "weir" : version.manager === "weir-stamp" || !run.outcome || !isSound(before);
    return isOwnName ? undefined : `a write that ${moves ? "moves weights" : "moves none"} was made as ${version.manager}`;
  }),
};

export const shapeRestored: Law = {
  number: 4,
  says: "the route ends in the shape it had, and our stamp goes with the run's last write",
  watch(facts) {
    let begun: { readonly key: string; readonly shapes: ReadonlySet<string> } | undefined;
    return {
      onRollout({ object, previous, atMs }) {
        const run = runOf(object);
        if (run && (runOf(previous)?.number !== run.number || previous?.metadata.uid !== object.metadata.uid)) begun = { key: `${object.metadata.uid}/${run.number}`, shapes: shapesSince(facts, atMs - OLDEST_VIEW_MS) };
        return undefined;
      },
      onRoute(version) {
        if (!isDaemon(facts, version.author)) begun = undefined; // a hand has changed what the shape is
        const committed = committedBy(facts, version.author);
        const run = runOf(committed);
        if (!begun || !run?.outcome || begun.key !== `${committed!.metadata.uid}/${run.number}` || stampOf(version.object)) return undefined;
        const shape = shapeOf(version.object);
        return begun.shapes.has(shape) ? undefined : `the route began with ${[...begun.shapes].join(" or ")} and was left with ${shape}`;
      },
    };
  },
};

/** A cache that lags may have shown the route as it was before. */
function shapesSince({ routes }: Facts, sinceMs: number): ReadonlySet<string> {
  return new Set(routes.filter((_, index) => (routes[index + 1]?.atMs ?? Infinity) > sinceMs).map(({ object }) => shapeOf(object)));
}

function shapeOf(route: KubernetesObject): string {
  const destinations = destinationsOf(route);
  return `${destinations.length} destinations${destinations.some(({ weight }) => weight === undefined) ? " without weight" : ""}`;
}
