/** The splits that a route had one after the other, each with what the mesh really sent while it was in force. */
import { isOwn } from "../rollout/route-names.ts";
import type { Sides } from "./crowd.ts";
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
  /** Copies of requests, likewise. */
  copies(): VersionCounts;
  /** What users of each kind were answered meanwhile, where there are kinds. */
  users(): Readonly<Record<string, VersionCounts>>;
  /** Where users who keep cookies stand, and how often one of them came to a version meanwhile. */
  sides(): Sides;
}

/** Users besides everybody, so far. */
export interface Onlookers {
  /** What each kind has been answered. */
  answered(): Readonly<Record<string, VersionCounts>>;
  /** Of those who keep cookies. */
  sides(): Sides;
}

const nobody: Onlookers = { answered: () => ({}), sides: () => ({ on: {}, came: {} }) };

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
  /** Its only tcp route instead. */
  readonly isTcp?: boolean;
  /** VirtualServices that move with it, where they are there. */
  readonly others?: () => readonly string[];
  /** Which version a destination stands for, where that is not its subset. */
  readonly versionOf?: (destination: { readonly host: string; readonly subset?: string | undefined }) => string;
}

/** A new one begins with another split, or where something else stands beside it. */
export function createRouteSteps(mesh: Pick<Mesh, "onInForce" | "routed" | "shadowed" | "resetRouted">, watched: WatchedRoute, { answered, sides }: Onlookers = nobody): RouteSteps {
  const { namespace, name } = watched;
  const steps: RouteStep[] = [];
  let beside = "";
  const see = (objects: MeshObjects) => {
    const split = commonSplit(objects, watched);
    const last = steps.at(-1);
    const now = besideOf(objects, watched);
    if (!split || (last && isSame(last.split, split) && now === beside)) return;
    if (last) steps[steps.length - 1] = frozen(last);
    beside = now;
    mesh.resetRouted(namespace, name);
    const before = { answered: answered(), came: sides().came };
    steps.push({
      split,
      sinceMs: Date.now(),
      counts: () => mesh.routed(namespace, name),
      copies: () => mesh.shadowed(namespace, name),
      users: () => grown(answered(), before.answered),
      sides: () => ({ ...sides(), came: moreThan(before.came, sides().came) }),
    });
  };
  return { all: () => [...steps], stop: mesh.onInForce(see) };
}

function frozen(step: RouteStep): RouteStep {
  const [counts, copies, users, sides] = [step.counts(), step.copies(), step.users(), step.sides()];
  return { ...step, counts: () => counts, copies: () => copies, users: () => users, sides: () => sides };
}

function moreThan(before: Sides["came"], now: Sides["came"]): Sides["came"] {
  return Object.fromEntries(Object.entries(now).map(([version, count]) => [version, count - (before[version] ?? 0)]));
}

type Answered = ReturnType<Onlookers["answered"]>;

function grown(now: Answered, before: Answered): Answered {
  return Object.fromEntries(Object.entries(now).map(([kind, counts]) => [kind, since(counts, before[kind] ?? {})]));
}

function since(now: VersionCounts, before: VersionCounts): VersionCounts {
  const none = { requests: 0, bad: 0 };
  return Object.fromEntries(Object.entries(now).map(([version, { requests, bad }]) => {
    const { requests: requestsBefore, bad: badBefore } = before[version] ?? none;
    return [version, { requests: requests - requestsBefore, bad: bad - badBefore }];
  }));
}

/** Whom Weir picks out, and what it copies. */
function besideOf({ virtualServices }: Pick<MeshObjects, "virtualServices">, { namespace, name }: WatchedRoute): string {
  const object = virtualServices.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  const http = VirtualService.safeParse(object).data?.spec.http ?? [];
  return JSON.stringify(http.map((route) => (isOwn(route) ? [route.name, route.match] : [route.mirror, route.mirrorPercentage, route.mirrors])));
}

/** Undefined while one of those that move together lags behind. */
function commonSplit(objects: MeshObjects, watched: WatchedRoute): Split | undefined {
  const split = splitOf(objects, watched);
  const others = (watched.others?.() ?? []).map((name) => splitOf(objects, { ...watched, name }));
  return split && others.every((other) => other === undefined || isSame(split, other)) ? split : undefined;
}

/** What the VirtualService says now; undefined where it or the route is not there. */
export function splitOf({ virtualServices }: Pick<MeshObjects, "virtualServices">, { namespace, name, route, isTcp = false, versionOf = ({ subset, host }) => subset ?? host }: WatchedRoute): Split | undefined {
  const object = virtualServices.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  const { http = [], tcp = [] } = VirtualService.safeParse(object).data?.spec ?? {};
  const found = isTcp ? tcp[0] : http.find((one) => (route === undefined ? !isOwn(one) : one.name === route));
  if (!found) return undefined;
  const only = found.route.length === 1;
  return Object.fromEntries(found.route.map(({ destination, weight }) => [versionOf(destination), weight ?? (only ? 100 : 0)]));
}

function isSame(a: Split, b: Split): boolean {
  const versions = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...versions].every((version) => (a[version] ?? 0) === (b[version] ?? 0));
}
