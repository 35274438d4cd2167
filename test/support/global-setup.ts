/** Starts one real control plane for all tests with real servers, where KUBEBUILDER_ASSETS says that there can be one. */
import type { TestProject } from "vitest/node";
import { startControlPlane, type ControlPlaneAddress } from "./control-plane.ts";

declare module "vitest" {
  export interface ProvidedContext {
    controlPlane: ControlPlaneAddress | undefined;
  }
}

/** `alice` and `bob` have no rights but those that a test binds; `daemon` may do everything, and keeps apart in the audit log what the daemon asks. */
const USERS = [{ name: "alice" }, { name: "bob" }, { name: "daemon", groups: ["system:masters"] }];

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!process.env.KUBEBUILDER_ASSETS) {
    project.provide("controlPlane", undefined);
    return undefined;
  }
  const controlPlane = await startControlPlane({ users: USERS, audit: true });
  project.provide("controlPlane", controlPlane.address);
  return controlPlane.close;
}
