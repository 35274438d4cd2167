/** What a person can say next, with what it does: the way out of wherever a Rollout stands. */
import { standingSaid } from "../../rollout/portion.ts";
import type { RolloutRef } from "../../rollout/rollout.ts";
import type { RolloutStatus, Run } from "../../rollout/status.ts";

export interface NextCommand {
  readonly command: string;
  readonly what: string;
}

export function nextCommands({ name, namespace }: RolloutRef, { run, refused, formerStables, reason, phase }: RolloutStatus): readonly NextCommand[] {
  const say = (verb: string, what: string, more = ""): NextCommand => ({ command: `weir ${verb} ${name} -n ${namespace}${more}`, what });
  if (reason === "StableUnready") return [say("abort", "take the traffic back although nobody there is ready", " --force")];
  if (run && !run.outcome) return ofRun(run, say);
  const undo = formerStables.length > 0 ? [say("undo", `go back to ${formerStables[0]!.version}`)] : [];
  if (refused && phase === "Degraded" && run?.deployment !== undefined) return ofTemplate(refused.version, run, namespace, say);
  if (refused && phase === "Degraded") return [say("retry", `try ${refused.version} again`), { command: `weir release ${name} VERSION -n ${namespace}`, what: "deliver another version" }];
  return undo;
}

type Say = (verb: string, what: string, more?: string) => NextCommand;

function ofTemplate(refused: string, { deployment, from }: Run, namespace: string, say: Say): readonly NextCommand[] {
  const another = { command: `kubectl set image deployment/${deployment} '*=IMAGE' -n ${namespace}`, what: "deliver another template" };
  return [say("retry", `try ${refused} again`), say("undo", `write the template of ${from.version} back`), another];
}

function ofRun(run: Run, say: Say): readonly NextCommand[] {
  const abort = say("abort", `all traffic back to ${run.from.version}, now`);
  if (run.rollingSince !== undefined) return [say("abort", `all traffic back to ${run.from.version}, whose template is written back`)];
  switch (run.pausedBy) {
    case undefined:
      return [abort, say("pause", `stay ${standingSaid(run)}`), say("promote", "do not wait for the rest of this step")];
    case "Step":
      return [say("promote", "go on"), abort];
    case "MetricFailed":
    case "HoldLimit":
      return [say("resume", "judge anew"), say("promote", "go on nevertheless", ' --reason "..."'), abort];
    case "Command":
    case "RouteEditedByHand":
    case "RouteContested":
      return [say("resume", "go on"), abort];
  }
}
