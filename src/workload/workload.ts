/** Port: the pods behind the versions of a Rollout. */
import type { Backend, VersionSeen } from "../rollout/observation.ts";

export interface Workload {
  /** What runs behind a version, from informer caches; no request. */
  see(version: string, backend: Backend): VersionSeen;
}
