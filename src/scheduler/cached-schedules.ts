/** When each Rollout is to be looked at, and how it stands, read from the informer cache. */
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { Rollouts } from "../reconciler/ports.ts";
import { nextTickMs } from "../rollout/next-look.ts";
import type { Rollout, RolloutRef } from "../rollout/rollout.ts";
import { isUnfinished } from "../rollout/unfinished.ts";
import { msOf } from "../rollout/units.ts";
import { isValid } from "../rollout/validity.ts";
import type { Schedule, Schedules } from "./schedule.ts";

export interface CachedSchedules extends Schedules {
  /** For the gauges: how every Rollout stands. */
  samples(): Iterable<{ readonly namespace: string; readonly name: string; readonly phase: string; readonly weightPercent: number }>;
}

export interface CachedSchedulesOptions {
  readonly all: () => readonly KubernetesObject[];
  readonly rollouts: Pick<Rollouts, "get">;
}

/** A spec that does not parse has no interval; it is looked at when it changes. */
const INTERVAL_WITHOUT_SPEC_MS = 60_000;

export function createSchedules({ all, rollouts }: CachedSchedulesOptions): CachedSchedules {
  const known = (): Rollout[] => all().flatMap(({ metadata }) => rollouts.get({ namespace: metadata.namespace ?? "", name: metadata.name }) ?? []);
  return {
    list: () => known().map(scheduleOf),
    find(ref: RolloutRef) {
      const rollout = rollouts.get(ref);
      return rollout && scheduleOf(rollout);
    },
    samples: () => known().map(({ metadata: { namespace, name }, status }) => ({ namespace, name, phase: status?.phase ?? "Pending", weightPercent: status?.run?.weight ?? 0 })),
  };
}

function scheduleOf(rollout: Rollout): Schedule {
  const { namespace, name, uid } = rollout.metadata;
  const next = rollout.status && nextTickMs(rollout.status);
  return {
    namespace,
    name,
    uid,
    unfinished: isUnfinished(rollout) && !rollout.statusIsNewer,
    intervalMs: isValid(rollout) ? msOf(rollout.spec.analysis.interval) : INTERVAL_WITHOUT_SPEC_MS,
    ...(next === undefined ? {} : { nextLookAtMs: next }),
  };
}
