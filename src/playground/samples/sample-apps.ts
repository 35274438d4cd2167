/** The sample applications of the playground: who they are, and how their traffic is routed before the first delivery. */
import type { RolloutSpecInput } from "../../rollout/spec.ts";

export interface SampleApp {
  readonly name: string;
  readonly versions: readonly string[];
  readonly port: number;
  readonly image: (version: string) => string;
  /** `spec` of its VirtualService at the start. */
  readonly virtualService: Readonly<Record<string, unknown>>;
  /** Names of the http routes that its Rollout steers; none where there is only one route. */
  readonly routes?: readonly string[];
  /** Canary shares of its Rollout's ladder, in percent. */
  readonly ladder: readonly number[];
  /** In place of those: tcp routes, by their port. What moves is connections. */
  readonly tcpRoutes?: readonly { readonly port: number }[];
  /** By what a version is judged, where that is not errors and latency. */
  readonly metrics?: NonNullable<RolloutSpecInput["analysis"]>["metrics"];
  /** One Deployment that is updated in place, instead of one for each version. */
  readonly isHeld?: true;
}

function to(host: string, subset: string, weight?: number) {
  return { destination: { host, subset }, ...(weight === undefined ? {} : { weight }) };
}

/** Where reviews may be shown before it has users. */
export const PREVIEW_HOST = "preview.reviews.example";

/** Bookinfo's reviews: called by other pods, weights written out. */
export const reviews: SampleApp = {
  name: "reviews",
  versions: ["v1", "v2", "v3"],
  port: 9080,
  image: (version) => `docker.io/istio/examples-bookinfo-reviews-${version}:1.20.3`,
  virtualService: { hosts: ["reviews", PREVIEW_HOST], http: [{ route: [to("reviews", "v1", 100), to("reviews", "v2", 0)] }] },
  ladder: [10, 25, 50, 100],
};

/** The host by which people outside know reviews. */
export const EDGE_HOST = "reviews.example";

/** Another way to reviews, by a gateway. */
export const reviewsEdge: Pick<SampleApp, "name" | "virtualService"> = {
  name: "reviews-edge",
  virtualService: { hosts: [EDGE_HOST], gateways: ["reviews-gateway"], http: [{ route: [to("reviews", "v1", 100), to("reviews", "v2", 0)] }] },
};

/** A website behind a Gateway, for every host, with one route that has neither name nor weight. */
const website: SampleApp = {
  name: "website",
  versions: ["v1", "v2", "v3"],
  port: 80,
  image: (version) => `registry.example/website:${version}`,
  virtualService: { hosts: ["*"], gateways: ["website-gateway"], http: [{ route: [to("website", "v1")] }] },
  ladder: [50, 100],
};

/** Two named routes: testers have their own, which Weir leaves alone. */
export const fitcycle: SampleApp = {
  name: "fitcycle",
  versions: ["v1", "v2"],
  port: 8000,
  image: (version) => `registry.example/fitcycle:${version}`,
  virtualService: {
    hosts: ["fitcycle"],
    http: [
      { name: "testers", match: [{ headers: { "x-tester": { exact: "true" } } }], route: [to("fitcycle", "v2")] },
      { name: "primary", route: [to("fitcycle", "v1")] },
    ],
  },
  routes: ["primary"],
  ladder: [50, 100],
};

/** One Deployment, whose image is changed in place. */
export const ratings: SampleApp = {
  name: "ratings",
  versions: ["v1", "v2", "v3"],
  port: 9080,
  image: (version) => `ratings:${version}`,
  virtualService: { hosts: ["ratings"], http: [{ route: [{ destination: { host: "ratings" } }] }] },
  ladder: [25, 50, 100],
  isHeld: true,
};

const connectionsOfCanary = (what: "opened" | "closed"): string => `sum(istio_tcp_connections_${what}_total{destination_workload="$(canary.workload)"})`;

/** What tells how many of a version's connections are open: nobody counts requests in them. */
export const OPEN_CONNECTIONS = [connectionsOfCanary("opened"), `- ${connectionsOfCanary("closed")}`];

/** More than come to it in the time that a good version needs to answer. */
export const MOST_OPEN = 5;

/** What reviews call in the story of two services; no Rollout is of it alone. */
export const stars: SampleApp = {
  name: "stars",
  versions: ["v1", "v2"],
  port: 9080,
  image: (version) => `registry.example/stars:${version}`,
  virtualService: { hosts: ["stars"], http: [{ route: [to("stars", "v1", 100), to("stars", "v2", 0)] }] },
  ladder: [50, 100],
};

/** A message broker: its clients open connections, and speak no HTTP to a proxy. */
export const broker: SampleApp = {
  name: "broker",
  versions: ["v1", "v2"],
  port: 5672,
  image: (version) => `registry.example/broker:${version}`,
  virtualService: { hosts: ["broker"], tcp: [{ match: [{ port: 5672 }], route: [to("broker", "v1", 100), to("broker", "v2", 0)] }] },
  tcpRoutes: [{ port: 5672 }],
  ladder: [20, 50, 100],
  metrics: [{ name: "open", query: OPEN_CONNECTIONS.join(" "), max: MOST_OPEN }],
};

export const sampleApps: readonly SampleApp[] = [reviews, website, fitcycle, ratings, broker];
