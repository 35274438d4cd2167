/** One run that has ended, in sentences: what came of it, by whom, why, and what that rested on. */
import { weightsIn } from "../../rollout/ladder.ts";
import { RolloutSpec } from "../../rollout/spec.ts";
import { instantOf, timeOf } from "../../rollout/units.ts";
import { endedRun, type RunSeen } from "../past-runs.ts";
import { spanOf } from "./ages.ts";
import { checkSentences, type ExplanationOptions, percent, sectionsSaid, sentence } from "./explanation.ts";
import { looksSaid } from "./looks.ts";
import { outcomeSaid } from "./runs.ts";

export interface AccountOptions extends ExplanationOptions {
  /** With the numbers of each look. */
  readonly wide: boolean;
}

export function runAccountOf(run: RunSeen, options: AccountOptions): readonly string[] {
  const { style } = options;
  const { namespace, rollout, number, outcome, record } = run;
  const heading = `${style.bold(`${namespace}/${rollout.name}`)}, run ${number}: ${outcomeSaid(outcome, style)} ${style.dim(record ? `(RolloutRun ${record})` : "(no record)")}`;
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ["What happened", [...happened(run, options), ...toldSaid(run)]],
    ["The checks", checksSaid(run, options)],
    ["The looks", (run.evidence ?? []).flatMap(({ name, trail }) => looksSaid(name, trail, { ...options, startedAtMs: instantOf(run.startedAt) }))],
  ];
  return [heading, ...sectionsSaid(sections, options)];
}

function happened(run: RunSeen, { nowMs }: ExplanationOptions): readonly string[] {
  const { from, to, message, reason, startedAt, endedAt = startedAt, peak, ladder = [], actor, wouldRollBack } = run;
  const weights = weightsIn(ladder);
  const when = `${deliveredSaid(run)} from ${from.version} to ${to.version}, began ${spanOf(nowMs - instantOf(startedAt))} ago (${timeOf(instantOf(startedAt))}), and ended after ${spanOf(instantOf(endedAt) - instantOf(startedAt))}, having reached ${percent(peak)}`;
  return [
    sentence(message ?? reason ?? "no reason is known"),
    sentence(`${when}${weights.length > 0 ? ` of the steps ${weights.join(", ")}` : ""}`) + (actor ? ` It was ended by ${actor}.` : ""),
    ...(wouldRollBack ? [sentence(`Weir looked on, and would have taken it back: ${wouldRollBack}`)] : []),
  ];
}

/** Of a Deployment the versions are what its templates are called. */
function deliveredSaid({ resolved }: RunSeen): string {
  const deployment = RolloutSpec.safeParse(resolved).data?.deployment;
  return deployment ? `The template of Deployment ${deployment.name} went` : "It went";
}

function toldSaid({ told = [] }: RunSeen): readonly string[] {
  if (told.length === 0) return [];
  const each = told.map(({ target, event, failing }) => `${target} of ${event}${failing ? ` (and then no more: ${failing})` : ""}`);
  return [sentence(`What had been told by then: ${each.join(", ")}`)];
}

/** With the spec that was in force then. */
function checksSaid(run: RunSeen, options: ExplanationOptions): readonly string[] {
  if (run.checks === undefined) return ["What its checks said is not known: no record of it is kept."];
  if (run.checks.length === 0) return ["Nothing had been judged in its last step when it ended."];
  const spec = RolloutSpec.safeParse(run.resolved);
  return spec.success ? checkSentences(endedRun(run), spec.data, options) : ["They were written by another Weir; -o yaml shows them."];
}
