/** The playground's words and bars: from what was seen to lines of text, at most 100 columns wide. */
import type { Check } from "../rollout/status.ts";
import type { Sides } from "./crowd.ts";
import { mostColumns, type Style } from "./display.ts";
import { shareOf, totalOf, type VersionCounts } from "./mesh/tally.ts";
import type { Split } from "./route-steps.ts";

export interface StepSeen {
  /** Since the playground's story began. */
  readonly atMs: number;
  readonly stable: string;
  readonly canary: string;
  /** What the route says. */
  readonly split: Split;
  /** What the mesh did. */
  readonly counts: VersionCounts;
  readonly checks: readonly Pick<Check, "name" | "value" | "verdict" | "passes">[];
}

const barCells = 28;

/** `0:13  75/25  ███░  24.6 % of 1,204   errors 0% ✓` */
export function stepLine(seen: StepSeen, style: Style): string {
  const share = shareOf(seen.counts, seen.canary);
  const really = totalOf(seen.counts) === 0 ? "" : `${percentOf(share)} of ${countOf(totalOf(seen.counts))}`;
  const head = `  ${clockOf(seen.atMs)}  ${style.bold(splitText(seen).padEnd(6))} `;
  return `${head} ${bar(share, totalOf(seen.counts), style)}  ${really.padEnd(20)} ${checksText(seen.checks, style)}`.trimEnd();
}

export interface BesideSeen extends Pick<StepSeen, "stable" | "canary" | "counts"> {
  readonly copies: VersionCounts;
  readonly users: Readonly<Record<string, VersionCounts>>;
  readonly sides: Sides;
}

/** `      ↳ x-tester: true: 100.0 % of 198`, of each kind of users, and of copies. */
export function besideLines({ stable, canary, counts, copies, users, sides }: BesideSeen, style: Style): readonly string[] {
  const copied = totalOf(copies);
  const kinds = Object.entries(users).filter(([, answered]) => totalOf(answered) > 0);
  return [
    ...kinds.map(([kind, answered]) => `${kind}: ${percentOf(shareOf(answered, canary))} of ${countOf(totalOf(answered))} answered by ${canary}`),
    ...(copied > 0 ? [`copies: ${countOf(copied)} (${percentOf(copied / Math.max(1, totalOf(counts)))}) went to ${canary} as well, and answered nobody`] : []),
    ...sidesTexts(sides, stable, canary),
  ].map((line) => style.dim(`        ↳ ${line}`));
}

/** `100 users with cookies: 12 with v2, 88 with v1; 12 went over, nobody came back`; nothing where there are none. */
function sidesTexts({ on, came }: Sides, stable: string, canary: string): readonly string[] {
  const { [stable]: here = 0, [canary]: there = 0 } = on;
  const { [stable]: back = 0, [canary]: over = 0 } = came;
  const whoever = (count: number): string => (count === 0 ? "nobody" : String(count));
  const moves = over + back === 0 ? "nobody moved" : `${whoever(over)} went over, ${whoever(back)} came back`;
  return here + there === 0 ? [] : [`${here + there} users with cookies: ${there} with ${canary}, ${here} with ${stable}; ${moves}`];
}

/** What moves: requests, or connections. */
export type Moved = "requests" | "connections";

export function stepHeading(canary: string, style: Style, moved: Moved = "requests"): string {
  return style.dim(`  time  route   ${"where the mesh really sent".padEnd(barCells)}  ${`${moved} to ${canary}`.padEnd(20)} what Prometheus saw of ${canary}`);
}

/** `90/10`: stable's weight and the canary's. */
function splitText({ split, stable, canary }: Pick<StepSeen, "split" | "stable" | "canary">): string {
  return `${split[stable] ?? 0}/${split[canary] ?? 0}`;
}

/** Shows even the smallest share of either side. */
function bar(share: number, total: number, style: Style): string {
  if (total === 0) return style.dim("·".repeat(barCells));
  const rounded = Math.round(share * barCells);
  const canary = share === 0 || share === 1 ? rounded : Math.min(Math.max(rounded, 1), barCells - 1);
  return style.stable("░".repeat(barCells - canary)) + style.canary("█".repeat(canary));
}

function checksText(checks: StepSeen["checks"], style: Style): string {
  return checks
    .filter(({ value }) => value !== undefined)
    .map(({ name, value, verdict }) => `${name} ${value} ${markOf(verdict, style)}`)
    .join("  ");
}

function markOf(verdict: Check["verdict"], style: Style): string {
  if (verdict === "Pass") return style.good("✓");
  return verdict === "Fail" ? style.bad("✗") : style.dim("…");
}

/** `━━ Title ━━━━━`, as wide as everything else. */
export function titleLine(title: string, style: Style): string {
  return `${style.dim("━━")} ${style.bold(title)} ${style.dim("━".repeat(Math.max(0, mostColumns - 4 - title.length)))}`;
}

/** Words of a sentence in lines that begin with `indent`. */
export function wrapped(text: string, indent = "  "): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/)) {
    if (line.trim() !== "" && line.length + 1 + word.length > mostColumns) {
      lines.push(line);
      line = indent;
    }
    line += line.trim() === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** One line at most; what does not fit is left out. */
export function cut(text: string): string {
  const [line = ""] = text.split("\n", 1);
  return line.length <= mostColumns ? line : `${line.slice(0, mostColumns - 1)}…`;
}

export function clockOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function percentOf(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

export function countOf(count: number): string {
  return count.toLocaleString("en-US");
}
