/** A random delivery of a Deployment for a seed. */
import { createDice, type Dice } from "./dice.ts";
import type { DaemonScene, Deed, DeploymentScene, History, Scene } from "./history.ts";
import type { Errand, Mishap } from "./network.ts";
import { WATCHED } from "./api-server.ts";

/** Of so many histories one is a delivery. */
const DELIVERY_EVERY = 5;

export function isDelivery(seed: number): boolean {
  return seed % DELIVERY_EVERY === 0;
}

/** Of thirteen histories two begin with copies of requests. */
export function isMirroring(seed: number): boolean {
  return [9, 11].includes(seed % 13);
}

type Steps = NonNullable<NonNullable<Scene["spec"]["strategy"]>["steps"]>;

export function mirrorSteps(dice: Dice, hold: string): Steps {
  return dice.pick([
    [{ mirror: 20, hold }],
    [{ mirror: 100, hold }],
    [{ mirror: 10, hold }, { mirror: 60, hold }],
    [{ mirror: 20, hold }, { pause: { duration: "15s" } }],
    [{ mirror: 20, hold }, { match: [{ headers: [{ name: "x-tester", exact: "true" }] }], hold }, { mirror: 30, hold }],
  ]);
}

/** Of so many histories one previews the new version, at the host that the route has, or keeps the old one at the end. */
const SWITCHING_EVERY = 8;
const SWITCHING_AT = 6;

export function isSwitching(seed: number): boolean {
  return seed % SWITCHING_EVERY === SWITCHING_AT;
}

/** The steps, with what may come before and after them. */
export function switchingSteps(dice: Dice, hold: string, steps: Steps): Steps {
  const before = dice.pick<Steps>([
    [{ preview: "reviews", hold }],
    [{ pause: { duration: "15s" }, preview: "reviews" }],
    [{ pause: { duration: "15s" } }],
    [],
  ]);
  return [...before, ...steps.slice(0, -1), { ...steps.at(-1)!, ...(dice.chance(0.7) ? { keepOld: dice.pick(["5s", "30s"]) } : {}) }];
}

type Undated<D> = D extends unknown ? Omit<D, "atMs"> : never;
type UndatedDeed = Undated<Deed>;

const SPELLS_MS = [300, 2_000, 8_000, 35_000, 70_000];

export function anyDelivery(seed: number): History {
  const dice = createDice(seed, "delivery");
  const scene = anyScene(seed, dice);
  const spanMs = dice.pick([40_000, 90_000, 180_000]);
  const count = dice.chance(0.08) ? 0 : dice.between(1, 9);
  const first: Deed = { atMs: dice.between(0, 8_000), does: "template", version: "v3", by: "kubectl-set" };
  const others = Array.from({ length: count }, (_, index): Deed => ({ atMs: dice.between(0, spanMs), ...anyDeed(dice, scene, index) }));
  return { scene, deeds: [first, ...others].sort((one, other) => one.atMs - other.atMs) };
}

function anyScene(seed: number, dice: Dice): Scene {
  const tempo = dice.pick([{ interval: "4s", minVerdicts: 2, hold: "15s" }, { interval: "5s", minVerdicts: 1, hold: "15s" }]);
  const { interval, minVerdicts, hold } = tempo;
  const weights = dice.pick([[10, 50, 100], [50, 100], [25, 100], [100]]);
  const climb: Steps = weights.map((weight) => ({ weight, hold }));
  const climbing = isSwitching(seed) && !isMirroring(seed) ? switchingSteps(createDice(seed, "switching"), hold, climb) : climb;
  const steps = [...(isMirroring(seed) ? mirrorSteps(createDice(seed, "mirroring"), hold) : []), ...(dice.chance(0.15) ? [{ match: [{ headers: [{ name: "x-tester", exact: "true" }] }], hold }] : []), ...climbing];
  const unready = dice.chance(0.15) ? dice.pick([["v3"], ["v4"]]) : [];
  return {
    seed,
    split: {},
    deployment: anyDeployment(dice),
    ...(unready.length > 0 ? { unready } : {}),
    spec: {
      deployment: { name: "reviews", ...(dice.chance(0.2) ? { maxCanaryReplicas: dice.between(1, 3) } : {}), ...(dice.chance(0.2) ? { onRollback: "revert" as const } : {}) },
      traffic: { istio: { virtualServices: [{ name: "reviews" }] } },
      strategy: { propagation: "2s", steps, progressDeadline: dice.pick(["40s", "90s"]), ...(dice.chance(0.2) ? { rollbackWindow: 0 } : {}) },
      analysis: { interval, minVerdicts, minRequests: 1, metrics: dice.chance(0.8) ? [{ name: "errors", errorRate: { max: "1%" }, failures: 1 }] : [], holdLimit: { after: "30s", then: dice.pick(["pause", "rollback"]) } },
    },
    daemons: anyDaemons(dice),
    mostTravelMs: dice.pick([5, 30, 400]),
    mostLagMs: dice.pick([5, 100, 1_500]),
    mostPropagationMs: 1_200, // what the spec says of it leaves room for clocks that are ahead
    scrapeMs: dice.pick([1_000, 3_000]),
    requestsPerSecond: dice.pick([40, 100]),
    restMs: 20_000,
  };
}

function anyDeployment(dice: Dice): DeploymentScene {
  return {
    isGuarded: dice.chance(0.5),
    replicas: dice.between(1, 4),
    progressDeadlineSeconds: dice.pick([60, 600]),
    mostControllerMs: dice.pick([20, 400]),
    mostStartMs: dice.pick([500, 6_000]),
    mostStopMs: dice.pick([300, 5_000]),
  };
}

function anyDaemons(dice: Dice): readonly DaemonScene[] {
  const skewMs = (): number => dice.pick([0, 0, -300, 700]);
  const two: readonly DaemonScene[] = [{ name: "weir-a", skewMs: skewMs() }, { name: "weir-b", skewMs: skewMs() }];
  return dice.chance(0.15) ? two.slice(0, 1) : two;
}

/** `index` makes ids of commands unique within the history. */
function anyDeed(dice: Dice, scene: Scene, index: number): UndatedDeed {
  const draw = dice.next();
  if (draw < 0.24) return anyTrouble(dice, scene);
  if (draw < 0.44) return anyEdit(dice);
  if (draw < 0.66) return anyCommand(dice, index);
  if (draw < 0.78) return anyHand(dice);
  if (draw < 0.88) return anyRemoval(dice);
  return anyWeather(dice);
}

const ERRANDS: readonly Errand[] = ["status", "route", "route", "sides", "sides", "deployment", "deployment", "deployment", "finalizer", "record"];

function anyTrouble(dice: Dice, { daemons }: Scene): UndatedDeed {
  const daemon = dice.pick(daemons).name;
  const forMs = dice.pick(SPELLS_MS);
  const draw = dice.next();
  if (draw < 0.55) return { does: "mishap", ...(dice.chance(0.5) ? { daemon } : {}), on: dice.pick(ERRANDS), skip: dice.pick([0, 0, 1, 2, 3]), mishap: anyMishap(dice) };
  if (draw < 0.67) return { does: "crash", daemon, forMs };
  if (draw < 0.77) return { does: "freeze", daemon, forMs };
  if (draw < 0.95) return { does: "stall", daemon, kind: dice.pick(WATCHED), forMs };
  return { does: "outage", forMs: dice.pick([300, 2_000, 8_000]) };
}

function anyMishap(dice: Dice): Mishap {
  const kind = dice.pick(["dieBefore", "dieAfter", "freezeBefore", "freezeBefore", "freezeAfter", "lost", "refused", "slow"] as const);
  if (kind === "lost" || kind === "refused") return { kind };
  return { kind, forMs: kind === "slow" ? dice.pick([300, 2_000, 8_000]) : dice.pick(SPELLS_MS) };
}

function anyEdit(dice: Dice): UndatedDeed {
  const draw = dice.next();
  if (draw < 0.7) return { does: "template", version: dice.pick(["v2", "v3", "v4"]), by: dice.pick(["kubectl-set", "argocd-controller"]) };
  if (draw < 0.9) return { does: "scale", replicas: dice.pick([0, 1, 2, 3, 5]) };
  return { does: "spec", change: { suspend: dice.chance(0.5) }, by: "kubectl" };
}

function anyCommand(dice: Dice, index: number): UndatedDeed {
  const verb = dice.pick(["abort", "abort", "promote", "promote", "pause", "resume", "undo", "undo", "retry"] as const);
  return { does: "command", verb, id: `c${index + 1}`, lateMs: dice.pick([0, 0, 500]), ...(verb === "promote" && dice.chance(0.5) ? { full: true } : {}) };
}

function anyHand(dice: Dice): UndatedDeed {
  const draw = dice.next();
  if (draw < 0.4) return { does: "hand", share: dice.pick([0, 5, 20, 40, 100]), by: dice.pick(["kubectl-edit", "argocd-controller"]) };
  if (draw < 0.7) return { does: "reapply", dropsStamp: dice.chance(0.5) };
  return { does: "unpause" };
}

function anyRemoval(dice: Dice): UndatedDeed {
  const kind = dice.pick(["rollouts", "rollouts", "sides", "canary", "deployments", "virtualServices"] as const);
  return { does: "remove", kind, forMs: dice.pick([2_000, 8_000, 35_000]), ...(kind === "rollouts" && dice.chance(0.3) ? { isForGood: true as const } : {}) };
}

function anyWeather(dice: Dice): UndatedDeed {
  const forMs = dice.pick(SPELLS_MS);
  const draw = dice.next();
  if (draw < 0.4) return { does: "bad", version: dice.pick(["v3", "v3", "v4", "v2"]), share: dice.pick([0, 0.05, 0.5, 1]) };
  if (draw < 0.65) return { does: "pods", version: dice.pick(["v2", "v3", "v3", "v4"]), ready: dice.pick([0, 0, 2]) };
  if (draw < 0.8) return { does: "prometheus", ailment: dice.pick(["error", "hang", "vanish", "blame"] as const), forMs };
  return { does: "redis", ailment: dice.pick(["away", "flush", "late", "double"] as const), forMs };
}
