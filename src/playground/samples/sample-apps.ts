/** The sample applications of the playground: who they are, and how their traffic is routed before the first delivery. */

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

export const sampleApps: readonly SampleApp[] = [reviews, website, fitcycle, ratings];
