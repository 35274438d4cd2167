/** What runs behind a version, on a real control plane whose own controllers make the ReplicaSets, revisions and pods. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCaches, type Caches } from "../../src/kubernetes/caches.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport, type Transport } from "../../src/kubernetes/transport.ts";
import type { VersionSeen } from "../../src/rollout/observation.ts";
import { createVersionsWorkload } from "../../src/workload/versions/versions-workload.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { createSilentLog } from "../support/silent-log.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 30_000;

/** Goes at once when deleted, and runs on a node that no kubelet has called ready. */
const template = (app: string, image: string) => ({
  metadata: { labels: { app, version: "v3" } },
  spec: { containers: [{ name: app, image }], terminationGracePeriodSeconds: 0, tolerations: [{ operator: "Exists" }] },
});
const workload = (kind: "Deployment" | "StatefulSet" | "DaemonSet", app: string, image: string) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: `${app}-v3` },
  spec: { selector: { matchLabels: { app } }, ...(kind === "DaemonSet" ? {} : { replicas: 2 }), ...(kind === "StatefulSet" && { serviceName: app }), template: template(app, image) },
});

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("what runs behind a version, on a real control plane", () => {
  let plane: ControlPlane;
  let transport: Transport;
  let caches: Caches;

  beforeAll(async () => {
    plane = await startControlPlane({ controllers: true });
    transport = createTransport(loadConnection({ kubeconfig: plane.kubeconfigFor("admin") }), { userAgent: "weir-test/1" });
    caches = createCaches({ client: createKubernetesClient(transport), logger: createSilentLog() });
    caches.start();
    await Promise.all(Object.values(caches.objects).map(({ synced }) => synced));
  });
  afterAll(async () => {
    caches?.stop();
    transport?.close();
    await plane?.close();
  });

  const see = (app: string): VersionSeen =>
    createVersionsWorkload({ caches: caches.objects }).see("v3", { kind: "found", namespace: "default", selector: { app, version: "v3" }, definedAtMs: 0 });
  const isSettled = (app: string, pods: number) => (): boolean => {
    const { readyPods, wantedPods, pods: names } = see(app);
    return readyPods === pods && wantedPods === pods && names.length === pods;
  };

  it.each([
    ["Deployment", "reviews", "deployments", 2],
    ["StatefulSet", "ratings", "statefulsets", 2],
    ["DaemonSet", "details", "daemonsets", 1],
  ] as const)("%s: a new image is a new revision once it has a ready pod, and the old image is the old one again", { timeout: 3 * LIMIT_MS }, async (kind, app, plural, count) => {
    const path = `/apis/apps/v1/namespaces/default/${plural}/${app}-v3`;
    const setImage = (image: string): Promise<unknown> =>
      plane.request("PATCH", path, { spec: { template: { spec: { containers: [{ name: app, image }] } } } }, "application/strategic-merge-patch+json");

    await plane.apply([workload(kind, app, `${app}:1`)]);
    await until(isSettled(app, count), LIMIT_MS);
    const first = see(app);
    expect(first).toMatchObject({ workloads: [`${app}-v3`], podProblem: undefined });
    expect(first.revision).toMatch(/^r1-[0-9a-f]{10}$/);

    await setImage(`${app}:2`);
    await until(() => isSettled(app, count)() && see(app).revision !== first.revision, LIMIT_MS);
    await setImage(`${app}:1`);
    await until(() => isSettled(app, count)() && see(app).revision === first.revision, LIMIT_MS);
  });

  it("a template whose pods never get ready is no revision, and says why it waits", { timeout: 3 * LIMIT_MS }, async () => {
    await plane.kubelet?.holdUnready({ app: "broken" });
    await plane.apply([workload("Deployment", "broken", "broken:1")]);
    await until(() => see("broken").pods.length === 2 && see("broken").podProblem?.includes("readiness probe"), LIMIT_MS);
    expect(see("broken")).toMatchObject({ readyPods: 0, wantedPods: 2, revision: "" });
    expect(see("broken").podProblem).toMatch(/^2 of 2 pods are not ready: container broken of broken-v3-\S+ runs, and its readiness probe does not pass$/);
    await plane.kubelet?.release();
    await until(() => see("broken").revision !== "", LIMIT_MS);
  });

  it("pods that the API server refuses are told of", { timeout: 2 * LIMIT_MS }, async () => {
    await plane.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: "strict", labels: { "pod-security.kubernetes.io/enforce": "restricted" } } }]);
    await plane.apply([workload("Deployment", "reviews", "reviews:1")], { namespace: "strict" });
    const seen = (): VersionSeen =>
      createVersionsWorkload({ caches: caches.objects }).see("v3", { kind: "found", namespace: "strict", selector: { app: "reviews" }, definedAtMs: 0 });
    await until(() => seen().podProblem?.startsWith("pods are refused: "), LIMIT_MS);
    expect(seen()).toMatchObject({ wantedPods: 2, pods: [] });
    expect(seen().podProblem).toContain("violates PodSecurity");
  });
});
