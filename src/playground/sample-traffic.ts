/** The playground's traffic: sample pods behind an embedded mesh, and users who send requests. */
import type { Load } from "./arrivals.ts";
import type { CleanUp } from "./clean-up.ts";
import { namespace } from "./cluster.ts";
import { createConnections } from "./connections.ts";
import { createCrowd, type Crowd } from "./crowd.ts";
import type { UserKind } from "./deliveries.ts";
import { createLoad } from "./load.ts";
import type { Entrance } from "./mesh/http-match.ts";
import { createMesh, type Mesh, type MeshOptions } from "./mesh/mesh.ts";
import type { ScrapeTarget } from "./processes/prometheus.ts";
import { broker, fitcycle, ratings, reviews } from "./samples/sample-apps.ts";
import { createSamplePods, type SamplePods } from "./samples/sample-pods.ts";

export interface SampleTraffic {
  readonly mesh: Mesh;
  readonly samples: SamplePods;
  /** What Prometheus reads. */
  readonly targets: readonly ScrapeTarget[];
  /** Proxies by the caller's workload. */
  readonly proxies: Readonly<Record<string, string>>;
  /** Sends requests from now on; returns the loads on those that stories are about, by the application's name. */
  startLoads(): Readonly<Record<string, Load>>;
  /** More users of an application. */
  startUsers(app: string, kind: UserKind): Load;
  /** So many more, who keep cookies. */
  startCrowd(app: string, users: number): Crowd;
}

/** Requests per second, or connections, by the application's name: most to the one that most stories are about. */
export const requestsPerSecond = { reviews: 200, ratings: 80, website: 40, fitcycle: 40, broker: 40 };

/** Of each kind of users that a story brings along. */
const USERS_PER_SECOND = 40;

/** What calls the applications inside the mesh, one of them included, and what lets people in from outside. */
export const inside = "productpage-v1";
const outside = "istio-ingressgateway";

const callers: MeshOptions["callers"] = [
  { workload: inside, namespace, app: "productpage", version: "v1", entrance: "sidecar" },
  ...reviews.versions.map((version) => ({ workload: `${reviews.name}-${version}`, namespace, app: reviews.name, version, entrance: "sidecar" }) as const),
  { workload: outside, namespace: "istio-system", app: outside, version: "latest", entrance: "gateway" },
];

export async function createSampleTraffic(seed: number, cleanUp: CleanUp): Promise<SampleTraffic> {
  const samples = createSamplePods({ seed });
  cleanUp.add(samples.close);
  const mesh = await createMesh({ callers, endpoints: samples.endpoints, seed });
  cleanUp.add(mesh.close);
  const proxies = Object.fromEntries(callers.map(({ workload }) => [workload, mesh.proxyOf(workload).url]));
  const started = <Started extends Load>(load: Started): Started => {
    cleanUp.add(load.close);
    return load;
  };
  const start = (url: string, host: string, requestsPerSecond: number, headers: Readonly<Record<string, string>> = {}) => started(createLoad({ url, host, requestsPerSecond, headers, seed }));
  const urlOf = (app: string, entrance: Entrance = "sidecar"): string => `${proxies[entrance === "gateway" ? outside : inside]}/${app}/0`;
  return {
    mesh,
    samples,
    proxies,
    targets: callers.map(({ workload }) => targetOf(mesh, workload)),
    startUsers: (app, { headers, entrance }) => start(urlOf(app, entrance), headers["host"] ?? app, USERS_PER_SECOND, headers),
    startCrowd: (app, users) => started(createCrowd({ url: urlOf(app), host: app, users, requestsPerSecond: USERS_PER_SECOND, seed })),
    startLoads: () => {
      start(`${proxies[outside]}/`, "www.website.example", requestsPerSecond.website);
      start(`${proxies[inside]}/api`, fitcycle.name, requestsPerSecond.fitcycle);
      return {
        [reviews.name]: start(urlOf(reviews.name), reviews.name, requestsPerSecond.reviews),
        [ratings.name]: start(urlOf(ratings.name), ratings.name, requestsPerSecond.ratings),
        [broker.name]: started(createConnections({ url: proxies[inside]!, to: `${broker.name}:${broker.port}`, requestsPerSecond: requestsPerSecond.broker, seed })),
      };
    },
  };
}

function targetOf(mesh: Mesh, workload: string): ScrapeTarget {
  const { host, pathname } = new URL(mesh.proxyOf(workload).statsUrl);
  return { job: workload, address: host, path: pathname };
}
