/** What is written to a held Deployment and its canary: each write conditional, and nothing in it that is not meant. */
import { describe, expect, it } from "vitest";
import type { KubernetesClient, KubernetesObject, Patch } from "../../../src/kubernetes/client.ts";
import { ApiError, Conflict } from "../../../src/kubernetes/errors.ts";
import type { DeploymentSeen } from "../../../src/rollout/observation.ts";
import type { DeploymentChange } from "../../../src/rollout/upkeep.ts";
import { createDeploymentWorkload } from "../../../src/workload/deployment/deployment-workload.ts";
import { asFound } from "../../support/as-found.ts";
import { aCanary, aDeployment, aSet, aTemplateOf, hashIn, versionOfImage } from "../../support/held-objects.ts";
import { NAMESPACE } from "../../support/istio-objects.ts";
import { createMemoryCluster } from "../../support/memory-cluster.ts";
import { aRollout, aRun, aStatus } from "../../support/rollouts.ts";

const [V1, V2] = ["v1", "v2"].map(versionOfImage) as [string, string];
const CANARY = `reviews-canary-${hashIn(V2)}`;
const HELD = { annotations: { team: "books", "weir.dev/held-by": "reviews" } };
const ROLLOUT = aRollout({ spec: { release: undefined, deployment: { name: "reviews" } }, status: aStatus({ run: aRun({ deployment: "reviews" }) }) });

interface Sent {
  readonly verb: "create" | "patch" | "delete";
  readonly name: string;
  readonly body?: Patch | KubernetesObject;
  readonly manager?: string | undefined;
}

/** A cluster with these Deployments and ReplicaSets, and every request that goes to it. */
function aCluster(deployments: readonly KubernetesObject[], replicaSets: readonly KubernetesObject[] = []) {
  const cluster = createMemoryCluster({ nowMs: () => 0 });
  for (const object of deployments) cluster.put("deployments", object);
  for (const object of replicaSets) cluster.put("replicaSets", object);
  const sent: Sent[] = [];
  const client: Pick<KubernetesClient, "create" | "patch" | "delete" | "list"> = {
    list: cluster.client.list,
    create: (resource, namespace, object, options) => (sent.push({ verb: "create", name: (object as KubernetesObject).metadata.name, body: object as KubernetesObject, manager: options?.fieldManager }), cluster.client.create(resource, namespace, object, options)),
    patch: (resource, namespace, name, body, options) => (sent.push({ verb: "patch", name, body, manager: options?.fieldManager }), cluster.client.patch(resource, namespace, name, body, options)),
    delete: (resource, namespace, name) => (sent.push({ verb: "delete", name }), cluster.client.delete(resource, namespace, name)),
  };
  const workload = createDeploymentWorkload({ caches: cluster.caches, client, isGuarded: () => true });
  const stored = (name = "reviews"): KubernetesObject | undefined => cluster.caches.deployments.get(NAMESPACE, name);
  return {
    sent,
    stored,
    seen: (): DeploymentSeen => workload.deployment(ROLLOUT) as DeploymentSeen,
    change: (change: DeploymentChange) => workload.change(ROLLOUT, change),
    /** Somebody else's write. */
    touch: (name = "reviews") => cluster.edit("deployments", NAMESPACE, name, "kubectl", (object) => ({ ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, touched: "yes" } } })),
    remove: (name = "reviews") => cluster.remove("deployments", NAMESPACE, name),
  };
}

type Cluster = ReturnType<typeof aCluster>;

function waiting(): KubernetesObject {
  return aDeployment({ metadata: HELD, spec: { paused: true, template: aTemplateOf("v2") } });
}

describe("a hold and its end", () => {
  const version = (cluster: Cluster): string => cluster.stored()!.metadata.resourceVersion!;

  it.each<[DeploymentChange["kind"], KubernetesObject, object]>([
    ["hold", aDeployment(), { metadata: { annotations: { "weir.dev/held-by": "reviews" } }, spec: { paused: true } }],
    ["letGo", waiting(), { metadata: { annotations: { "weir.dev/held-by": null } }, spec: { paused: null } }],
    ["forget", waiting(), { metadata: { annotations: { "weir.dev/held-by": null } } }],
  ])("%s: writes its two fields and no other, if the Deployment is as it was seen", async (kind, object, body) => {
    const cluster = aCluster([object]);
    const resourceVersion = version(cluster);
    await cluster.change({ kind, deployment: cluster.seen() } as DeploymentChange);
    const { metadata, ...rest } = body as { metadata: object };
    expect(cluster.sent).toEqual([{ verb: "patch", name: "reviews", manager: "weir", body: { type: "merge", body: { ...rest, metadata: { resourceVersion, ...metadata } } } }]);
  });

  it("hold and letGo leave the Deployment as it was, to the byte", async () => {
    const cluster = aCluster([aDeployment()]);
    const before = asFound(cluster.stored()!);
    await cluster.change({ kind: "hold", deployment: cluster.seen() });
    expect(cluster.seen()).toMatchObject({ isHeld: true, isPaused: true });
    await cluster.change({ kind: "letGo", deployment: cluster.seen() });
    expect(asFound(cluster.stored()!)).toBe(before);
  });

  it("forget leaves it paused, for its owner to decide", async () => {
    const cluster = aCluster([waiting()]);
    await cluster.change({ kind: "forget", deployment: cluster.seen() });
    expect(cluster.seen()).toMatchObject({ isHeld: false, isPaused: true });
    expect(cluster.stored()!.metadata.annotations).toEqual({ team: "books" });
  });
});

describe("a template that is written back", () => {
  const sets = [aSet("v1"), aSet("v2", { revision: 2, replicas: 0 })];

  it("is the one that a ReplicaSet remembers, without what its controller added; nothing else changes", async () => {
    const cluster = aCluster([waiting()], sets);
    const [before, resourceVersion] = [cluster.stored()!, cluster.stored()!.metadata.resourceVersion];
    await cluster.change({ kind: "restore", deployment: cluster.seen(), version: V1, isHeld: true });
    expect(cluster.sent).toEqual([
      { verb: "patch", name: "reviews", manager: "weir", body: { type: "json", body: [
        { op: "test", path: "/metadata/resourceVersion", value: resourceVersion },
        { op: "replace", path: "/spec/template", value: aTemplateOf("v1") },
        { op: "add", path: "/metadata/annotations/weir.dev~1held-by", value: "reviews" },
      ] } },
    ]);
    expect(cluster.seen()).toMatchObject({ template: { version: V1 }, isHeld: true, isPaused: true });
    expect(asFound(cluster.stored()!)).toBe(asFound({ ...before, spec: { ...(before.spec as object), template: aTemplateOf("v1") } }));
  });

  it("lets the Deployment go in the same write where it is the proven one", async () => {
    const cluster = aCluster([waiting()], sets);
    await cluster.change({ kind: "restore", deployment: cluster.seen(), version: V1, isHeld: false });
    expect(cluster.sent).toHaveLength(1);
    expect(cluster.seen()).toMatchObject({ template: { version: V1 }, isHeld: false, isPaused: false });
    expect(asFound(cluster.stored()!)).toBe(asFound({ ...aDeployment({ metadata: { annotations: { team: "books" } } }), metadata: { ...cluster.stored()!.metadata } }));
  });

  it.each([["annotations of others", { annotations: { team: "books" } }], ["no annotations at all", { annotations: undefined }]])("holds one that was not held, in the same write: one with %s", async (_, metadata) => {
    const cluster = aCluster([aDeployment({ metadata })], sets);
    await cluster.change({ kind: "restore", deployment: cluster.seen(), version: V2, isHeld: true });
    expect(cluster.sent).toHaveLength(1);
    expect(cluster.seen()).toMatchObject({ template: { version: V2 }, isHeld: true, isPaused: true });
    expect(cluster.stored()!.metadata.annotations).toEqual({ ...metadata.annotations, "weir.dev/held-by": "reviews" });
  });

  it("touches neither pause nor annotations where both are as they shall be", async () => {
    const cluster = aCluster([aDeployment()], sets);
    await cluster.change({ kind: "restore", deployment: cluster.seen(), version: V2, isHeld: false });
    expect((cluster.sent[0]!.body as { body: readonly { path: string }[] }).body.map(({ path }) => path)).toEqual(["/metadata/resourceVersion", "/spec/template"]);
  });

  it("is no canary's: its label stays with it", async () => {
    const labelled = { ...aSet("v1"), spec: { template: { ...aTemplateOf("v1"), metadata: { ...aTemplateOf("v1").metadata, labels: { ...aTemplateOf("v1").metadata.labels, "pod-template-hash": "aaa", "weir.dev/canary": "0000000" } } } } };
    const cluster = aCluster([waiting()], [labelled]);
    await cluster.change({ kind: "restore", deployment: cluster.seen(), version: V1, isHeld: false });
    expect((cluster.stored()!.spec as { template: unknown }).template).toEqual(aTemplateOf("v1"));
  });

  it.each([
    ["no ReplicaSet has it", []],
    ["the ReplicaSet is another Deployment's", [aSet("v1", { owner: aDeployment({ metadata: { uid: "uid-other" } }) })]],
  ])("is asked for in a sentence where nobody remembers it: %s", async (_, replicaSets) => {
    const cluster = aCluster([waiting()], replicaSets);
    await expect(cluster.change({ kind: "restore", deployment: cluster.seen(), version: V1, isHeld: false })).rejects.toThrow(
      `expected a ReplicaSet of Deployment bookinfo/reviews that remembers the template of ${V1}, got none: apply that template again`,
    );
    expect(cluster.sent).toEqual([]);
  });
});

describe("a canary that is made", () => {
  const make = (cluster: Cluster, replicas = 1): Promise<void> => cluster.change({ kind: "makeCanary", deployment: cluster.seen(), version: V2, replicas });

  it("is the Deployment with one label more, not paused, and nobody's", async () => {
    const cluster = aCluster([waiting()]);
    const before = cluster.stored();
    await make(cluster, 2);
    const labels = { app: "reviews", team: "books", "weir.dev/canary": hashIn(V2) };
    expect(cluster.sent).toEqual([
      { verb: "create", name: CANARY, manager: "weir", body: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: CANARY, namespace: NAMESPACE, labels: { "weir.dev/rollout": "reviews" } },
        spec: {
          replicas: 2,
          revisionHistoryLimit: 0,
          strategy: { type: "RollingUpdate" },
          selector: { matchLabels: { app: "reviews", "weir.dev/canary": hashIn(V2) } },
          template: { ...aTemplateOf("v2"), metadata: { ...aTemplateOf("v2").metadata, labels } },
        },
      } },
    ]);
    expect(cluster.stored()).toBe(before);
    expect(cluster.seen().canaries).toEqual([{ name: CANARY, uid: cluster.stored(CANARY)!.metadata.uid, version: V2, replicas: 2, resourceVersion: cluster.stored(CANARY)!.metadata.resourceVersion }]);
  });

  it("selects by the Deployment's own expressions, too, and keeps every field of its spec that Weir does not know", async () => {
    const matchExpressions = [{ key: "team", operator: "In", values: ["books", "films"] }, { key: "legacy", operator: "DoesNotExist" }];
    const spec = { paused: true, template: aTemplateOf("v2"), minReadySeconds: 5, progressDeadlineSeconds: 60, revisionHistoryLimit: 10, "x-new": { a: 1 }, selector: { matchExpressions } };
    const cluster = aCluster([aDeployment({ spec })]);
    await make(cluster);
    expect(cluster.stored(CANARY)!.spec).toMatchObject({ minReadySeconds: 5, progressDeadlineSeconds: 60, revisionHistoryLimit: 0, "x-new": { a: 1 } });
    expect((cluster.stored(CANARY)!.spec as { selector: unknown }).selector).toEqual({ matchExpressions, matchLabels: { "weir.dev/canary": hashIn(V2) } });
    expect(cluster.stored(CANARY)!.spec).not.toHaveProperty("paused");
    expect(cluster.stored(CANARY)!.metadata).not.toHaveProperty("ownerReferences");
  });

  it.each([["r".repeat(253), "r".repeat(200)], [`${"r".repeat(199)}.x`, "r".repeat(199)]])("bears a name that the server takes, however long the Deployment's is", async (name, kept) => {
    const cluster = aCluster([{ ...waiting(), metadata: { ...waiting().metadata, name } }]);
    const deployment = { ...cluster.seen(), label: `Deployment bookinfo/${name}` };
    await cluster.change({ kind: "makeCanary", deployment, version: V2, replicas: 1 });
    expect(cluster.sent[0]!.name).toBe(`${kept}-canary-${hashIn(V2)}`);
  });

  it("is not made of another template than was decided about", async () => {
    const cluster = aCluster([aDeployment()]);
    await expect(make(cluster)).rejects.toThrow(new Conflict(`Deployment bookinfo/reviews holds another template than ${V2} by now`));
    expect(cluster.sent).toEqual([]);
  });

  it("is a conflict where another daemon was faster", async () => {
    const cluster = aCluster([waiting(), aCanary()]);
    const before = cluster.stored(CANARY);
    await expect(make(cluster)).rejects.toThrow(Conflict);
    expect(cluster.stored(CANARY)).toBe(before);
  });
});

describe("a canary that is there", () => {
  it("is scaled, and nothing else of it changes", async () => {
    const cluster = aCluster([waiting(), aCanary()]);
    const [canary] = cluster.seen().canaries;
    await cluster.change({ kind: "scaleCanary", canary: canary!, replicas: 3 });
    expect(cluster.sent).toEqual([{ verb: "patch", name: CANARY, manager: "weir", body: { type: "merge", body: { metadata: { resourceVersion: canary!.resourceVersion }, spec: { replicas: 3 } } } }]);
    expect(asFound(cluster.stored(CANARY)!)).toBe(asFound({ ...cluster.stored(CANARY)!, spec: { ...(aCanary().spec as object), replicas: 3 } }));
  });

  it("is taken away, and it is fine where that has been done", async () => {
    const cluster = aCluster([waiting(), aCanary()]);
    const [canary] = cluster.seen().canaries;
    await cluster.change({ kind: "removeCanary", canary: canary! });
    expect(cluster.seen().canaries).toEqual([]);
    await cluster.change({ kind: "removeCanary", canary: canary! });
    expect(cluster.sent).toEqual([{ verb: "delete", name: CANARY }, { verb: "delete", name: CANARY }]);
  });

  it("that cannot be taken away for another reason is told", async () => {
    const { caches } = createMemoryCluster({ nowMs: () => 0 });
    const refusing = { list: never, create: never, patch: never, delete: async () => Promise.reject(new ApiError("deployments is forbidden", 403, "Forbidden")) };
    const workload = createDeploymentWorkload({ caches, client: refusing, isGuarded: () => true });
    await expect(workload.change(ROLLOUT, { kind: "removeCanary", canary: { name: CANARY, uid: "uid-1", resourceVersion: "1", version: V2, replicas: 1 } })).rejects.toThrow("forbidden");
  });
});

async function never(): Promise<never> {
  throw new Error("expected no such request");
}

describe("a change that was decided before somebody else's write", () => {
  const sets = [aSet("v1")];

  it.each<[string, (seen: DeploymentSeen) => DeploymentChange, string]>([
    ["hold", (deployment) => ({ kind: "hold", deployment }), "reviews"],
    ["letGo", (deployment) => ({ kind: "letGo", deployment }), "reviews"],
    ["forget", (deployment) => ({ kind: "forget", deployment }), "reviews"],
    ["restore", (deployment) => ({ kind: "restore", deployment, version: V1, isHeld: false }), "reviews"],
    ["scaleCanary", ({ canaries }) => ({ kind: "scaleCanary", canary: canaries[0]!, replicas: 4 }), CANARY],
  ])("is refused: %s", async (_, changeOf, name) => {
    const cluster = aCluster([waiting(), aCanary()], sets);
    const seen = cluster.seen();
    cluster.touch(name);
    const [reviews, canary] = [cluster.stored(), cluster.stored(CANARY)];
    await expect(cluster.change(changeOf(seen))).rejects.toThrow(Conflict);
    expect([cluster.stored(), cluster.stored(CANARY)]).toEqual([reviews, canary]);
  });

  it.each<[string, (seen: DeploymentSeen) => DeploymentChange]>([
    ["restore", (deployment) => ({ kind: "restore", deployment, version: V1, isHeld: false })],
    ["makeCanary", (deployment) => ({ kind: "makeCanary", deployment, version: V2, replicas: 1 })],
  ])("is a conflict where the Deployment has gone: %s", async (_, changeOf) => {
    const cluster = aCluster([waiting()], sets);
    const seen = cluster.seen();
    cluster.remove();
    await expect(cluster.change(changeOf(seen))).rejects.toThrow(new Conflict("Deployment bookinfo/reviews has gone since it was looked at"));
    expect(cluster.sent).toEqual([]);
  });
});
