/** The Kubernetes API servers at hand for a test: the embedded one always, a real one where KUBEBUILDER_ASSETS is set. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { inject } from "vitest";
import { customResourceDefinitions } from "../../src/playground/custom-resources.ts";
import { createKubernetesApi } from "../../src/playground/kubernetes-api/kubernetes-api.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { createApiRequest, type ApiAddress, type ApiObject, type ApiRequest } from "./api-request.ts";
import { applyObjects, type ApplyOptions } from "./apply.ts";
import type { AuditEntry } from "./audit-log.ts";
import { compactEtcd, connectControlPlane, type ControlPlaneAddress } from "./control-plane.ts";
import { admitDaemon, DAEMON } from "./deployed.ts";

/**
 * Users: `admin` may do everything; `daemon`, on the real server, is the ServiceAccount of deploy/ with the rights that deploy/ gives it;
 * `alice` and `bob` may do there only what a test binds.
 */
export interface TestApi {
  readonly name: "embedded" | "real";
  /** As admin. */
  readonly address: ApiAddress;
  readonly request: ApiRequest;
  apply(objects: string | readonly ApiObject[], options?: ApplyOptions): Promise<readonly ApiObject[]>;
  /** The path of a kubeconfig. */
  kubeconfigFor(user: string): string;
  /** What the server has answered to this user so far; the real one is shared by all tests, so look at your own namespace. */
  requestsOf(user: string): readonly ApiRecord[];
  /** Forgets every revision before now, as etcd's compaction does; watches and lists of then are answered with 410. */
  forgetHistory(): Promise<void>;
  /** A new one; tests on one server keep apart by namespaces. */
  createNamespace(): Promise<string>;
  /** Lets `daemon` move traffic and read labelled Secrets there, as deploy/namespace-binding.yaml does; settles when it may. */
  admitDaemon(namespace: string): Promise<void>;
  close(): Promise<void>;
}

export type ApiRecord = Omit<AuditEntry, "id" | "at">;

export interface TestApiAtHand {
  readonly name: TestApi["name"];
  open(): Promise<TestApi>;
}

/** For `describe.each`. */
export function kubernetesApis(): readonly TestApiAtHand[] {
  const controlPlane = inject("controlPlane");
  const real: TestApiAtHand[] = controlPlane ? [{ name: "real", open: async () => openReal(controlPlane) }] : [];
  return [{ name: "embedded", open: openEmbedded }, ...real];
}

/** Somebody else's control plane: closing it leaves it as it is. */
export function openReal(controlPlane: ControlPlaneAddress): TestApi {
  const { request, kubeconfigFor, auditLog } = connectControlPlane(controlPlane);
  return {
    ...commonPart(request),
    name: "real",
    address: controlPlane,
    kubeconfigFor: (user) => kubeconfigFor(user === "daemon" ? DAEMON.kubeconfig : user),
    requestsOf: (user) => auditLog(user === "daemon" ? DAEMON.user : user),
    forgetHistory: () => compactEtcd(controlPlane),
    admitDaemon: (namespace) => admitDaemon(request, namespace),
    close: async () => undefined,
  };
}

/** One of its own. */
export async function openEmbedded(): Promise<TestApi> {
  const folder = createTemporaryFolder("weir-embedded-api");
  const answered: ApiRecord[] = [];
  const api = await createKubernetesApi({ crds: customResourceDefinitions(), onRequest: (request) => answered.push(request) });
  const address = { url: api.url, token: "admin" };
  return {
    ...commonPart(createApiRequest(address)),
    name: "embedded",
    address,
    kubeconfigFor: (user) => {
      const file = path.join(folder.path, `${user}.kubeconfig`);
      writeFileSync(file, api.kubeconfig(user));
      return file;
    },
    requestsOf: (user) => answered.filter((request) => request.user === user),
    admitDaemon: async () => undefined, // everybody may do everything
    forgetHistory: async () => api.compact(),
    close: async () => {
      await api.close();
      await folder.remove();
    },
  };
}

function commonPart(request: ApiRequest): Pick<TestApi, "request" | "apply" | "createNamespace"> {
  return {
    request,
    apply: (objects, options) => applyObjects(request, objects, options),
    createNamespace: async () => {
      const name = `test-${randomBytes(4).toString("hex")}`;
      await request("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
      return name;
    },
  };
}
