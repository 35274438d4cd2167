/** How far a roll may go beyond a Deployment's replicas. */
import { expect, it } from "vitest";
import { boundsOf } from "../../../../src/playground/controllers/rolling-bounds.ts";
import { aDeployment } from "./workload.fixture.ts";

it.each([
  [4, undefined, undefined, 1, 1],
  [3, undefined, undefined, 1, 0],
  [7, "30%", "30%", 3, 2],
  [3, 2, 0, 2, 0],
  [3, 0, 5, 0, 3],
  [3, 0, 0, 0, 1],
  [3, "0%", "10%", 0, 1],
  [0, undefined, undefined, 0, 0],
])("of %i replicas with maxSurge %s and maxUnavailable %s: %i more, %i fewer", (replicas, surge, unavailable, maxSurge, maxUnavailable) => {
  const rollingUpdate = { ...(surge !== undefined && { maxSurge: surge }), ...(unavailable !== undefined && { maxUnavailable: unavailable }) };
  expect(boundsOf(aDeployment({ replicas, strategy: { rollingUpdate } }))).toEqual({ maxSurge, maxUnavailable });
});

it("Recreate has neither", () => {
  expect(boundsOf(aDeployment({ strategy: { type: "Recreate" } }))).toEqual({ maxSurge: 0, maxUnavailable: 0 });
});
