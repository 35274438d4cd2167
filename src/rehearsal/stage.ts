/** One Rollout on a stage: the daemon's own rules decide, its route is held in memory, and time is whatever the rehearsal says. */
import { questionsFor } from "../rollout/analysis/questions.ts";
import type { Measurement, Question } from "../rollout/analysis/measurement.ts";
import { decide } from "../rollout/decide.ts";
import type { Decision } from "../rollout/decision.ts";
import { nextTickMs } from "../rollout/next-look.ts";
import { nextStatus } from "../rollout/next-status.ts";
import type { Backend, DestinationSeen, Observation, RouteFound, VersionSeen } from "../rollout/observation.ts";
import { ROUTE_MANAGER, type ValidRollout } from "../rollout/rollout.ts";
import { intended } from "../rollout/route-write.ts";
import { isPauseStep } from "../rollout/ladder.ts";
import type { Step } from "../rollout/spec-steps.ts";
import type { RolloutStatus, Run } from "../rollout/status.ts";

/** Which workloads stand for a version. */
export interface Cast {
  readonly namespace: string;
  readonly canary: { readonly workloads: readonly string[] };
  readonly stable: { readonly workloads: readonly string[] };
  /** Ready pods of each version. */
  readonly pods: number;
}

export interface Stage {
  readonly rollout: ValidRollout;
  readonly cast: Cast;
  readonly beganAtMs: number;
  readonly route: RouteFound;
}

/** How a tick went. */
export interface Scene {
  readonly stage: Stage;
  readonly decision: Decision;
  readonly status: RolloutStatus;
  /** The new weight was written at this tick: it is looked at once more, at the same time. */
  readonly moved: boolean;
  /** When to look next, milliseconds since the epoch; undefined: nothing more happens by itself. */
  readonly nextMs: number | undefined;
}

const LONG_MS = 3_600_000;
const STABLE = "stable";
/** Of a Deployment that nobody has looked at: what its next template is called is not known. */
const UNNAMED = "the new template";

/** Before the first tick: stable has all the traffic, both versions are ready, and nobody has ever looked. */
export function newStage(rollout: ValidRollout, cast: Cast, beganAtMs: number): Stage {
  const rehearsed = rehearsable(rollout);
  return { rollout: rehearsed, cast, beganAtMs, route: routeAt(rehearsed, cast, beganAtMs, 0, undefined) };
}

/** As it would run if it were released now: what people have to say, and what is told to them, is left out; a Deployment's run steps as any other does. */
function rehearsable({ metadata, spec }: ValidRollout): ValidRollout {
  const { namespace, name, uid, generation, resourceVersion, creationTimestamp } = metadata;
  const { stable: _, deployment: __, ...rest } = spec;
  return {
    metadata: { namespace, name, uid: uid || "rehearsal", generation, resourceVersion, creationTimestamp, finalizers: [], annotations: {} },
    spec: {
      ...rest,
      release: spec.release || UNNAMED,
      suspend: false,
      strategy: { ...spec.strategy, firstRun: "ladder", steps: spec.strategy.steps.flatMap(rehearsed) },
      analysis: { ...spec.analysis, mode: "enforce" },
      notifications: [],
    },
    statusIsNewer: false,
  };
}

/** What waits for a person is left out, and so are testers and shadows: nobody knows which requests they send, or what copies of requests do. */
function rehearsed(step: Step): readonly Step[] {
  if (isPauseStep(step)) return step.pause.duration === undefined ? [] : [{ pause: step.pause }];
  const { match: _, mirror: __, preview: ___, ...rest } = step;
  return rest.weight === undefined ? [] : [rest];
}

function stableName({ spec }: Pick<ValidRollout, "spec">): string {
  return spec.release === STABLE ? `${STABLE}-before` : STABLE;
}

/** What the daemon would want to know at this time. */
export function questionsAt(stage: Stage, nowMs: number): readonly Question[] {
  return questionsFor(stage.rollout, seenAt(stage, nowMs, []));
}

/** The tick: what the daemon would have decided and written. */
export function played(stage: Stage, nowMs: number, measurements: readonly Measurement[]): Scene {
  const seen = seenAt(stage, nowMs, measurements);
  const decision = decide(stage.rollout, seen);
  const status = nextStatus(stage.rollout, seen, decision);
  const rollout = { ...stage.rollout, status };
  const going = status.run && !status.run.outcome ? status.run : undefined;
  const write = going && intended({ rollout, seen }, going);
  const route = write ? routeAt(rollout, stage.cast, nowMs, going.points, write.stamp ?? undefined) : stage.route;
  return { stage: { ...stage, rollout, route }, decision, status, moved: write !== undefined, nextMs: nextTickMs(status) };
}

/** How a run ended, as a rehearsal counts it: taken back, waiting for a person, or delivered; undefined while it goes on. */
export type Ending = "stopped" | "asked" | "delivered";

export function endingOf(run: Run | undefined): Ending | undefined {
  if (run?.outcome) return run.outcome === "Succeeded" ? "delivered" : "stopped";
  return run?.pausedBy === undefined || run.pausedBy === "Step" ? undefined : "asked";
}

function seenAt({ rollout, cast, beganAtMs, route }: Stage, nowMs: number, measurements: readonly Measurement[]): Observation {
  const { release } = rollout.spec;
  const stable = stableName(rollout);
  const version = (name: string, { workloads }: Cast["canary"], readySinceMs: number): VersionSeen => ({
    version: name, backend: backendOf(cast, beganAtMs), readyPods: cast.pods, wantedPods: cast.pods, revision: name, readySinceMs, workloads, pods: [],
  });
  return {
    nowMs,
    route,
    versions: { [stable]: version(stable, cast.stable, beganAtMs - LONG_MS), [release]: version(release, cast.canary, beganAtMs) },
    measurements,
    delivered: [],
    crdIsCurrent: true,
  };
}

function backendOf({ namespace }: Cast, beganAtMs: number): Backend {
  return { kind: "found", namespace, selector: {}, definedAtMs: beganAtMs - LONG_MS };
}

/** A write is stamped with whole seconds, as the API server does it. */
function routeAt(rollout: ValidRollout, cast: Cast, atMs: number, points: number, stamp: string | undefined): RouteFound {
  const stable = stableName(rollout);
  const { release } = rollout.spec;
  const destination = (version: string, share: number): DestinationSeen => ({ version, points: share, weighted: true, candidate: true });
  const backend = backendOf(cast, atMs - LONG_MS);
  return {
    kind: "found",
    name: "the rehearsed route",
    resourceVersion: `${atMs}/${points}`,
    fields: ["http"],
    conditions: [],
    mirrors: [],
    destinations: [destination(stable, 100 - points), destination(release, points)],
    writers: [{ manager: ROUTE_MANAGER, atMs: Math.floor(atMs / 1_000) * 1_000 }],
    backends: { [stable]: backend, [release]: backend },
    ...(stamp === undefined ? {} : { stamp }),
  };
}
