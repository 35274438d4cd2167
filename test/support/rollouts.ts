/** Rollouts, runs and observations as the core's tests need them: reviews goes from v2 to v3. */
import type { Measurement } from "../../src/rollout/analysis/measurement.ts";
import { definitionOf } from "../../src/rollout/analysis/judge.ts";
import type { Backend, DeploymentSeen, DestinationSeen, Observation, RouteFound, VersionSeen } from "../../src/rollout/observation.ts";
import { COMMAND_ANNOTATION, type ValidRollout } from "../../src/rollout/rollout.ts";
import { Metric, RolloutSpec, type RolloutSpecInput } from "../../src/rollout/spec.ts";
import { type Check, type RolloutStatus, type Run, PLAIN_STATUS_VERSION } from "../../src/rollout/status.ts";
import { timeOf } from "../../src/rollout/units.ts";
import { aTarget, NAMESPACE } from "./istio-objects.ts";

const NOON_MS = Date.parse("2026-11-21T12:00:00Z");
/** Seconds after noon. */
export const at = (seconds: number): string => timeOf(NOON_MS + seconds * 1_000);

export const v2 = { version: "v2", revision: "r1-v2" };
export const v3 = { version: "v3", revision: "r1-v3" };
const ERRORS = Metric.parse({ name: "errors", errorRate: { max: "1%" } });
const LADDER = [{ weight: 10, hold: "1m" }, { weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];

/** Three passes, the last one ten seconds before a minute has passed. */
export function aCheck(change: Partial<Check> = {}): Check {
  return { name: "errors", verdict: "Pass", value: "0%", limit: "at most 1%", samples: 100, failuresInARow: 0, passes: 3, definition: definitionOf(ERRORS, { source: "istio" }), at: at(60), since: at(60), ...change };
}

/** Run 1, at 10 % in force since five seconds after noon. */
export function aRun(change: Partial<Run> = {}): Run {
  return {
    number: 1, from: v2, to: v3, ladder: LADDER, target: aTarget(), release: "v3", step: 0, weight: 10, points: 10, peak: 10, epoch: 1,
    shape: { added: false, unweighted: false }, startedAt: at(0), inForceAt: at(5), checks: [aCheck()], raises: [], announcements: [], announced: 0, notified: [],
    ...change,
  };
}

export function aStatus(change: Partial<RolloutStatus> = {}): RolloutStatus {
  return {
    version: PLAIN_STATUS_VERSION, phase: "Progressing", reason: "Holding", message: "as it was", observedGeneration: 1, runs: 1, stable: v2,
    formerStables: [], conditions: [], history: [], run: aRun(), observedRevision: v3,
    ...change,
  };
}

export interface RolloutChange {
  readonly spec?: Partial<RolloutSpecInput>;
  readonly status?: RolloutStatus | null;
  readonly command?: string;
  readonly deleted?: boolean;
  readonly finalizers?: readonly string[];
}

/** In the middle of run 1, unless another status is given; `status: null` is first sight. */
export function aRollout({ spec, status, command, deleted, finalizers = ["weir.dev/traffic"] }: RolloutChange = {}): ValidRollout {
  const current = status === null ? undefined : (status ?? aStatus());
  const parsed = RolloutSpec.parse({ release: "v3", traffic: aTarget(), strategy: { steps: LADDER }, ...spec });
  return {
    metadata: {
      namespace: NAMESPACE, name: "reviews", uid: "uid-1", generation: 1, resourceVersion: "7", creationTimestamp: at(-60), finalizers, specManager: "kubectl",
      annotations: command ? { [COMMAND_ANNOTATION]: command } : {},
      ...(deleted ? { deletionTimestamp: at(60) } : {}),
    },
    spec: parsed.deployment ? { ...parsed, release: "v3" } : parsed, // as the template of the Deployment is called
    ...(current ? { status: current } : {}),
    statusIsNewer: false,
  };
}

/** Of a Deployment from v2 to v3 there is a run that has its sides, before the first step. */
export function aHeldRun(change: Partial<Run> = {}): Run {
  return aRun({ deployment: "reviews", isSplit: true, shape: { added: true, unweighted: true }, ...change });
}

/** Its template is v3's, which waits; its four pods run v2. */
export function aDeployment(change: Partial<DeploymentSeen> = {}): DeploymentSeen {
  return {
    kind: "found", label: "Deployment bookinfo/reviews", resourceVersion: "51", template: v3, serving: v2, podLabels: { app: "reviews" }, remembered: ["v2", "v3"], replicas: 4,
    isPaused: true, isHeld: true, isGuarded: true, isRolled: false, rolledPods: 0, otherPods: 4, readyPodsOf: {}, rollLimitMs: 600_000, canaries: [], canaryPods: 0, readyCanaryPods: 0,
    ...change,
  };
}

export const aCanary = { name: "reviews-canary-v3", uid: "uid-52", resourceVersion: "52", version: "v3", replicas: 1 };

export interface ObservationChange {
  /** Seconds after noon; default 30, in the middle of the first step's hold. */
  readonly seconds?: number;
  /** Points by version; null is a destination without weight. */
  readonly split?: Readonly<Record<string, number | null>>;
  readonly stamp?: string | null;
  readonly route?: Partial<RouteFound>;
  readonly seen?: Partial<Observation>;
  /** Ready pods of two, by version. */
  readonly ready?: Readonly<Record<string, number>>;
  readonly revisions?: Readonly<Record<string, string>>;
  readonly measurements?: readonly Measurement[];
}

/** The world as run 1 left it at 10 %. */
export function anObservation({ seconds = 30, split = { v2: 90, v3: 10 }, stamp = "uid-1/1.1", route, seen, ready = {}, revisions = {}, measurements = [] }: ObservationChange = {}): Observation {
  const versions = ["v1", "v2", "v3", "v4"];
  const backend: Backend = { kind: "found", namespace: NAMESPACE, selector: {}, definedAtMs: NOON_MS - 3_600_000 };
  const destinations: DestinationSeen[] = Object.entries(split).map(([version, points]) => ({ version, points: points ?? 100, weighted: points !== null, candidate: true }));
  const versionSeen = (version: string): VersionSeen => ({ version, backend, readyPods: ready[version] ?? 2, wantedPods: 2, revision: revisions[version] ?? `r1-${version}`, workloads: [`reviews-${version}`], pods: [] });
  return {
    nowMs: NOON_MS + seconds * 1_000,
    route: {
      kind: "found", name: "VirtualService bookinfo/reviews", resourceVersion: "41", fields: ["http"], destinations, mirrors: [], conditions: [], writers: [{ manager: "weir", atMs: NOON_MS }],
      backends: Object.fromEntries(versions.map((version) => [version, backend])),
      ...(stamp === null ? {} : { stamp }),
      ...route,
    },
    versions: Object.fromEntries(versions.map((version) => [version, versionSeen(version)])),
    measurements,
    delivered: [],
    crdIsCurrent: true,
    ...seen,
  };
}
