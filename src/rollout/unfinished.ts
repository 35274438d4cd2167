/** Whether somebody must look at a Rollout again although nothing changes. */
import { FINALIZER, type Rollout } from "./rollout.ts";

/** A run goes on, its traces or a deletion wait to be cleared away, or people wait to be told. */
export function isUnfinished({ metadata, status }: Rollout): boolean {
  const run = status?.run;
  if (run && (!run.outcome || run.announcements.length > 0)) return true;
  return metadata.finalizers.includes(FINALIZER) || metadata.deletionTimestamp !== undefined;
}
