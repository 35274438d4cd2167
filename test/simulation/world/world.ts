/** A simulated world, put together: one Rollout, its route, its versions, the servers around it, daemons, and whoever watches. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { aDestinationRule, aKubernetesService, aVirtualService, NAMESPACE, subsets } from "../../support/istio-objects.ts";
import { createApiServer, type ApiServer, type ObjectVersion } from "./api-server.ts";
import { isComplete, startControllers, type Controllers } from "./controllers.ts";
import { isScaledToNothing, SIDES, theDeployment } from "./deployment.ts";
import { ASTRAY, LOST, sideSharesOf } from "./side-shares.ts";
import { createCrew, type Crew } from "./crew.ts";
import { createDice } from "./dice.ts";
import type { Truth } from "./facts.ts";
import type { Scene } from "./history.ts";
import { createMesh, type Mesh } from "./mesh.ts";
import { EDGE, NAME, VERSIONS } from "./names.ts";
import type { Arrival } from "./network.ts";
import type { Notice } from "../../../src/rollout/notice.ts";
import type { Tampering } from "./tampering.ts";
import { createPrometheus, type Answered, type Prometheus } from "./prometheus.ts";
import { createSharedRedis, type SharedRedis } from "./redis.ts";
import { isSound } from "./route-points.ts";
import { createTroubles, type Troubles } from "./troubles.ts";
import { createWorldClock, type WorldClock } from "./world-clock.ts";

export const NOON = Date.parse("2026-11-21T12:00:00.000Z");
const LONG_AGO_MS = 3_600_000;

/** What deeds are done to. */
export interface World {
  readonly scene: Scene;
  readonly clock: WorldClock;
  readonly server: ApiServer;
  readonly mesh: Mesh;
  readonly prometheus: Prometheus;
  readonly redis: SharedRedis;
  readonly crew: Crew;
  readonly troubles: Troubles;
  /** Of a world with a Deployment. */
  readonly controllers?: Controllers;
  /** Until when the API server, or whoever is told, does not answer. */
  readonly outages: { server: number; receivers: number };
  tell(who: string, what: string): void;
}

/** Those who see what happens; nothing of it depends on them. */
export interface Watchers {
  readonly begin: (parts: Pick<World, "scene" | "clock" | "server">, truth: Truth) => void;
  readonly onArrival: (arrival: Arrival) => void;
  readonly onTick: (author: string) => void;
  readonly onAnswer: (answered: Answered) => void;
  readonly onDelivery: (notice: Notice) => void;
  readonly tell: World["tell"];
}

export function createWorld(scene: Scene, tampering: Tampering, watchers: Watchers): World {
  const { tell } = watchers;
  const clock = createWorldClock(NOON - LONG_AGO_MS);
  const server = createApiServer(clock);
  furnish(server, scene);
  clock.skipTo(NOON);
  const mesh = createMesh(clock, createDice(scene.seed, "mesh"), scene, scene.deployment && sideSharesOf(server));
  const troubles = createTroubles(clock);
  const outages = { server: 0, receivers: 0 };
  const redis = createSharedRedis(clock, createDice(scene.seed, "redis"));
  const prometheus = createPrometheus({ clock, dice: createDice(scene.seed, "prometheus"), mesh, scrapeMs: scene.scrapeMs, onAnswer: watchers.onAnswer });
  const controllers = scene.deployment && startControllers({ clock, server, dice: createDice(scene.seed, "controllers"), scene: scene.deployment }, scene.unready);
  const parts = { scene, clock, server, mesh, prometheus, redis, troubles, outages, tell, ...(controllers ? { controllers } : {}) };
  server.follow((version) => hearing(mesh, scene, version));
  const crew = createCrew({
    ...parts, tampering,
    isServerUp: () => clock.nowMs >= outages.server,
    areReceiversUp: () => clock.nowMs >= outages.receivers,
    onArrival: watchers.onArrival,
    onTick: watchers.onTick,
    deliver: watchers.onDelivery,
  });
  const world = { ...parts, crew };
  watchers.begin(parts, truthOf(world));
  mesh.hear(server.get("virtualServices", NAME));
  server.put("rollouts", theRollout(scene.spec), "kubectl");
  return world;
}

/** What the proxies will hear of. */
function hearing(mesh: Mesh, { deployment }: Scene, { kind, type, object }: ObjectVersion): void {
  const present = type === "deleted" ? undefined : object;
  if (kind === "virtualServices" && object.metadata.name === NAME) mesh.hear(present);
  if (deployment && kind === "destinationRules" && object.metadata.name === SIDES) mesh.hearRule(present);
  if (deployment && kind === "pods") mesh.look();
}

function truthOf({ mesh, server, prometheus, troubles, crew, scene, clock, controllers }: Omit<World, "tell">): Truth {
  const isRouteSound = (): boolean => isSound(server.get("virtualServices", NAME)) && server.get("destinationRules", NAME) !== undefined;
  const isShort = (object: KubernetesObject): boolean => {
    const { ready, wanted } = object as unknown as { readonly ready: number; readonly wanted: number };
    return ready < wanted;
  };
  /** While hands are off nobody puts anything right, and whom its owner has scaled to 0 nobody can serve. */
  const isDisturbed = (): boolean => {
    const isSuspended = (server.get("rollouts", NAME)?.["spec"] as { readonly suspend?: boolean } | undefined)?.suspend === true;
    if (isSuspended || controllers?.isAnyHeldByDeed() || isScaledToNothing(server)) troubles.disturb();
    return troubles.isDisturbed();
  };
  const isAnyShort = (): boolean => (controllers ? controllers.heldTags().length > 0 || isDisturbed() || !isComplete(server) : server.all("pods").some(isShort));
  return {
    strayed: () => ({ lost: mesh.counters(LOST, clock.nowMs).requests, astray: mesh.counters(ASTRAY, clock.nowMs).requests }),
    isDisturbed,
    badShare: mesh.badShare,
    shares: mesh.shares,
    perSecond: mesh.perSecond,
    isAnythingWrong: () => !prometheus.isWell() || !isRouteSound() || VERSIONS.some((version) => mesh.badShare(version) > 0) || isAnyShort() || mesh.perSecond() < scene.requestsPerSecond,
    wellForMs: troubles.wellForMs,
    controlForMs: troubles.controlForMs,
    isRouteSound,
    hasSeenOldCrdForMs: crew.hasSeenOldCrdForMs,
  };
}

/** What was there long before. */
function furnish(server: ApiServer, scene: Scene): void {
  server.put("services", aKubernetesService(), "kubectl");
  server.put("destinationRules", theRule(), "kubectl");
  server.put("virtualServices", theRoute(scene), "kubectl");
  if (scene.edge) server.put("virtualServices", theEdge(scene), "kubectl");
  if (scene.deployment) return server.put("deployments", theDeployment(scene.deployment), "kubectl");
  for (const version of VERSIONS) server.put("pods", thePods(version, scene.unready?.includes(version) ? { ready: 0 } : {}), "kubelet");
}

/** What runs behind a version. */
export function thePods(version: string, change: { readonly ready?: number; readonly revision?: string } = {}): KubernetesObject {
  return { metadata: { namespace: NAMESPACE, name: version }, ready: 2, wanted: 2, revision: `r1-${version}`, ...change };
}

export function theRule(): KubernetesObject {
  return aDestinationRule({ versions: VERSIONS });
}

/** A route of its own before the managed one, fields that are nobody's business, and annotations of others. */
export function theRoute({ split, deployment }: Pick<Scene, "split" | "deployment">): KubernetesObject {
  const canned = { name: "canned", match: [{ uri: { prefix: "/health" } }], route: [{ destination: { host: "reviews", subset: "v1" } }], timeout: "1s" };
  const managed = { retries: { attempts: 2 }, route: (deployment ? [{ destination: { host: "reviews" } }] : subsets(split)!).map((destination) => ({ ...destination, headers: { response: { set: { "x-of": "reviews" } } } })), timeout: "5s" };
  return aVirtualService({ http: [canned, managed], metadata: { annotations: { team: "books" } } });
}

/** The same for others who ask: it shares as the route does, and has fields of its own. */
export function theEdge({ split }: Pick<Scene, "split">): KubernetesObject {
  return aVirtualService({ name: EDGE, http: [{ timeout: "9s", route: subsets(split)! }], metadata: { annotations: { team: "edge" } } });
}

export function theRollout(spec: object): KubernetesObject {
  return { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { namespace: NAMESPACE, name: NAME }, spec };
}
