/** Which Rollouts name which route, kept up to date with the Rollouts' cache. */
import { z } from "zod";
import type { RolloutRef } from "../rollout/rollout.ts";
import { routesNamed, type RouteKind, type RouteName } from "../rollout/route-names.ts";
import { Traffic } from "../rollout/spec-traffic.ts";
import type { KubernetesObject } from "./client.ts";
import type { InformerCache } from "./informer-cache.ts";

export interface RouteIndex {
  /** Rollouts that name this route, in their spec or for a run that goes on; the oldest first. */
  naming(kind: RouteKind, namespace: string, name: string): readonly RolloutRef[];
  /** Rollouts in this namespace, and those that name a route in it. */
  about(namespace: string): readonly RolloutRef[];
  /** The Rollout that a route belongs to where several name it: the oldest. */
  ownerOf(route: RouteName): RolloutRef | undefined;
  /** The same of a Deployment. */
  ownerOfDeployment(namespace: string, name: string): RolloutRef | undefined;
}

const Naming = z.object({ spec: z.object({ traffic: Traffic, deployment: z.object({ name: z.string() }).optional() }).optional().catch(undefined), status: z.object({ run: z.object({ target: Traffic }).optional().catch(undefined) }).optional().catch(undefined) });

interface Entry extends RolloutRef {
  /** Name of the one that it delivers. */
  readonly deployment?: string | undefined;
  readonly createdAt: string;
  readonly places: readonly { readonly key: string; readonly namespace: string; readonly part: string | undefined; readonly isSpec: boolean }[];
}

export function createRouteIndex(rollouts: Pick<InformerCache, "onChange">): RouteIndex {
  const entries = new Map<string, Entry>();
  const byPlace = new Map<string, Set<string>>();
  const byNamespace = new Map<string, Set<string>>();
  const maps = (entry: Entry): [Map<string, Set<string>>, string][] => [
    [byNamespace, entry.namespace],
    ...entry.places.flatMap(({ key, namespace }): [Map<string, Set<string>>, string][] => [[byPlace, key], [byNamespace, namespace]]),
  ];

  rollouts.onChange(({ kind, object }) => {
    const { namespace = "", name } = object.metadata;
    const key = `${namespace}/${name}`;
    const before = entries.get(key);
    if (before) for (const [map, at] of maps(before)) map.get(at)?.delete(key);
    entries.delete(key);
    if (kind === "deleted") return;
    const entry = entryOf(object, namespace, name);
    entries.set(key, entry);
    for (const [map, at] of maps(entry)) map.set(at, (map.get(at) ?? new Set()).add(key));
  });

  const sorted = (keys: Iterable<string> = []): Entry[] =>
    [...keys].map((key) => entries.get(key)!).sort((one, other) => one.createdAt.localeCompare(other.createdAt) || `${one.namespace}/${one.name}`.localeCompare(`${other.namespace}/${other.name}`));

  return {
    naming: (kind, namespace, name) => sorted(byPlace.get(keyOf({ kind, namespace, name }))).map(refOf),
    about: (namespace) => sorted(byNamespace.get(namespace)).map(refOf),
    ownerOfDeployment(namespace, name) {
      const owner = sorted(byNamespace.get(namespace)).find((entry) => entry.namespace === namespace && entry.deployment === name);
      return owner && refOf(owner);
    },
    ownerOf({ part, ...route }) {
      const key = keyOf(route);
      const same = (named: string | undefined): boolean => named === undefined || part === undefined || named === part;
      const owner = sorted(byPlace.get(key)).find(({ places }) => places.some((place) => place.isSpec && place.key === key && same(place.part)));
      return owner && refOf(owner);
    },
  };
}

function keyOf({ kind, namespace, name }: Omit<RouteName, "part">): string {
  return `${kind}/${namespace}/${name}`;
}

function refOf({ namespace, name }: Entry): RolloutRef {
  return { namespace, name };
}

function entryOf(object: KubernetesObject, namespace: string, name: string): Entry {
  const { spec, status } = Naming.parse({ spec: object["spec"], status: object["status"] });
  const placesOf = (target: Traffic | undefined, isSpec: boolean): Entry["places"] =>
    (target ? routesNamed(target, namespace) : []).map((route) => ({ key: keyOf(route), namespace: route.namespace, part: route.part, isSpec }));
  return { namespace, name, deployment: spec?.deployment?.name, createdAt: object.metadata.creationTimestamp ?? "", places: [...placesOf(spec?.traffic, true), ...placesOf(status?.run?.target, false)] };
}
