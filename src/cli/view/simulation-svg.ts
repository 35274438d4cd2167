/** A simulation as a drawing: for each bad version a curve of how many of its rollouts had been taken back by then. */
import { stoppedBy } from "../../rehearsal/figures.ts";
import { spanOf } from "./ages.ts";
import { longestSeconds, percent, type Simulated, type Simulation } from "./simulation.ts";

const SIZE = { width: 860, height: 460 };
const PLOT = { left: 70, top: 60, width: 520, height: 330 };
const LEGEND_LEFT = PLOT.left + PLOT.width + 24;
/** Told apart by people who see red and green alike, too: Okabe and Ito's palette. */
const COLOURS: readonly string[] = ["#000000", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#7f7f7f", "#8a5a00", "#5d3a9b"];
const QUARTERS: readonly number[] = [0, 0.25, 0.5, 0.75, 1];

export function simulationSvg(simulation: Simulation): string {
  const { regressions, rollout, requestsPerSecond, baselineErrors, runs, seed } = simulation;
  const longest = longestSeconds(regressions);
  const title = `${rollout.metadata.name}: how many rollouts had been taken back by then`;
  const subtitle = `${requestsPerSecond} requests a second, ${percent(baselineErrors)} of stable's fail; ${runs} rollouts of each kind, seed ${seed}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${SIZE.width}" height="${SIZE.height}" fill="#ffffff"/>`,
    `<text x="${PLOT.left}" y="24" font-size="16">${escaped(title)}</text>`,
    `<text x="${PLOT.left}" y="44" fill="#555555">${escaped(subtitle)}</text>`,
    ...QUARTERS.map((fraction) => gridLine(fraction)),
    ...QUARTERS.map((fraction) => `<text x="${xOf(fraction)}" y="${PLOT.top + PLOT.height + 20}" text-anchor="middle">${spanOf(fraction * longest * 1_000)}</text>`),
    `<text x="${xOf(0.5)}" y="${PLOT.top + PLOT.height + 44}" text-anchor="middle" fill="#555555">since the rollout began</text>`,
    ...regressions.map((one, index) => curveOf(one, colourOf(index), longest)),
    ...regressions.map((one, index) => legendOf(one, colourOf(index), index)),
    "</svg>",
    "",
  ].join("\n");
}

function gridLine(fraction: number): string {
  const y = yOf(fraction);
  return `<line x1="${PLOT.left}" y1="${y}" x2="${PLOT.left + PLOT.width}" y2="${y}" stroke="#dddddd"/><text x="${PLOT.left - 8}" y="${y + 4}" text-anchor="end">${percent(fraction)}</text>`;
}

/** Steps, since each of them is a look that decided. */
function curveOf({ figures }: Simulated, colour: string, longest: number): string {
  const times = [...new Set(figures.stoppedAfterSeconds)].filter((seconds) => seconds <= longest);
  const steps = times.map((seconds) => `H${xOf(seconds / longest)} V${yOf(stoppedBy(figures, seconds))}`);
  return `<path d="M${xOf(0)} ${yOf(0)} ${steps.join(" ")} H${xOf(1)}" fill="none" stroke="${colour}" stroke-width="2"/>`;
}

function legendOf({ name, figures }: Simulated, colour: string, index: number): string {
  const y = PLOT.top + 12 + index * 24;
  return `<line x1="${LEGEND_LEFT}" y1="${y - 4}" x2="${LEGEND_LEFT + 22}" y2="${y - 4}" stroke="${colour}" stroke-width="3"/><text x="${LEGEND_LEFT + 30}" y="${y}">${escaped(`${name}: ${percent(figures.stopped / figures.runs)}`)}</text>`;
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length]!;
}

function xOf(fraction: number): number {
  return Number((PLOT.left + fraction * PLOT.width).toFixed(1));
}

function yOf(fraction: number): number {
  return Number((PLOT.top + (1 - fraction) * PLOT.height).toFixed(1));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
