/** The deliveries that the playground can play, and whether one ended as told. */
import type { RolloutSpecInput } from "../rollout/spec.ts";
import type { RolloutStatus } from "../rollout/status.ts";
import type { Split } from "./route-steps.ts";
import type { Entrance } from "./mesh/http-match.ts";
import { EDGE_HOST, MOST_OPEN, OPEN_CONNECTIONS, PREVIEW_HOST, reviewsEdge, stars, type SampleApp } from "./samples/sample-apps.ts";
import type { Behaviour } from "./samples/sample-pods.ts";

export type ScenarioName = "good" | "bad" | "slow" | "image" | "testers" | "shadow" | "blue-green" | "sessions" | "connections" | "entrances" | "two-services";

export interface Delivery {
  /** Name of the application. Default: reviews. */
  readonly app?: string;
  /** What a person types to ask for it. Default: weir release. */
  readonly command?: string;
  readonly title: string;
  /** The version to deliver. */
  readonly release: string;
  /** How that version behaves. */
  readonly behaviour: Behaviour;
  /** What a newcomer should know before it begins; `STABLE` stands for the version that serves. */
  readonly introduction: string;
  readonly ending: "promoted" | "takenBack";
  readonly rollout?: RolloutWritten;
  /** Users besides everybody, by kind. */
  readonly users?: Readonly<Record<string, UserKind>>;
  /** So many more, who keep cookies and are to stay where they are. */
  readonly crowd?: number;
  /** An application that its pods call from now on. */
  readonly calls?: string;
  /** Other ways to the application: VirtualServices that are there before. */
  readonly entrances?: readonly Pick<SampleApp, "name" | "virtualService">[];
}

/** What is worth reading in its Rollout. */
export interface RolloutWritten {
  /** Of its spec, where that is not what it says anyway. Null takes out what the Rollout says. */
  readonly change?: { readonly traffic?: RolloutSpecInput["traffic"]; readonly strategy?: { readonly [Field in keyof Strategy]?: Strategy[Field] | null } };
  /** The same as people write it, line by line. */
  readonly written: readonly string[];
}

type Strategy = NonNullable<RolloutSpecInput["strategy"]>;

export interface UserKind {
  readonly headers: Readonly<Record<string, string>>;
  /** Default: a sidecar. */
  readonly entrance?: Entrance;
}

const HOLD = "10s";

const healthy: Behaviour = { errorRate: 0, latencyMs: 8 };

export const deliveries: Readonly<Record<ScenarioName, Delivery>> = {
  good: {
    title: "A good version",
    release: "v2",
    behaviour: healthy,
    introduction: "v2 is new, and nothing is wrong with it. One word in the Rollout asks for it:",
    ending: "promoted",
  },
  bad: {
    title: "A bad version",
    release: "v3",
    behaviour: { ...healthy, errorRate: 0.2 },
    introduction: "v3 fails one request in five, and nobody knows that yet. It is asked for in the same way:",
    ending: "takenBack",
  },
  slow: {
    title: "A slow version",
    release: "v3",
    behaviour: { ...healthy, latencyMs: 1_600 },
    introduction: "v3 takes two hundred times as long as STABLE to answer, and nobody knows that yet. One word in the Rollout asks for it:",
    ending: "takenBack",
  },
  image: {
    title: "A Deployment's new image",
    app: "ratings",
    release: "v2",
    behaviour: healthy,
    introduction: "ratings is one Deployment, which is updated in place. Its new template waits, runs beside STABLE as a canary first, and takes its place once it has proven good:",
    command: "kubectl set image deployment/ratings ratings=ratings:v2",
    ending: "promoted",
  },
  testers: {
    title: "Testers first",
    release: "v2",
    behaviour: healthy,
    introduction: "Who sends a header gets v2 before anybody else does. Its Rollout has these steps now:",
    ending: "promoted",
    users: { "x-tester: true": { headers: { "x-tester": "true" } } },
    rollout: {
      change: { strategy: { steps: [{ match: [{ headers: [{ name: "x-tester", exact: "true" }] }], hold: HOLD }, { weight: 50, hold: HOLD }, { weight: 100, hold: HOLD }] } },
      written: ["steps:", `  - {match: [{headers: [{name: x-tester, exact: "true"}]}], hold: ${HOLD}}`, `  - {weight: 50, hold: ${HOLD}}`, `  - {weight: 100, hold: ${HOLD}}`],
    },
  },
  shadow: {
    title: "Copies first",
    release: "v3",
    behaviour: { ...healthy, errorRate: 0.2 },
    introduction: "v3 fails one request in five, and nobody knows that yet. Its Rollout sends it copies of some requests before it may answer any:",
    ending: "takenBack",
    rollout: {
      change: { strategy: { steps: [{ mirror: 20, hold: HOLD }, { weight: 50, hold: HOLD }, { weight: 100, hold: HOLD }] } },
      written: ["steps:", `  - {mirror: 20, hold: ${HOLD}}`, `  - {weight: 50, hold: ${HOLD}}`, `  - {weight: 100, hold: ${HOLD}}`],
    },
  },
  "blue-green": {
    title: "All at once, after a preview",
    release: "v2",
    behaviour: healthy,
    introduction: "v2 is shown at a host of its own first, then has everybody at once, and STABLE is kept for a while. Its Rollout says so:",
    ending: "promoted",
    users: { [PREVIEW_HOST]: { headers: { host: PREVIEW_HOST } } },
    rollout: {
      change: { strategy: { steps: null, blueGreen: { preview: PREVIEW_HOST, autoPromote: HOLD, hold: HOLD, keepOld: "5s" } } },
      written: [`blueGreen: {preview: ${PREVIEW_HOST}, autoPromote: ${HOLD}, hold: ${HOLD}, keepOld: 5s}`],
    },
  },
  sessions: {
    title: "Users who stay",
    release: "v2",
    behaviour: healthy,
    introduction: "A hundred users keep cookies. Whoever v2 has answered stays with v2, and each weight is a share of users. Its Rollout says so:",
    ending: "promoted",
    crowd: 100,
    rollout: {
      change: { strategy: { sessionAffinity: {}, steps: [{ weight: 10, hold: HOLD }, { weight: 50, hold: HOLD }, { weight: 100, hold: HOLD }] } },
      written: ["sessionAffinity: {}", "steps:", `  - {weight: 10, hold: ${HOLD}}`, `  - {weight: 50, hold: ${HOLD}}`, `  - {weight: 100, hold: ${HOLD}}`],
    },
  },
  connections: {
    title: "Connections, and a query of its own",
    app: "broker",
    release: "v2",
    behaviour: { ...healthy, latencyMs: 1_600 },
    introduction: "Clients of broker open connections, in which nobody counts requests: weights decide about new ones, and a query says what is bad. v2 takes two hundred times as long as STABLE to answer, so that connections pile up, and nobody knows that yet. Its Rollout says:",
    command: "weir release broker v2",
    ending: "takenBack",
    rollout: {
      written: [
        "traffic: {istio: {virtualServices: [{name: broker, tcpRoutes: [{port: 5672}]}]}}",
        "analysis:",
        "  metrics:",
        "    - name: open",
        "      query: |",
        ...OPEN_CONNECTIONS.map((line) => `        ${line}`),
        `      max: ${MOST_OPEN}`,
      ],
    },
  },
  entrances: {
    title: "Two entrances that move together",
    release: "v2",
    behaviour: healthy,
    introduction: `Pods ask for reviews by one VirtualService, and people outside for ${EDGE_HOST} by another one, at a gateway. Both are to give v2 the same share. Its Rollout names both:`,
    ending: "promoted",
    users: { [`${EDGE_HOST}, at the gateway`]: { headers: { host: EDGE_HOST }, entrance: "gateway" } },
    entrances: [reviewsEdge],
    rollout: {
      change: { traffic: { istio: { virtualServices: [{ name: "reviews" }, { name: reviewsEdge.name }] } }, strategy: { steps: [{ weight: 50, hold: HOLD }, { weight: 100, hold: HOLD }] } },
      written: ["traffic:", "  istio:", "    virtualServices:", "      - {name: reviews}", `      - {name: ${reviewsEdge.name}}`],
    },
  },
  "two-services": {
    title: "Two services at once",
    release: "v2",
    behaviour: healthy,
    introduction: "reviews call stars now, and v2 of the one is made for v2 of the other: no request that v2 answers may meet STABLE there. One Rollout delivers both:",
    ending: "promoted",
    calls: stars.name,
    rollout: {
      change: { traffic: { istio: { virtualServices: [{ name: "reviews" }, { name: stars.name, follow: "reviews" }] } }, strategy: { steps: [{ weight: 25, hold: HOLD }, { weight: 50, hold: HOLD }, { weight: 100, hold: HOLD }] } },
      written: ["traffic:", "  istio:", "    virtualServices:", "      - {name: reviews}", `      - {name: ${stars.name}, follow: reviews}`],
    },
  },
};

const endings = {
  promoted: { phase: "Healthy", reason: "Succeeded", outcome: "Succeeded", route: "0/100" },
  takenBack: { phase: "Degraded", reason: "RolledBack", outcome: "RolledBack", route: "100/0" },
} as const;

/** A sentence where the delivery did not end as told; undefined where it did. */
export function disappointment({ ending, release }: Delivery, stable: string, status: RolloutStatus | undefined, split: Split): string | undefined {
  const told = endings[ending];
  const route = `${split[stable] ?? 0}/${split[release] ?? 0}`;
  const asTold = status?.phase === told.phase && status.reason === told.reason && status.run?.outcome === told.outcome && route === told.route;
  if (asTold) return undefined;
  const seen = status ? `${status.phase}/${status.reason} (${status.message})` : "no status";
  return `expected ${told.phase}/${told.reason} and the route at ${told.route}, got ${seen} and the route at ${route}`;
}
