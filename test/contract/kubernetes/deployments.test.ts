/** Deployments roll the same on both: by the playground's own controllers beside the embedded API, by the real ones on a control plane that no other test shares. */
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import { loadConnection } from "../../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../../src/kubernetes/transport.ts";
import { startControllers } from "../../../src/playground/controllers/controllers.ts";
import { startControlPlane } from "../../support/control-plane.ts";
import { kubernetesApis, openEmbedded, openReal, type TestApi } from "../../support/kubernetes-apis.ts";
import { createSilentLog } from "../../support/silent-log.ts";
import { deployments } from "./deployments.ts";
import { prepareSubjects, type Subject } from "./subject.ts";
import type { Kubelet } from "./workload-steps.ts";

interface Cluster {
  readonly api: TestApi;
  readonly kubelet: Kubelet;
}

async function startReal(): Promise<Cluster> {
  const { address, kubelet, close } = await startControlPlane({ controllers: true });
  return { api: { ...openReal(address), close }, kubelet: kubelet! };
}

async function startEmbedded(): Promise<Cluster> {
  const api = await openEmbedded();
  const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("controllers") }), { userAgent: "controllers" });
  const controllers = await startControllers({ client: createKubernetesClient(transport), logger: createSilentLog() });
  const close = async (): Promise<void> => {
    await controllers.stop();
    transport.close();
    await api.close();
  };
  return { api: { ...api, close }, kubelet: controllers };
}

const CLUSTERS = kubernetesApis().map(({ name }) => ({ name, start: name === "real" ? startReal : startEmbedded }));

describe.each(CLUSTERS)("the $name cluster", ({ start }) => {
  let cluster: Cluster;
  let nextSubject: () => Promise<Subject>;
  beforeAll(async () => {
    cluster = await start();
    nextSubject = await prepareSubjects(cluster.api);
  }, 120_000);
  afterEach(async () => void (await cluster.kubelet.release()));
  afterAll(async () => cluster?.api.close());

  it.each(deployments)("$name", { timeout: 120_000 }, async ({ check }) => check(await nextSubject(), cluster.kubelet));
});
