/** From a change in the caches to a tick: what a person did at once and in this process, what the world did by the queue. */
import { COMMAND_ANNOTATION, type RolloutRef } from "../rollout/rollout.ts";
import { isEqual } from "../rollout/equal.ts";
import { ROUTE_KINDS, type RouteKind } from "../rollout/route-names.ts";
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { Scheduler } from "./scheduler.ts";
import type { TimeSource } from "./time.ts";

interface Change {
  readonly kind: "added" | "modified" | "deleted";
  readonly object: KubernetesObject;
  readonly previous?: KubernetesObject;
}

interface Changes {
  onChange(listener: (change: Change) => void): () => void;
}

export interface TriggersOptions {
  readonly rollouts: Changes;
  readonly routes: Readonly<Partial<Record<RouteKind, Changes>>>;
  /** Everything else that a decision looks at: DestinationRules, Services, ServiceEntries, pods and their owners. */
  readonly others: readonly Changes[];
  /** Among the others, too. */
  readonly deployments: Changes;
  readonly ownerOfDeployment: (namespace: string, name: string) => RolloutRef | undefined;
  readonly naming: (kind: RouteKind, namespace: string, name: string) => readonly RolloutRef[];
  readonly about: (namespace: string) => readonly RolloutRef[];
  readonly scheduler: Pick<Scheduler, "tickNow" | "wake" | "rearm">;
  readonly time: TimeSource;
}

/** Pods change in swarms: what happens in one namespace within this time is one wake-up. */
const SWARM_MS = 50;

export function startTriggers(options: TriggersOptions): void {
  const { scheduler, time } = options;
  options.rollouts.onChange(({ kind, object, previous }) => {
    const ref = refOf(object);
    scheduler.rearm(ref);
    if (kind === "added" || (kind === "modified" && isForUs(object, previous))) scheduler.tickNow(ref);
  });
  for (const kind of ROUTE_KINDS) {
    options.routes[kind]?.onChange(({ object: { metadata } }) => {
      for (const ref of options.naming(kind, metadata.namespace ?? "", metadata.name)) scheduler.wake(ref);
    });
  }
  options.deployments.onChange(({ kind, object, previous }) => {
    const { namespace, name } = refOf(object);
    const ref = kind === "modified" && hasNewTemplate(object, previous) ? options.ownerOfDeployment(namespace, name) : undefined;
    if (ref) scheduler.tickNow(ref);
  });
  const waiting = new Set<string>();
  const flush = (namespace: string): void => {
    waiting.delete(namespace);
    for (const ref of options.about(namespace)) scheduler.wake(ref);
  };
  const gather = ({ object: { metadata } }: Change): void => {
    const namespace = metadata.namespace ?? "";
    if (waiting.has(namespace)) return;
    waiting.add(namespace);
    time.after(SWARM_MS, () => flush(namespace));
  };
  for (const source of options.others) source.onChange(gather);
}

/** A command, an edit of the spec, a deletion, or a status that somebody emptied: not our own writes. */
function isForUs(object: KubernetesObject, previous: KubernetesObject | undefined): boolean {
  const [now, before] = [object.metadata, previous?.metadata];
  const command = now.annotations?.[COMMAND_ANNOTATION];
  return (
    now.generation !== before?.generation ||
    now.deletionTimestamp !== before?.deletionTimestamp ||
    (command !== undefined && command !== before?.annotations?.[COMMAND_ANNOTATION]) ||
    (previous?.["status"] !== undefined && object["status"] === undefined)
  );
}

/** A person wants another version, as they would by an edit of the spec. */
function hasNewTemplate(object: KubernetesObject, previous: KubernetesObject | undefined): boolean {
  const [now, before] = [object, previous].map((one) => (one?.["spec"] as { readonly template?: unknown } | undefined)?.template);
  return !isEqual(now, before);
}

function refOf({ metadata }: KubernetesObject): RolloutRef {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}
