/** Mesh and samples follow what Kubernetes says. */
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { ObjectChange } from "../../../src/kubernetes/object-store.ts";
import { followPods, followRoutes } from "../../../src/playground/follow-cluster.ts";
import type { MeshObjects } from "../../../src/playground/mesh/routing-table.ts";
import { aDestinationRule, aKubernetesService, aVirtualService } from "./mesh-objects.fixture.ts";

function aCache(...objects: KubernetesObject[]) {
  const listeners = new Set<(change: ObjectChange) => void>();
  return {
    all: () => objects,
    onChange: (listener: (change: ObjectChange) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell: (kind: ObjectChange["kind"], object: KubernetesObject) => {
      if (kind === "added") objects.push(object);
      listeners.forEach((listener) => listener({ kind, object }));
    },
  };
}

function aPod(name: string, { ready = true, labels = {} }: { ready?: boolean; labels?: Record<string, string> } = {}): KubernetesObject {
  return {
    metadata: {
      name,
      namespace: "bookinfo",
      labels: { app: "reviews", version: "v2", "pod-template-hash": "abc", ...labels },
      ownerReferences: [{ kind: "ReplicaSet", name: "reviews-v2-abc", uid: "1", controller: true }],
    },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

describe("pods", () => {
  function followed(...pods: KubernetesObject[]) {
    const cache = aCache(...pods);
    const log: string[] = [];
    const following = followPods(cache, {
      run: async (pod) => void log.push(`run ${pod.pod} of ${pod.workload}`),
      end: async (_, pod) => void log.push(`end ${pod}`),
    });
    return { cache, log, following };
  }

  test("a ready pod is served, under its Deployment's name, and one that is not ready is not", async () => {
    const { log, following } = followed(aPod("one"), aPod("two", { ready: false }));
    await following.settled();
    expect(log).toEqual(["run one of reviews-v2"]);
  });

  test("a pod is served once, from when it is ready to when it is ready no more, or gone", async () => {
    const { cache, log, following } = followed(aPod("one", { ready: false }));
    cache.tell("modified", aPod("one"));
    cache.tell("modified", aPod("one"));
    cache.tell("modified", aPod("one", { ready: false }));
    cache.tell("modified", aPod("one"));
    cache.tell("deleted", aPod("one"));
    await following.settled();
    expect(log).toEqual(["run one of reviews-v2", "end one", "run one of reviews-v2", "end one"]);
  });

  test("a pod without the labels app and version is not a sample", async () => {
    const { log, following } = followed(aPod("one", { labels: { version: "" } }));
    await following.settled();
    expect(log).toEqual([]);
  });
});

test("routes are pushed at once and after each change, until stopped", () => {
  const virtualServices = aCache(aVirtualService({ http: [] }));
  const destinationRules = aCache(aDestinationRule("reviews", ["v1"]));
  const services = aCache(aKubernetesService("reviews"));
  const pushed: MeshObjects[] = [];
  const [serviceEntries, httpRoutes, grpcRoutes] = [aCache(), aCache(), aCache()];
  const stop = followRoutes({ virtualServices, destinationRules, services, serviceEntries, httpRoutes, grpcRoutes }, { push: (objects) => void pushed.push(objects) });
  expect(pushed).toHaveLength(1);
  services.tell("added", aKubernetesService("ratings"));
  destinationRules.tell("added", aDestinationRule("ratings", ["v1"]));
  expect(pushed).toHaveLength(3);
  expect(pushed.at(-1)!.services.map(({ metadata }) => metadata.name)).toEqual(["reviews", "ratings"]);
  stop();
  services.tell("added", aKubernetesService("details"));
  expect(pushed).toHaveLength(3);
});
