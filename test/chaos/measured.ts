/** How long it took until a delivery under a fault was normal, in intervals of its analysis. */
import type { Check, Run } from "../../src/rollout/status.ts";
import { instantOf } from "../../src/rollout/units.ts";
import type { ApiObject } from "../support/api-request.ts";
import type { History } from "../support/history.ts";
import { INTERVAL_MS } from "./fault.ts";
import { runOf } from "./laws.ts";

type Seen = Pick<History, "of" | "cameAtMs">;

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Whether anything of the fault fell between the first and the last version of the Rollout, whose only run is its whole life here. */
export function isMet(history: Seen, name: string, blows: readonly Span[]): boolean {
  const [first, last] = [history.of(name)[0], history.of(name).at(-1)];
  if (!first || !last) return false;
  return blows.some(({ fromMs, toMs }) => toMs >= history.cameAtMs(first) && fromMs <= history.cameAtMs(last));
}

/** From an instant, or its begin if that is later, to the first status that brings a verdict, a step or an end; undefined where the run had ended before, or never came so far. */
export function intervalsUntilNormal(history: Seen, name: string, instantMs: number): number | undefined {
  const versions = history.of(name);
  const sinceMs = Math.max(instantMs, versions[0] ? history.cameAtMs(versions[0]) : 0);
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
