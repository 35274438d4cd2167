/** Laws of a Deployment's delivery: what runs beside what, who gets requests meanwhile, and that nothing of ours is left. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { CANARY_SIDE, STABLE_SIDE } from "../../../src/rollout/deployment.ts";
import type { ObjectVersion } from "../world/api-server.ts";
import { canariesIn, DEPLOYMENT, endpointsIn, hasCanaryPods, isHeld, isPaused, SIDES, versionIn } from "../world/deployment.ts";
import { committedBy, isDaemon, runOf, stampOf, statusOf, type Facts } from "../world/facts.ts";
import { destinationsOf, isSplit, pointsByVersion } from "../world/route-points.ts";
import { subsetIn } from "../world/side-shares.ts";
import { theRoute } from "../world/world.ts";
import type { Law } from "./law.ts";

function isOfDeployment({ kind, object }: ObjectVersion): boolean {
  return kind === "deployments" && object.metadata.name === DEPLOYMENT;
}

export const unprovenIsHeld: Law = {
  number: 2,
  of: "deployments",
  says: "a template rolls in the user's Deployment only where it is the stable one, or every step of its run has passed (DESIGN §6.2)",
  watch: (facts) => ({
    onVersion(version) {
      const { object, previous, author, type } = version;
      if (!isOfDeployment(version) || !isDaemon(facts, author) || type !== "modified" || !previous || isPaused(object)) return undefined;
      if (!isPaused(previous) && versionIn(object) === versionIn(previous)) return undefined;
      const status = statusOf(committedBy(facts, author));
      const rolling = status?.run?.rollingSince !== undefined && !status.run.outcome ? status.run.to.version : undefined;
      const isAllowed = [status?.stable?.version, rolling].includes(versionIn(object));
      return isAllowed ? undefined : `${author} let ${versionIn(object)} roll, and stable is ${status?.stable?.version ?? "nothing"}`;
    },
  }),
};

export const templateIsMeant: Law = {
  number: 12,
  of: "deployments",
  says: "a run ends for another template only where the Deployment has had that one since the run's own was seen in it",
  watch: (facts) => {
    const templates: { readonly at: number; readonly version: string }[] = [];
    return {
      onVersion(version) {
        const { object, type } = version;
        if (isOfDeployment(version) && type !== "deleted") templates.push({ at: Number(object.metadata.resourceVersion), version: versionIn(object) });
        return undefined;
      },
      onRollout({ object, previous, author }) {
        const [before, after] = [runOf(previous), runOf(object)];
        if (!isDaemon(facts, author) || !after?.outcome || before?.outcome || after.templateAt === undefined) return undefined;
        const held = /^the Deployment holds the template of (\S+)/.exec(after.reason ?? "")?.[1];
        const isMeant = held === undefined || templates.some(({ at, version }) => version === held && at > Number(after.templateAt));
        return isMeant ? undefined : `run ${after.number} ended because ${after.reason}, and it has not held that one since`;
      },
    };
  },
};

export const canaryIsApart: Law = {
  number: 10,
  of: "deployments",
  says: "while a canary has pods the route does not lead to all pods, but for a hand that the daemons cannot have seen yet",
  watch: (facts) => ({
    onVersion({ kind }) {
      if ((kind !== "virtualServices" && kind !== "pods") || facts.truth.isDisturbed()) return undefined;
      const route = facts.server.get("virtualServices", "reviews");
      return route && !isSplit(route) && hasCanaryPods(facts.server) ? "the route leads to all pods, and a canary has some" : undefined;
    },
  }),
};

export const vacantSideGetsNothing: Law = {
  number: 10,
  of: "deployments",
  says: "no side gets weight that is not defined, or has no pods, while the other one could answer",
  watch: (facts) => ({
    onVersion({ kind }) {
      if (!["virtualServices", "pods", "destinationRules"].includes(kind) || facts.truth.isDisturbed()) return undefined;
      const route = facts.server.get("virtualServices", "reviews");
      return route && vacantIn(facts, route);
    },
  }),
};

function vacantIn({ server }: Facts, route: KubernetesObject): string | undefined {
  const points = pointsByVersion(route);
  const rule = server.get("destinationRules", SIDES);
  const endpoints = endpointsIn(server);
  const isVacant = (side: string): boolean => {
    const labels = subsetIn(rule, side);
    return !labels || !endpoints.some((each) => Object.entries(labels).every(([key, value]) => each.labels[key] === value));
  };
  const used = [STABLE_SIDE, CANARY_SIDE].filter((side) => (points[side] ?? 0) > 0);
  const vacant = used.find(isVacant);
  return vacant && endpoints.length > 0 ? `${vacant} has ${points[vacant]} points and ${subsetIn(rule, vacant) ? "no pod" : "is not defined"}` : undefined;
}

export const noRequestIsLost: Law = {
  number: 10,
  of: "deployments",
  says: "no request is led to nobody, as the proxies have route and rule",
  watch: (facts) => growing(facts, () => facts.truth.strayed().lost, "requests were led to nobody"),
};

export const canaryGetsNoMore: Law = {
  number: 10,
  of: "deployments",
  says: "no request reaches a canary that was not meant for it, as the proxies have route and rule",
  watch: (facts) => growing(facts, () => facts.truth.strayed().astray, "requests reached a canary by the route to all pods"),
};

function growing(facts: Facts, count: () => number, what: string) {
  let before = 0;
  return {
    onTime(): string | undefined {
      const more = count() - before;
      before += more;
      return more > 0 && !facts.truth.isDisturbed() ? `${more} ${what}` : undefined;
    },
  };
}

export const nothingIsLeft: Law = {
  number: 1,
  of: "deployments",
  says: "in the end nothing of ours is left: no canary, no rule, no stamp, and the route is byte for byte its owner's",
  watch: (facts) => ({
    onEnd() {
      const { server, scene } = facts;
      const [canary] = canariesIn(server);
      if (canary) return `the canary ${canary.metadata.name} is still there`;
      if (server.get("destinationRules", SIDES)) return "our rule is still there";
      const route = server.get("virtualServices", "reviews");
      if (!route) return undefined;
      if (stampOf(route)) return `our stamp is still there: ${stampOf(route)}`;
      const [was, is] = [destinationsOf(theRoute(scene)), destinationsOf(route)].map((each) => JSON.stringify(each));
      return was === is ? undefined : `the route had ${was} and was left with ${is}`;
    },
  }),
};

export const deploymentIsLeftRight: Law = {
  number: 1,
  of: "deployments",
  says: "in the end the Deployment holds the stable template and rolls freely (held where the API server holds nothing, paused where its owner had paused it before there was a Rollout), or waits with another one, and status says so",
  watch: (facts) => {
    let isOwnersPause = false;
    return {
      onVersion(version) {
        const deployment = facts.server.get("deployments", DEPLOYMENT);
        const isFree = deployment !== undefined && isPaused(deployment) && !isHeld(deployment);
        if (version.kind === "rollouts" && version.type === "added") isOwnersPause = isFree;
        if (isOfDeployment(version)) isOwnersPause &&= isFree;
        return undefined;
      },
      onEnd() {
        const deployment = facts.server.get("deployments", DEPLOYMENT);
        const rollout = facts.server.get("rollouts", "reviews");
        const status = statusOf(rollout);
        const stable = status?.stable?.version;
        if (!deployment || !rollout || stable === undefined) return undefined;
        const isStable = versionIn(deployment) === stable;
        const isRight = isStable ? isOwnersPause || isAtRest(facts, deployment) : isPaused(deployment) && isHeld(deployment) && status!.message.includes("which waits");
        return isRight ? undefined : `${versionIn(deployment)} is ${isPaused(deployment) ? "paused" : "not paused"}, ${isHeld(deployment) ? "held" : "not held"}, and ${stable} is stable; status says ${status!.message}`;
      },
    };
  },
};

function isAtRest({ scene }: Facts, deployment: KubernetesObject): boolean {
  return isPaused(deployment) !== scene.deployment!.isGuarded && isPaused(deployment) === isHeld(deployment);
}

/** The slowest pod, and a route and rule that come into force one after the other. */
const GONE_WITHIN_MS = 120_000;
const EDIT_SEEN_WITHIN_MS = 10_000;

export const deletedIsGone: Law = {
  number: 2,
  of: "deployments",
  says: "a deleted Rollout is gone once traffic is back and nothing of ours is left",
  watch(facts) {
    let editedAtMs = -Infinity;
    return {
      onTime() {
        const since = facts.server.get("rollouts", "reviews")?.metadata.deletionTimestamp;
        if (since === undefined || facts.truth.isDisturbed() || !facts.server.get("deployments", DEPLOYMENT) || facts.truth.isAnythingWrong()) return undefined;
        const goingMs = Math.min(facts.clock.nowMs - Date.parse(since), facts.truth.controlForMs());
        return goingMs > GONE_WITHIN_MS ? `the Rollout has been going for ${goingMs} ms` : undefined;
      },
      onEnd: () => (facts.server.get("rollouts", "reviews")?.metadata.deletionTimestamp ? "the Rollout is still being deleted" : undefined),
      onVersion(version) {
        const { kind, type, object, author, atMs } = version;
        if (isOfDeployment(version) && !isDaemon(facts, author) && author !== "kube-controller-manager") editedAtMs = atMs;
        if (kind !== "rollouts" || type !== "deleted" || facts.truth.isDisturbed()) return undefined;
        if (facts.server.get("destinationRules", SIDES)) return "the Rollout went, and left our rule";
        if (canariesIn(facts.server).length > 0) return "the Rollout went, and left a canary";
        return Math.min(atMs - editedAtMs, facts.truth.controlForMs()) > EDIT_SEEN_WITHIN_MS ? leftWrong(facts, object) : undefined;
      },
    };
  },
};

/** Paused unless it holds what its Rollout knew to be stable. */
function leftWrong({ server }: Facts, rollout: KubernetesObject): string | undefined {
  const deployment = server.get("deployments", DEPLOYMENT);
  const stable = statusOf(rollout)?.stable?.version;
  if (!deployment || stable === undefined) return undefined;
  if (isHeld(deployment)) return "the Rollout went, and left its hold on the Deployment";
  return isPaused(deployment) === (versionIn(deployment) !== stable) ? undefined : `the Rollout went, and left ${versionIn(deployment)} ${isPaused(deployment) ? "paused" : "not paused"}; ${stable} was stable`;
}

const SPINNING_MS = 10_000;
const MOST_TICKS = 200;

export const noTickSpins: Law = {
  number: 11,
  says: "nobody looks at a Rollout over and over without a reason",
  watch: (facts) => ({
    onTime() {
      for (const [author, ticks] of facts.ticks) {
        const many = ticks.filter((atMs) => atMs > facts.clock.nowMs - SPINNING_MS).length;
        if (many > MOST_TICKS) return `${author} looked ${many} times within ${SPINNING_MS} ms`;
      }
      return undefined;
    },
  }),
};
