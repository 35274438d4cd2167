/** The daemon's clock against the API server's, from the `Date` header of its answers. */

export interface SkewMeter {
  /** `sentMs` and `receivedMs` by our clock; `date` as the header has it. */
  sample(sentMs: number, receivedMs: number, date: string | undefined): void;
  /** Our clock minus the server's in milliseconds; 0 within the measure's own error of a second; undefined before the first sample. */
  skewMs(): number | undefined;
}

const KEPT_SAMPLES = 15;
/** A slower answer says too little about the moment at which its header was written. */
const MOST_ROUND_TRIP_MS = 2_000;
/** `Date` has whole seconds, rounded down: on average the server's clock was half a second further. */
const TRUNCATED_MS = 500;
const LEAST_TOLD_MS = 1_000;

export function createSkewMeter(): SkewMeter {
  let samples: readonly number[] = [];
  return {
    sample(sentMs, receivedMs, date) {
      const serverMs = Date.parse(date ?? "");
      const roundTripMs = receivedMs - sentMs;
      if (Number.isNaN(serverMs) || roundTripMs < 0 || roundTripMs > MOST_ROUND_TRIP_MS) return;
      samples = [...samples, sentMs + roundTripMs / 2 - serverMs - TRUNCATED_MS].slice(-KEPT_SAMPLES);
    },
    skewMs() {
      if (samples.length === 0) return undefined;
      const medianMs = medianOf(samples);
      return Math.abs(medianMs) > LEAST_TOLD_MS ? Math.round(medianMs) : 0;
    },
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
