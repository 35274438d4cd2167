/** Port: what runs behind a Rollout: versions that exist side by side, or a Deployment that Weir holds. */
import type { AutoscalerSeen, Backend, DeploymentAbsent, DeploymentSeen, VersionSeen } from "../rollout/observation.ts";
import type { Rollout, ValidRollout } from "../rollout/rollout.ts";
import type { DeploymentChange } from "../rollout/upkeep.ts";

export interface Workload {
  /** With `spec.release` as the world has it: where a Deployment is delivered, the version of its template now. */
  named(rollout: ValidRollout): ValidRollout;
  /** The Deployment that the Rollout delivers; undefined where it names a version. From informer caches; no request. */
  deployment(rollout: ValidRollout): DeploymentSeen | DeploymentAbsent | undefined;
  /** What runs behind a version, from informer caches; no request. */
  see(version: string, backend: Backend, rollout: ValidRollout): VersionSeen;
  /** What scales that Deployment, if anything does; a sentence where Weir may not look. One request. */
  autoscaler(rollout: ValidRollout): Promise<AutoscalerSeen | string | undefined>;
  /** One write, conditional on what was seen: throws `Conflict` where it has changed since. */
  change(rollout: Rollout, change: DeploymentChange): Promise<void>;
}
