/** Why a Rollout is where it is, in sentences: what is so, the numbers behind it, and what would change it. */
import { evidenceSaid } from "../../rollout/analysis/account.ts";
import { isWeightStep } from "../../rollout/ladder.ts";
import { isComparable, standingSaid } from "../../rollout/portion.ts";
import { matchSaid } from "../../rollout/route-match.ts";
import type { Rollout } from "../../rollout/rollout.ts";
import type { RolloutSpec } from "../../rollout/spec.ts";
import type { WeightStep } from "../../rollout/spec-steps.ts";
import type { Check, RolloutStatus, Run } from "../../rollout/status.ts";
import { instantOf } from "../../rollout/units.ts";
import type { Look } from "../look.ts";
import { phasePaint, type Style } from "../style.ts";
import { spanOf } from "./ages.ts";
import { inColumns, wrapped } from "./columns.ts";
import { deploymentSentences } from "./deployment.ts";
import { nextCommands } from "./next-commands.ts";
import { whatChanges } from "./what-changes.ts";

export interface ExplanationOptions {
  readonly style: Style;
  readonly nowMs: number;
  /** Longest line, in characters; queries are left whole. */
  readonly width: number;
}

export function explanationOf(rollout: Rollout, look: Look | undefined, options: ExplanationOptions): readonly string[] {
  const { metadata, spec, status } = rollout;
  const { style, width } = options;
  if (!status) return wrapped(`${metadata.name} has no status: no daemon has looked at it yet. weir doctor looks for one.`, width);
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ["What is so", [standing(rollout, status), ...runSaid(status.run, options), ...deploymentSentences(rollout, look), ...routeSaid(look, status)]],
    ["The checks", "invalid" in spec ? [] : checkSentences(status.run, spec, options)],
    ["What would change it", [...whatChanges(status, "invalid" in spec ? undefined : spec, options.nowMs)]],
  ];
  const heading = `${style.bold(`${metadata.namespace}/${metadata.name}`)} is ${phasePaint(style, status.phase)(status.phase)} ${style.dim(`(${status.reason})`)}`;
  return [heading, ...sectionsSaid(sections, options), ...commandsSaid(rollout, status, style)];
}

/** Those that have something to say. */
export function sectionsSaid(sections: readonly (readonly [title: string, lines: readonly string[]])[], { style, width }: Pick<ExplanationOptions, "style" | "width">): readonly string[] {
  return sections.filter(([, lines]) => lines.length > 0).flatMap(([title, lines]) => ["", style.bold(title), ...lines.flatMap((line) => paragraph(line, width))]);
}

/** Lines that begin with blanks are given as they are: queries are copied. */
function paragraph(line: string, width: number): readonly string[] {
  return line.startsWith(" ") ? [line] : wrapped(line, width - 2).map((each) => `  ${each}`);
}

function standing({ metadata, spec }: Rollout, status: RolloutStatus): string {
  const behind = status.observedGeneration < metadata.generation ? " The spec was edited since then, and no daemon has looked at that yet: weir doctor looks for one." : "";
  const release = "invalid" in spec || spec.deployment ? "" : `spec.release is ${spec.release}. `;
  return `${release}${sentence(status.message)}${behind}`;
}

function runSaid(run: Run | undefined, { nowMs }: ExplanationOptions): readonly string[] {
  if (!run) return ["There has been no run yet."];
  const versions = `Run ${run.number} from ${run.from.version} to ${run.to.version}`;
  const who = run.actor ? ` It was ${run.outcome ? "ended" : "started"} by ${run.actor}.` : "";
  if (run.outcome) {
    const reason = run.reason ? `: ${run.reason}` : "";
    return [sentence(`${versions} ended ${spanOf(nowMs - instantOf(run.endedAt ?? run.startedAt))} ago as ${run.outcome}, having reached ${percent(run.peak)}${reason}`) + who];
  }
  const steps = run.ladder.filter(isWeightStep);
  const reached = run.ladder.slice(0, run.step + 1).filter(isWeightStep).length;
  return [`${versions} began ${spanOf(nowMs - instantOf(run.startedAt))} ago and stands ${standingSaid(run)}: step ${reached} of ${steps.length} (${steps.map(stepShort).join(", ")}).${pickedSaid(run)} ${inForceSaid(run, nowMs)}${who}`];
}

function stepShort({ weight, match, mirror }: WeightStep): number | string {
  return weight ?? (mirror !== undefined ? "mirrored" : match ? "matched" : "previewed");
}

function pickedSaid({ matched, previewed, mirrored = 0, sessions }: Run): string {
  if (sessions) return ` Users stay with the version that has answered them, by the cookie ${sessions.cookie}, so that this is a share of users.`;
  if (mirrored > 0) return ` It gets copies of ${percent(mirrored)} of the requests and answers nobody; while it does, the limits alone judge it.`;
  const picked = [...(matched ? [`the requests of which ${matchSaid(matched)}`] : []), ...(previewed === undefined ? [] : [`all requests for the host ${previewed}`])];
  return picked.length > 0 ? ` It gets ${picked.join(", and ")}; while it does, the limits alone judge it.` : "";
}

function inForceSaid({ inForceAt, ladder, step, ...given }: Run, nowMs: number): string {
  const what = isComparable(given) ? "That weight" : "That";
  if (inForceAt === undefined) return `${what} is not in force yet.`;
  const present = ladder[step];
  const hold = isWeightStep(present) ? `, and is held for ${present.hold}` : "";
  const sinceMs = nowMs - instantOf(inForceAt);
  return sinceMs < 0 ? `${what} is written and will be in force in ${spanOf(-sinceMs + 999)}${hold}.` : `${what} has been in force for ${spanOf(sinceMs)}${hold}.`;
}

function routeSaid(look: Look | undefined, status: RolloutStatus): readonly string[] {
  if (!look) return [];
  if (look.route.kind !== "found") return [sentence(look.route.message)];
  const split = look.route.destinations.map(({ version, points }) => `${version} ${points}`).join(", ");
  const pods = look.versions.map(({ version, pods: all, missing }) => missing ?? `${version} has ${all.filter(({ isReady }) => isReady).length} of ${all.length} pods ready`);
  const stable = status.stable ? ` Stable is ${status.stable.version}${status.stable.revision ? ` (revision ${status.stable.revision})` : ""}.` : "";
  return [`${look.route.name} has ${split}. ${sentence(pods.join(", "))}${stable}`];
}

export function checkSentences(run: Run | undefined, spec: RolloutSpec, options: ExplanationOptions): readonly string[] {
  if (!run) return [];
  const { metrics, interval, minVerdicts } = spec.analysis;
  if (metrics.length === 0) return ["analysis.metrics is empty, so nothing is judged and steps go by time alone."];
  const unjudged = metrics.filter(({ name }) => !run.checks.some((check) => check.name === name)).map(({ name }) => `${name} has not been judged in this step yet; that happens every ${interval}, once the weight is in force.`);
  const needed = run.outcome ? [] : [`Each is judged every ${interval}; a step is left after ${minVerdicts} passes of each.`];
  return [...run.checks.flatMap((check) => checkSaid(check, run, spec, options)), ...(run.outcome ? [] : unjudged), ...needed];
}

function checkSaid(check: Check, run: Run, spec: RolloutSpec, { style, nowMs }: ExplanationOptions): readonly string[] {
  const { name, verdict, value, limit, samples, message, failuresInARow, passes, query, at } = check;
  const metric = spec.analysis.metrics.find((one) => one.name === name);
  const { failures, onFail } = metric ?? {};
  const of = samples === undefined ? "" : ` in ${samples} requests`;
  const measured = value === undefined ? sentence(capitalised(message ?? "there was no value")) : `It was ${value}${of}${message ? ` (${message})` : ""}; ${limit ?? "no limit"} is allowed.`;
  const row = failuresInARow > 0 ? `${failuresInARow} of ${failures ?? "?"} failures in a row, then ${onFail ?? "it counts"}` : `${passes} pass${passes === 1 ? "" : "es"} in this step`;
  const said = `${name}: ${verdict}, ${spanOf(nowMs - instantOf(at))} ago. ${measured} ${sentence(row)}`;
  const shown = wholeRunSaid(check, run, spec);
  return [said, ...(shown ? [sentence(shown)] : []), ...(query ? [`    ${style.dim(query)}`] : [])];
}

/** What its evidence amounts to; a failed built-in has said so itself. */
function wholeRunSaid({ name, verdict }: Check, run: Run, spec: RolloutSpec): string | undefined {
  const metric = spec.analysis.metrics.find((one) => one.name === name);
  const said = metric && verdict !== "Fail" ? evidenceSaid(metric, run, spec) : undefined;
  return said && `Over the whole run: ${said}`;
}

function commandsSaid({ metadata }: Rollout, status: RolloutStatus, style: Style): readonly string[] {
  const commands = nextCommands(metadata, status);
  if (commands.length === 0) return [];
  return ["", style.bold("What you can say"), ...inColumns(commands.map(({ command, what }) => [`  ${style.accent(command)}`, style.dim(what)]))];
}

/** Not begun with a capital: `v2` is a name. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) || text === "" ? text : `${text}.`;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

export function percent(value: number): string {
  return `${Number(value.toFixed(1))}%`;
}
