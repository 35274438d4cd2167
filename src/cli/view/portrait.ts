/** One Rollout, whole: where it stands, its steps, its checks, and the pods of each version. */
import type { Rollout } from "../../rollout/rollout.ts";
import type { RolloutStatus, Run } from "../../rollout/status.ts";
import type { Look, PodSeen, VersionLook } from "../look.ts";
import { phasePaint, type Style } from "../style.ts";
import { ageOf } from "./ages.ts";
import { barOf } from "./bar.ts";
import { checksOf } from "./checks.ts";
import { inColumns } from "./columns.ts";
import { deploymentLines } from "./deployment.ts";
import { nextCommands } from "./next-commands.ts";
import { stepsOf } from "./run-steps.ts";
import { treeOf, type Branch } from "./tree.ts";

export interface PortraitOptions {
  readonly style: Style;
  readonly nowMs: number;
}

/** `look`: absent where it was not asked for, as in `watch`. */
export function portraitOf(rollout: Rollout, look: Look | undefined, options: PortraitOptions): readonly string[] {
  const { status } = rollout;
  if (!status) return [...headingOf(rollout, options), "", "No daemon has looked at it yet; weir doctor looks for one."];
  return [
    ...headingOf(rollout, options),
    ...(status.run ? ["", ...runOf(rollout, status.run, options)] : []),
    ...spaced(deploymentLines(rollout, look, options.style)),
    ...(look ? ["", ...routeOf(look, status, options)] : []),
    ...nextOf(rollout, status, options),
  ];
}

function spaced(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", ...lines];
}

function headingOf({ metadata, status }: Rollout, { style, nowMs }: PortraitOptions): readonly string[] {
  const phase = status ? `${phasePaint(style, status.phase)(status.phase)} ${style.dim(`(${status.reason})`)}` : style.dim("unseen");
  const age = style.dim(`${ageOf(metadata.creationTimestamp, nowMs)} old`);
  return [`${style.bold(metadata.name)}   ${phase}   ${style.dim(`namespace ${metadata.namespace}`)}   ${age}`, ...(status ? [status.message] : [])];
}

function runOf(rollout: Rollout, run: Run, { style, nowMs }: PortraitOptions): readonly string[] {
  const spec = "invalid" in rollout.spec ? undefined : rollout.spec;
  const isOver = run.outcome !== undefined;
  const when = isOver ? `${run.outcome} ${ageOf(run.endedAt, nowMs)} ago` : `began ${ageOf(run.startedAt, nowMs)} ago`;
  const who = run.actor ? `, by ${run.actor}` : "";
  const title = `${style.bold(`Run ${run.number}`)}   ${run.from.version} → ${run.to.version}   ${style.dim(when + who)}`;
  if (isOver) return [title, ...(run.reason ? [`  ${run.reason}`] : []), ...checksBelow(run, spec, style)];
  const bar = `  ${barOf(run.weight, style)} ${style.bold(`${Number(run.weight.toFixed(1))}%`)} to ${run.to.version}`;
  return [title, bar, ...treeOf(stepsOf(run, style, nowMs)).map(indented), ...checksBelow(run, spec, style)];
}

function checksBelow(run: Run, spec: Parameters<typeof checksOf>[1], style: Style): readonly string[] {
  return run.checks.length === 0 ? [] : ["", style.bold("Checks"), ...treeOf(checksOf(run, spec, style)).map(indented)];
}

function routeOf({ route, versions }: Look, status: RolloutStatus, options: PortraitOptions): readonly string[] {
  const { style } = options;
  if (route.kind !== "found") return [style.bold("Route"), `  ${route.message}`];
  const rows = inColumns(versions.map((each) => [style.bold(each.version), each.points === undefined ? "-" : `${each.points}%`, roleOf(each.version, status), readySaid(each, style)]));
  const branches = versions.map((each, index) => ({ text: rows[index]!, children: podsOf(each.pods, options) }));
  return [`${style.bold("Route")}   ${style.dim(route.name)}`, ...treeOf(branches).map(indented)];
}

function roleOf(version: string, { stable, run, refused }: RolloutStatus): string {
  if (refused?.version === version) return "refused";
  if (stable?.version === version) return "stable";
  return run && !run.outcome && run.to.version === version ? "new" : "";
}

function readySaid({ pods, missing }: VersionLook, style: Style): string {
  if (missing !== undefined) return style.warn(missing);
  const ready = pods.filter(({ isReady }) => isReady).length;
  const said = `${ready}/${pods.length} pods ready`;
  return ready === 0 ? style.bad(said) : ready < pods.length ? style.warn(said) : said;
}

function podsOf(pods: readonly PodSeen[], { style, nowMs }: PortraitOptions): readonly Branch[] {
  const rows = pods.map(({ name, isReady, state, restarts, createdAt }) => [
    `${isReady ? style.good("✔") : style.bad("✖")} ${name}`,
    isReady ? "ready" : state,
    restarts > 0 ? style.warn(`${restarts} restart${restarts === 1 ? "" : "s"}`) : "",
    style.dim(ageOf(createdAt, nowMs)),
  ]);
  return inColumns(rows).map((text) => ({ text }));
}

function nextOf({ metadata }: Rollout, status: RolloutStatus, { style }: PortraitOptions): readonly string[] {
  const commands = nextCommands(metadata, status);
  if (commands.length === 0) return [];
  return ["", style.bold("Next"), ...inColumns(commands.map(({ command, what }) => [`  ${style.accent(command)}`, style.dim(what)]))];
}

function indented(line: string): string {
  return `  ${line}`;
}

