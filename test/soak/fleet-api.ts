/** The API server under a fleet: the embedded one, or a real control plane with the rights that deploy/ gives. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { customResourceDefinitions } from "../../src/playground/custom-resources.ts";
import { createKubernetesApi } from "../../src/playground/kubernetes-api/kubernetes-api.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import type { ApiAddress } from "../support/api-request.ts";
import { startControlPlane, tokenIn } from "../support/control-plane.ts";
import { admitDaemon, DAEMON, installDeployed } from "../support/deployed.ts";

export interface FleetApi {
  /** As admin. */
  readonly address: ApiAddress;
  readonly adminKubeconfig: string;
  readonly daemonToken: string;
  /** Lets the daemon work in this namespace. */
  admit(namespace: string): Promise<void>;
  close(): Promise<void>;
}

export async function openEmbeddedApi(): Promise<FleetApi> {
  const folder = createTemporaryFolder("weir-fleet-api");
  const api = await createKubernetesApi({ crds: customResourceDefinitions() });
  const adminKubeconfig = path.join(folder.path, "admin.kubeconfig");
  writeFileSync(adminKubeconfig, api.kubeconfig("admin"));
  return {
    address: { url: api.url, token: "admin" },
    adminKubeconfig,
    daemonToken: "daemon",
    admit: async () => undefined,
    close: async () => {
      await api.close();
      await folder.remove();
    },
  };
}

/** Needs KUBEBUILDER_ASSETS. */
export async function openRealApi(): Promise<FleetApi> {
  const plane = await startControlPlane();
  try {
    await installDeployed(plane);
  } catch (error) {
    await plane.close();
    throw error;
  }
  return {
    address: plane,
    adminKubeconfig: plane.kubeconfigFor("admin"),
    daemonToken: tokenIn(plane.kubeconfigFor(DAEMON.kubeconfig)),
    admit: (namespace) => admitDaemon(plane.request, namespace),
    close: plane.close,
  };
}
