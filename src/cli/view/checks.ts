/** The checks of a run: what was measured, what is allowed, and how far that is from a decision. */
import type { RolloutSpec } from "../../rollout/spec.ts";
import type { Check, Run } from "../../rollout/status.ts";
import { verdictMark, type Style } from "../style.ts";
import { inColumns } from "./columns.ts";
import type { Branch } from "./tree.ts";

export function checksOf({ checks }: Run, spec: RolloutSpec | undefined, style: Style): readonly Branch[] {
  const rows = checks.map((check) => [`${verdictMark(style, check.verdict)} ${check.name}`, check.value ?? "-", check.limit ?? "", samplesSaid(check), style.dim(rowSaid(check, spec))]);
  return inColumns(rows).map((text) => ({ text }));
}

function samplesSaid({ samples }: Check): string {
  return samples === undefined ? "" : `${samples} request${samples === 1 ? "" : "s"}`;
}

/** The row of verdicts that decides, and what the last one said. */
function rowSaid(check: Check, spec: RolloutSpec | undefined): string {
  const failures = spec?.analysis.metrics.find(({ name }) => name === check.name)?.failures;
  const needed = spec?.analysis.minVerdicts ?? 0;
  const passes = check.passes < needed ? `${check.passes}/${needed} passes` : `${check.passes} pass${check.passes === 1 ? "" : "es"}`;
  const row = check.failuresInARow > 0 ? `${check.failuresInARow}${failures ? `/${failures}` : ""} failures in a row` : passes;
  return check.message ? `${row}, ${check.message}` : row;
}
