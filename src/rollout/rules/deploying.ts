/** Rules of a Deployment's run: what comes before its ladder, and after it. */
import { absenceSaid, type Case, inForceAtMs, versionSeen } from "../case.ts";
import { deploymentOf, deploymentSeen, markOf, rollLateMs, sidesInForceMs } from "../deployment.ts";
import type { DeploymentSeen } from "../observation.ts";
import { isGiven } from "../ladder.ts";
import type { Run } from "../status.ts";
import { cannotTakeBack, taken } from "./ending.ts";
import { type Rule, say, stay } from "./rule.ts";

/** There is no such Deployment, or another Rollout delivers it: say so; a run has nothing to deliver any more. */
export const undeployed: Rule = (it) => {
  const { deployment } = it.seen;
  if (!deployment || deploymentOf(it.rollout) === undefined) return undefined;
  if (deployment.kind === "absent") {
    if (it.run) return taken(it, it.run, deployment.message);
    return cannotTakeBack(it) ?? stay("Pending", "TargetMissing", `${deployment.message}: name the one to deliver in spec.deployment`);
  }
  if (deployment.managedBy === undefined || it.run) return undefined;
  return stay("Degraded", "ManagedByAnother", `${deployment.label} belongs to ${deployment.managedBy}, which names it as well: take it out of one of the two`);
};

/** It has begun to roll although nobody let it: what is proven is written back, for its pods are being replaced; what has replaced them all is what serves. */
export const slipped: Rule = (it) => {
  const { run } = it;
  const deployment = deploymentSeen(it);
  if (run?.deployment === undefined || run.rollingSince !== undefined || !deployment || deployment.rolledPods === 0 || deployment.template.version !== run.to.version) return undefined;
  if (deployment.otherPods === 0 && !run.isSplit) return { kind: "end", outcome: "Superseded", why: ROLLED_UNHELD, ...say("Progressing", "Stepping", `run ${run.number} of ${run.to.version} is over: ${ROLLED_UNHELD}`) };
  return { ...taken(it, run, `${deployment.label} began to roll to ${run.to.version} without Weir: apply it again once ${run.from.version} is back`), restore: true };
};

const ROLLED_UNHELD = "the Deployment has rolled to it before it could be held";

/** The route is to lead to the pods of stable alone, before there is a pod of the new template. */
export const opening: Rule = (it) => {
  const { run } = it;
  if (run?.deployment === undefined || run.pausedBy) return undefined;
  const lacking = run.isSplit ? notSplitYet(it, run) : cannotSplit(it, run);
  if (lacking !== undefined) return { kind: "stay", waiting: true, ...say("Pending", "NotReady", `${run.to.version} waits at 0%: ${lacking}`) };
  return run.isSplit ? undefined : { kind: "split", ...say("Pending", "NotReady", `${run.to.version} waits at 0%: ${splittingSaid(run)}`) };
};

function splittingSaid({ from }: Run): string {
  return `the route is being told to lead to the pods of ${from.version} alone`;
}

/** The first intent is committed, and not everywhere in force. */
function notSplitYet(it: Case, run: Run): string | undefined {
  if (run.step >= 0 || isGiven(run)) return undefined;
  const inForce = inForceAtMs(it, run);
  return inForce === undefined || it.nowMs < inForce ? splittingSaid(run) : undefined;
}

function cannotSplit(it: Case, run: Run): string | undefined {
  const { from } = run;
  const stable = versionSeen(it, from.version);
  if (stable.readyPods === 0) return `${from.version} has ${absenceSaid(stable)}, so there is nothing to go back to`;
  if (it.seen.sidesObstacle !== undefined) return it.seen.sidesObstacle;
  const { sides } = it.seen;
  const isTold = sides?.stable !== undefined && sides.stable === stable.podTemplateHash && sides.mark === markOf(it.rollout, run);
  return isTold && it.nowMs >= sidesInForceMs(it) ? undefined : `the rule that tells the pods of ${from.version} apart is not in force yet`;
}

/** Every step has passed: the Deployment itself rolls to the new template, while its canary has all the traffic. */
export const rolling: Rule = (it) => {
  const { run } = it;
  const deployment = deploymentSeen(it);
  if (run?.rollingSince === undefined || !deployment) return undefined;
  if (deployment.rollProblem !== undefined && it.nowMs >= rollLateMs(run, deployment)) return { ...taken(it, run, `${deployment.label} cannot roll to ${run.to.version}: ${deployment.rollProblem}`), reason: "NeverReady", refuse: "NeverReady" };
  const isDone = deployment.isRolled && !deployment.isPaused && deployment.template.version === run.to.version;
  if (isDone) return { kind: "end", outcome: "Succeeded", why: run.reason ?? "every step passed", ...say("Healthy", "Succeeded", `${run.to.version} has all the traffic since run ${run.number}`) };
  return stay("Progressing", "Stepping", rollingSaid(run, deployment));
};

export function rollingSaid({ to }: Run, { label, rolledPods, replicas }: DeploymentSeen): string {
  return `${label} rolls to ${to.version}, which has all the traffic on its canary: ${rolledPods} of ${replicas} pods are ready`;
}
