/** The evidence in words, for somebody who knows no statistics: the same sentence in status, Slack, `weir explain` and the record. */
import type { Metric } from "../spec.ts";
import type { Evidence, ShareEvidence } from "../status.ts";
import { shownRow } from "./gather.ts";
import type { Standing, Weighed } from "./weigh.ts";

/** `canary 12 of 240 requests failed (5.0 %), stable 3 of 2,110 (0.14 %)`. `test`: what speaks loudest; without it, what is shown by default. */
export function countsSaid(metric: Metric, evidence: Evidence, test?: Pick<Weighed, "test" | "boundMs">): string {
  const { canary, stable, boundsMs = [] } = evidence;
  const row = test?.boundMs === undefined ? shownRow(metric) : boundsMs.indexOf(test.boundMs) + 1;
  const did = metric.errorRate ? "failed" : `took longer than ${boundSaid(metric, boundsMs[row - 1])}`;
  const canarySaid = `canary ${ofRequests(canary, row)} requests ${did} (${percentOf(canary, row)})`;
  return test?.test === "limit" ? `${canarySaid}, ${limitSaid(metric)}` : `${canarySaid}, stable ${ofRequests(stable, row)} (${percentOf(stable, row)})`;
}

function boundSaid({ latency }: Metric, boundMs: number | undefined): string {
  return boundMs === undefined ? (latency?.max ?? "any bound") : durationSaid(boundMs);
}

function durationSaid(ms: number): string {
  return ms >= 1_000 && ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

function limitSaid({ errorRate, latency }: Metric): string {
  return errorRate ? `and at most ${errorRate.max} may` : `and at most ${Number((100 - latency!.percentile).toPrecision(4))} % may`;
}

/** Why a metric failed: what was counted, and how rarely a healthy version would look like it. */
export function proofSaid(metric: Metric, evidence: Evidence, { leading, lnE }: Standing): string {
  return `${countsSaid(metric, evidence, leading)}; a healthy version would look this bad in fewer than 1 of ${oneOf(lnE)} rollouts`;
}

/** What keeps a step although nothing is proven. */
export function suspicionSaid(metric: Metric, evidence: Evidence, { leading, lnE, lnThreshold }: Standing): string {
  return `${countsSaid(metric, evidence, leading)}: it looks worse, which would happen to 1 of ${oneOf(lnE)} healthy ones, and 1 of ${oneOf(lnThreshold)} is taken for a proof`;
}

export function mutedSaid(metric: Metric, { stable }: Evidence): string {
  const did = metric.errorRate ? "failed" : `took longer than ${metric.latency!.max}`;
  return `stable itself is beyond the limit (${ofRequests(stable, 0)} of its requests ${did}, ${percentOf(stable, 0)}), so the canary can neither be blamed nor cleared by it`;
}

/** `weightPercent`: what the canary should get. */
export function missingSaid({ canary, stable }: ShareEvidence, weightPercent: number): string {
  const share = (canary / Math.max(1, canary + stable)) * 100;
  const few = canary === 0 ? `none of ${number(stable)}` : `only ${number(canary)} of ${number(canary + stable)}`;
  return `${few} requests reached the canary (${percent(share)}) although its weight is ${Number(weightPercent.toFixed(1))} %: it hangs, has no sidecar, or is not routed to`;
}

function ofRequests({ requests, bad }: Evidence["canary"], row: number): string {
  return `${number(bad[row] ?? 0)} of ${number(requests)}`;
}

function percentOf({ requests, bad }: Evidence["canary"], row: number): string {
  return percent(requests === 0 ? 0 : ((bad[row] ?? 0) / requests) * 100);
}

/** Two digits that count: `5.0 %`, `0.14 %`, `100 %`. */
function percent(value: number): string {
  if (value === 0) return "0 %";
  return `${value >= 99.5 ? value.toFixed(0) : Number(value.toPrecision(2)) >= 10 ? value.toPrecision(2) : trimmed(value.toPrecision(2))} %`;
}

/** Very small numbers without exponent. */
function trimmed(text: string): string {
  return text.includes("e") ? Number(text).toFixed(6) : text;
}

export function number(count: number): string {
  return count.toLocaleString("en-US");
}

/** e^lnE, rounded down to two digits, as people say large numbers. */
function oneOf(lnE: number): string {
  const times = Math.exp(Math.min(Math.max(lnE, 0), 34.5));
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(times)) - 1);
  const said = number(Math.floor(times / digits + 1e-9) * digits);
  return lnE > 34.5 ? `more than ${said}` : said;
}
