/** Many Rollouts as a table. */
import { deploymentOf } from "../../rollout/deployment.ts";
import type { Rollout } from "../../rollout/rollout.ts";
import { phasePaint, type Style } from "../style.ts";
import { ageOf } from "./ages.ts";
import { inColumns, shortened, widthOf } from "./columns.ts";

export interface ListOptions {
  readonly style: Style;
  readonly nowMs: number;
  readonly withNamespace: boolean;
  readonly wide: boolean;
  /** Messages are shortened to fit; absent: left whole. */
  readonly widthChars?: number;
}

const GAP_CHARS = 3;
const LEAST_MESSAGE_CHARS = 20;

export function listOf(rollouts: readonly Rollout[], options: ListOptions): readonly string[] {
  const { withNamespace, wide, style } = options;
  const withDeployment = wide && rollouts.some((rollout) => deploymentOf(rollout) !== undefined);
  const header = [...(withNamespace ? ["NAMESPACE"] : []), "NAME", "STATUS", ...(wide ? ["REASON"] : []), "STEP", "WEIGHT", "REVISION", ...(wide ? ["STABLE", "RUN"] : []), ...(withDeployment ? ["DEPLOYMENT"] : []), "MESSAGE", "AGE"];
  const rows = rollouts.map((rollout) => rowOf(rollout, withDeployment, options));
  const at = header.indexOf("MESSAGE");
  return inColumns([header.map(style.dim), ...withMessagesFitting(header, rows, at, options)]);
}

function rowOf(rollout: Rollout, withDeployment: boolean, { style, nowMs, withNamespace, wide }: ListOptions): string[] {
  const { metadata, spec, status } = rollout;
  const release = "invalid" in spec ? "-" : spec.release;
  const message = status?.message ?? ("invalid" in spec ? spec.invalid : "no daemon has looked at it yet: weir doctor looks for one");
  return [
    ...(withNamespace ? [metadata.namespace] : []),
    metadata.name,
    phasePaint(style, status?.phase)(status?.phase ?? "-"),
    ...(wide ? [status?.reason ?? "-"] : []),
    status?.step || "-",
    status?.weight ?? "-",
    (status?.observedRevision?.version ?? release) || "-",
    ...(wide ? [status?.stable?.version ?? "-", status?.run ? String(status.run.number) : "-"] : []),
    ...(withDeployment ? [deploymentOf(rollout) ?? "-"] : []),
    message,
    ageOf(metadata.creationTimestamp, nowMs),
  ];
}

function withMessagesFitting(header: readonly string[], rows: readonly string[][], at: number, { widthChars, wide }: ListOptions): readonly string[][] {
  if (widthChars === undefined || wide) return rows;
  const others = header.map((title, column) => (column === at ? 0 : Math.max(widthOf(title), ...rows.map((row) => widthOf(row[column]!)))));
  const left = widthChars - others.reduce((sum, width) => sum + width + GAP_CHARS, -GAP_CHARS);
  return rows.map((row) => row.with(at, shortened(row[at]!, Math.max(LEAST_MESSAGE_CHARS, left))));
}
