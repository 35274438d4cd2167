/** How a roll divides a Deployment's pods between its ReplicaSets: what each is to have next. */
import { DESIRED_REPLICAS, MAX_REPLICAS } from "./revisions.ts";
import { boundsOf } from "./rolling-bounds.ts";
import type { Deployment, ReplicaSet } from "./workloads.ts";

/** `latest` has the Deployment's template; `old` are the others, the oldest first. */
export interface Sets {
  readonly latest?: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

export interface Size {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

export function wantedIn(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, { spec }) => sum + spec.replicas, 0);
}

export function availableIn(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, { status }) => sum + status.availableReplicas, 0);
}

export function allOf({ latest, old }: Sets): readonly ReplicaSet[] {
  return latest ? [...old, latest] : old;
}

/** Of the ReplicaSet with the latest template, existing or to be created: as much as the surge leaves room for. */
export function latestSize(deployment: Deployment, sets: Sets): number {
  const { replicas, strategy } = deployment.spec;
  const present = sets.latest?.spec.replicas ?? 0;
  if (strategy.type !== "RollingUpdate" || present >= replicas) return replicas;
  const room = replicas + boundsOf(deployment).maxSurge - wantedIn(allOf(sets));
  return present + Math.max(0, Math.min(room, replicas - present));
}

/** Of the old ones: first those pods go that are not available anyway, then as many of the others as may be missing. */
export function oldSizes(deployment: Deployment, { latest, old }: Sets): readonly Size[] {
  const least = deployment.spec.replicas - boundsOf(deployment).maxUnavailable;
  const latestUnavailable = latest ? latest.spec.replicas - latest.status.availableReplicas : 0;
  const spare = wantedIn(allOf({ latest, old })) - least - latestUnavailable;
  const available = availableIn(allOf({ latest, old })) - least;
  const cleaned = shrunk(old.map(asItIs), spare, ({ set, replicas }) => replicas - set.status.availableReplicas);
  return spare > 0 ? shrunk(cleaned, available, ({ replicas }) => replicas) : old.map(asItIs);
}

export function asItIs(set: ReplicaSet): Size {
  return { set, replicas: set.spec.replicas };
}

/** Takes `count` away, one after the other, of each at most what it can spare. */
function shrunk(sizes: readonly Size[], count: number, spareOf: (size: Size) => number): readonly Size[] {
  let left = count;
  return sizes.map((size) => {
    const taken = Math.max(0, Math.min(left, size.replicas, spareOf(size)));
    left -= taken;
    return { set: size.set, replicas: size.replicas - taken };
  });
}

/** After the Deployment's replicas were changed: all to the one ReplicaSet that has pods, else to each in proportion. */
export function scaledSizes(deployment: Deployment, sets: Sets): readonly Size[] {
  const { replicas } = deployment.spec;
  const active = allOf(sets).filter(({ spec }) => spec.replicas > 0);
  const only = active.length > 1 ? undefined : (active[0] ?? sets.latest ?? sets.old.at(-1));
  if (only) return [{ set: only, replicas }];
  if (sets.latest && isSaturated(deployment, sets.latest)) return sets.old.map((set) => ({ set, replicas: 0 }));
  return deployment.spec.strategy.type === "RollingUpdate" ? proportionalSizes(deployment, active) : [];
}

function isSaturated({ spec }: Deployment, latest: ReplicaSet): boolean {
  const isSizedForIt = latest.metadata.annotations[DESIRED_REPLICAS] === `${spec.replicas}`;
  return isSizedForIt && latest.spec.replicas === spec.replicas && latest.status.availableReplicas === spec.replicas;
}

/** The largest first, and of those of one size the newest where pods are added, the oldest where they are taken; what rounding leaves over is the first one's. */
function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): readonly Size[] {
  const { replicas } = deployment.spec;
  const toAdd = (replicas > 0 ? replicas + boundsOf(deployment).maxSurge : 0) - wantedIn(active);
  const byAge = toAdd > 0 ? [...active].reverse() : active;
  let added = 0;
  const sizes = byAge.toSorted((one, other) => other.spec.replicas - one.spec.replicas).map((set) => {
    const share = shareOf(set, deployment, toAdd - added);
    added += share;
    return { set, replicas: set.spec.replicas + share };
  });
  return sizes.map(({ set, replicas: size }, index) => ({ set, replicas: Math.max(0, index === 0 ? size + toAdd - added : size) }));
}

/** Between nothing and `left`. */
function shareOf(set: ReplicaSet, deployment: Deployment, left: number): number {
  const { replicas } = deployment.spec;
  const before = Number(set.metadata.annotations[MAX_REPLICAS] ?? 0) || deployment.status.replicas || set.spec.replicas;
  const most = replicas + boundsOf(deployment).maxSurge;
  const share = replicas === 0 ? -set.spec.replicas : Math.round((set.spec.replicas * most) / before) - set.spec.replicas;
  return left > 0 ? Math.max(0, Math.min(share, left)) : Math.min(0, Math.max(share, left));
}
