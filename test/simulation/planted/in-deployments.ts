/** Bugs in the delivery of a Deployment: what is done to it, to its canary and to the rule, too early or too late. */
import type { DeploymentSeen, Observation } from "../../../src/rollout/observation.ts";
import { effectsOf, type Effect } from "../../../src/rollout/effects.ts";
import type { RolloutStatus, Run } from "../../../src/rollout/status.ts";
import type { DeploymentChange } from "../../../src/rollout/upkeep.ts";
import { inSteps } from "../world/tampering.ts";
import type { PlantedBug } from "./planted-bug.ts";

export const DEPLOYMENT_BUGS = {
  canaryBeforeTheSplit: {
    does: "makes the canary before the route is split",
    breaks: "canaryIsApart",
    caughtAt: 5,
    plant: () => owingMore(({ run, deployment }) => (run.step < 0 && deployment.canaries.length === 0 && deployment.template.version === run.to.version ? [change({ kind: "makeCanary", deployment, version: run.to.version, replicas: 1 })] : [])),
  },
  canaryGoesFirst: {
    does: "takes the canary away before its traffic",
    breaks: "vacantSideGetsNothing",
    caughtAt: 10,
    plant: () => inSteps({ effectsOf: (rollout, status, seen, decision) => [...ofEnded(status, seen), ...effectsOf(rollout, status, seen, decision)] }),
  },
  letsGoTooSoon: {
    does: "lets the Deployment roll before its ladder has passed",
    breaks: "unprovenIsHeld",
    caughtAt: 5,
    plant: () => owingMore(({ run, deployment }) => (run.step >= 0 && run.rollingSince === undefined && deployment.isPaused ? [change({ kind: "letGo", deployment })] : [])),
  },
  ruleGoesWithTheCanary: {
    does: "takes the rule away with the canary, while the route leads to its subsets",
    breaks: "vacantSideGetsNothing",
    caughtAt: 10,
    plant: () => inSteps({ effectsOf: (...asked) => effectsOf(...asked).flatMap((effect) => (isRemoval(effect) && asked[2].sides ? [effect, { kind: "writeSides" as const, seen: asked[2].sides, wanted: null }] : [effect])) }),
  },
  stableIsToldTooSoon: {
    does: "points the side of stable at the new pods before there are any",
    breaks: "vacantSideGetsNothing",
    caughtAt: 5,
    plant: () => inSteps({ effectsOf: (rollout, status, seen, decision) => effectsOf(rollout, status, seen, decision).map((effect) => (effect.kind === "writeSides" && effect.wanted?.canary !== undefined ? { ...effect, wanted: { ...effect.wanted, stable: effect.wanted.canary } } : effect)) }),
  },
} as const satisfies Readonly<Record<string, PlantedBug>>;

interface Going {
  readonly run: Run;
  readonly deployment: DeploymentSeen;
}

/** More than is owed to a run that goes on. */
function owingMore(more: (going: Going) => readonly Effect[]) {
  return inSteps({
    effectsOf(rollout, status, seen, decision) {
      const { run } = status;
      const isGoing = run !== undefined && !run.outcome && seen.deployment?.kind === "found";
      return [...(isGoing ? more({ run, deployment: seen.deployment }) : []), ...effectsOf(rollout, status, seen, decision)];
    },
  });
}

function change(made: DeploymentChange): Effect {
  return { kind: "changeDeployment", change: made };
}

function ofEnded({ run }: RolloutStatus, { deployment }: Observation): readonly Effect[] {
  return run?.outcome === undefined ? [] : (deployment?.canaries ?? []).map((canary) => change({ kind: "removeCanary", canary }));
}

function isRemoval(effect: Effect): boolean {
  return effect.kind === "changeDeployment" && effect.change.kind === "removeCanary";
}
