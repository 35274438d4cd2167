/** Starts one real control plane for all tests with real servers, where KUBEBUILDER_ASSETS says that there can be one. */
import type { TestProject } from "vitest/node";
import { startControlPlane, type ControlPlaneAddress } from "./control-plane.ts";
import { installDeployed } from "./deployed.ts";

declare module "vitest" {
  export interface ProvidedContext {
    controlPlane: ControlPlaneAddress | undefined;
  }
}

/** They have no rights but those that a test binds. The daemon has its own account, with the rights that deploy/ gives it. */
const USERS = [{ name: "alice" }, { name: "bob" }];

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!process.env.KUBEBUILDER_ASSETS) {
    project.provide("controlPlane", undefined);
    return undefined;
  }
  const controlPlane = await startControlPlane({ users: USERS, audit: true });
  try {
    await installDeployed(controlPlane);
  } catch (error) {
    await controlPlane.close();
    throw error;
  }
  project.provide("controlPlane", controlPlane.address);
  return controlPlane.close;
}
