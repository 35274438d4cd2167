/** Routes that carry connections, of tls and of tcp: found by what they match, moved like any other, alone or together with an http route, and left as they were found. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { Conflict } from "../../src/kubernetes/errors.ts";
import type { RouteFound, RouteSeen } from "../../src/rollout/observation.ts";
import { ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import type { VirtualServiceRef } from "../../src/rollout/spec-traffic.ts";
import type { RouteChange, TrafficRouter } from "../../src/traffic/traffic-router.ts";
import { DIALECTS, type Dialect, type Part } from "../support/route-dialects.ts";
import { routerWorldsAtHand, type RouterWorld, type Scene } from "../support/router-worlds.ts";

const virtualServices = DIALECTS.find(({ kind }) => kind === "virtualServices")!;
const { part } = virtualServices;

const HTTP = [part({ v2: 100, v3: 0 }, { name: "primary", timeout: "3s" })];
const TLS = [
  part({ v1: 100 }, { match: [{ port: 443, sniHosts: ["ratings.example"] }] }),
  part({ v2: 100, v3: 0 }, { match: [{ port: 443, sniHosts: ["reviews.example", "www.reviews.example"] }, { port: 8443, sniHosts: ["reviews.example"] }] }),
];
const TCP = [part({ v1: null }, { match: [{ port: 3306 }] }), part({ v2: 100, v3: 0 }, { match: [{ port: 9000 }, { port: 9001 }] })];

/** Its parts are the tcp routes. */
const dialect: Dialect = {
  ...virtualServices,
  object: (tcp, metadata) => {
    const object = virtualServices.object(HTTP, metadata);
    return { ...object, spec: { ...(object.spec as object), tls: TLS, tcp } };
  },
  spec: (tcp) => ({ tcp }),
};

type Asked = Omit<VirtualServiceRef, "name">;
const BY_PORT: Asked = { tcpRoutes: [{ port: 9001 }] };
const ALL: Asked = { routes: ["primary"], tlsRoutes: [{ port: 443, sniHosts: ["reviews.example"] }], tcpRoutes: [{ port: 9000 }] };

describe.each(routerWorldsAtHand())("routes of connections, on $world", ({ open }) => {
  let world: RouterWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  const begin = (tcp: readonly Part[] = TCP): Promise<Scene> => world.begin(dialect, tcp);
  const targetOf = (asked: Asked) => ({ istio: { virtualServices: [{ name: "reviews", ...asked }] } });
  const read = ({ namespace, router }: Scene, asked: Asked, by: TrafficRouter = router): RouteSeen => by.read({ namespace, name: "reviews" }, targetOf(asked), ["v3", "v2"]);
  const see = (scene: Scene, asked: Asked, by?: TrafficRouter): RouteFound => {
    const seen = read(scene, asked, by);
    if (seen.kind !== "found") throw new Error(seen.message);
    return seen;
  };
  const change = ({ namespace }: Scene, asked: Asked, seen: RouteFound, [v2, v3]: readonly [number, number], stamp: string | null = "uid-1/1.1"): RouteChange => ({
    rollout: { namespace, name: "reviews" }, target: targetOf(asked), seen, ours: ["v2", "v3"],
    wanted: [{ version: "v2", points: v2 }, { version: "v3", points: v3 }],
    matched: null, stamp, manager: ROUTE_MANAGER,
  });
  const shares = ({ destinations, along = [] }: RouteFound): readonly string[] => [destinations, ...along.map((lane) => lane.destinations)].map((lane) => lane.map(({ version, points }) => `${version} ${points}`).join(", "));
  const asFound = ({ metadata: { annotations }, spec }: KubernetesObject): string => JSON.stringify({ annotations, spec });

  it.each<[what: string, asked: Asked, label: string, fields: readonly string[], count: number]>([
    ["a tcp route by one of its ports", BY_PORT, ", tcp route for port 9001", ["tcp"], 1],
    ["a tls route by one of its hosts", { tlsRoutes: [{ sniHosts: ["www.reviews.example"] }] }, ", tls route for www.reviews.example", ["tls"], 1],
    ["a tls route by port and host", { tlsRoutes: [{ port: 8443, sniHosts: ["reviews.example"] }] }, ", tls route for port 8443, reviews.example", ["tls"], 1],
    ["several of all kinds", ALL, ", routes primary, tls route for port 443, reviews.example, tcp route for port 9000", ["http", "tls", "tcp"], 3],
  ])("are found: %s", async (_, asked, label, fields, count) => {
    const scene = await begin();
    const seen = see(scene, asked);
    expect(seen).toMatchObject({ name: `VirtualService ${scene.namespace}/reviews${label}`, fields, backends: { v3: { kind: "found" } } });
    expect(shares(seen)).toEqual(Array.from({ length: count }, () => "v2 100, v3 0"));
  });

  it.each<[what: string, asked: Asked]>([["one of tcp", BY_PORT], ["several of all kinds", ALL]])("move by one write, and are left as they were found: %s", async (_, asked) => {
    const scene = await begin();
    const found = await scene.stored();
    const written = await scene.router.write(change(scene, asked, see(scene, asked), [75, 25]));
    expect((await scene.stored()).metadata.resourceVersion).toBe(written.resourceVersion);
    expect(new Set(shares(see(scene, asked)))).toEqual(new Set(["v2 75, v3 25"]));
    await scene.router.write(change(scene, asked, see(scene, asked), [100, 0], null));
    expect(asFound(await scene.stored())).toBe(asFound(found));
  });

  it.each<[what: string, asked: Asked, seen: (label: string) => object]>([
    ["no port is that of one", { tcpRoutes: [{ port: 27017 }] }, (label) => ({ kind: "absent", message: `${label} has no tcp route for port 27017; it has port 3306; port 9000 or port 9001` })],
    ["several may be meant", { tlsRoutes: [{ port: 443 }] }, (label) => ({ kind: "unusable", message: `${label} has 2 routes that may be meant by its tls route for port 443 (port 443, ratings.example; port 443, reviews.example, www.reviews.example or port 8443, reviews.example): say in tlsRoutes which one, by port, sniHosts or both` })],
    ["one is meant twice", { tcpRoutes: [{ port: 9000 }, { port: 9001 }] }, (label) => ({ kind: "unusable", message: `traffic.istio.virtualServices means ${label}, tcp route for port 9001 twice: name each route once` })],
  ])("are refused with a sentence where %s", async (_, asked, seen) => {
    const scene = await begin();
    expect(read(scene, asked)).toEqual(seen(`VirtualService ${scene.namespace}/reviews`));
  });

  it("are not written by who does not know yet what they match now", async () => {
    const scene = await begin();
    const frozen = scene.freeze();
    await scene.editRoutes("kubectl-edit", TCP.toReversed());
    await expect(frozen.write(change(scene, BY_PORT, see(scene, BY_PORT, frozen), [75, 25]))).rejects.toThrow(Conflict);
    expect(shares(see(scene, BY_PORT))).toEqual(["v2 100, v3 0"]);
  });
});
