/** What a run's looks have counted: a small curve for each side, and a table for whoever wants every number. */
import { type Counted, type Look, looksIn } from "../../rollout/analysis/trail.ts";
import type { Style } from "../style.ts";
import { spanOf } from "./ages.ts";
import { inColumns } from "./columns.ts";

const BLOCKS = [..."▁▂▃▄▅▆▇█"];
const NO_REQUEST = "·";

/** Shares of bad requests, each as high as it is against `most`: one above 0 is always to be seen. */
export function curveOf(sides: readonly Counted[], most: number): string {
  return sides.map(({ requests, bad }) => (requests === 0 ? NO_REQUEST : blockFor(bad / requests, most))).join("");
}

function blockFor(share: number, most: number): string {
  return BLOCKS[share <= 0 ? 0 : Math.max(1, Math.min(BLOCKS.length - 1, Math.round((share / most) * (BLOCKS.length - 1))))]!;
}

/** The canary's curve alone, for a cell of a table. */
export function smallCurveOf(trail: string): string {
  const looks = looksIn(trail);
  return curveOf(looks.map(({ canary }) => canary), highestOf(looks));
}

export interface LooksOptions {
  readonly style: Style;
  /** Every look with its numbers, too. */
  readonly wide: boolean;
  readonly startedAtMs: number;
}

/** Of one metric; both curves have the same height for the same share. */
export function looksSaid(name: string, trail: string, { style, wide, startedAtMs }: LooksOptions): readonly string[] {
  const looks = looksIn(trail);
  if (looks.length === 0) return [];
  const sides = (["canary", "stable"] as const).map((side) => {
    const counted = looks.map((look) => look[side]);
    return ["    " + side, style.accent(curveOf(counted, highestOf(looks))), countedSaid(sumOf(counted))];
  });
  return [`  ${name}: bad requests, look by look`, ...inColumns(sides), ...(wide ? tableOf(looks, startedAtMs, style) : [])];
}

function highestOf(looks: readonly Look[]): number {
  return Math.max(...looks.flatMap(({ canary, stable }) => [canary, stable]).map(({ requests, bad }) => (requests === 0 ? 0 : bad / requests)), Number.EPSILON);
}

function sumOf(counted: readonly Counted[]): Counted {
  return counted.reduce((sum, { requests, bad }) => ({ requests: sum.requests + requests, bad: sum.bad + bad }), { requests: 0, bad: 0 });
}

function tableOf(looks: readonly Look[], startedAtMs: number, { dim }: Style): readonly string[] {
  const header = ["    AFTER", "CANARY", "STABLE"].map(dim);
  return inColumns([header, ...looks.map(({ atMs, canary, stable }) => [`    ${spanOf(atMs - startedAtMs)}`, countedSaid(canary), countedSaid(stable)])]);
}

/** `12 of 240 (5.0%)`: two digits of the share that count. */
function countedSaid({ requests, bad }: Counted): string {
  const count = (number: number): string => number.toLocaleString("en-US");
  if (requests === 0) return "no request";
  const percent = (bad / requests) * 100;
  const share = bad === 0 || percent >= 99.5 ? percent.toFixed(0) : percent.toPrecision(2);
  return `${count(bad)} of ${count(requests)} (${share.includes("e") ? Number(share).toFixed(6) : share}%)`;
}
