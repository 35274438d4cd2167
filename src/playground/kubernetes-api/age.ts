/** Ages as `kubectl` shows them: the two largest units that still matter. */

const SECOND = 1;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

interface Unit {
  readonly seconds: number;
  readonly letter: string;
}
const [S, M, H, D, Y]: readonly Unit[] = [
  { seconds: SECOND, letter: "s" },
  { seconds: MINUTE, letter: "m" },
  { seconds: HOUR, letter: "h" },
  { seconds: DAY, letter: "d" },
  { seconds: YEAR, letter: "y" },
];

/** Ages below `until` seconds are shown in these units. */
const SCALE: readonly { readonly until: number; readonly units: readonly (Unit | undefined)[] }[] = [
  { until: 2 * MINUTE, units: [S] },
  { until: 10 * MINUTE, units: [M, S] },
  { until: 3 * HOUR, units: [M] },
  { until: 8 * HOUR, units: [H, M] },
  { until: 2 * DAY, units: [H] },
  { until: 8 * DAY, units: [D, H] },
  { until: 2 * YEAR, units: [D] },
  { until: 8 * YEAR, units: [Y, D] },
  { until: Infinity, units: [Y] },
];

/** `since` is RFC 3339. */
export function ageOf(since: unknown, now: Date): string {
  const ms = typeof since === "string" ? Date.parse(since) : NaN;
  if (Number.isNaN(ms)) return "<unknown>";
  const seconds = Math.floor((now.getTime() - ms) / 1000);
  if (seconds < -1) return "<invalid>";
  return inUnits(Math.max(0, seconds));
}

function inUnits(seconds: number): string {
  const units = (SCALE.find(({ until }) => seconds < until)?.units ?? []).filter((unit) => unit !== undefined);
  const [first, second] = units;
  if (!first) return "";
  const left = seconds % first.seconds;
  const rest = second ? Math.floor(left / second.seconds) : 0;
  return `${Math.floor(seconds / first.seconds)}${first.letter}${second && rest > 0 ? `${rest}${second.letter}` : ""}`;
}
