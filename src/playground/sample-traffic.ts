/** The playground's traffic: sample pods behind an embedded mesh, and users who send requests. */
import type { Load } from "./arrivals.ts";
import type { CleanUp } from "./clean-up.ts";
import { namespace } from "./cluster.ts";
import { createLoad } from "./load.ts";
import { createMesh, type Mesh } from "./mesh/mesh.ts";
import type { ScrapeTarget } from "./processes/prometheus.ts";
import { fitcycle, ratings, reviews } from "./samples/sample-apps.ts";
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
  /** More users of an application, with headers of their own. */
  startUsers(app: string, headers: Readonly<Record<string, string>>): Load;
}

/** Requests per second, by the application's name: most to the one that most stories are about. */
export const requestsPerSecond = { reviews: 200, ratings: 80, website: 40, fitcycle: 40 };

/** Of each kind of users that a story brings along. */
const USERS_PER_SECOND = 40;

/** What calls the applications inside the mesh, and what lets people in from outside. */
export const inside = "productpage-v1";
const outside = "istio-ingressgateway";

const callers = [
  { workload: inside, namespace, app: "productpage", version: "v1", entrance: "sidecar" },
  { workload: outside, namespace: "istio-system", app: outside, version: "latest", entrance: "gateway" },
] as const;

export async function createSampleTraffic(seed: number, cleanUp: CleanUp): Promise<SampleTraffic> {
  const samples = createSamplePods({ seed });
  cleanUp.add(samples.close);
  const mesh = await createMesh({ callers, endpoints: samples.endpoints, seed });
  cleanUp.add(mesh.close);
  const proxies = Object.fromEntries(callers.map(({ workload }) => [workload, mesh.proxyOf(workload).url]));
  const start = (url: string, host: string, perSecond: number, headers: Readonly<Record<string, string>> = {}) => {
    const load = createLoad({ url, host, requestsPerSecond: perSecond, headers, seed });
    cleanUp.add(load.close);
    return load;
  };
  return {
    mesh,
    samples,
    proxies,
    targets: callers.map(({ workload }) => targetOf(mesh, workload)),
    startUsers: (app, headers) => start(`${proxies[inside]}/${app}/0`, headers["host"] ?? app, USERS_PER_SECOND, headers),
    startLoads: () => {
      start(`${proxies[outside]}/`, "www.website.example", requestsPerSecond.website);
      start(`${proxies[inside]}/api`, fitcycle.name, requestsPerSecond.fitcycle);
      return {
        [reviews.name]: start(`${proxies[inside]}/reviews/0`, reviews.name, requestsPerSecond.reviews),
        [ratings.name]: start(`${proxies[inside]}/ratings/0`, ratings.name, requestsPerSecond.ratings),
      };
    },
  };
}

function targetOf(mesh: Mesh, workload: string): ScrapeTarget {
  const { host, pathname } = new URL(mesh.proxyOf(workload).statsUrl);
  return { job: workload, address: host, path: pathname };
}
