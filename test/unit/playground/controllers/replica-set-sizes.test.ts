/** How pods are divided between ReplicaSets: tables, and a roll with whatever luck its pods have. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { availableIn, latestSize, oldSizes, scaledSizes, wantedIn, type Size } from "../../../../src/playground/controllers/replica-set-sizes.ts";
import { boundsOf } from "../../../../src/playground/controllers/rolling-bounds.ts";
import type { Deployment, ReplicaSet } from "../../../../src/playground/controllers/workloads.ts";
import { aDeployment, aReplicaSet } from "./workload.fixture.ts";

const set = (revision: number, replicas: number, available = replicas, most?: number): ReplicaSet =>
  aReplicaSet({ version: `v${revision}`, revision, replicas, available, ...(most !== undefined && { annotations: { "deployment.kubernetes.io/max-replicas": `${most}` } }) });
const sizesIn = (sizes: readonly Size[]): readonly (readonly [string, number])[] => sizes.map(({ set: each, replicas }) => [each.metadata.name.slice(4), replicas]);

describe("a roll of four, one more and one fewer allowed", () => {
  it.each([
    ["begins with the surge", [set(1, 4)], undefined, 1, [["v1", 3]]],
    ["waits while nothing may be missing more", [set(1, 3)], set(2, 2, 0), 2, [["v1", 3]]],
    ["takes one for one", [set(1, 3)], set(2, 1, 1), 2, [["v1", 2]]],
    ["takes first what is not available anyway", [set(1, 2), set(2, 2, 0)], set(3, 1, 1), 1, [["v1", 2], ["v2", 0]]],
    ["ends with the last old one", [set(1, 1)], set(2, 4), 4, [["v1", 0]]],
  ] as const)("%s", (_name, old, latest, next, sizes) => {
    const sets = { latest, old };
    expect([latestSize(aDeployment(), sets), sizesIn(oldSizes(aDeployment(), sets))]).toEqual([next, sizes]);
  });

  it("A Recreate asks for all at once", () => {
    expect(latestSize(aDeployment({ strategy: { type: "Recreate" } }), { old: [set(1, 0)] })).toBe(4);
  });
});

describe("scaling", () => {
  it.each([
    ["the only one that has pods", 6, [set(1, 4)], undefined, [["v1", 6]]],
    ["the newest, where none has any", 6, [set(1, 0), set(2, 0)], undefined, [["v2", 6]]],
    ["all in proportion, rest to the largest", 9, [set(1, 3, 3, 5)], set(2, 2, 2, 5), [["v1", 7], ["v2", 5]]],
    ["all in proportion, down", 2, [set(1, 4, 4, 6)], set(2, 2, 2, 6), [["v1", 2], ["v2", 1]]],
    ["all, to nothing", 0, [set(1, 3)], set(2, 2), [["v1", 0], ["v2", 0]]],
    ["one Recreate's, never two", 6, [set(1, 3)], set(2, 2), [], "Recreate"],
  ] as const)("changes %s", (_name, replicas, old, latest, sizes, type?: string) => {
    expect(sizesIn(scaledSizes(aDeployment({ replicas, strategy: { type } }), { latest, old }))).toEqual(sizes);
  });
});

const amount = fc.oneof(fc.nat(6), fc.nat(100).map((percent) => `${percent}%`));
const rolling = fc.record({ replicas: fc.integer({ min: 1, max: 12 }), maxSurge: amount, maxUnavailable: amount });

it("Whatever pods become available when, a roll stays within its bounds, and ends", () => {
  fc.assert(
    fc.property(rolling, fc.infiniteStream(fc.nat(3)), ({ replicas, ...rollingUpdate }, luck) => {
      const deployment = aDeployment({ replicas, strategy: { rollingUpdate } });
      const { maxSurge, maxUnavailable } = boundsOf(deployment);
      let [old, latest] = [set(1, replicas), set(2, 0)];
      for (let turn = 0; turn < 200 && latest.status.availableReplicas < replicas; turn++) {
        [old, latest] = next(deployment, old, latest);
        expect(wantedIn([old, latest])).toBeLessThanOrEqual(replicas + maxSurge);
        expect(availableIn([old, latest])).toBeGreaterThanOrEqual(replicas - maxUnavailable);
        latest = set(2, latest.spec.replicas, Math.min(latest.spec.replicas, latest.status.availableReplicas + (luck.next().value as number)));
      }
      expect(latest.status.availableReplicas).toBe(replicas);
    }),
  );
});

/** One step: first the new one grows, else the old one shrinks. */
function next(deployment: Deployment, old: ReplicaSet, latest: ReplicaSet): [ReplicaSet, ReplicaSet] {
  const sets = { old: [old], latest };
  const grown = latestSize(deployment, sets);
  if (grown !== latest.spec.replicas) return [old, set(2, grown, latest.status.availableReplicas)];
  return [set(1, oldSizes(deployment, sets)[0]!.replicas), latest];
}
