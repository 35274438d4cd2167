/** The Deployment of a Rollout: what its template is, what waits, its canary, and where its run stands beside the ladder. */
import { deploymentOf } from "../../rollout/deployment.ts";
import type { CanarySeen, DeploymentSeen } from "../../rollout/observation.ts";
import { isGiven } from "../../rollout/ladder.ts";
import { FINALIZER, type Rollout } from "../../rollout/rollout.ts";
import type { RolloutStatus, Run } from "../../rollout/status.ts";
import type { Look } from "../look.ts";
import type { Style } from "../style.ts";
import { treeOf } from "./tree.ts";

/** For the portrait; empty where the Rollout names versions. */
export function deploymentLines(rollout: Rollout, look: Look | undefined, style: Style): readonly string[] {
  const name = deploymentOf(rollout);
  const { status } = rollout;
  if (name === undefined || !status) return [];
  const stage = stageSaid(rollout);
  const said = [templateSaid(status, foundIn(look)), ...canariesIn(look).map(canarySaid), ...(stage === undefined ? [] : [`${style.accent(stage.name)}: ${stage.next}`])];
  return [`${style.bold("Deployment")}   ${name}`, ...treeOf(said.map((text) => ({ text }))).map((line) => `  ${line}`)];
}

/** The same as sentences. */
export function deploymentSentences(rollout: Rollout, look: Look | undefined): readonly string[] {
  const name = deploymentOf(rollout);
  const { status } = rollout;
  if (name === undefined || !status) return [];
  const stage = stageSaid(rollout);
  const canaries = canariesIn(look).map((canary) => ` The ${canarySaid(canary)}.`).join("");
  return [`Of Deployment ${name}: ${templateSaid(status, foundIn(look))}.${canaries}`, ...(stage ? [`It is ${stage.name}: ${stage.next}.`] : [])];
}

function foundIn(look: Look | undefined): DeploymentSeen | undefined {
  return look?.deployment?.kind === "found" ? look.deployment : undefined;
}

function canariesIn(look: Look | undefined): readonly CanarySeen[] {
  return look?.deployment?.canaries ?? [];
}

function canarySaid({ name, version, replicas }: CanarySeen): string {
  return `canary ${name} runs ${version} with ${replicas} ${replicas === 1 ? "replica" : "replicas"}`;
}

function templateSaid({ restoring, stable, refused, run, observedRevision }: RolloutStatus, seen: DeploymentSeen | undefined): string {
  const template = seen?.template.version ?? observedRevision?.version ?? "unknown";
  if (restoring) return `the template ${restoring.from} is being replaced by that of ${restoring.to}`;
  if (run && !run.outcome && run.rollingSince !== undefined) return `it rolls to the template ${template}${seen ? `, ${seen.rolledPods} of ${seen.replicas} pods are ready` : ""}`;
  if (!stable || template === stable.version) return `the template ${template} is stable${restSaid(seen)}`;
  const why = refused?.version === template ? ", refused" : "";
  return `the template ${template} waits${why}; its own pods${seen ? ` (${seen.replicas})` : ""} run ${stable.version}`;
}

function restSaid(seen: DeploymentSeen | undefined): string {
  if (!seen) return "";
  return `, ${seen.rolledPods} of ${seen.replicas} pods are ready${seen.isPaused ? "; paused, so that the next one waits" : ""}`;
}

export interface Stage {
  readonly name: "opening" | "rolling" | "clearing away";
  /** What is being done, and what comes then. */
  readonly next: string;
}

/** Undefined on the ladder, and at rest. */
export function stageSaid({ metadata, status }: Rollout): Stage | undefined {
  const { run } = status ?? {};
  if (run?.deployment === undefined) return undefined;
  if (run.outcome) return metadata.finalizers.includes(FINALIZER) ? { name: "clearing away", next: closingSaid(run) } : undefined;
  if (run.rollingSince !== undefined) return { name: "rolling", next: `the canary has all the traffic while Deployment ${run.deployment} replaces its pods; then traffic goes to these, and the canary goes` };
  const isOnLadder = run.isSplit && (run.step >= 0 || isGiven(run));
  return isOnLadder ? undefined : { name: "opening", next: openingSaid(run) };
}

function openingSaid({ isSplit, inForceAt, from, to }: Run): string {
  if (!isSplit) return `pods are told apart first, so that the route can lead to those of ${from.version} alone`;
  if (inForceAt === undefined) return `the route is told to lead to the pods of ${from.version} alone; then the canary of ${to.version} starts`;
  return `the route leads to the pods of ${from.version} alone, and the canary of ${to.version} starts; the first step follows once it is ready`;
}

function closingSaid({ outcome, from, to }: Run): string {
  const winner = outcome === "Succeeded" ? to.version : from.version;
  return `traffic is with ${winner}; the canary goes, then the route is given back as its owner had it, then our rule goes`;
}
