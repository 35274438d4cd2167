/** Finds the steps up that were decided while nothing could be known. */
import type { History } from "../support/history.ts";
import { runOf } from "./laws.ts";

/** One sentence for each; a run's first step needs no evidence. */
export function stepsUpWithin(history: Pick<History, "all" | "of" | "cameAtMs">, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): readonly string[] {
  const names = [...new Set(history.all().map(({ metadata }) => metadata.name))];
  return names.flatMap((name) => {
    const versions = history.of(name).map((version) => ({ run: runOf(version), atMs: history.cameAtMs(version) }));
    return versions.slice(1).flatMap(({ run, atMs }, index) => {
      const before = versions[index]!.run;
      const isUp = run !== undefined && before !== undefined && before.epoch > 0 && (run.epoch > before.epoch || (run.outcome === "Succeeded" && before.outcome === undefined));
      return isUp && atMs >= fromMs && atMs < toMs ? [`${name}: expected no step up while nothing was known, got ${before.weight}% to ${run.outcome ?? `${run.weight}%`}`] : [];
    });
  });
}
