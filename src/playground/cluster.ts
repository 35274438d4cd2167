/** The playground's cluster: the embedded Kubernetes API with the sample applications in it, and caches that follow it. */
import { createWriteStream } from "node:fs";
import { createCaches, type Caches } from "../kubernetes/caches.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { loadConnection } from "../kubernetes/connection.ts";
import { createKubernetesClient } from "../kubernetes/kube-client.ts";
import type { Logger } from "../kubernetes/logger.ts";
import { createTransport } from "../kubernetes/transport.ts";
import { createLogger } from "../telemetry/logger.ts";
import type { CleanUp } from "./clean-up.ts";
import { daemonName, daemonNamespace, installApps, installDaemonService } from "./cluster-objects.ts";
import { startControllers } from "./controllers/controllers.ts";
import { customResourceDefinitions } from "./custom-resources.ts";
import { createKubernetesApi } from "./kubernetes-api/kubernetes-api.ts";
import { writeKubeconfig } from "./launchers.ts";
import { createNamedRandom } from "./random.ts";
import { sampleApps, stars } from "./samples/sample-apps.ts";
import type { StateFolder } from "./state-folder.ts";

export interface Cluster {
  readonly client: KubernetesClient;
  readonly caches: Caches;
  /** The path of a kubeconfig. */
  readonly kubeconfig: string;
  /** From now on the API server's proxy to the daemon's Service leads to this URL, as `weir doctor` asks for it. */
  exposeDaemon(url: string): void;
}

/** Where the sample applications live. */
export const namespace = "bookinfo";

export async function startCluster(folder: StateFolder, seed: number, cleanUp: CleanUp): Promise<Cluster> {
  let daemonUrl: string | undefined;
  const isDaemon = (name: string, service: string) => name === daemonNamespace && service === daemonName;
  const serviceAddress = (name: string, service: string) => (isDaemon(name, service) ? daemonUrl : undefined);
  const api = await createKubernetesApi({ crds: customResourceDefinitions(), serviceAddress });
  cleanUp.add(api.close);
  const kubeconfig = writeKubeconfig(folder, api.url, namespace);
  const transport = createTransport(loadConnection({ kubeconfig }), { userAgent: "playground" });
  cleanUp.add(transport.close);
  const client = createKubernetesClient(transport);
  await installDaemonService(client);
  await installApps(client, namespace, [...sampleApps, stars], seed);
  const logger = createLogger({ level: "warn", destination: createWriteStream(`${folder.path}/playground.log`, { flags: "a" }) });
  await runControllers(client, logger, seed, cleanUp);
  const caches = createCaches({ client, namespace, logger });
  cleanUp.add(caches.stop);
  caches.start();
  await caches.synced;
  return { client, caches, kubeconfig, exposeDaemon: (url) => void (daemonUrl = url) };
}

/** After the applications are there: these are rolled out already, and stay as they are. */
async function runControllers(client: KubernetesClient, logger: Logger, seed: number, cleanUp: CleanUp): Promise<void> {
  const controllers = await startControllers({ client, logger, random: createNamedRandom(seed, "controllers") });
  cleanUp.add(controllers.stop);
}
