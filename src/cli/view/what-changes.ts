/** What would change where a Rollout stands: one or two sentences for each reason that status can give. */
import { isWeightStep } from "../../rollout/ladder.ts";
import { stepPortionSaid } from "../../rollout/portion.ts";
import { isToKeep, keptUntilMs } from "../../rollout/rules/keeping.ts";
import type { RolloutSpec } from "../../rollout/spec.ts";
import type { Reason, RolloutStatus, Run } from "../../rollout/status.ts";
import { instantOf, msOf } from "../../rollout/units.ts";
import { spanOf } from "./ages.ts";

type Say = (status: RolloutStatus, spec: RolloutSpec | undefined, nowMs: number) => readonly string[];

const NEEDS_PERSON = "Weir waits for a person. Meanwhile harm still takes the traffic back by itself.";
const SET_IMAGE = "(kubectl set image, kubectl apply, or git)";
const ANOTHER = (status: RolloutStatus): string => (status.run?.deployment === undefined ? anotherVersion(status) : `Another pod template in Deployment ${status.run.deployment} ${SET_IMAGE}: the one that waits there is not tried again by itself. weir undo writes the one before back.`);
const anotherVersion = (status: RolloutStatus): string => `A new version (weir release), or a new revision of ${status.refused?.version ?? "the version"}: it is not tried again by itself while spec.release goes on naming it.`;

const SAID: Readonly<Record<Reason, Say>> = {
  FirstSight: () => ["The daemon's first look."],
  RouteMissing: () => ["The route appears: Weir looks again as soon as something there changes."],
  TargetMissing: (_, spec) => [`The ${spec?.deployment ? "Deployment" : "subset or Service"} appears: Weir looks again as soon as something there changes.`],
  NotReady: (_, spec) => [`Enough ready pods: Weir goes on as soon as they are there${spec ? `, and gives up after ${spec.strategy.progressDeadline}` : ""}.`],
  Succeeded: (_, spec) => [`${nextOne(spec)} starts the next run.`],
  NothingToDo: (_, spec) => [`${nextOne(spec)} starts a run.`],
  Stepping: ({ run }) => [run?.rollingSince === undefined || run.outcome ? "The weight comes into force, and judging begins." : `Every pod of Deployment ${run.deployment} is new and available: then traffic goes to them. Judging goes on until then; weir abort writes the template of ${run.from.version} back.`],
  Holding: holding,
  NoData: silent,
  Inconclusive: silent,
  ProviderError: silent,
  Step: ({ run }) => [pauseSaid(run), NEEDS_PERSON],
  Command: () => ["weir resume goes on.", NEEDS_PERSON],
  MetricFailed: () => ["weir resume judges anew, weir promote --reason goes on nevertheless, weir abort takes it back.", NEEDS_PERSON],
  HoldLimit: () => ["weir resume waits for evidence anew, weir promote --reason goes on without, weir abort takes it back.", NEEDS_PERSON],
  RouteEditedByHand: () => ["weir resume goes on at the step above the weight that was set by hand, weir abort takes it back.", NEEDS_PERSON],
  RouteContested: () => ["Take the weights (spec.http of a VirtualService, spec.rules of an HTTPRoute) out of what the other writer applies (weir doctor prints the rule), then weir resume.", NEEDS_PERSON],
  Suspended: () => ["spec.suspend: false lets Weir write the route again. Abort works nevertheless."],
  RolledBack: (status) => [ANOTHER(status), "Or weir retry, if the cause was not the version."],
  Aborted: (status) => [ANOTHER(status), "Or weir retry."],
  StableUnready: () => ["A ready pod of the stable version: traffic goes back in the moment that the first one is there.", "weir abort --force moves it anyway."],
  StableUnknown: () => ["Name the stable version in spec.stable."],
  ManagedByAnother: (_, spec) => (spec?.deployment ? ["Leave the Deployment, and its route, to one Rollout and no other tool: take it away from the other one."] : ["Take the route away from the other tool, or set analysis.mode to observe to look on beside it."]),
  InvalidSpec: () => ["Correct the spec, or the route that it names; weir lint checks the spec before it is applied."],
  NeverReady: (status) => [ANOTHER(status), "Or weir retry, once its pods can become ready."],
};

function nextOne(spec: RolloutSpec | undefined): string {
  return spec?.deployment ? `Another pod template in Deployment ${spec.deployment.name} ${SET_IMAGE}` : "A new value of spec.release, or a new revision behind it,";
}

export function whatChanges(status: RolloutStatus, spec: RolloutSpec | undefined, nowMs: number): readonly string[] {
  return SAID[status.reason](status, spec, nowMs);
}

function holding({ run }: RolloutStatus, spec: RolloutSpec | undefined, nowMs: number): readonly string[] {
  if (!run || !spec) return [];
  const keptMs = keptUntilMs(run);
  if (keptMs !== undefined) return [`It ${goesOnTo(run)} in ${spanOf(Math.max(0, keptMs - nowMs))}, when ${run.from.version} is kept no longer, or at once with weir promote.`, harmSaid(run, spec)];
  return [nextStepSaid(run, spec, nowMs), harmSaid(run, spec)];
}

function nextStepSaid(run: Run, spec: RolloutSpec, nowMs: number): string {
  const present = run.ladder[run.step];
  const leftMs = run.inForceAt && isWeightStep(present) ? instantOf(run.inForceAt) + msOf(present.hold) - nowMs : 0;
  const lacking = spec.analysis.metrics.filter(({ name, onFail }) => onFail !== "ignore" && (run.checks.find((check) => check.name === name)?.passes ?? 0) < spec.analysis.minVerdicts);
  const needs = [...(leftMs > 0 ? [`${spanOf(leftMs)} more at this step`] : []), ...lacking.map(({ name }) => `more passes of ${name}`)];
  return needs.length > 0 ? `It ${goesOnTo(run)} after ${needs.join(" and ")}.` : `It ${goesOnTo(run)} at its next look.`;
}

function goesOnTo(run: Run): string {
  const next = run.ladder[run.step + 1];
  if (!next && isToKeep(run)) return `keeps all traffic at ${run.to.version}, with ${run.from.version} there to go back to,`;
  if (!next && run.deployment !== undefined) return `rolls Deployment ${run.deployment} to ${run.to.version}`;
  if (!next) return `ends with all traffic at ${run.to.version}`;
  if (isWeightStep(next)) return `goes on to ${stepPortionSaid(next)}`;
  return next.preview === undefined ? "goes on to the next pause" : `goes on to a pause in which it is previewed at ${next.preview}`;
}

function harmSaid({ from }: Run, { analysis }: RolloutSpec): string {
  const rows = analysis.metrics.filter(({ onFail }) => onFail === "rollback").map(({ name, failures, query }) => (query === undefined ? `proof that ${name} is worse than it may be` : `${failures} failure${failures === 1 ? "" : "s"} of ${name} in a row`));
  return `All traffic goes back to ${from.version} by itself after ${[...rows, "the moment in which no pod of the new version is ready"].join(", or ")}.`;
}

function silent(status: RolloutStatus, spec: RolloutSpec | undefined, nowMs: number): readonly string[] {
  if (!spec) return [];
  const { onNoData, onInconclusive, onProviderError, holdLimit } = spec.analysis;
  const policy = status.reason === "NoData" ? onNoData : status.reason === "Inconclusive" ? onInconclusive : onProviderError;
  const field = `on${status.reason}`;
  const since = status.run?.heldSince ? ` It has waited for ${spanOf(nowMs - instantOf(status.run.heldSince))} of that.` : "";
  const limit = policy === "hold" ? ` After ${holdLimit.after} it becomes a ${holdLimit.then}.${since}` : "";
  return [`Evidence: as soon as it comes, judging goes on. Until then analysis.${field} says ${policy}.${limit}`, "weir doctor looks at what is measured."];
}

function pauseSaid(run: Run | undefined): string {
  const step = run?.ladder[run.step];
  const duration = step && !isWeightStep(step) ? step.pause.duration : undefined;
  return duration ? `It goes on by itself ${duration} after the pause began, or at once with weir promote.` : "weir promote goes on.";
}
