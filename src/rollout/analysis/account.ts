/** The evidence of a run, told: in a sentence for people who know no statistics, and with every number for programs. */
import type { Analysis, Metric, RolloutSpec } from "../spec.ts";
import type { Evidence, Run } from "../status.ts";
import { nextShareToShow } from "../evidence.ts";
import { requestsToProof, requestsToSafety } from "./forecast.ts";
import { countsSaid, mutedSaid, number, proofSaid } from "./said.ts";
import { kindOf } from "./tests.ts";
import { looksIn, type Look } from "./trail.ts";
import { evidenceOf, poolOf, standings, type Standing } from "./weigh.ts";

/** What `weir explain -o json` says of one built-in metric. */
export interface Account {
  readonly metric: string;
  /** Evidence of the pool that the metric belongs to, and what it takes: E, with its logarithm in nats. */
  readonly E: number;
  readonly lnE: number;
  readonly lnThreshold: number;
  readonly tests: readonly { readonly test: "stable" | "limit"; readonly boundMs?: number; readonly share: number; readonly lnE: number; readonly lnCapital: readonly number[] }[];
  readonly dispersion: number;
  readonly canary: Evidence["canary"];
  readonly stable: Evidence["stable"];
  /** What each look counted, oldest first; of a long run older looks are joined. */
  readonly looks: readonly Look[];
  readonly said: string;
}

/** Of every built-in metric that has been looked at. */
export function accountsOf(run: Run, spec: Pick<RolloutSpec, "analysis" | "strategy">): readonly Account[] {
  const standing = standings(run, spec.analysis);
  return spec.analysis.metrics.flatMap((metric) => {
    const evidence = evidenceOf(run, metric);
    return evidence ? [accountOf(metric, evidence, standing.get(metric.name)!, { run, spec })] : [];
  });
}

interface Told {
  readonly run: Run;
  readonly spec: Pick<RolloutSpec, "analysis" | "strategy">;
}

function accountOf(metric: Metric, evidence: Evidence, { lnE, lnThreshold }: Standing, { run, spec }: Told): Account {
  const { dispersion, canary, stable } = evidence;
  return { metric: metric.name, E: Math.exp(lnE), lnE, lnThreshold, tests: testsOf(metric, evidence, run, spec.analysis), dispersion, canary, stable, looks: looksIn(evidence.trail), said: evidenceSaid(metric, run, spec)! };
}

function testsOf(metric: Metric, evidence: Evidence, run: Run, analysis: Analysis): Account["tests"] {
  const capitalOf = (test: "stable" | "limit", boundMs: number | undefined): readonly number[] => {
    if (test === "limit") return evidence.againstLimit ?? [];
    return evidence.againstStable?.[boundMs === undefined ? 0 : evidence.boundsMs!.indexOf(boundMs)] ?? [];
  };
  return poolOf(run, analysis, metric.onFail)
    .filter((one) => one.metric === metric.name)
    .map(({ metric: _, ...one }) => ({ ...one, lnCapital: capitalOf(one.test, one.boundMs) }));
}

/** What was counted, what it shows, what is still undecided, and how many more requests would decide it; undefined before the first look. */
export function evidenceSaid(metric: Metric, run: Run, spec: Told["spec"]): string | undefined {
  const evidence = evidenceOf(run, metric);
  const standing = standings(run, spec.analysis).get(metric.name);
  if (!evidence || !standing || kindOf(metric) === undefined) return undefined;
  if (evidence.looks === 0) return "nothing has been counted yet";
  if (standing.isProven) return proofSaid(metric, evidence, standing);
  const counted = countsSaid(metric, evidence, standing.lnE > 0 ? standing.leading : undefined);
  return [counted, standing.isMuted ? mutedSaid(metric, evidence) : undecidedSaid(metric, run, spec, standing), safetySaid(metric, run, spec)].filter(Boolean).join("; ");
}

function undecidedSaid(metric: Metric, run: Run, { analysis }: Told["spec"], { lnE, lnThreshold }: Standing): string {
  if (run.outcome) return lnE > 0 ? "that proves nothing" : "nothing speaks against it";
  const more = requestsToProof(metric, run, analysis);
  if (more === undefined) return lnE > 0 ? "that proves nothing, and would not if it went on like this" : "nothing speaks against it";
  const far = lnE > lnThreshold / 2 ? "it looks worse" : "it is open whether it is worse";
  return `${far}: about ${number(more)} more requests like these to the canary would prove it`;
}

function safetySaid(metric: Metric, run: Run, { analysis, strategy }: Told["spec"]): string {
  const nextShare = run.outcome ? undefined : nextShareToShow(run, { strategy });
  const more = nextShare === undefined ? undefined : requestsToSafety(metric, run, analysis, nextShare);
  return more === undefined || more === 0 ? "" : `about ${number(more)} more would show that it is safe at ${Math.round(nextShare! * 100)} %`;
}
