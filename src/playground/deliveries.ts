/** The deliveries that the playground can play, and whether one ended as told. */
import type { RolloutSpecInput } from "../rollout/spec.ts";
import type { RolloutStatus } from "../rollout/status.ts";
import type { Split } from "./route-steps.ts";
import { PREVIEW_HOST } from "./samples/sample-apps.ts";
import type { Behaviour } from "./samples/sample-pods.ts";

export type ScenarioName = "good" | "bad" | "slow" | "image" | "testers" | "shadow" | "blue-green";

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
  readonly strategy?: Strategy;
  /** Users besides everybody: the headers of each kind. */
  readonly users?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** In place of the ladder that the Rollout has. */
export interface Strategy {
  /** Null takes out what the Rollout says. */
  readonly change: { readonly [Field in keyof NonNullable<RolloutSpecInput["strategy"]>]?: NonNullable<RolloutSpecInput["strategy"]>[Field] | null };
  /** The same as people write it, line by line. */
  readonly written: readonly string[];
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
    users: { "x-tester: true": { "x-tester": "true" } },
    strategy: {
      change: { steps: [{ match: [{ headers: [{ name: "x-tester", exact: "true" }] }], hold: HOLD }, { weight: 50, hold: HOLD }, { weight: 100, hold: HOLD }] },
      written: ["steps:", `  - {match: [{headers: [{name: x-tester, exact: "true"}]}], hold: ${HOLD}}`, `  - {weight: 50, hold: ${HOLD}}`, `  - {weight: 100, hold: ${HOLD}}`],
    },
  },
  shadow: {
    title: "Copies first",
    release: "v3",
    behaviour: { ...healthy, errorRate: 0.2 },
    introduction: "v3 fails one request in five, and nobody knows that yet. Its Rollout sends it copies of some requests before it may answer any:",
    ending: "takenBack",
    strategy: {
      change: { steps: [{ mirror: 20, hold: HOLD }, { weight: 50, hold: HOLD }, { weight: 100, hold: HOLD }] },
      written: ["steps:", `  - {mirror: 20, hold: ${HOLD}}`, `  - {weight: 50, hold: ${HOLD}}`, `  - {weight: 100, hold: ${HOLD}}`],
    },
  },
  "blue-green": {
    title: "All at once, after a preview",
    release: "v2",
    behaviour: healthy,
    introduction: "v2 is shown at a host of its own first, then has everybody at once, and STABLE is kept for a while. Its Rollout says so:",
    ending: "promoted",
    users: { [PREVIEW_HOST]: { host: PREVIEW_HOST } },
    strategy: {
      change: { steps: null, blueGreen: { preview: PREVIEW_HOST, autoPromote: HOLD, hold: HOLD, keepOld: "5s" } },
      written: [`blueGreen: {preview: ${PREVIEW_HOST}, autoPromote: ${HOLD}, hold: ${HOLD}, keepOld: 5s}`],
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
