/** Installs what deploy/ has on a real API server, from its own files, so that a daemon runs there with the rights that it gets in production and no others. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { ApiRequest } from "./api-request.ts";
import { applyObjects } from "./apply.ts";
import type { ConnectedControlPlane } from "./control-plane.ts";
import type { Right } from "./granted.ts";
import { until } from "./until.ts";

/** The ServiceAccount of deploy/rbac.yaml: as a kubeconfig's name here, and as the API server calls it. */
export const DAEMON = { namespace: "weir-system", account: "weir", kubeconfig: "weir-system-weir", user: "system:serviceaccount:weir-system:weir" };

const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));
const IN_FORCE_LIMIT_MS = 30_000;

/** As an administrator does it; writes a kubeconfig for the daemon's account. */
export async function installDeployed(plane: ConnectedControlPlane): Promise<void> {
  const kubectl = (...args: readonly string[]): string =>
    execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("admin")}`, "apply", "--server-side", "--force-conflicts", ...args], { encoding: "utf8" });
  kubectl("-f", path.join(DEPLOY, "namespace.yaml"));
  kubectl("-k", DEPLOY);
  kubectl("-f", path.join(DEPLOY, "hold.yaml"));
  await until(() => isServed(plane.request), IN_FORCE_LIMIT_MS);
  await plane.kubeconfigForServiceAccount(DAEMON.namespace, DAEMON.account);
}

/** For a moment after their CRD was written the server answers 429 for each kind: "storage is (re)initializing". */
function isServed(request: ApiRequest): Promise<boolean> {
  return Promise.all(["rollouts", "rolloutruns"].map((kind) => request("GET", `/apis/weir.dev/v1alpha1/${kind}`))).then(() => true, () => false);
}

/** Binds the daemon in a namespace by deploy/namespace-binding.yaml; settles when it is in force. */
export async function admitDaemon(request: ApiRequest, namespace: string): Promise<void> {
  await applyObjects(request, readFileSync(path.join(DEPLOY, "namespace-binding.yaml"), "utf8"), { namespace });
  await until(() => isAllowed(request, DAEMON.user, { verb: "patch", group: "networking.istio.io", resource: "virtualservices" }, namespace), IN_FORCE_LIMIT_MS);
}

interface Review {
  readonly status: { readonly allowed: boolean };
}

/** As the API server's authorizer says now: it learns of roles and bindings a moment after they were written. */
export async function isAllowed(request: ApiRequest, user: string, { verb, group, resource: path, name }: Right, namespace: string): Promise<boolean> {
  const [resource, subresource] = path.split("/");
  const resourceAttributes = { verb, group, resource, namespace, ...(subresource !== undefined && { subresource }), ...(name !== undefined && { name }) };
  const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec: { user, groups: ["system:authenticated"], resourceAttributes } };
  const { status } = await request<Review>("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
  return status.allowed;
}
