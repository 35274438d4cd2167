/** How a Rollout's own strategy and checks fare: many rollouts of made traffic, each decided by the daemon's own rules. */
import { createNamedRandom } from "../playground/random.ts";
import type { ValidRollout } from "../rollout/rollout.ts";
import { msOf } from "../rollout/units.ts";
import { answerTo } from "./answers.ts";
import type { Circumstances, Regression } from "./regressions.ts";
import { endingOf, newStage, played, questionsAt, type Cast, type Ending, type Scene, type Stage } from "./stage.ts";
import { createTraffic, drawnCounters, type Traffic } from "./traffic.ts";

export interface SimulationOptions extends Circumstances {
  readonly seed: number;
  /** Rollouts of each regression. */
  readonly runs: number;
}

/** What became of one rollout. */
export interface Outcome {
  /** `undecided`: it still waited when the rehearsal's time was over. */
  readonly ending: Ending | "undecided";
  /** From its beginning to its end. */
  readonly lastedMs: number;
  /** Requests that failed, were slow or were lost because of the new version. */
  readonly harmed: number;
}

/** Noon of some day: nothing depends on it. */
const BEGAN_AT_MS = Date.UTC(2026, 0, 1, 12);
const HISTORY_SECONDS = 600;
const CAST: Cast = { namespace: "rehearsal", canary: { workloads: ["canary"] }, stable: { workloads: ["stable"] }, pods: 3 };
/** What waits for longer waits for ever. */
const LONGEST_MS = 6 * 3_600_000;

/** Told after each tick; milliseconds since the rollout began. */
export type OnScene = (scene: Scene, sinceMs: number) => void;

/** One rollout of a regression. The same seed and number give the same rollout, whichever others are played. */
export function simulated(rollout: ValidRollout, regression: Regression, { seed, requestsPerSecond }: Omit<SimulationOptions, "runs">, run: number, onScene: OnScene = () => undefined): Outcome {
  const random = createNamedRandom(seed, `${regression.name} ${run}`);
  const { model } = regression;
  const past = { stable: drawnCounters(model, model.stable, requestsPerSecond * HISTORY_SECONDS, random) };
  const traffic = createTraffic(model, { startMs: BEGAN_AT_MS, scrapeMs: msOf(rollout.spec.analysis.interval), random });
  const propagationMs = msOf(rollout.spec.strategy.propagation);
  let stage = newStage(rollout, CAST, BEGAN_AT_MS);
  for (let nowMs = BEGAN_AT_MS; nowMs < BEGAN_AT_MS + LONGEST_MS; ) {
    traffic.advance(nowMs, shareOf(stage));
    const scene = played(stage, nowMs, questionsAt(stage, nowMs).map((question) => answerTo(question, { traffic, past, boundsMs: model.boundsMs })));
    onScene(scene, nowMs - BEGAN_AT_MS);
    const ending = endingOf(scene.status.run);
    if (ending) return ended(ending, nowMs, { scene, traffic, propagationMs });
    stage = scene.stage;
    nowMs = scene.moved ? nowMs : (scene.nextMs ?? Infinity);
  }
  return { ending: "undecided", lastedMs: LONGEST_MS, harmed: traffic.harmed() };
}

/** Until the proxies know of it, what was taken back still harms. */
function ended(ending: Ending, nowMs: number, { scene, traffic, propagationMs }: { scene: Scene; traffic: Traffic; propagationMs: number }): Outcome {
  if (ending === "stopped") traffic.advance(nowMs + propagationMs, shareOf(scene.stage));
  return { ending, lastedMs: nowMs - BEGAN_AT_MS, harmed: traffic.harmed() };
}

function shareOf({ route, rollout }: Stage): number {
  return (route.destinations.find(({ version }) => version === rollout.spec.release)?.points ?? 0) / 100;
}
