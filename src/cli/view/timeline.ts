/** What a Rollout means, as a timeline: when which share is given, and what takes it back. */
import { timelineOf } from "../../rehearsal/timeline.ts";
import { followersIn } from "../../rollout/spec-followers.ts";
import { isWeightStep, keepOldAt, lastStep } from "../../rollout/ladder.ts";
import { stepPortionSaid } from "../../rollout/portion.ts";
import { matchSaid } from "../../rollout/route-match.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import type { Metric, RolloutSpec } from "../../rollout/spec.ts";
import type { Step } from "../../rollout/spec-steps.ts";
import type { Style } from "../style.ts";
import { msOf } from "../../rollout/units.ts";
import { spanOf } from "./ages.ts";
import { inColumns, wrapped } from "./columns.ts";

export function timelineSaid(rollout: ValidRollout, style: Style, width: number): readonly string[] {
  const { metadata: { name }, spec } = rollout;
  const { steps, keptAtMs, ending, lastedMs } = timelineOf(rollout);
  const beganMs = spec.deployment ? 2 * msOf(spec.strategy.propagation) : 0;
  const rows = steps.map(({ step, atMs }) => [atMs === undefined ? "" : spanOf(beganMs + atMs), ...stepSaid(step)]);
  const kept = keptAtMs === undefined ? [] : [keepingOf(spec, spanOf(beganMs + keptAtMs))];
  const end = ending === "delivered" ? endOf(spec, spanOf(beganMs + lastedMs)) : [];
  return [
    ...wrapped(`${style.bold(name)}: a run to ${versionSaid(spec)}, at the earliest (plenty of requests, and none that fails)`, width),
    ...inColumns([...openingOf(spec), ...rows, ...kept, ...end]).map((line) => `  ${line}`),
    ...notesOf(spec, ending).flatMap((note) => wrapped(note, width)),
  ];
}

function versionSaid({ release, deployment }: RolloutSpec): string {
  return deployment ? `a new pod template of Deployment ${deployment.name}` : release;
}

/** Before the ladder of a Deployment. */
function openingOf({ deployment, strategy: { propagation } }: RolloutSpec): readonly (readonly string[])[] {
  if (!deployment) return [];
  const size = deployment.maxCanaryReplicas === undefined ? "" : `, ${deployment.maxCanaryReplicas} pods at most`;
  return [
    [spanOf(0), "opening", `the route is led to the pods of the present template alone: 2 x ${propagation} (propagation)`],
    [spanOf(2 * msOf(propagation)), "canary", `it starts beside the Deployment${size}; the times below go on from when its pods are ready`],
  ];
}

/** After its last step. */
function keepingOf({ strategy: { steps } }: RolloutSpec, at: string): readonly string[] {
  return [at, "keeping", `the old version is still there for ${keepOldAt(steps, lastStep(steps))}: harm or weir abort takes everything back to it at once`];
}

/** And after it: the last row says what is so then. */
function endOf(spec: RolloutSpec, at: string): readonly (readonly string[])[] {
  const { deployment, strategy: { propagation } } = spec;
  if (!deployment) return [[at, "", `${spec.release} is stable`]];
  return [
    [at, "rolling", "the Deployment itself replaces its pods, while the canary has all the traffic; as long as that takes"],
    ["", "clearing", `traffic goes to the Deployment's pods, the canary goes, the route is as its owner had it: 3 x ${propagation}, and the time that pods take to end`],
    ["", "", "the new template is stable"],
  ];
}

function stepSaid(step: Step): readonly string[] {
  if (isWeightStep(step)) return [stepPortionSaid(step), `for ${step.hold}`, ...(step.match ? [matchSaid(step.match)] : []), ...(step.mirror === undefined ? [] : ["copies of requests that others answer; what it answers is thrown away"])];
  const until = step.pause.duration ? `for ${step.pause.duration}` : "until somebody says promote; the times below go on from there";
  return step.preview === undefined ? ["pause", until] : ["pause", until, `previewed at ${step.preview}`];
}

/** How long testers take to come nobody knows. */
function matchNotes({ strategy: { steps } }: RolloutSpec): readonly string[] {
  const matching = steps.filter(isWeightStep).filter(({ match }) => match !== undefined);
  if (matching.length === 0) return [];
  const waits = matching.some(({ weight }) => weight === undefined) ? " A step without weight lasts until enough of them have come; the times below it go on from there." : "";
  return [`While requests are matched, the new version is judged by the limits alone: those that were picked out are no sample that stable's could be a measure for.${waits}`];
}

/** Who looks at a preview sees nothing of the others' requests. */
function previewNotes({ strategy: { steps } }: RolloutSpec): readonly string[] {
  const hosts = [...new Set(steps.flatMap(({ preview }) => preview ?? []))];
  if (hosts.length === 0) return [];
  const waits = steps.some((step) => isWeightStep(step) && step.preview !== undefined && step.weight === undefined && step.match === undefined) ? " A step that is a preview alone lasts until enough requests have come; the times below it go on from there." : "";
  return [`While it is previewed, all requests for ${hosts.join(" and ")} go to the new version, whose pods are as many by then as the next weight needs, and it is judged by the limits alone.${waits}`];
}

/** Nor how many requests a service gets. */
function mirrorNotes({ strategy: { steps } }: RolloutSpec): readonly string[] {
  if (!steps.some((step) => isWeightStep(step) && step.mirror !== undefined)) return [];
  return ["While requests are mirrored, nobody is answered by the new version, and it is judged by the limits alone, from what its own pods report. Whatever a request changes is changed by its copy as well: mirror only what may be done twice."];
}

/** Whose share a weight is. */
function sessionNotes({ strategy: { sessionAffinity } }: RolloutSpec): readonly string[] {
  if (!sessionAffinity) return [];
  return [`Users stay, by a cookie that is kept for ${sessionAffinity.maxAge}, with the version that has answered them, and each weight is a share of users: at the next one some of those who are on stable go over, and nobody comes back. Taking the traffic back frees them at once. Whether the new version gets its share of the requests is not checked meanwhile.`];
}

/** What is left after a rollback. */
function templateNotes({ deployment }: RolloutSpec): readonly string[] {
  if (!deployment) return [];
  const after = deployment.onRollback === "revert" ? "the template before is written back into it" : "it goes on holding that template, which waits, until another one is applied or weir undo writes the one before back";
  return [`Until it has proven good a new template waits in Deployment ${deployment.name}, whose pods go on running the one before. When it is taken back, ${after}.`];
}

/** Whose new versions are called by the new version alone. */
function followNotes({ release, traffic }: RolloutSpec): readonly string[] {
  return followersIn(traffic).map(
    ({ name, follow }) => `${name} follows ${follow}: before the last step ${release} of ${name} is called by the pods of ${release} of ${follow} alone, from the last step on by all. A pod that is not ready, or a check that fails, of either of them takes both back.`,
  );
}

function notesOf(spec: RolloutSpec, ending: string): readonly string[] {
  const { analysis, strategy } = spec;
  const { after, then } = analysis.holdLimit;
  const silent = [["no request comes", analysis.onNoData], ["too few come to tell", analysis.onInconclusive], ["Prometheus does not answer", analysis.onProviderError]] as const;
  const held = silent.filter(([, policy]) => policy === "hold").map(([when]) => when);
  const others = silent.filter(([, policy]) => policy !== "hold").map(([when, policy]) => `While ${when}: ${policy}.`);
  const by = (onFail: Metric["onFail"]): string => analysis.metrics.filter((metric) => metric.onFail === onFail).map(({ name }) => name).join(", ");
  const [back, asks] = [by("rollback"), by("pause")];
  return [
    `Judged every ${analysis.interval}; a step is left after ${analysis.minVerdicts} passes of each check at least${strategy.pace === "evidence" ? `, and once the next weight is shown to be safe (${strategy.maxHold} at most)` : ""}.`,
    `Taken back at once: when ${back ? `${back} fails, or ` : ""}no pod of ${spec.deployment ? "the new template" : spec.release} is ready${analysis.onMissingTraffic === "rollback" && !strategy.sessionAffinity ? ", or less than half of its requests reach it" : ""}.`,
    ...(asks ? [`Waits for a person: when ${asks} fails.`] : []),
    ...(held.length > 0 ? [`While ${held.join(", or ")}, the step holds; after ${after} of that ${then === "pause" ? "a person is asked" : "the traffic is taken back"}.`] : []),
    ...others,
    ...followNotes(spec),
    ...matchNotes(spec),
    ...previewNotes(spec),
    ...mirrorNotes(spec),
    ...sessionNotes(spec),
    ...templateNotes(spec),
    ...(ending === "delivered" ? [] : ["Even a perfect version does not get through by itself: look at minVerdicts, holds and queries."]),
  ];
}
