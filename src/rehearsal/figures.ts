/** Many outcomes as a few figures. */
import type { Outcome } from "./simulation.ts";

export interface Figures {
  readonly runs: number;
  /** Taken back. */
  readonly stopped: number;
  /** Paused, until a person says what is to be done. */
  readonly asked: number;
  readonly delivered: number;
  /** Still going on at the end. */
  readonly undecided: number;
  /** Between which fractions the probability of being taken back is, with 95 % confidence. */
  readonly stoppedRange: readonly [low: number, high: number];
  /** Absent where none was. */
  readonly secondsToStop?: Spread;
  readonly secondsToDeliver?: Spread;
  readonly harmedRequests: Spread;
  /** Seconds after which each of the stopped was stopped, rising: what a curve is drawn from. */
  readonly stoppedAfterSeconds: readonly number[];
}

export interface Spread {
  readonly median: number;
  /** 95 of 100 are not above. */
  readonly p95: number;
}

export function figuresOf(outcomes: readonly Outcome[]): Figures {
  const ending = (wanted: Outcome["ending"]): readonly Outcome[] => outcomes.filter((one) => one.ending === wanted);
  const seconds = (some: readonly Outcome[]): readonly number[] => some.map(({ lastedMs }) => lastedMs / 1_000).sort((a, b) => a - b);
  const [stopped, delivered] = [ending("stopped"), ending("delivered")];
  return {
    runs: outcomes.length,
    stopped: stopped.length,
    asked: ending("asked").length,
    delivered: delivered.length,
    undecided: ending("undecided").length,
    stoppedRange: wilson(stopped.length, outcomes.length),
    ...(stopped.length > 0 ? { secondsToStop: spreadOf(seconds(stopped)) } : {}),
    ...(delivered.length > 0 ? { secondsToDeliver: spreadOf(seconds(delivered)) } : {}),
    harmedRequests: spreadOf(outcomes.map(({ harmed }) => Math.max(0, harmed)).sort((a, b) => a - b)),
    stoppedAfterSeconds: seconds(stopped),
  };
}

/** The fraction of all runs that had been stopped by then. */
export function stoppedBy({ stoppedAfterSeconds, runs }: Pick<Figures, "stoppedAfterSeconds" | "runs">, seconds: number): number {
  return stoppedAfterSeconds.filter((one) => one <= seconds).length / Math.max(1, runs);
}

/** Of rising values. */
function spreadOf(values: readonly number[]): Spread {
  const at = (fraction: number): number => Number(values[Math.max(0, Math.ceil(fraction * values.length) - 1)]!.toFixed(1));
  return { median: at(0.5), p95: at(0.95) };
}

/** E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927). */
function wilson(count: number, of: number): readonly [number, number] {
  const z2 = 1.96 ** 2;
  const middle = (count + z2 / 2) / (of + z2);
  const half = (1.96 * Math.sqrt((count * (of - count)) / of + z2 / 4)) / (of + z2);
  const rounded = (fraction: number): number => Number(Math.min(1, Math.max(0, fraction)).toFixed(4));
  return [rounded(middle - half), rounded(middle + half)];
}
