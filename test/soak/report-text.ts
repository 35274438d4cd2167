/** A soak's report as text, and whether it is good. */
import { GAUGES, type Gauge } from "./gauges.ts";
import { isFlat, NEGLIGIBLE_PERCENT, slopeOf, type Sample, type Slope } from "./slope.ts";
import { mebibytes, type SoakReport } from "./soak.ts";

/** Shorter runs see caches fill up, and nothing else. */
const SHORTEST_JUDGED_MINUTES = 10;
const MOST_VIOLATIONS = 20;
/** Of the program's size, not of the time that it runs. */
const NOT_JUDGED: ReadonlySet<Gauge> = new Set(["code"]);
const BYTES: ReadonlySet<Gauge> = new Set(["heapUsed", "code", "external", "rss", "redisMemory"]);
/** Of the whole process: what is below it shows in them, and the allocator keeps what it once had. */
const MEANING: Readonly<Record<Gauge, string>> = {
  heapUsed: "heap after collection, MiB",
  code: "compiled code beside it, MiB",
  external: "outside the heap, MiB",
  rss: "resident memory, MiB",
  handles: "handles and timers",
  files: "open files",
  redisKeys: "keys in Redis",
  redisMemory: "memory of Redis, MiB",
};

export function isGood(report: SoakReport): boolean {
  return report.violations.length === 0 && growing(report).length === 0;
}

/** What grew beyond chance, in a soak long enough to tell. */
function growing({ options, series }: SoakReport): readonly Gauge[] {
  if (options.minutes < SHORTEST_JUDGED_MINUTES) return [];
  return GAUGES.filter((gauge) => !NOT_JUDGED.has(gauge) && !isFlat(slopeOf(series.of(gauge))));
}

export function textOf(report: SoakReport): string {
  const { options, chapters, faults, counts, behindMs, violations } = report;
  return [
    `soak: ${options.rollouts} Rollouts, ${options.minutes} minutes, seed ${options.seed}, 2 daemons`,
    "",
    `deliveries   ${sum(chapters)}: ${listed(chapters)}`,
    `runs         ${listed(new Map(Object.entries(counts.ended)))}`,
    `faults       ${sum(faults)}: ${listed(faults)}`,
    `judged       ${counts.routes} versions of VirtualServices, ${counts.statuses} statuses; the soak itself stood still for ${Math.round(behindMs)} ms at most`,
    "",
    ...slopes(report),
    "",
    `violations   ${violations.length}`,
    ...violations.slice(0, MOST_VIOLATIONS).map((sentence) => `  ${sentence}`),
    ...(growing(report).length > 0 ? [`growing      ${growing(report).map((gauge) => MEANING[gauge]).join("; ")}`] : []),
  ].join("\n");
}

function slopes({ series, options }: SoakReport): readonly string[] {
  const judged = options.minutes >= SHORTEST_JUDGED_MINUTES;
  const first = series.of("rss");
  if (first.length < 3) return ["gauges       too few samples"];
  const title = `the daemon that nobody ended, ${first.length} samples over the last ${((first.at(-1)!.atMs - first[0]!.atMs) / 60_000).toFixed(1)} minutes`;
  const note = judged ? `flat: not more than chance (2 standard errors), or below ${NEGLIGIBLE_PERCENT}% an hour` : `not judged: in less than ${SHORTEST_JUDGED_MINUTES} minutes caches only fill up`;
  const header = ["", "first", "last", "mean", "per hour", "+-"].map((text, index) => (index === 0 ? text.padEnd(28) : text.padStart(10))).join("");
  return [`${title} (${note})`, header, ...GAUGES.map((gauge) => rowOf(gauge, series.of(gauge), judged && !NOT_JUDGED.has(gauge)))];
}

function rowOf(gauge: Gauge, samples: readonly Sample[], judged: boolean): string {
  const slope = slopeOf(samples);
  const shown = (value: number): string => (BYTES.has(gauge) ? mebibytes(value) : value.toFixed(1));
  const cells = [samples[0]!.value, samples.at(-1)!.value, slope.mean, slope.perHour, slope.error].map((value) => shown(value).padStart(10));
  return `${MEANING[gauge].padEnd(28)}${cells.join("")}${judged ? `  ${verdictOf(slope)}` : ""}`;
}

function verdictOf(slope: Slope): string {
  const percent = ((slope.perHour / slope.mean) * 100).toFixed(1);
  return `${isFlat(slope) ? "flat" : "GROWS"} (${percent}% an hour)`;
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].sort(([, one], [, other]) => other - one).map(([name, count]) => `${name} ${count}`).join(", ");
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, one) => total + one, 0);
}
