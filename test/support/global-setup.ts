/** Starts one real control plane for all tests with real servers, where KUBEBUILDER_ASSETS says that there can be one. */
import type { TestProject } from "vitest/node";
import { startControlPlane, type ControlPlane, type ControlPlaneAddress } from "./control-plane.ts";
import { installDeployed } from "./deployed.ts";

declare module "vitest" {
  export interface ProvidedContext {
    controlPlane: ControlPlaneAddress | undefined;
  }
}

/** They have no rights but those that a test binds. The daemon has its own account, with the rights that deploy/ gives it. */
const USERS = [{ name: "alice" }, { name: "bob" }];

/** Every project of vitest.config.ts calls this, each with a copy of this module; what they share stands in the process. */
interface Shared {
  readonly controlPlane: Promise<ControlPlane>;
  projects: number;
}
const ofThisProcess = globalThis as { weirControlPlane?: Shared | undefined };

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!process.env.KUBEBUILDER_ASSETS) {
    project.provide("controlPlane", undefined);
    return undefined;
  }
  const shared = (ofThisProcess.weirControlPlane ??= { controlPlane: start(), projects: 0 });
  shared.projects += 1;
  const controlPlane = await shared.controlPlane;
  project.provide("controlPlane", controlPlane.address);
  return async () => {
    shared.projects -= 1;
    if (shared.projects === 0) await controlPlane.close();
  };
}

async function start(): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ users: USERS, audit: true });
  try {
    await installDeployed(controlPlane);
  } catch (error) {
    await controlPlane.close();
    throw error;
  }
  return controlPlane;
}
