/** What is owed to a Deployment, its canary and the rule that tells them apart, and when. */
import { describe, expect, test } from "vitest";
import { decide } from "../../../src/rollout/decide.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import type { Observation, SidesSeen } from "../../../src/rollout/observation.ts";
import { caseOf } from "../../../src/rollout/read-case.ts";
import { lastWrites } from "../../../src/rollout/route-write.ts";
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import { canarySize, type Upkeep, upkeepOf } from "../../../src/rollout/upkeep.ts";
import { aCanary, aDeployment, aHeldRun, anObservation, aRollout, aRun, aStatus, at, type ObservationChange, v2, v3 } from "../../support/rollouts.ts";

const HELD = { release: undefined, deployment: { name: "reviews" } };
const SIDES: SidesSeen = { uid: "uid-61", resourceVersion: "61", stable: "hash-v2", canary: "hash-v3", mark: "uid-1/1", definedAtMs: 1 };
const before = { isSplit: undefined, step: -1, weight: 0, points: 0, peak: 0, epoch: 0, checks: [], inForceAt: undefined };
const opened = { ...before, isSplit: true, epoch: 1, inForceAt: at(5) };
const ended = { outcome: "RolledBack", weight: 0, points: 0, endedAt: at(20), endedFrom: "40", reason: "it hurt" } as const;
const plain: ObservationChange = { split: { v2: null }, stamp: null, route: { isSplit: false } };
const resting = { canaries: [], canaryPods: 0 };
const proven = { ...resting, template: v2, serving: v2, rolledPods: 4, otherPods: 0, isRolled: true };
const free = { isPaused: false, isHeld: false };

interface Row {
  readonly when: string;
  readonly run?: Parameters<typeof aHeldRun>[0] | null;
  readonly status?: Partial<RolloutStatus>;
  readonly deployment?: Parameters<typeof aDeployment>[0];
  readonly seen?: ObservationChange;
  readonly sides?: SidesSeen | null;
  readonly deleted?: boolean;
  readonly finalizers?: readonly string[];
  readonly owed: readonly string[];
}

/** Four pods of v2; the ladder is 10, 50, 100. */
const ROWS: readonly Row[] = [
  { when: "a run begins", run: before, deployment: resting, seen: plain, sides: null, owed: ["sides hash-v2"] },
  { when: "a template is not held yet", run: before, deployment: { ...resting, ...free }, seen: plain, sides: null, owed: ["hold", "sides hash-v2"] },
  { when: "the route is being told", run: { ...opened, inForceAt: undefined }, deployment: resting, seen: { split: { v2: 100 }, route: { isSplit: true }, stamp: "uid-1/1.0" }, sides: { ...SIDES, canary: undefined }, owed: [] },
  { when: "the route is split, everywhere", run: opened, deployment: resting, seen: { split: { v2: 100 }, route: { isSplit: true } }, sides: { uid: "uid-61", resourceVersion: "61", stable: "hash-v2", mark: "uid-1/1", definedAtMs: 1 }, owed: ["makeCanary v3 x0"] },
  { when: "the canary has no pods yet", run: opened, deployment: { canaries: [{ ...aCanary, replicas: 0 }], canaryPods: 0 }, seen: { split: { v2: 100 }, route: { isSplit: true } }, owed: ["scaleCanary 1"] },
  { when: "pods of an earlier canary are still endpoints", run: opened, deployment: { canaries: [], canaryPods: 1 }, seen: { split: { v2: 100 }, route: { isSplit: true } }, owed: [] },
  { when: "the canary has a hash", run: opened, seen: { split: { v2: 100 }, route: { isSplit: true } }, sides: { uid: "uid-61", resourceVersion: "61", stable: "hash-v2", mark: "uid-1/1", definedAtMs: 1 }, owed: ["sides hash-v2 hash-v3"] },
  { when: "the canary is too small for the next step", run: {}, seen: { route: { isSplit: true } }, owed: ["scaleCanary 2"] },
  { when: "somebody took the rule away", run: {}, deployment: { canaries: [{ ...aCanary, replicas: 2 }] }, seen: { route: { isSplit: true } }, sides: null, owed: ["sides hash-v2 hash-v3"] },
  { when: "git's route is back", run: { ...opened, isSplit: undefined, pausedBy: "RouteEditedByHand" }, seen: plain, owed: ["removeCanary reviews-canary-v3"] },
  { when: "every step has passed", run: { step: 2, weight: 100, points: 100, rollingSince: at(20) }, deployment: { canaries: [{ ...aCanary, replicas: 4 }] }, seen: { split: { v2: 0, v3: 100 }, route: { isSplit: true } }, owed: ["letGo"] },
  { when: "it was taken back, and the canary has traffic still", run: ended, status: { stable: v2 }, seen: { split: { v2: 90, "weir-canary": 10 }, route: { isSplit: true } }, owed: [] },
  { when: "the route has let go of the canary, and not everywhere yet", run: ended, seen: { seconds: 3, split: { v2: 100 }, route: { isSplit: true } }, owed: [] },
  { when: "the route has let go of the canary", run: ended, seen: { split: { v2: 100 }, route: { isSplit: true } }, owed: ["removeCanary reviews-canary-v3"] },
  { when: "the route does not show what the run last wanted of it, which may be there by now", run: { ...ended, epoch: 2, inForceAt: undefined }, seen: { split: { v2: 100 }, route: { isSplit: true }, stamp: "uid-1/1.1" }, owed: [] },
  { when: "the route had the canary's traffic since it was cached", run: { ...ended, shownAt: "42" }, seen: { split: { v2: 100 }, route: { isSplit: true } }, owed: [] },
  { when: "the run ended on a newer route than is cached", run: { ...ended, endedFrom: "42" }, deployment: resting, seen: plain, owed: [] },
  { when: "the canary is going, and its pods may be there still", run: ended, deployment: { canaries: [{ ...aCanary, isGoing: true }], canaryPods: 0 }, seen: { split: { v2: 100 }, route: { isSplit: true } }, owed: [] },
  { when: "somebody deletes the canary in mid-run", run: opened, deployment: { canaries: [{ ...aCanary, replicas: 0, isGoing: true }], canaryPods: 0 }, seen: { split: { v2: 100 }, route: { isSplit: true } }, owed: [] },
  { when: "the rule is of an earlier run", run: before, deployment: resting, seen: plain, sides: { ...SIDES, mark: "uid-1/0" }, owed: ["sides hash-v2"] },
  { when: "the route is its owner's again, and not everywhere yet", run: ended, deployment: resting, seen: { ...plain, seconds: 3 }, owed: [] },
  { when: "the route is its owner's again", run: ended, deployment: resting, seen: plain, owed: ["no sides"] },
  { when: "the new pods are stable's", run: { ...ended, outcome: "Succeeded", to: v3, rollingSince: at(10) }, status: { stable: v3 }, deployment: { ...free, template: v3, serving: v3, rolledPods: 4, otherPods: 0 }, seen: { split: { v3: 0, "weir-canary": 100 }, route: { isSplit: true } }, owed: ["sides hash-v3 hash-v3"] },
  { when: "nothing is left to do at rest", run: null, deployment: { ...proven, ...free }, seen: plain, sides: null, owed: [] },
  { when: "a proven template waits no longer", run: null, deployment: proven, seen: plain, sides: null, owed: ["letGo"] },
  { when: "nobody else holds a new template", run: null, deployment: { ...proven, ...free, isGuarded: false }, seen: plain, sides: null, owed: ["hold"] },
  { when: "nobody else holds one, and pods of another are left", run: null, deployment: { ...proven, isGuarded: false, otherPods: 1 }, seen: plain, sides: null, owed: ["letGo"] },
  { when: "a template is to be written back", run: null, status: { restoring: { from: "v3", to: "v2" } }, deployment: resting, seen: plain, sides: null, owed: ["restore v2"] },
  { when: "an earlier one is, to be delivered", run: null, status: { restoring: { from: "v3", to: "v1" }, stable: v3 }, deployment: { ...resting, remembered: ["v1", "v2", "v3"] }, seen: plain, sides: null, owed: ["restore v1, held"] },
  { when: "the Rollout goes with a proven template", run: null, deleted: true, deployment: proven, seen: plain, sides: null, owed: ["letGo"] },
  { when: "the Rollout goes with one that waits", run: null, deleted: true, deployment: resting, seen: plain, sides: null, owed: ["forget"] },
  { when: "the Deployment is another Rollout's", run: null, deployment: { ...resting, ...free, managedBy: "Rollout bookinfo/other" }, seen: plain, sides: null, owed: [] },
];

describe("upkeep", () => {
  test.each(ROWS)("$when", ({ run = {}, status = {}, deployment = {}, seen = {}, sides = SIDES, deleted = false, finalizers, owed }) => {
    const now = aStatus({ ...status, run: run === null ? undefined : aHeldRun(run) });
    const rollout = aRollout({ spec: HELD, status: now, deleted, ...(finalizers ? { finalizers } : run === null ? { finalizers: ["weir.dev/deployment"] } : {}) });
    const upkeep = upkeepOf(caseOf(rollout, observed(seen, { canaries: [aCanary], canaryPods: 1, ...deployment }, sides)), now);
    expect(upkeep.map(said)).toEqual(owed);
  });
});

function observed(change: ObservationChange, deployment: Parameters<typeof aDeployment>[0], sides: SidesSeen | null): Observation {
  const seen = anObservation(change);
  const versions = Object.fromEntries(Object.entries(seen.versions).map(([version, one]) => [version, { ...one, podTemplateHash: `hash-${version}` }]));
  return { ...seen, versions, deployment: aDeployment(deployment), ...(sides ? { sides } : {}) };
}

function said(upkeep: Upkeep): string {
  if (upkeep.kind === "writeSides") return upkeep.wanted ? ["sides", upkeep.wanted.stable, upkeep.wanted.canary].filter(Boolean).join(" ") : "no sides";
  const { change } = upkeep;
  switch (change.kind) {
    case "restore":
      return `restore ${change.version}${change.isHeld ? ", held" : ""}`;
    case "makeCanary":
      return `makeCanary ${change.version} x${change.replicas}`;
    case "scaleCanary":
      return `scaleCanary ${change.replicas}`;
    case "removeCanary":
      return `removeCanary ${change.canary.name}`;
    default:
      return change.kind;
  }
}

test.each([
  ["of a Deployment", HELD, 2],
  ["of a version", {}, 1],
])("a status %s has the version that daemons go by which know no Deployments", (_, spec, version) => {
  const [rollout, seen] = [aRollout({ spec, status: null }), anObservation({ split: { v3: null }, stamp: null })];
  expect(nextStatus(rollout, seen, decide(rollout, seen)).version).toBe(version);
});

describe("the route of a Deployment's run that was taken back, once its canary is gone,", () => {
  const back = { ...resting, ...free, template: v2, serving: v2 };
  test.each<readonly [when: string, deployment: Parameters<typeof aDeployment>[0], status: Partial<RolloutStatus>, isWritten: boolean]>([
    ["is its owner's again where the new template has no pod", resting, {}, true],
    ["waits while the Deployment still has pods of what it had begun to roll to", { ...back, rolledPods: 3, otherPods: 1 }, {}, false],
    ["waits while the template before is yet to be written back", { ...resting, ...free, rolledPods: 1, otherPods: 3 }, { restoring: { from: "v3", to: "v2" } }, false],
    ["is its owner's again once the Deployment has rolled back", { ...back, rolledPods: 4, otherPods: 0 }, {}, true],
    ["waits for nothing where the Deployment stands still", { ...back, isPaused: true, rolledPods: 3, otherPods: 1 }, {}, true],
    ["waits for nothing where no template can be written back", { ...resting, ...free, rolledPods: 1, otherPods: 3, remembered: [] }, { restoring: { from: "v3", to: "v2" } }, true],
  ])("%s", (_, deployment, status, isWritten) => {
    const now = aStatus({ stable: v2, ...status, run: aHeldRun({ ...ended, outcome: "Aborted" }) });
    const it = caseOf(aRollout({ spec: HELD, status: now }), observed({ split: { v2: 100 }, route: { isSplit: true } }, deployment, SIDES));
    expect(lastWrites(it, now.run!)[0]?.sides).toEqual(isWritten ? expect.objectContaining({ isSplit: false }) : undefined);
  });
});

describe("the size of a canary", () => {
  test.each([
    ["before the first step it is made for that", { step: -1, weight: 0 }, 10, undefined, 1],
    ["at a step it is made for the next one", { step: 0, weight: 10 }, 10, undefined, 5],
    ["before the last one it has all pods", { step: 1, weight: 50 }, 7, undefined, 7],
    ["it never has less than one pod", { step: -1, weight: 0 }, 1, undefined, 1],
    ["it never has more than it may", { step: 1, weight: 50 }, 10, 4, 4],
    ["at the top it keeps all", { step: 2, weight: 100 }, 4, undefined, 4],
  ])("%s", (_, run, replicas, most, size) => {
    expect(canarySize(aRun(run), { replicas }, most)).toBe(size);
  });
});
