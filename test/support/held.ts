/** Applications that are one Deployment, updated in place, and API servers with the controllers that roll it. */
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { KubernetesClient, KubernetesObject, Resource } from "../../src/kubernetes/client.ts";
import { RESOURCES } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { startControllers } from "../../src/playground/controllers/controllers.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { startControlPlane } from "./control-plane.ts";
import { installDeployed } from "./deployed.ts";
import { kubernetesApis, openEmbedded, openReal, type TestApi, type TestApiAtHand } from "./kubernetes-apis.ts";
import { createSilentLog } from "./silent-log.ts";

const NAMESPACES: Resource = { group: "", version: "v1", plural: "namespaces" };

/** Both with Deployment and ReplicaSet controllers and something that gets pods ready; the real one shared with no other test. */
export function controlledApis(): readonly TestApiAtHand[] {
  return kubernetesApis().map(({ name }) => ({ name, open: name === "real" ? openRealControlled : openEmbeddedControlled }));
}

async function openRealControlled(): Promise<TestApi> {
  const plane = await startControlPlane({ controllers: true, audit: true });
  await installDeployed(plane);
  return { ...openReal(plane.address), close: plane.close };
}

/** With the playground's controllers. */
export async function openEmbeddedControlled(): Promise<TestApi> {
  const api = await openEmbedded();
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("admin") }), { userAgent: "controllers" });
  const controllers = await startControllers({ client: createKubernetesClient(transport), logger: createSilentLog() });
  return {
    ...api,
    close: async () => {
      await controllers.stop();
      transport.close();
      await api.close();
    },
  };
}

const EXAMPLE = parseAllDocuments(readFileSync(new URL("../../rollouts/deployment/reviews.yaml", import.meta.url), "utf8")).map((document) => document.toJS() as KubernetesObject);

/** The example that is for users, under another name; its container is called as the app is, and its image's tag says the version. */
function exampleOf(kind: string, { name }: Pick<SampleApp, "name">): KubernetesObject {
  const object = EXAMPLE.find((each) => each.kind === kind)!;
  return JSON.parse(JSON.stringify(object).replaceAll("istio/examples-bookinfo-reviews-v3:1.20.3", imageOf(name, "v1")).replaceAll('"reviews"', JSON.stringify(name))) as KubernetesObject;
}

function imageOf(name: string, version: string): string {
  return `registry.example/${name}:${version}`;
}

export function aHeldApp(name: string, ladder: readonly number[]): SampleApp {
  return { name, versions: ["v1", "v2", "v3"], port: 9080, image: (version) => imageOf(name, version), virtualService: exampleOf("VirtualService", { name })["spec"] as SampleApp["virtualService"], ladder, isHeld: true };
}

/** As git has it, at a version. */
export function heldDeployment(app: SampleApp, version: string): KubernetesObject {
  return JSON.parse(JSON.stringify(exampleOf("Deployment", app)).replaceAll(app.image("v1"), app.image(version))) as KubernetesObject;
}

/** What the example's Rollout says of what is delivered, and where. */
export function heldSpec(app: SampleApp): Partial<RolloutSpecInput> {
  const { deployment, traffic } = exampleOf("Rollout", app)["spec"] as RolloutSpecInput;
  return { release: undefined, deployment, traffic };
}

/** Each at its first version. */
export async function installHeldApps(client: KubernetesClient, namespace: string, apps: readonly SampleApp[]): Promise<void> {
  await client.create(NAMESPACES, undefined, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  for (const app of apps) {
    await client.create(RESOURCES.deployments, namespace, exampleOf("Deployment", app));
    await client.create(RESOURCES.services, namespace, exampleOf("Service", app));
    await client.create(RESOURCES.virtualServices, namespace, exampleOf("VirtualService", app));
  }
}
