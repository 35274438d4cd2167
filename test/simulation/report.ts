/** The table of planted bugs. */
import type { Hunted } from "./jobs.ts";
import { PLANTED_BUGS } from "./planted/all-bugs.ts";

export function tableOfBugs(hunted: readonly Hunted[]): string {
  const rows = hunted.map(({ bug, tried, caught }) => [PLANTED_BUGS[bug]!.does, caught ? caught.law : "NOT CAUGHT", caught ? `seed ${caught.seed}` : "", `${tried}`]);
  const all = [["a daemon that ...", "breaks the law", "at", "histories"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()).join("\n");
}
