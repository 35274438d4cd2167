/** Judges every version of a VirtualService that a watch of its own ever saw: legal weights, and every other byte as it was. */
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { ApiObject } from "./api-request.ts";
import type { History } from "./history.ts";

/** What may be seen on the route that a Rollout steers. */
export interface Steered {
  /** Of the VirtualService. */
  readonly name: string;
  /** Name of the http route; absent: it has none. */
  readonly route?: string;
  /** Whose subsets stable and canary are. */
  readonly host: string;
  /** The host without a subset stands for stable, too. */
  readonly isHeld?: boolean;
  readonly stable: string;
  readonly canary: string;
  /** Canary shares in percent. */
  readonly ladder: readonly number[];
}

export interface RouteRecorder {
  /** Canary shares, in percent of what stable and canary have together, one for each change of it, oldest first. */
  shares(): readonly number[];
  /** Canary share now. */
  share(): number;
  /** Canary share in any version of the VirtualService. */
  shareOf(version: ApiObject): number;
  /** Our stamp on the newest version. */
  stamp(): string | undefined;
  /** From now on this share is legal too: a test's own hand writes it. */
  allow(share: number): void;
  /** One sentence for each version that breaks a law. */
  violations(): readonly string[];
}

interface Destination {
  readonly destination: { readonly host: string; readonly subset?: string };
  readonly weight?: number;
}
interface HttpRoute {
  readonly name?: string;
  readonly route: readonly Destination[];
}
interface VirtualService extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly http: readonly HttpRoute[] };
}

/** The first version in the history is how the route was before. */
export function createRouteRecorder(history: Pick<History, "of">, steered: Steered): RouteRecorder {
  const byHand = new Set<number>();
  const versions = (): readonly VirtualService[] => history.of(steered.name) as readonly VirtualService[];
  const newest = (): VirtualService => versions().at(-1)!;
  return {
    shares: () => versions().map((version) => shareIn(version, steered)).filter((share, index, all) => share !== all[index - 1]),
    share: () => shareIn(newest(), steered),
    shareOf: (version) => shareIn(version as VirtualService, steered),
    stamp: () => stampOf(newest()),
    allow: (share) => void byHand.add(share),
    violations: () => {
      const [first, ...others] = versions();
      if (!first) return [`there is no VirtualService ${steered.name}`];
      const legal = new Set([0, 100, shareIn(first, steered), ...steered.ladder, ...byHand]);
      return others.flatMap((version) => brokenBy(version, first, steered, legal).map((law) => `${steered.name} at ${String(version.metadata["resourceVersion"])}: ${law}`));
    },
  };
}

function brokenBy(version: VirtualService, first: VirtualService, steered: Steered, legal: ReadonlySet<number>): string[] {
  const weights = routeIn(version, steered).map(weightOf);
  const share = shareIn(version, steered);
  const grows = routeIn(first, steered).filter((one) => isOurs(one, steered)).length === 1;
  const [seen, expected] = [masked(version, steered, grows), masked(first, steered, grows)];
  return [
    ...(weights.every((weight) => Number.isInteger(weight)) && sum(weights) === 100 ? [] : [`expected whole weights that add up to 100, got ${weights.join(", ")}`]),
    ...(legal.has(share) ? [] : [`expected a canary share of ${[...legal].join(", ")}, got ${share}`]),
    ...(stampOf(version) !== undefined || shapeOf(version, steered) === shapeOf(first, steered) ? [] : [`expected the shape ${shapeOf(first, steered)} while no run goes on, got ${shapeOf(version, steered)}`]),
    ...(seen === expected ? [] : [`expected everything but weights and stamp as it was, ${expected}, got ${seen}`]),
  ];
}

function routeIn({ spec }: VirtualService, steered: Steered): readonly Destination[] {
  return spec.http.find(({ name }) => name === steered.route)?.route ?? [];
}

/** An only destination needs no weight. */
function weightOf({ weight }: Destination, _index: number, all: readonly Destination[]): number {
  return weight ?? (all.length === 1 ? 100 : 0);
}

function shareIn(version: VirtualService, steered: Steered): number {
  const route = routeIn(version, steered);
  const pointsOf = (isMeant: (one: Destination) => boolean): number => sum(route.map((one, index) => (isMeant(one) ? weightOf(one, index, route) : 0)));
  const ours = pointsOf((one) => isOurs(one, steered));
  return ours === 0 ? 0 : (pointsOf((one) => isOurs(one, steered) && one.destination.subset === steered.canary) * 100) / ours;
}

function stampOf({ metadata }: VirtualService): string | undefined {
  return metadata.annotations?.[EPOCH_ANNOTATION];
}

function isOurs({ destination: { host, subset } }: Destination, { host: ours, stable, canary, isHeld = false }: Steered): boolean {
  return host === ours && (subset === stable || subset === canary || (isHeld && subset === undefined));
}

/** How many destinations are ours, and whether they have weights written out. */
function shapeOf(version: VirtualService, steered: Steered): string {
  return routeIn(version, steered).filter((one) => isOurs(one, steered)).map(({ weight }) => (weight === undefined ? "unweighted" : "weighted")).join(", ");
}

/** Everything that must stay as it was, byte for byte; `grows`: the run adds a copy of the only destination, and one of the two stays. */
function masked({ apiVersion, kind, metadata, spec }: VirtualService, steered: Steered, grows: boolean): string {
  const { resourceVersion: _r, generation: _g, managedFields: _m, annotations: { [EPOCH_ANNOTATION]: _stamp, ...annotations } = {}, ...kept } = metadata;
  const unweighted = (route: readonly Destination[]): readonly unknown[] => route.map((one) => (isOurs(one, steered) ? withoutWeight(one) : one));
  const copies = (route: readonly Destination[]): readonly unknown[] => unified(route.map((one) => (isOurs(one, steered) ? withoutSubset(one) : one)));
  const http = spec.http.map((one) => (one.name === steered.route ? { ...one, route: grows ? copies(one.route) : unweighted(one.route) } : one));
  const identity = Object.entries({ ...kept, annotations }).sort(([one], [other]) => (one < other ? -1 : 1)); // servers tell it in any order
  return JSON.stringify({ apiVersion, kind, metadata: Object.fromEntries(identity), spec: { ...spec, http } });
}

function withoutWeight({ weight: _, ...kept }: Destination): Omit<Destination, "weight"> {
  return kept;
}

function withoutSubset(one: Destination): unknown {
  const { destination, ...kept } = withoutWeight(one);
  return { destination: { ...destination, subset: "" }, ...kept };
}

/** Equal neighbours are one. */
function unified(route: readonly unknown[]): readonly unknown[] {
  return route.filter((one, index) => JSON.stringify(one) !== JSON.stringify(route[index - 1]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
