/** The real control plane of the tests does what the other tests take for granted. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews}
spec:
  replicas: 2
  selector: {matchLabels: {app: reviews}}
  template:
    metadata: {labels: {app: reviews}}
    spec: {containers: [{name: reviews, image: "reviews:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: reviews}, ports: [{port: 9080}]}
`;
const VIRTUAL_SERVICE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: v1}}]}]}
`;

const READY_PODS = "/apis/apps/v1/namespaces/default/deployments/reviews";

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("a real control plane", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane({ users: [{ name: "alice" }], audit: true, controllers: true });
  }, 60_000);
  afterAll(async () => plane.close());

  const readyReplicas = async (): Promise<number> => {
    const { status } = await plane.request<{ status: { readyReplicas?: number } }>("GET", READY_PODS);
    return status.readyReplicas ?? 0;
  };

  it("gives a Deployment ready pods, and takes readiness from those that are held", { timeout: 30_000 }, async () => {
    await plane.apply(DEPLOYMENT);
    await vi.waitFor(async () => expect(await readyReplicas()).toBe(2), { timeout: 15_000 });
    await plane.kubelet?.holdUnready({ app: "reviews" });
    await vi.waitFor(async () => expect(await readyReplicas()).toBe(0), { timeout: 15_000 });
    await plane.kubelet?.release();
    await vi.waitFor(async () => expect(await readyReplicas()).toBe(2), { timeout: 15_000 });
  });

  it("serves Istio's routes, and counts each user's requests", async () => {
    await plane.apply(VIRTUAL_SERVICE);
    const kubectl = (...args: string[]): string =>
      execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("alice")}`, ...args], { encoding: "utf8", stdio: "pipe" });
    expect(() => kubectl("get", "virtualservice", "reviews")).toThrow(/forbidden/);
    const seen = plane.auditLog("alice").filter(({ resource }) => resource === "virtualservices");
    expect(seen).toMatchObject([{ verb: "get", name: "reviews", namespace: "default", status: 403 }]);
    expect(plane.auditLog("admin").filter(({ resource }) => resource === "virtualservices")).toMatchObject([{ verb: "create", status: 201 }]);
  });

  it("lets a service account in with a token of its own", async () => {
    await plane.apply([{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "weir" } }]);
    const kubeconfig = await plane.kubeconfigForServiceAccount("default", "weir");
    const whoami = execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${kubeconfig}`, "auth", "whoami", "-o", "json"], { encoding: "utf8" });
    expect(JSON.parse(whoami)).toMatchObject({ status: { userInfo: { username: "system:serviceaccount:default:weir" } } });
  });
});
