/** The tables as text, each figure of Weir beside the published one, and a mark where they differ by more than sampling does. */
import { compete, type Contest } from "./contest.ts";
import { isBeyondChance, isSamePercent, isSameQuantile, percentTaken, quantileOf, type Figures } from "./sampling.ts";
import { COLD_STARTS, HEALTHY, PACE_RUNS, PACES, REGRESSION_RUNS, REGRESSIONS, type HealthyRow, type PaceFigures, type PaceRow, type RegressionRow } from "./scenarios.ts";
import * as strategies from "./strategies.ts";
import type { Strategy } from "./strategies.ts";
import { SCRAPE_SECONDS } from "./traffic.ts";

export interface Report {
  compared: number;
  /** Published figures that are not reproduced, as sentences. */
  readonly differing: string[];
  /** Rows in which more healthy versions were taken back than are promised. */
  readonly above: string[];
  /** Those of them where chance does not explain it. */
  readonly broken: string[];
}

type Print = (line: string) => void;

const WEIR = [strategies.weir, strategies.weirFast, strategies.weirStrict];
const OTHERS = [strategies.kayenta, strategies.flaggerByMinute, strategies.flaggerQuick, strategies.flaggerSmallSteps];
/** In percent, over the whole rollout. */
const PROMISED = 1;
/** Detections below which a time to rollback says nothing. */
const FEW = 20;

export function newReport(): Report {
  return { compared: 0, differing: [], above: [], broken: [] };
}

/** Table A. */
export function reportHealthy(contest: Contest, report: Report, print: Print): void {
  print(`\nA. Healthy canary: false rollbacks over the whole rollout, in %, of ${contest.runs} runs (published)`);
  print(lineOf("scenario", [...WEIR, ...OTHERS, strategies.weirUndispersed].map(({ name }) => name), 15));
  for (const row of HEALTHY) print(lineOf(row.scenario.name, healthyCells(contest, report, row), 15));
}

function healthyCells(contest: Contest, report: Report, { scenario, published, publishedRuns }: HealthyRow): string[] {
  const ofWeir = WEIR.map((strategy, index) => {
    const figures = compete(contest, scenario, strategy);
    const percent = published[index]!;
    if (strategy === strategies.weir) heldToPromise(report, scenario.name, figures);
    const mark = compared(report, `A, ${scenario.name}, ${strategy.name}`, `${percentTaken(figures).toFixed(2)} %`, `${percent} %`, isSamePercent(figures, percent, publishedRuns, 0.01));
    return `${percentTaken(figures).toFixed(2)}${mark} (${percent.toFixed(2)})`;
  });
  const isClustered = scenario.burst !== undefined || scenario.flaky !== undefined;
  const others = isClustered ? [...OTHERS, strategies.weirUndispersed] : OTHERS;
  return [...ofWeir, ...others.map((strategy) => percentTaken(compete(contest, scenario, strategy)).toFixed(2))];
}

function heldToPromise(report: Report, name: string, figures: Figures): void {
  if (percentTaken(figures) <= PROMISED) return;
  report.above.push(`${name}: ${percentTaken(figures).toFixed(2)} %`);
  if (isBeyondChance(figures, PROMISED)) report.broken.push(name);
}

/** Table B. */
export function reportRegressions(contest: Contest, report: Report, print: Print): void {
  print(`\nB. Error regressions, baseline 0.1 %: detected · median/95th percentile of seconds to rollback · of harmed requests, of ${contest.runs} runs (published below)`);
  print(lineOf("scenario", [...WEIR, ...OTHERS].map(({ name }) => name), 31));
  for (const row of REGRESSIONS) {
    print(lineOf(row.scenario.name, regressionCells(contest, report, row), 31));
    print(lineOf("", row.published, 31));
  }
}

function regressionCells(contest: Contest, report: Report, { scenario, published }: RegressionRow): string[] {
  const figuresOf = (strategy: Strategy): Figures => compete(contest, scenario, strategy);
  const ofWeir = WEIR.map((strategy, index) => {
    const figures = figuresOf(strategy);
    const isSame = isSameCell(figures, published[index]!);
    return cellOf(figures) + compared(report, `B, ${scenario.name}, ${strategy.name}`, cellOf(figures), published[index]!, isSame);
  });
  return [...ofWeir, ...OTHERS.map((strategy) => cellOf(figuresOf(strategy)))];
}

function cellOf(figures: Figures): string {
  const pair = (values: readonly number[], digits: number): string => [0.5, 0.95].map((fraction) => quantileOf(values, fraction)?.toFixed(digits) ?? "–").join("/");
  return `${percentTaken(figures).toFixed(0)}% · ${pair(figures.seconds, 0)}s · ${pair(figures.harmed, 1)}`;
}

const CELL = /^(?<detected>\d+)% · (?<median>[\d–]+)\/(?<late>[\d–]+)s · (?<harmed>[\d.]+)\/(?<most>[\d.]+)$/;

function isSameCell(figures: Figures, published: string): boolean {
  const { detected, median, late, harmed, most } = CELL.exec(published)!.groups!;
  const areTimesTelling = figures.taken >= FEW && median !== "–";
  return (
    isSamePercent(figures, Number(detected), REGRESSION_RUNS, 1) &&
    (!areTimesTelling || (isSameQuantile(figures.seconds, 0.5, Number(median), SCRAPE_SECONDS) && isSameQuantile(figures.seconds, 0.95, Number(late), SCRAPE_SECONDS))) &&
    isSameQuantile(figures.harmed, 0.5, Number(harmed), HARM_LUMP) &&
    isSameQuantile(figures.harmed, 0.95, Number(most), HARM_LUMP)
  );
}

/** A request at most, and what printing to a tenth hides. */
const HARM_LUMP = 0.55;

/** Why a canary that has just become ready is not compared yet. Published: 62 % to 100 %, 0.0 %, and 43 % to 100 %. */
export function reportColdStarts(contest: Contest, print: Print): void {
  const judged = [strategies.weir, strategies.weirWarmedUp, strategies.flaggerQuick];
  print(`\nC. A canary with a cold start: false rollbacks, in %, of ${contest.runs} runs`);
  print(lineOf("scenario", judged.map(({ name }) => name), 15));
  for (const scenario of COLD_STARTS) print(lineOf(scenario.name, judged.map((strategy) => percentTaken(compete(contest, scenario, strategy)).toFixed(2)), 15));
}

/** Table G. */
export function reportPaces(contest: Contest, report: Report, print: Print): void {
  print(`\nG. Steps by evidence (20 s to 300 s each) against fixed ones of 60 s, of ${contest.runs} runs: detected, median harm, median seconds to the end (published)`);
  print(lineOf("scenario", ["fixed", "by evidence"], 48));
  for (const row of PACES) print(lineOf(row.scenario.name, paceCells(contest, report, row), 48));
}

function paceCells(contest: Contest, report: Report, { scenario, published }: PaceRow): string[] {
  return [strategies.weir, strategies.weirByEvidence].map((strategy, index) => {
    const figures = compete(contest, scenario, strategy);
    const { detected, harmed, seconds } = published[index]!;
    const cell = `${percentTaken(figures).toFixed(1)}% · ${quantileOf(figures.harmed, 0.5)!.toFixed(1)} · ${quantileOf(figures.lasted, 0.5)!.toFixed(0)}s`;
    const expected = [detected === undefined ? undefined : `${detected}%`, harmed, seconds === undefined ? undefined : `${seconds}s`].filter((part) => part !== undefined).join(" · ");
    return `${cell}${compared(report, `G, ${scenario.name}, ${strategy.name}`, cell, expected, isSamePace(figures, published[index]!))} (${expected})`;
  });
}

function isSamePace(figures: Figures, { detected, harmed, seconds }: PaceFigures): boolean {
  return (
    (detected === undefined || isSamePercent(figures, detected, PACE_RUNS, 0.1)) &&
    (harmed === undefined || isSameQuantile(figures.harmed, 0.5, harmed, HARM_LUMP)) &&
    (seconds === undefined || isSameQuantile(figures.lasted, 0.5, seconds, SCRAPE_SECONDS))
  );
}

/** Counts the comparison; a mark if it differs. */
function compared(report: Report, what: string, measured: string, published: string, isSame: boolean): string {
  report.compared += 1;
  if (isSame) return "";
  report.differing.push(`${what}: ${measured}, published ${published}`);
  return "*";
}

function lineOf(name: string, cells: readonly string[], width: number): string {
  return [name.padEnd(28), ...cells.map((cell) => cell.padEnd(width))].join(" ").trimEnd();
}
