/** How long it took until a delivery under a fault was normal, in intervals of its analysis. */
import type { Check, Run } from "../../src/rollout/status.ts";
import { instantOf } from "../../src/rollout/units.ts";
import type { ApiObject } from "../support/api-request.ts";
import type { History } from "../support/history.ts";
import { INTERVAL_MS } from "./fault.ts";
import { runOf } from "./laws.ts";

/** From an instant to the first status after it that brings a verdict, a step or an end; undefined where the run had ended before, or never came so far. */
export function intervalsUntilNormal(history: Pick<History, "of" | "cameAtMs">, name: string, sinceMs: number): number | undefined {
  const versions = history.of(name);
  const before = versions.findLast((version) => history.cameAtMs(version) < sinceMs);
  const run = before && runOf(before);
  if (run?.outcome !== undefined) return undefined;
  const first = versions.find((version) => history.cameAtMs(version) >= sinceMs && goesOn(run, version, sinceMs));
  return first && (history.cameAtMs(first) - sinceMs) / INTERVAL_MS;
}

function goesOn(before: Run | undefined, version: ApiObject, sinceMs: number): boolean {
  const run = runOf(version);
  if (!run) return false;
  return run.outcome !== undefined || run.epoch > (before?.epoch ?? 0) || run.checks.some((check) => isConclusive(check) && instantOf(check.at) >= sinceMs - INTERVAL_MS);
}

function isConclusive({ verdict }: Check): boolean {
  return verdict === "Pass" || verdict === "Fail";
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
