/** What stands in for scheduler and kubelet does with a pod. */
import { expect, it } from "vitest";
import { planPod } from "../../../../src/playground/controllers/pod-plan.ts";
import type { Pod } from "../../../../src/playground/controllers/workloads.ts";
import { aPod, NOW_MS } from "./workload.fixture.ts";

const FRESH = { phase: "Pending", conditions: [], podIP: undefined };
const GOING = { deletionTimestamp: "2026-01-01T00:00:00Z" };
const write = (pod: Pod, isHeld = false) => planPod({ pod, isHeld, nowMs: NOW_MS, random: () => 0.5 }).writes[0];

it.each([
  ["is left alone when it is ready", aPod("a"), false, undefined],
  ["gets a node first", aPod("a", { spec: { nodeName: "" }, status: FRESH }), false, { verb: "change", body: { spec: { nodeName: "playground" } } }],
  ["gets an address and becomes ready", aPod("a", { status: FRESH }), false, { verb: "setStatus", status: { phase: "Running", podIP: "10.244.0.127", containerStatuses: [{ name: "app", ready: true }] } }],
  ["runs and stays unready while it is held", aPod("a", { status: FRESH }), true, { status: { phase: "Running", containerStatuses: [{ ready: false, started: true }] } }],
  ["becomes unready when it is held", aPod("a"), true, { status: { podIP: "10.244.0.2", containerStatuses: [{ ready: false }] } }],
  ["becomes ready when it is released", aPod("a", { ready: false }), false, { status: { containerStatuses: [{ ready: true }] } }],
  ["never runs with a broken image", aPod("a", { spec: { containers: [{ name: "app", image: "registry/broken:1" }] }, status: FRESH }), false, { status: { phase: "Pending", containerStatuses: [{ state: { waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "registry/broken:1"' } } }] } }],
  ["is deleted for good when it goes", aPod("a", { metadata: GOING }), false, { verb: "delete" }],
  ["waits for its finalizers when it goes", aPod("a", { metadata: { ...GOING, finalizers: ["x/y"] } }), false, undefined],
  ["has ended, and is left alone", aPod("a", { ready: false, status: { phase: "Succeeded" } }), false, undefined],
] as const)("A pod %s", (_name, pod, isHeld, expected) => {
  if (expected === undefined) expect(write(pod, isHeld)).toBeUndefined();
  else expect(write(pod, isHeld)).toMatchObject(expected);
});
