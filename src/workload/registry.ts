/** What can be delivered, one line each; a Rollout's spec says which one is meant. */
import { deploymentOf } from "../rollout/deployment.ts";
import type { Rollout } from "../rollout/rollout.ts";
import { createDeploymentWorkload, type DeploymentWorkloadOptions } from "./deployment/deployment-workload.ts";
import { createVersionsWorkload, type VersionsWorkloadOptions } from "./versions/versions-workload.ts";
import type { Workload } from "./workload.ts";

/** One workload for every Rollout, whatever it delivers. */
export function createWorkload(options: VersionsWorkloadOptions & DeploymentWorkloadOptions): Workload {
  const versions = createVersionsWorkload(options);
  const deployment = createDeploymentWorkload(options);
  const workloadFor = (rollout: Rollout): Workload => (deploymentOf(rollout) === undefined ? versions : deployment);
  return {
    named: (rollout) => deployment.named(rollout), // also where a run of versions is yet to end
    deployment: (rollout) => workloadFor(rollout).deployment(rollout),
    see: (version, backend, rollout) => workloadFor(rollout).see(version, backend, rollout),
    autoscaler: (rollout) => workloadFor(rollout).autoscaler(rollout),
    change: (rollout, change) => workloadFor(rollout).change(rollout, change),
  };
}
