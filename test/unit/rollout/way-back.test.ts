/** When a Deployment's autoscaler is asked for: only where the canary would get more. */
import { expect, it } from "vitest";
import { decide } from "../../../src/rollout/decide.ts";
import { asksAutoscaler } from "../../../src/rollout/way-back.ts";
import { aDeployment, aHeldRun, anObservation, aRollout, aRun, aStatus, type ObservationChange, type RolloutChange } from "../../support/rollouts.ts";

const PASSED = { seconds: 70 };
const HELD: RolloutChange = { spec: { release: undefined, deployment: { name: "reviews" } }, status: aStatus({ run: aHeldRun() }) };
const seenAt = (change: ObservationChange): ReturnType<typeof anObservation> => anObservation({ ...change, route: { isSplit: true }, seen: { deployment: aDeployment(), ...change.seen } });

it.each([
  ["a step has passed", HELD, seenAt(PASSED), true],
  ["its time is not over", HELD, seenAt({ seconds: 20 }), false],
  ["it waits for the canary's pods", HELD, seenAt({ ...PASSED, ready: { v3: 0 } }), false],
  ["versions stand side by side", { status: aStatus({ run: aRun() }) }, anObservation(PASSED), false],
  ["a person promotes", { ...HELD, command: "promote id=c1 run=1 actor=alice" }, seenAt({}), true],
  ["a person goes down", { ...HELD, status: aStatus({ run: aHeldRun({ step: 1, weight: 50, points: 50 }) }), command: "promote id=c1 run=1 actor=alice to=10" }, seenAt({ split: { v2: 50, v3: 50 } }), false],
])("%s", (_, rollout, seen, isAsked) => {
  const it = aRollout(rollout);
  expect(asksAutoscaler(it, decide(it, seen))).toBe(isAsked);
});
