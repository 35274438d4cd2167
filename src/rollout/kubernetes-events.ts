/** Kubernetes Events: one for each change of the run, none for a tick that only waits. */
import { eventOf } from "./announcements.ts";
import type { Case } from "./case.ts";
import type { Decision } from "./decision.ts";
import { isEqual } from "./equal.ts";
import type { RolloutStatus } from "./status.ts";

export interface KubernetesEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export function eventsOf(it: Case, status: RolloutStatus, decision: Decision): KubernetesEvent[] {
  return [edited(it), changed(it, status, decision), answered(decision)].filter((event) => event !== undefined);
}

function changed(it: Case, status: RolloutStatus, decision: Decision): KubernetesEvent | undefined {
  const type = decision.phase === "Degraded" || decision.reason === "RouteContested" || decision.kind === "wouldRollBack" ? "Warning" : "Normal";
  if (decision.kind === "wouldRollBack") return { type, reason: "WouldRollBack", message: decision.message };
  const event = eventOf(it, status, decision);
  if (event) return { type, reason: event, message: decision.message };
  if (decision.kind === "repair") return { type: "Warning", reason: "RouteRepaired", message: decision.message };
  const quiet = it.status.phase === decision.phase || (it.status.phase === "Pending" && it.status.reason === "FirstSight" && decision.phase === "Healthy");
  return quiet ? undefined : { type, reason: decision.reason, message: decision.message };
}

/** An edit of the ladder or the metrics in mid-run, with who made it. */
function edited(it: Case): KubernetesEvent | undefined {
  const before = it.status.run;
  if (!it.run || !before || before.direct) return undefined;
  const paths = [
    ...(isEqual(before.ladder, it.spec.strategy.steps) ? [] : ["spec.strategy.steps"]),
    ...(before.checks.every(({ name, definition }) => it.run!.checks.some((check) => check.name === name && check.definition === definition)) ? [] : ["spec.analysis.metrics"]),
  ];
  if (paths.length === 0) return undefined;
  return { type: "Normal", reason: "SpecEdited", message: `${paths.join(" and ")} edited by ${it.rollout.metadata.specManager ?? "somebody"} in run ${before.number}` };
}

function answered({ answer }: Decision): KubernetesEvent | undefined {
  if (!answer) return undefined;
  const { command, result, message } = answer;
  return { type: result === "Accepted" ? "Normal" : "Warning", reason: `Command${result}`, message: `${command.verb} by ${command.actor}: ${message}` };
}
