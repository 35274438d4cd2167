/** A simulation as people read it: a table, when each bad version is stopped, and what that means. */
import { stoppedBy, type Figures } from "../../rehearsal/figures.ts";
import { isWeightStep } from "../../rollout/ladder.ts";
import { stepPortionSaid } from "../../rollout/portion.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import { fractionOf } from "../../rollout/units.ts";
import type { Style } from "../style.ts";
import { spanOf } from "./ages.ts";
import { inColumns, wrapped } from "./columns.ts";

export interface Simulated {
  readonly name: string;
  /** `A version that ...` */
  readonly said: string;
  readonly isHealthy: boolean;
  readonly figures: Figures;
}

export interface Simulation {
  readonly rollout: ValidRollout;
  readonly requestsPerSecond: number;
  /** A fraction. */
  readonly baselineErrors: number;
  readonly seed: number;
  readonly runs: number;
  readonly regressions: readonly Simulated[];
}

const LEVELS = "▁▂▃▄▅▆▇█";
const COLUMNS = 40;

export function simulationSaid(simulation: Simulation, style: Style, width: number): readonly string[] {
  const { regressions } = simulation;
  return [
    ...headingOf(simulation).flatMap((line) => wrapped(line, width)),
    "",
    ...tableOf(regressions, style),
    "",
    style.bold("How many had been taken back by then"),
    ...plotOf(regressions, style),
    "",
    ...sentencesOf(simulation).flatMap((line) => wrapped(line, width)),
    ...notesOf(simulation).flatMap((line) => wrapped(line, width)).map(style.dim),
  ];
}

function headingOf({ rollout: { metadata, spec }, requestsPerSecond, baselineErrors, seed, runs }: Simulation): readonly string[] {
  const steps = spec.strategy.steps.map((step) => (isWeightStep(step) ? `${stepPortionSaid(step)} for ${step.hold}` : "a pause")).join(", ");
  const pace = spec.strategy.pace === "evidence" ? `, longer (${spec.strategy.maxHold} at most) until it is shown to be safe` : "";
  return [
    `${metadata.name}: ${requestsPerSecond} requests a second, of which ${percent(baselineErrors)} fail with stable; ${runs} rollouts of each kind of version (--seed ${seed}).`,
    `Steps: ${steps}${pace}; judged every ${spec.analysis.interval}.`,
  ];
}

function tableOf(regressions: readonly Simulated[], style: Style): readonly string[] {
  const header = ["NEW VERSION", "TAKEN BACK", "ASKS A PERSON", "DELIVERED", "TAKEN BACK AFTER", "REQUESTS HARMED"].map(style.dim);
  return inColumns([header, ...regressions.map((one) => rowOf(one, style))]);
}

function rowOf({ name, isHealthy, figures }: Simulated, style: Style): readonly string[] {
  const { runs, stopped, asked, undecided, delivered, secondsToStop, harmedRequests } = figures;
  const good = isHealthy ? stopped * 100 <= runs : (stopped + asked) * 2 >= runs;
  return [
    name,
    (good ? style.good : style.bad)(percent(stopped / runs)),
    percent((asked + undecided) / runs),
    percent(delivered / runs),
    secondsToStop ? `${span(secondsToStop.median)} (95 %: ${span(secondsToStop.p95)})` : "-",
    isHealthy ? "-" : `${count(harmedRequests.median)} (95 %: ${count(harmedRequests.p95)})`,
  ];
}

/** A line for each version: the higher, the more of its rollouts had been taken back. */
function plotOf(regressions: readonly Simulated[], style: Style): readonly string[] {
  const longest = longestSeconds(regressions);
  const rows = regressions.map(({ name, figures }) => {
    const levels = Array.from({ length: COLUMNS }, (_, column) => levelOf(stoppedBy(figures, ((column + 1) / COLUMNS) * longest)));
    return [`  ${name}`, style.accent(levels.join("")), percent(stoppedBy(figures, longest))];
  });
  const [left, middle, right] = ["0s", span(longest / 2), span(longest)];
  const axis = `${left.padEnd(COLUMNS / 2)}${middle.padEnd(COLUMNS / 2 - right.length)}${right}`;
  return inColumns([...rows, ["", style.dim(axis), ""]]);
}

/** Until when anything happens. */
export function longestSeconds(regressions: readonly Simulated[]): number {
  const ends = regressions.flatMap(({ figures: { secondsToStop, secondsToDeliver } }) => [secondsToStop?.p95 ?? 0, secondsToDeliver?.median ?? 0]);
  return Math.max(60, ...ends);
}

/** Nothing is the lowest one, and only all is the highest. */
function levelOf(fraction: number): string {
  if (fraction <= 0) return LEVELS[0]!;
  return fraction >= 1 ? LEVELS.at(-1)! : LEVELS[1 + Math.floor(fraction * (LEVELS.length - 2))]!;
}

function sentencesOf({ regressions, rollout }: Simulation): readonly string[] {
  return regressions.map(({ said, isHealthy, figures }) => (isHealthy ? healthySaid(figures, rollout) : `- A version that ${said} ${stoppedSaid(figures)}`));
}

function healthySaid({ runs, stopped, asked, undecided, secondsToDeliver }: Figures, { spec: { analysis } }: ValidRollout): string {
  const promised = `falseRollback: ${analysis.falseRollback} promises at most 1 of ${Math.round(1 / fractionOf(analysis.falseRollback))}`;
  const waits = asked + undecided > 0 ? ` ${asked + undecided} waited for a person, since there was too little evidence to go on.` : "";
  const took = secondsToDeliver ? ` It is usually delivered after ${span(secondsToDeliver.median)}.` : "";
  return `- A healthy version was taken back by mistake in ${stopped} of ${runs} rollouts (${promised}).${waits}${took}`;
}

function stoppedSaid({ runs, stopped, asked, secondsToStop, harmedRequests }: Figures): string {
  const ends = [
    ...(secondsToStop ? [`was taken back in ${stopped} of ${runs} rollouts, usually after ${span(secondsToStop.median)}`] : []),
    ...(asked > 0 ? [`waited for a person in ${asked} of ${runs} rollouts`] : []),
  ];
  const advice = (stopped + asked) * 2 < runs ? " So small a difference takes more requests: longer holds, or pace: evidence." : "";
  return `${ends.length > 0 ? ends.join(", and ") : `was never taken back (${runs} rollouts)`}; about ${count(harmedRequests.median)} requests are harmed.${advice}`;
}

function notesOf({ rollout: { spec } }: Simulation): readonly string[] {
  const queries = spec.analysis.metrics.filter(({ query }) => query !== undefined).map(({ name }) => name);
  const isMatching = spec.strategy.steps.some((step) => isWeightStep(step) && (step.match !== undefined || step.preview !== undefined));
  const isMirroring = spec.strategy.steps.some((step) => isWeightStep(step) && step.mirror !== undefined);
  const isEndless = spec.strategy.steps.some((step) => !isWeightStep(step) && step.pause.duration === undefined);
  return [
    "Decided by the same code as live, on made traffic: requests come and fail independently of each other, and three pods of each version are ready.",
    ...(queries.length > 0 ? [`Nobody knows what queries of your own would say: ${queries.join(", ")} always pass here.`] : []),
    ...(isMirroring ? ["Steps that mirror requests are left out: nobody knows what copies of them would meet."] : []),
    ...(isMatching ? ["Steps that pick requests out are left out: nobody knows what testers would send."] : []),
    ...(isEndless ? ["Pauses that wait for somebody are taken as promoted at once."] : []),
    ...(spec.analysis.metrics.length === 0 ? ["analysis.metrics is empty: only missing pods would stop it."] : []),
  ];
}

export function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))} %`;
}

function count(requests: number): string {
  return requests < 10 ? String(Number(requests.toFixed(1))) : Math.round(requests).toLocaleString("en-US");
}

function span(seconds: number): string {
  return spanOf(seconds * 1_000);
}
