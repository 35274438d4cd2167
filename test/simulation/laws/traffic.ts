/** Laws of route writes: which weights, from which intent, and that nothing else is touched. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { isPickedOut } from "../../../src/rollout/ladder.ts";
import { EPOCH_ANNOTATION } from "../../../src/rollout/rollout.ts";
import { CANARY_SIDE } from "../../../src/rollout/deployment.ts";
import type { RolloutStatus, Run } from "../../../src/rollout/status.ts";
import type { ObjectVersion } from "../world/api-server.ts";
import { committedBy, isDaemon, OLDEST_VIEW_MS, pointsOfShare, runOf, specOf, splitIn, stampFor, stampOf, statusOf, type Facts } from "../world/facts.ts";
import { EDGE, NAME } from "../world/names.ts";
import { destinationsOf, isSound, managedRoute, matchedTo, mirroredTo, ownRoute, pointsByVersion, sessionRoutes, type Destination, type Route } from "../world/route-points.ts";
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

type Look = (facts: Facts, write: OurWrite) => string | undefined;

/** Looks at Weir's own route writes alone. */
function onOurWrites(look: Look): (facts: Facts) => Pick<Watch, "onRoute"> {
  return (facts) => ({ onRoute: (version) => lookAtOurs(facts, version, look) });
}

/** Also at those of a VirtualService that moves along. */
function onAllOurWrites(look: Look): (facts: Facts) => Pick<Watch, "onRoute" | "onEdge"> {
  return (facts) => {
    const watch = (version: ObjectVersion): string | undefined => lookAtOurs(facts, version, look);
    return { onRoute: watch, onEdge: watch };
  };
}

function lookAtOurs(facts: Facts, version: ObjectVersion, look: Look): string | undefined {
  if (!isDaemon(facts, version.author) || version.type !== "modified") return undefined;
  const committed = committedBy(facts, version.author);
  const run = runOf(committed);
  if (!committed || !run) return `${version.author} wrote the route and has committed no run`;
  return look(facts, { version, before: version.previous!, after: version.object, committed, status: statusOf(committed)!, run });
}

export const wholeWeights: Law = {
  number: 4,
  says: "weights of one route are whole numbers and keep their sum of 100",
  watch: onAllOurWrites((_, { after }) => {
    const points = Object.values(pointsByVersion(after));
    if (points.some((each) => !Number.isInteger(each) || each < 0)) return `weights ${points.join(", ")} were written`;
    const sum = points.reduce((total, each) => total + each, 0);
    return sum === 100 ? undefined : `weights that add up to ${sum} were written`;
  }),
};

export const othersUntouched: Law = {
  of: "versions",
  number: 4,
  says: "destinations, routes, fields and order that are not ours stay byte for byte what they were",
  watch: onAllOurWrites((_, { before, after, run, status }) => {
    const ours = new Set([run.from.version, run.to.version, status.stable?.version, status.refused?.version]);
    const [was, is] = [foreignPart(before, ours), foreignPart(after, ours)];
    if (was !== is) return `what is not ours was ${was} and became ${is}`;
    return strangeAddition(before, after);
  }),
};

/** Everything but our destinations, whose weights change and which come and go, and our stamp. */
function foreignPart({ metadata, spec }: KubernetesObject, ours: ReadonlySet<string | undefined>): string {
  const { http, ...rest } = spec as { readonly http: readonly Route[] };
  const routes = http.flatMap((route, index) => (isOwn(route) ? [] : index === http.length - 1 ? foreignIn(route, ours) : route));
  const { [EPOCH_ANNOTATION]: _, ...annotations } = metadata.annotations ?? {};
  return JSON.stringify([rest, routes, annotations]);
}

/** Of the managed route: without our destinations, and without a mirror to one of ours. */
function foreignIn({ mirror, mirrorPercentage, route, ...rest }: Route, ours: ReadonlySet<string | undefined>): object {
  const isOurs = mirror === undefined || ours.has(mirror.subset);
  return { ...rest, ...(isOurs ? {} : { mirror, mirrorPercentage }), route: route?.filter(({ destination }) => !ours.has(destination.subset)) };
}

function isOwn({ name = "" }: { readonly name?: string }): boolean {
  return name.startsWith("weir-match.") || name.startsWith("weir-session.");
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
        for (const step of run?.ladder ?? []) if (!("pause" in step)) added(ladders, keyOf(object, run!), step.weight ?? 0);
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
      const areTwo = errand === "finalizer" ? facts.scene.deployment : facts.scene.edge;
      const atOnce = areTwo ? 2 : 1;
      if (!commits || done > atOnce * commits.rollouts.length) return `${author} sent a ${errand} request without a status write of its own before it`;
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
  watch: onAllOurWrites((facts, { before, after, committed, run }) => {
    const [was, is] = [splitIn(before, run), splitIn(after, run)];
    if (is.canary <= was.canary || run.outcome === "Succeeded") return undefined;
    const intent = facts.intents.get(stampFor(committed.metadata.uid, run));
    const allowed = intent ? pointsOfShare(intent.weight, is.total) : 0;
    return is.canary <= allowed ? undefined : `${run.to.version} rose from ${was.canary} to ${is.canary} points; committed were ${allowed}`;
  }),
};

export const matchIsCommitted: Law = {
  number: 2,
  says: "requests are picked out only for the newest version, only while the intent on the route asks for it, and what a hand makes of it is put right or asked about",
  watch(facts) {
    let strangeSinceMs: number | undefined;
    const written = onOurWrites((_, { after, committed, run }) => {
      const matched = matchedTo(after);
      const intent = stampOf(after) === undefined ? undefined : facts.intents.get(stampOf(after)!);
      if (matched !== undefined && matched !== (run.deployment === undefined ? run.to.version : CANARY_SIDE)) return `requests were picked out for ${matched}, and the run is about ${run.to.version}`;
      if (matched !== undefined && !intent?.isMatched) return `requests were picked out for ${matched}, and no intent of the run asks for it`;
      return matched === undefined && intent?.isMatched && !run.outcome && stampOf(after) === stampFor(committed.metadata.uid, run) ? "an intent to pick requests out was written without doing so" : undefined;
    })(facts);
    return {
      ...written,
      onTime() {
        const strange = strangeMatch(facts);
        if (!strange) return void (strangeSinceMs = undefined);
        strangeSinceMs ??= facts.clock.nowMs;
        const strangeMs = Math.min(facts.clock.nowMs - strangeSinceMs, facts.truth.wellForMs());
        return strangeMs > MATCH_MENDED_WITHIN_MS ? `${strange} for ${strangeMs} ms` : undefined;
      },
    };
  },
};

export const mirrorIsCommitted: Law = {
  number: 2,
  says: "requests are copied only to the newest version, as many as the intent on the route asks for, and to no version whose run is over",
  watch: onOurWrites((facts, { after, committed, run }) => {
    const mirrored = mirroredTo(after);
    if (mirrored === undefined || mirrored.version === "v1") { // a hand's
      const isMissing = !run.outcome && (run.mirrored ?? 0) > 0 && stampOf(after) === stampFor(committed.metadata.uid, run);
      return isMissing ? "an intent to copy requests was written without doing so" : undefined;
    }
    if (mirrored.version !== (run.deployment === undefined ? run.to.version : CANARY_SIDE)) return `requests were copied to ${mirrored.version}, and the run is about ${run.to.version}`;
    const intent = facts.intents.get(stampOf(after) ?? "");
    return mirrored.percent === (intent?.mirrored ?? 0) ? undefined : `${mirrored.percent}% of the requests were copied, and the intent asks for ${intent?.mirrored ?? 0}%`;
  }),
};

export const sessionsAreCommitted: Law = {
  number: 2,
  says: "users stay with stable or the newest version alone, drawn by the weight of the route itself, while an intent on the route asks for it, and with nobody once it is over",
  watch: onOurWrites((_, { after, committed, run }) => {
    const routes = sessionRoutes(after);
    const isWanted = !run.outcome && run.sessions !== undefined && stampOf(after) === stampFor(committed.metadata.uid, run);
    if (routes.length === 0) return isWanted && isSound(after) && hasBothAlone(after, run) ? "an intent to keep users was written without doing so" : undefined;
    if (run.outcome && stampOf(after) === undefined) return "users were still kept by the write of a run that is over"; // an intent's own write may have been under way
    const strange = routes.flatMap(({ route = [] }) => route).find(({ destination: { subset } }) => subset !== run.from.version && subset !== run.to.version);
    if (strange) return `users were kept with ${strange.destination.subset}`;
    const drawn = routes.at(-1)?.route?.find(({ destination }) => destination.subset === run.to.version)?.weight;
    const { canary } = splitIn(after, run);
    return drawn === canary ? undefined : `users draw with ${drawn}, and the route gives ${canary}`;
  }),
};

function hasBothAlone(route: KubernetesObject, run: Run): boolean {
  const versions = Object.keys(pointsByVersion(route));
  return versions.length === 2 && versions.every((version) => version === run.from.version || version === run.to.version);
}

/** A fight is repaired at most every 30 s. */
const MATCH_MENDED_WITHIN_MS = 30_000 + 20_000;

/** What the route has otherwise than the run that goes on wants it. */
function strangeMatch({ server, truth }: Facts): string | undefined {
  const rollout = server.get("rollouts", "reviews");
  const route = server.get("virtualServices", "reviews");
  const run = runOf(rollout);
  const spec = rollout && specOf(rollout);
  if (!rollout || !route || !run || !spec || run.outcome || spec.suspend || !truth.isRouteSound() || rollout.metadata.deletionTimestamp || stampOf(route) !== stampFor(rollout.metadata.uid, run)) return undefined;
  const isThere = matchedTo(route) !== undefined;
  if (isThere !== isPickedOut(run)) return isThere ? "requests are picked out that no intent asks for" : "requests should be picked out and are not";
  const isOthers = JSON.stringify(ownRoute(route)?.match ?? null).includes("user-agent");
  return isOthers ? "a hand has others picked out" : undefined;
}

/** How far a daemon had got when it wrote: which run, which intent, and whether the run had ended. */
type Progress = readonly [uid: string, run: number, epoch: number, ended: number];

export const staleWriterMovesNothing: Law = {
  number: 3,
  says: "a stale writer cannot move traffic: after a newer intent, or a run's end, was on the route, no older one gets there",
  watch(facts) {
    const written = new Map<string, Progress>();
    return onAllOurWrites((_, { version, committed, run }) => {
      const { name } = version.object.metadata;
      const newest = written.get(name);
      const mine: Progress = [committed.metadata.uid!, run.number, run.epoch, run.outcome ? 1 : 0];
      const isStale = newest !== undefined && newest[0] === mine[0] && isBefore(mine, newest);
      if (isStale) return `${version.author} wrote ${name} from run ${mine.slice(1).join(".")} after ${newest.slice(1).join(".")} had been written`;
      written.set(name, mine);
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
  watch: onAllOurWrites((_, { version, before, after, run }) => {
    const moves = JSON.stringify([managedRoute(before), ownRoute(before), sessionRoutes(before)]) !== JSON.stringify([managedRoute(after), ownRoute(after), sessionRoutes(after)]);
    // An intent may find its weight set already, and what mends a mangled route that nothing has to move.
    const isOwnName = moves ? version.manager === "weir" : version.manager === "weir-stamp" || !run.outcome || !isSound(before);
    return isOwnName ? undefined : `a write that ${moves ? "moves weights" : "moves none"} was made as ${version.manager}`;
  }),
};

export const shapeRestored: Law = {
  of: "versions",
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

export const edgeMovesAlong: Law = {
  number: 4,
  says: "a VirtualService that moves along is given the same shares: what the intent says that it bears, or what the run's end leaves; and it comes to rest as the other one does",
  watch: (facts) => ({
    onEdge: (version) => lookAtOurs(facts, version, (_, { before, after, committed, run }) => {
      const { canary, total } = splitIn(after, run);
      if (canary === splitIn(before, run).canary) return undefined; // what a hand has left is left, and only the stamp goes
      const intent = facts.intents.get(stampOf(after) ?? "");
      const atEnd = run.outcome === "Succeeded" ? total : 0;
      const ofIntent = intent && (facts.scene.edge === "follows" ? followersPoints(intent.weight, total) : pointsOfShare(intent.weight, total));
      const wanted = ofIntent !== undefined && !run.outcome ? ofIntent : atEnd;
      const isWithdrawn = canary === wanted || canary === ofIntent; // by a daemon that committed the end and had the intent on its lips
      return isWithdrawn ? undefined : `${version.object.metadata.name} was given ${canary} of ${total} points for ${run.to.version}, and ${wanted} were wanted (${committed.metadata.name})`;
    }),
    onEnd: () => leftOnEdge(facts),
  }),
};

/** Its weights move when all of its callers are new ones. */
function followersPoints(weight: number, total: number): number {
  return weight === 100 ? total : 0;
}

export const newCallsNew: Law = {
  number: 4,
  says: "whoever calls one that follows finds the version that was made with theirs: its route takes the calls of the newest version's pods, and no others, before those have a share; and it is gone with the run",
  watch(facts) {
    if (facts.scene.edge !== "follows") return {};
    let isHands = false; // what a hand has made of it since is the hand's, and a daemon may not have heard of it
    return {
      onEdge(version) {
        isHands = !isDaemon(facts, version.author);
        return lookAtOurs(facts, version, wrongCalls);
      },
      onRoute: (version) => (isHands ? undefined : lookAtOurs(facts, version, uncalled)),
      onEnd: () => (ownRoute(facts.server.get("virtualServices", EDGE) ?? NO_ROUTE) ? `our route is still on ${EDGE}` : undefined),
    };
  },
};

const NO_ROUTE: KubernetesObject = { metadata: { name: EDGE } };

const wrongCalls: Look = (facts, { after, committed, run }) => {
  const own = ownRoute(after);
  const intent = facts.intents.get(stampOf(after) ?? "");
  if (own && !intent) return `our route on ${EDGE} was written without an intent`;
  const isNeeded = intent !== undefined && intent.weight > 0 && !run.outcome && stampOf(after) === stampFor(committed.metadata.uid, run);
  if (!own) return isNeeded ? `calls of ${run.to.version} are not led to ${run.to.version} of ${EDGE}, and the intent gives it ${intent.weight}%` : undefined;
  const [match, destination] = [JSON.stringify(own.match), own.route?.[0]?.destination.subset];
  const isTheirs = match === JSON.stringify([{ sourceLabels: { app: NAME, version: destination } }]);
  return isTheirs && destination === run.to.version ? undefined : `calls that match ${match} were led to ${destination} of ${EDGE}, and the run is about ${run.to.version}`;
};

const uncalled: Look = (facts, { before, after, run }) => {
  const edge = facts.server.get("virtualServices", EDGE);
  const isRaise = !run.outcome && splitIn(after, run).canary > splitIn(before, run).canary;
  return isRaise && edge !== undefined && stampOf(edge) !== stampOf(after) ? `${run.to.version} was given more before ${EDGE} bore the intent` : undefined;
};

function leftOnEdge({ server, scene }: Facts): string | undefined {
  const [route, edge] = [server.get("virtualServices", NAME), server.get("virtualServices", EDGE)];
  if (!scene.edge || !route || !edge) return undefined;
  if (stampOf(edge)) return `our stamp is still on ${EDGE}: ${stampOf(edge)}`;
  const [shares, along] = [route, edge].map((object) => JSON.stringify(Object.entries(pointsByVersion(object)).filter(([, points]) => points > 0).sort()));
  return shares === along ? undefined : `${NAME} was left with ${shares} and ${EDGE} with ${along}`;
}
