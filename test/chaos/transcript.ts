/** What a run and its route went through, write by write, for people who look for a cause. */
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { revisionOf, type Recorded } from "./laws.ts";
import { isReady, type Moment, pluralOf, type Pod, versionOf } from "./timeline.ts";

export function transcriptOf({ name, rollouts, routes, recorder }: Recorded): string {
  const lines = [...rollouts.map((version) => ({ version, text: statusSaid(version) })), ...routes.map((version) => ({ version, text: `route ${recorder.shareOf(version)}% ${JSON.stringify(version.metadata["annotations"] ?? {})}` }))];
  return [name, ...lines.toSorted((a, b) => revisionOf(a.version) - revisionOf(b.version)).map(({ version, text }) => `  ${revisionOf(version)} ${text}`)].join("\n");
}

function statusSaid({ status }: ApiObject): string {
  const { phase, reason, message, run } = (status ?? {}) as Partial<RolloutStatus>;
  if (!run) return `${phase ?? "no status"} ${message ?? ""}`;
  const checks = run.checks.map(({ verdict, passes, failuresInARow, at }) => `${verdict} ${passes}/${failuresInARow} at ${at}`).join(", ");
  return `${phase}/${reason} run ${run.number}.${run.epoch} ${run.weight}% ${run.outcome ?? ""} in force ${run.inForceAt ?? "not yet"} [${checks}] ${message ?? ""}`;
}

/** The same of everything that a Deployment's delivery consists of. */
export function momentsSaid(moments: readonly Moment[]): string {
  return moments.map(({ type, object }) => `  ${revisionOf(object)} ${type} ${pluralOf(object)} ${object.metadata.name}: ${momentSaid(object)}`).join("\n");
}

function momentSaid(object: ApiObject): string {
  switch (pluralOf(object)) {
    case "pods":
      return `${versionOf(object as Pod)} ${isReady(object as Pod) ? "ready" : "not ready"}`;
    case "rollouts":
      return statusSaid(object);
    case "deployments":
      return JSON.stringify({ ...(object["spec"] as object), template: undefined, selector: undefined, status: object["status"] });
    default:
      return JSON.stringify([object.metadata["annotations"], object["spec"]]);
  }
}
