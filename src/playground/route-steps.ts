/** The splits that a route had one after the other, each with what the mesh really sent while it was in force. */
import { isOwn } from "../rollout/route-names.ts";
import { VirtualService } from "./mesh/mesh-objects.ts";
import type { Mesh } from "./mesh/mesh.ts";
import type { MeshObjects } from "./mesh/routing-table.ts";
import type { VersionCounts } from "./mesh/tally.ts";

/** Weight by subset; an only destination without weight has 100. */
export type Split = Readonly<Record<string, number>>;

export interface RouteStep {
  readonly split: Split;
  /** When it came into force in the mesh; milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Requests sent while it was in force; later ones are not in it. */
  counts(): VersionCounts;
}

export interface RouteSteps {
  /** Oldest first; the last one is in force. Empty before the mesh knows the route. */
  all(): readonly RouteStep[];
  stop(): void;
}

export interface WatchedRoute {
  readonly namespace: string;
  /** Of VirtualService and Service alike. */
  readonly name: string;
  /** Name of the http route; absent: the only one. */
  readonly route?: string;
  /** Which version a destination stands for, where that is not its subset. */
  readonly versionOf?: (destination: { readonly host: string; readonly subset?: string | undefined }) => string;
}

export function createRouteSteps(mesh: Pick<Mesh, "onInForce" | "routed" | "resetRouted">, watched: WatchedRoute): RouteSteps {
  const { namespace, name } = watched;
  const steps: RouteStep[] = [];
  const see = (objects: MeshObjects) => {
    const split = splitOf(objects, watched);
    const last = steps.at(-1);
    if (!split || (last && isSame(last.split, split))) return;
    const frozen = mesh.routed(namespace, name);
    if (last) steps[steps.length - 1] = { ...last, counts: () => frozen };
    mesh.resetRouted(namespace, name);
    steps.push({ split, sinceMs: Date.now(), counts: () => mesh.routed(namespace, name) });
  };
  return { all: () => [...steps], stop: mesh.onInForce(see) };
}

/** What the VirtualService says now; undefined where it or the route is not there. */
export function splitOf({ virtualServices }: Pick<MeshObjects, "virtualServices">, { namespace, name, route, versionOf = ({ subset, host }) => subset ?? host }: WatchedRoute): Split | undefined {
  const object = virtualServices.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  const http = VirtualService.safeParse(object).data?.spec.http.find((one) => (route === undefined ? !isOwn(one) : one.name === route));
  if (!http) return undefined;
  const only = http.route.length === 1;
  return Object.fromEntries(http.route.map(({ destination, weight }) => [versionOf(destination), weight ?? (only ? 100 : 0)]));
}

function isSame(a: Split, b: Split): boolean {
  const versions = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...versions].every((version) => (a[version] ?? 0) === (b[version] ?? 0));
}
