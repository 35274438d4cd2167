/** What a HorizontalPodAutoscaler's own figures say about the pods that all the traffic of a Deployment needs. */
import { describe, expect, it } from "vitest";
import type { KubernetesClient, KubernetesObject } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { autoscalerOf } from "../../../src/workload/deployment/autoscaler.ts";

const ITS = { kind: "Deployment", name: "reviews", apiVersion: "apps/v1" };

function anAutoscaler(metrics: readonly object[], currentMetrics: readonly object[] | null, target: object = ITS): KubernetesObject {
  return { metadata: { name: "by-load", namespace: "bookinfo" }, spec: { scaleTargetRef: target, maxReplicas: 12, metrics }, status: { currentReplicas: 4, desiredReplicas: 4, currentMetrics } };
}

function clientWith(...items: readonly KubernetesObject[]): Pick<KubernetesClient, "list"> {
  return { list: async ({ plural }, namespace) => ({ metadata: { resourceVersion: "1" }, items: plural === "horizontalpodautoscalers" && namespace === "bookinfo" ? items : [] }) };
}

const cpu = (target: object) => ({ type: "Resource", resource: { name: "cpu", target } });
const cpuNow = (current: object) => ({ type: "Resource", resource: { name: "cpu", current } });

describe("an autoscaler of the Deployment", () => {
  const seenOf = (metrics: readonly object[], now: readonly object[] | null) => autoscalerOf(clientWith(anAutoscaler(metrics, now)), "bookinfo", "reviews");

  it.each([
    ["is at its target", cpu({ type: "Utilization", averageUtilization: 50 }), cpuNow({ averageUtilization: 50, averageValue: "25m" }), { perPod: 1, ofAll: 0 }],
    ["is at half of it", cpu({ type: "Utilization", averageUtilization: 80 }), cpuNow({ averageUtilization: 40, averageValue: "25m" }), { perPod: 0.5, ofAll: 0 }],
    ["goes by an amount of each pod", cpu({ type: "AverageValue", averageValue: "100m" }), cpuNow({ averageValue: "0.2" }), { perPod: 2, ofAll: 0 }],
    ["goes by one container", { type: "ContainerResource", containerResource: { target: { averageUtilization: 50 } } }, { type: "ContainerResource", containerResource: { current: { averageUtilization: 60 } } }, { perPod: 1.2, ofAll: 0 }],
    ["goes by what pods tell", { type: "Pods", pods: { target: { averageValue: "1k" } } }, { type: "Pods", pods: { current: { averageValue: "500" } } }, { perPod: 0.5, ofAll: 0 }],
    ["goes by a value of another object", { type: "Object", object: { target: { value: "100" } } }, { type: "Object", object: { current: { value: "150" } } }, { perPod: 1.5, ofAll: 0 }],
    ["divides a sum by its own pods", { type: "External", external: { target: { averageValue: "10" } } }, { type: "External", external: { current: { averageValue: "20" } } }, { perPod: 0, ofAll: 8 }],
    ["could not read its metric", cpu({ averageUtilization: 50 }), { type: "" }, { perPod: 0, ofAll: 0 }],
    ["has another target than its status tells of", cpu({ averageUtilization: 50 }), cpuNow({ averageValue: "25m" }), { perPod: 0, ofAll: 0 }],
  ])("that %s", async (_, metric, now, needed) => {
    expect(await seenOf([metric], [now])).toEqual({ label: "HorizontalPodAutoscaler bookinfo/by-load", maxPods: 12, ...needed });
  });

  it("goes by the largest of its metrics", async () => {
    const metrics = [cpu({ averageUtilization: 50 }), { type: "External", external: { target: { averageValue: "10" } } }, { type: "Pods", pods: { target: { averageValue: "10" } } }];
    const now = [cpuNow({ averageUtilization: 25 }), { type: "External", external: { current: { averageValue: "5" } } }, { type: "Pods", pods: { current: { averageValue: "9" } } }];
    expect(await seenOf(metrics, now)).toMatchObject({ perPod: 0.9, ofAll: 2 });
  });

  it("that has not looked yet says nothing", async () => {
    expect(await seenOf([cpu({ averageUtilization: 50 })], null)).toMatchObject({ perPod: 0, ofAll: 0 });
  });
});

describe("there is none", () => {
  it.each([
    ["for another Deployment", { ...ITS, name: "ratings" }],
    ["for another kind of that name", { ...ITS, kind: "StatefulSet" }],
  ])("where it is %s", async (_, target) => {
    expect(await autoscalerOf(clientWith(anAutoscaler([], [], target)), "bookinfo", "reviews")).toBeUndefined();
  });

  it("where the server knows no autoscalers", async () => {
    const client = { list: async () => Promise.reject(new ApiError("not found", 404, "NotFound")) };
    expect(await autoscalerOf(client, "bookinfo", "reviews")).toBeUndefined();
  });
});

it("a server that fails is told", async () => {
  const client = { list: async () => Promise.reject(new ApiError("etcd is busy", 503, "ServiceUnavailable")) };
  await expect(autoscalerOf(client, "bookinfo", "reviews")).rejects.toThrow("etcd is busy");
});
