/** Finds the steps up that were decided while none should have been. */
import type { Run } from "../../src/rollout/status.ts";
import type { History } from "../support/history.ts";
import { runOf } from "./laws.ts";
import type { Span } from "./measured.ts";

/** One sentence for each intent that came within the span; a run's first one needs no evidence. */
export function stepsUpWithin(history: Pick<History, "all" | "of" | "cameAtMs">, { fromMs, toMs }: Span): readonly string[] {
  const names = [...new Set(history.all().map(({ metadata }) => metadata.name))];
  return names.flatMap((name) => {
    const versions = history.of(name);
    return versions.slice(1).flatMap((version, index) => {
      const [run, before] = [runOf(version), runOf(versions[index]!)];
      const isUp = run !== undefined && before !== undefined && before.weight > 0 && run.epoch > before.epoch;
      const atMs = history.cameAtMs(version);
      return isUp && atMs >= fromMs && atMs < toMs ? [`${name}: expected no step up in this time, got ${before.weight}% to ${run.weight}%`] : [];
    });
  });
}

/** One sentence for each run whose last step was passed within the span: it succeeded then, or its Deployment began to roll. */
export function successesWithin(history: Pick<History, "all" | "cameAtMs">, { fromMs, toMs }: Span): readonly string[] {
  const versions = history.all().filter((version) => history.cameAtMs(version) >= fromMs && history.cameAtMs(version) < toMs);
  const names = versions.flatMap((version) => (isPassedSince(runOf(version), fromMs) ? version.metadata.name : []));
  return [...new Set(names)].map((name) => `${name}: expected no success in this time, got one`);
}

function isPassedSince(run: Run | undefined, fromMs: number): boolean {
  if (run?.deployment !== undefined) return run.rollingSince !== undefined && Date.parse(run.rollingSince) >= fromMs;
  return run?.outcome === "Succeeded" && Date.parse(run.endedAt!) >= fromMs;
}
