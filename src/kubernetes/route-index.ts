/** Which Rollouts name which VirtualService, kept up to date with the Rollouts' cache. */
import { z } from "zod";
import type { RolloutRef } from "../rollout/rollout.ts";
import type { KubernetesObject } from "./client.ts";
import type { InformerCache } from "./informer-cache.ts";

export interface RouteIndex {
  /** Rollouts that name this VirtualService, in their spec or for a run that goes on; the oldest first. */
  naming(namespace: string, virtualService: string): readonly RolloutRef[];
  /** Rollouts in this namespace, and those that name a VirtualService in it. */
  about(namespace: string): readonly RolloutRef[];
  /** The Rollout that a route belongs to where several name it: the oldest. */
  ownerOf(route: { readonly namespace: string; readonly virtualService: string; readonly route?: string }): RolloutRef | undefined;
}

const Target = z.object({ istio: z.object({ virtualServices: z.array(z.object({ name: z.string(), namespace: z.string().optional(), routes: z.array(z.string()).optional() })) }) });
const Naming = z.object({ spec: z.object({ traffic: Target }).optional().catch(undefined), status: z.object({ run: z.object({ target: Target }).optional().catch(undefined) }).optional().catch(undefined) });

interface Entry extends RolloutRef {
  readonly createdAt: string;
  readonly places: readonly { readonly key: string; readonly namespace: string; readonly route: string | undefined; readonly isSpec: boolean }[];
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
    naming: (namespace, virtualService) => sorted(byPlace.get(`${namespace}/${virtualService}`)).map(refOf),
    about: (namespace) => sorted(byNamespace.get(namespace)).map(refOf),
    ownerOf({ namespace, virtualService, route }) {
      const key = `${namespace}/${virtualService}`;
      const same = (named: string | undefined): boolean => named === undefined || route === undefined || named === route;
      const owner = sorted(byPlace.get(key)).find(({ places }) => places.some((place) => place.isSpec && place.key === key && same(place.route)));
      return owner && refOf(owner);
    },
  };
}

function refOf({ namespace, name }: Entry): RolloutRef {
  return { namespace, name };
}

function entryOf(object: KubernetesObject, namespace: string, name: string): Entry {
  const { spec, status } = Naming.parse({ spec: object["spec"], status: object["status"] });
  const placesOf = (target: z.infer<typeof Target> | undefined, isSpec: boolean): Entry["places"] =>
    (target?.istio.virtualServices ?? []).map((one) => ({ key: `${one.namespace ?? namespace}/${one.name}`, namespace: one.namespace ?? namespace, route: one.routes?.[0], isSpec }));
  return { namespace, name, createdAt: object.metadata.creationTimestamp ?? "", places: [...placesOf(spec?.traffic, true), ...placesOf(status?.run?.target, false)] };
}
