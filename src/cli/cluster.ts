/** A connection to the cluster with the person's own kubeconfig, for as long as a verb needs it. */
import type { KubernetesClient } from "../kubernetes/client.ts";
import { loadConnection } from "../kubernetes/connection.ts";
import { createKubernetesClient } from "../kubernetes/kube-client.ts";
import { withServedVersions } from "../kubernetes/served-versions.ts";
import { createTransport } from "../kubernetes/transport.ts";
import { VERSION } from "../version.ts";
import { EXIT, Failure } from "./failure.ts";
import type { GlobalOptions } from "./options.ts";
import type { World } from "./world.ts";

export interface Cluster {
  readonly client: KubernetesClient;
  readonly server: string;
  readonly namespace: string;
  /** Names Istio's resources as this server has them; asks once. */
  istio(): Promise<KubernetesClient>;
  /** This clock minus the API server's; undefined while unknown. */
  skewMs(): number | undefined;
}

/** Field manager of what people write with the command line. */
export const CLI_MANAGER = "weir-cli";

export async function withCluster<Result>(world: World, options: GlobalOptions, act: (cluster: Cluster) => Promise<Result>): Promise<Result> {
  const { kubeconfig, context } = options;
  const connection = loadConnection({ ...world.environment.cluster, ...(kubeconfig && { kubeconfig }), ...(context && { context }) });
  const transport = createTransport(connection, { userAgent: `${CLI_MANAGER}/${VERSION}` });
  const client = createKubernetesClient(transport);
  let istio: Promise<KubernetesClient> | undefined;
  try {
    return await untilInterrupted(world.interrupted, act({
      client,
      server: connection.server,
      namespace: options.namespace ?? connection.namespace,
      istio: () => (istio ??= withServedVersions(client)),
      skewMs: () => transport.skewMs(),
    }));
  } finally {
    transport.close();
  }
}

/** Rejects at once when the person has had enough. */
function untilInterrupted<Result>(interrupted: AbortSignal, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Failure("", EXIT.interrupted));
    if (interrupted.aborted) stop();
    interrupted.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => interrupted.removeEventListener("abort", stop));
  });
}
