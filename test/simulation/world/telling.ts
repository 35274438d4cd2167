/** A line for what changed, as somebody who watches the objects would note it. */
import type { Run, RolloutStatus } from "../../../src/rollout/status.ts";
import type { ObjectVersion } from "./api-server.ts";
import { daemonOf, isDaemon, isOfRoute, stampOf, statusOf, type Facts } from "./facts.ts";
import { isReady, podOf } from "../../../src/workload/pods.ts";
import { isGoing, isHeld, isPaused, specOfDeployment, versionIn } from "./deployment.ts";
import { pointsByVersion } from "./route-points.ts";

export interface Line {
  readonly who: string;
  readonly what: string;
}

/** Undefined where nobody would note it. */
export function lineOf(facts: Facts, version: ObjectVersion): Line | undefined {
  if (version.kind === "virtualServices") return { who: isOfRoute(version) ? "route" : "edge", what: routeSaid(facts, version) };
  if (version.kind === "deployments") return deploymentLine(version);
  if (version.kind === "destinationRules") return { who: "rule", what: `${version.object.metadata.name} ${ruleSaid(version)} (${version.author})` };
  if (version.kind === "pods" && facts.scene.deployment) return podLine(version);
  if (version.kind === "rolloutRuns") return { who: "record", what: `${version.object.metadata.name} (${version.author})` };
  return version.kind === "rollouts" ? rolloutLine(facts, version) : undefined;
}

/** Undefined where only its status, or its controller's notes, changed. */
function deploymentLine({ type, object, previous, author }: ObjectVersion): Line | undefined {
  const [now, before] = [deploymentSaid(object), previous && deploymentSaid(previous)];
  if (type !== "deleted" && now === before) return undefined;
  return { who: "deploy", what: `${object.metadata.name} ${type === "deleted" ? "is gone" : now} (${author})` };
}

function deploymentSaid(object: ObjectVersion["object"]): string {
  return `${versionIn(object)} × ${specOfDeployment(object).replicas}${isPaused(object) ? " paused" : ""}${isHeld(object) ? " held" : ""}${isGoing(object) ? " going" : ""}`;
}

function ruleSaid({ type, object }: ObjectVersion): string {
  const { subsets } = object["spec"] as { readonly subsets: readonly { readonly name: string; readonly labels: object }[] };
  return type === "deleted" ? "is gone" : subsets.map(({ name, labels }) => `${name} ${Object.values(labels).join(",")}`).join(", ");
}

function podLine({ type, object, previous }: ObjectVersion): Line | undefined {
  const [now, before] = [podSaid(object), previous && podSaid(previous)];
  if (type !== "deleted" && now === before) return undefined;
  return { who: "pod", what: `${object.metadata.name} ${type === "deleted" ? "is gone" : now}` };
}

function podSaid(object: ObjectVersion["object"]): string {
  if (isGoing(object)) return "goes";
  return isReady(podOf(object)) ? "is ready" : "is not ready";
}

function routeSaid(facts: Facts, { type, object, author, manager }: ObjectVersion): string {
  const who = isDaemon(facts, author) ? `${manager}, ${author}` : manager;
  if (type === "deleted") return `is gone (${who})`;
  const split = Object.entries(pointsByVersion(object)).map(([version, points]) => `${version} ${points}`);
  return `${split.join(", ")}; stamp ${stampOf(object)?.split("/")[1] ?? "none"} (${who})`;
}

function rolloutLine(facts: Facts, { type, object, previous, author, manager }: ObjectVersion): Line {
  const who = isDaemon(facts, author) ? author : manager;
  if (type === "deleted") return { who: "rollout", what: `is gone (${who})` };
  const isOfStatus = JSON.stringify(previous?.["status"]) !== JSON.stringify(object["status"]);
  if (!isOfStatus) return { who: "rollout", what: `${metadataSaid(object)} (${who})` };
  return { who: "status", what: `${statusSaid(statusOf(object))} (${who}${daemonOf(facts, author)?.isNext ? ", next" : ""})` };
}

function metadataSaid({ metadata }: ObjectVersion["object"]): string {
  const { generation, finalizers = [], annotations = {}, deletionTimestamp } = metadata;
  const parts = [`generation ${generation}`, ...finalizers, ...Object.values(annotations).map((value) => `command ${value}`), ...(deletionTimestamp ? ["being deleted"] : [])];
  return parts.join(", ");
}

function statusSaid(status: RolloutStatus | undefined): string {
  if (!status) return "is empty";
  const { phase, reason, message, run, refused } = status;
  return `${phase}/${reason} ${run ? runSaid(run) : "no run"}${refused ? ` refused ${refused.version}` : ""}: ${message}`;
}

function runSaid({ number, outcome, weight, epoch, inForceAt, pausedBy, checks }: Run): string {
  const verdicts = checks.map(({ name, verdict, passes, failuresInARow }) => `${name} ${verdict} ${passes}/${failuresInARow}`);
  const said = [`run ${number} ${outcome ?? `at ${Number(weight.toFixed(1))}%`} intent ${epoch}`, ...(inForceAt ? [`in force ${inForceAt.slice(11, 19)}`] : []), ...(pausedBy ? [`paused by ${pausedBy}`] : []), ...verdicts];
  return said.join(", ");
}
