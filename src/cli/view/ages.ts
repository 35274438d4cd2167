/** Spans of time as people say them. */

const UNITS: readonly (readonly [unit: string, ms: number])[] = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]];

/** `45s`, `3m20s`, `5h`, `12d`: two units where the larger one is small, as kubectl has it. */
export function spanOf(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1_000)) * 1_000;
  const at = UNITS.findIndex(([, unitMs]) => whole >= unitMs);
  if (at < 0) return "0s";
  const [unit, unitMs] = UNITS[at]!;
  const count = Math.floor(whole / unitMs);
  const smaller = UNITS[at + 1];
  const rest = smaller && count < 10 ? Math.floor((whole % unitMs) / smaller[1]) : 0;
  return `${count}${unit}${rest > 0 ? `${rest}${smaller![0]}` : ""}`;
}

/** Since an RFC 3339 time; `-` where there is none. */
export function ageOf(time: string | undefined, nowMs: number): string {
  const sinceMs = Date.parse(time ?? "");
  return Number.isNaN(sinceMs) ? "-" : spanOf(nowMs - sinceMs);
}
