/** How many more requests it would take, if everything went on as it did so far: tells people what an undecided test waits for, and decides nothing. */
import type { Analysis, Metric } from "../spec.ts";
import type { Evidence, Run } from "../status.ts";
import { nextEvidence, type Circumstances } from "./gather.ts";
import type { Growth } from "./measurement.ts";
import { evidenceOf, safety, standings } from "./weigh.ts";

/** Looks ahead; what takes longer is not told. */
const FURTHEST = 500;

/** Requests to the canary until the metric would be proven to hurt; undefined where it would not be, as things stand. */
export function requestsToProof(metric: Metric, run: Pick<Run, "evidence">, analysis: Pick<Analysis, "falseRollback" | "metrics">): number | undefined {
  const isDecided = (evidence: Evidence): boolean => {
    const others = (run.evidence ?? []).filter(({ name }) => name !== metric.name);
    return standings({ evidence: [...others, evidence] }, analysis).get(metric.name)!.isProven;
  };
  return requestsUntil(isDecided, metric, evidenceOf(run, metric), { analysis });
}

/** Requests to the canary until it would be shown to be safe at the next weight (a fraction). */
export function requestsToSafety(metric: Metric, run: Pick<Run, "evidence">, analysis: Pick<Analysis, "falseRollback" | "metrics">, nextShare: number): number | undefined {
  const isDecided = (evidence: Evidence): boolean => {
    const shown = safety(metric, evidence, nextShare);
    return shown !== undefined && shown.lnE >= shown.lnThreshold;
  };
  return requestsUntil(isDecided, metric, evidenceOf(run, metric), { analysis, nextShare }, isHopeless);
}

/** No alternative gains by another look like those before: then none ever will. (Nothing is staked later on safety, so what grows has earned it.) */
function isHopeless({ safe: before }: Evidence, { safe: after }: Evidence): boolean {
  return before !== undefined && after !== undefined && after.every((capital, at) => capital <= before[at]!);
}

type IsHopeless = (before: Evidence, after: Evidence) => boolean;

function requestsUntil(isDecided: (evidence: Evidence) => boolean, metric: Metric, evidence: Evidence | undefined, look: Pick<Circumstances, "analysis" | "nextShare">, isLost: IsHopeless = () => false): number | undefined {
  if (!evidence || evidence.looks === 0 || evidence.canary.requests === 0) return undefined;
  const growth = usualGrowth(evidence);
  let ahead = evidence;
  for (let looks = 1; looks <= FURTHEST; looks++) {
    const measured = { name: metric.name, instantMs: 0, query: "", kind: "base", growth } as const;
    // What is to come is not told look by look: writing it down would take longer than everything else.
    const before = ahead;
    ahead = { ...nextEvidence(ahead, metric, measured, { ...look, definition: evidence.definition, isWarmingUp: false, isComparable: true, canaryPods: 0 })!, trail: "" };
    if (isDecided(ahead)) return Math.ceil(looks * growth.canary.requests);
    if (isLost(before, ahead)) return undefined;
  }
  return undefined;
}

/** The mean of all looks so far; fractions of requests do no harm here. */
function usualGrowth({ canary, stable, looks }: Evidence): Growth {
  const mean = ({ requests, bad }: Evidence["canary"]) => ({ requests: requests / looks, bad: bad[0]! / looks, slower: bad.slice(1).map((slower) => slower / looks) });
  return { sinceMs: 0, reporter: "source", inStep: true, canary: mean(canary), stable: mean(stable) };
}
