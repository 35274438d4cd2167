/** The controllers beside what the playground installs: they take it as it is, and at rest they say nothing. */
import { afterEach, expect, it } from "vitest";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { createCleanUp } from "../../src/playground/clean-up.ts";
import { installApps } from "../../src/playground/cluster-objects.ts";
import { startControllers } from "../../src/playground/controllers/controllers.ts";
import { sampleApps } from "../../src/playground/samples/sample-apps.ts";
import { openEmbedded } from "../support/kubernetes-apis.ts";
import { createSilentLog } from "../support/silent-log.ts";
import { until } from "../support/until.ts";
import { aTemplate } from "../unit/playground/controllers/workload.fixture.ts";

const cleanUp = createCleanUp();
afterEach(cleanUp.run);

it("What is rolled out already stays as it is, and what has been rolled out is let be", async () => {
  const api = await openEmbedded();
  cleanUp.add(api.close);
  const clientOf = (user: string) => {
    const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor(user) }), { userAgent: user });
    cleanUp.add(transport.close);
    return createKubernetesClient(transport);
  };
  await installApps(clientOf("admin"), "bookinfo", sampleApps.filter(({ isHeld }) => !isHeld), 1);
  await api.request("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } });
  const logger = createSilentLog();
  const controllers = await startControllers({ client: clientOf("controllers"), logger });
  cleanUp.add(controllers.stop);
  const writes = () => api.requestsOf("controllers").filter(({ verb }) => !["get", "list", "watch"].includes(verb));
  const roll = async (name: string): Promise<void> => {
    const path = "/apis/apps/v1/namespaces/other/deployments";
    await api.request("POST", path, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name }, spec: { replicas: 2, selector: { matchLabels: { app: "web", name } }, template: aTemplate("v1", { name }) } });
    await until(async () => JSON.stringify(await api.request("GET", `${path}/${name}`)).includes("NewReplicaSetAvailable"));
  };
  await roll("first");
  const before = writes().length;
  expect(writes().map(({ namespace }) => namespace)).toEqual(Array(before).fill("other"));
  await roll("second");
  expect(writes().slice(before).filter(({ name }) => name?.startsWith("first"))).toEqual([]);
  expect(logger.lines).toEqual([]);
});
