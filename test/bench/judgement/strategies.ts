/** The judges that are compared, each with the ladder it takes. */
import type { Random } from "../../../src/playground/random.ts";
import { dispersionOf } from "../../../src/rollout/analysis/dispersion.ts";
import { WARM_UP_MS } from "../../../src/rollout/analysis/settings.ts";
import type { Judge } from "./delivery.ts";
import { createFlaggerJudge, type FlaggerSettings } from "./flagger-model.ts";
import { createKayentaJudge } from "./kayenta-model.ts";
import { podHistory, type Scenario } from "./traffic.ts";
import { createWeirJudge, WEIR, type WeirSettings } from "./weir-judge.ts";

export interface Strategy {
  readonly name: string;
  readonly weights: readonly number[];
  /** A judge of one rollout; `random` draws what was seen before it. */
  readonly judge: (scenario: Scenario, random: Random) => Judge;
}

const LADDER = [0.1, 0.2, 0.3, 0.4, 0.5];
const STEPS_OF_TWO = Array.from({ length: 25 }, (_, index) => (index + 1) * 0.02);

export const weir = weirStrategy("Weir α=.01", {});
export const weirFast = weirStrategy("Weir α=.05", { falseRollback: 0.05 });
export const weirStrict = weirStrategy("Weir strict", { compare: "strict" });
export const weirByEvidence = weirStrategy("by evidence", { pace: "evidence" });
export const weirWarmedUp = weirStrategy("warmed up", { warmUpMs: WARM_UP_MS });
/** As if all requests failed independently of each other. */
export const weirUndispersed = weirStrategy("Weir φ=1", { dispersion: 1 });

export const kayenta: Strategy = { name: "Kayenta stage", weights: LADDER, judge: createKayentaJudge };
export const flaggerByMinute = flaggerStrategy("Flagger 60s/5", { intervalSeconds: 60, threshold: 5 }, LADDER);
export const flaggerQuick = flaggerStrategy("Flagger 10s/2", { intervalSeconds: 10, threshold: 2 }, LADDER);
export const flaggerSmallSteps = flaggerStrategy("10s/2 step2", { intervalSeconds: 10, threshold: 2 }, STEPS_OF_TWO);

function weirStrategy(name: string, own: Partial<WeirSettings>): Strategy {
  const judge: Strategy["judge"] = (scenario, random) => {
    const dispersion = own.dispersion ?? dispersionBefore(scenario, random);
    return createWeirJudge({ quality: scenario.stable(0), requestsPerSecond: scenario.requestsPerSecond, weights: LADDER }, { ...WEIR, ...own, dispersion });
  };
  return { name, weights: LADDER, judge };
}

/** Where errors are known to be independent there is no need to draw half an hour of them. */
function dispersionBefore(scenario: Scenario, random: Random): number {
  return scenario.burst || scenario.flaky ? dispersionOf(podHistory(scenario, random), { kind: "errors" }) : 1;
}

function flaggerStrategy(name: string, settings: FlaggerSettings, weights: readonly number[]): Strategy {
  return { name, weights, judge: () => createFlaggerJudge(settings) };
}
