/** Kayenta's judgement: at the end of each step a Mann-Whitney test of the step's points, canary against stable, for the error rate and the latency. */
import type { Judge } from "./delivery.ts";
import { BOUNDS_MS, type Answered, type Scrape } from "./traffic.ts";

const STEP_SCRAPES = 6;
/** Of the standard normal distribution: two-sided confidence of 98 %. */
const QUANTILE = 2.326;
/** Of the estimated difference: no less counts. */
const TOLERANCE = 0.25;

/** One point of a metric; undefined where no request was answered. */
type Metric = (answered: Answered) => number | undefined;

const METRICS: readonly Metric[] = [
  ({ requests, errors }) => (requests > 0 ? errors / requests : undefined),
  ({ requests, slower }) => (requests > 0 ? slower[BOUNDS_MS.indexOf(250)]! / requests : undefined),
];

export function createKayentaJudge(): Judge {
  let step: Scrape[] = [];
  return (scrape) => {
    step.push(scrape);
    if (step.length < STEP_SCRAPES) return "stay";
    const isHigh = METRICS.some((metric) => isHigher(pointsOf(step, "canary", metric), pointsOf(step, "stable", metric)));
    step = [];
    return isHigh ? "rollBack" : "advance";
  };
}

function pointsOf(scrapes: readonly Scrape[], version: "canary" | "stable", metric: Metric): readonly number[] {
  return scrapes.map((scrape) => metric(scrape[version])).filter((point) => point !== undefined);
}

/** Whether the confidence interval of the shift (Hodges, Lehmann) is above the tolerance. */
function isHigher(canary: readonly number[], stable: readonly number[]): boolean {
  const differences = canary.flatMap((one) => stable.map((other) => one - other)).sort((a, b) => a - b);
  if (differences.length === 0) return false;
  const spread = Math.sqrt((differences.length * (canary.length + stable.length + 1)) / 12);
  const rank = Math.max(1, Math.ceil(differences.length / 2 - 0.5 - QUANTILE * spread));
  const [lowest, estimate] = [differences[rank - 1]!, differences[Math.floor(differences.length / 2)]!];
  return lowest > TOLERANCE * Math.abs(estimate);
}
