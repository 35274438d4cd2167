/** What a Rollout means, as a timeline: when which share is given, and what takes it back. */
import { timelineOf } from "../../rehearsal/timeline.ts";
import { isWeightStep } from "../../rollout/ladder.ts";
import { stepPortionSaid } from "../../rollout/portion.ts";
import { matchSaid } from "../../rollout/route-match.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import type { Metric, RolloutSpec } from "../../rollout/spec.ts";
import type { Step } from "../../rollout/spec-steps.ts";
import type { Style } from "../style.ts";
import { spanOf } from "./ages.ts";
import { inColumns, wrapped } from "./columns.ts";

export function timelineSaid(rollout: ValidRollout, style: Style, width: number): readonly string[] {
  const { metadata: { name }, spec } = rollout;
  const { steps, ending, lastedMs } = timelineOf(rollout);
  const rows = steps.map(({ step, atMs }) => [atMs === undefined ? "" : spanOf(atMs), ...stepSaid(step)]);
  const end = ending === "delivered" ? [[spanOf(lastedMs), "", `${spec.release} is stable`]] : [];
  return [
    ...wrapped(`${style.bold(name)}: a run to ${spec.release}, at the earliest (plenty of requests, and none that fails)`, width),
    ...inColumns([...rows, ...end]).map((line) => `  ${line}`),
    ...notesOf(spec, ending).flatMap((note) => wrapped(note, width)),
  ];
}

function stepSaid(step: Step): readonly string[] {
  if (isWeightStep(step)) return [stepPortionSaid(step), `for ${step.hold}`, ...(step.match ? [matchSaid(step.match)] : [])];
  return ["pause", step.pause.duration ? `for ${step.pause.duration}` : "until somebody says promote; the times below go on from there"];
}

/** How long testers take to come nobody knows. */
function matchNotes({ strategy: { steps } }: RolloutSpec): readonly string[] {
  const matching = steps.filter(isWeightStep).filter(({ match }) => match !== undefined);
  if (matching.length === 0) return [];
  const waits = matching.some(({ weight }) => weight === undefined) ? " A step without weight lasts until enough of them have come; the times below it go on from there." : "";
  return [`While requests are matched, the new version is judged by the limits alone: those that were picked out are no sample that stable's could be a measure for.${waits}`];
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
    `Taken back at once: when ${back ? `${back} fails, or ` : ""}no pod of ${spec.release} is ready${analysis.onMissingTraffic === "rollback" ? ", or less than half of its requests reach it" : ""}.`,
    ...(asks ? [`Waits for a person: when ${asks} fails.`] : []),
    ...(held.length > 0 ? [`While ${held.join(", or ")}, the step holds; after ${after} of that ${then === "pause" ? "a person is asked" : "the traffic is taken back"}.`] : []),
    ...others,
    ...matchNotes(spec),
    ...(ending === "delivered" ? [] : ["Even a perfect version does not get through by itself: look at minVerdicts, holds and queries."]),
  ];
}
