/** How Weir judges, by simulation: false rollbacks, regressions and pace beside Flagger and Kayenta, a duel on the same counters, and what it costs. `npm run bench:judgement -- [--seed 1] [--runs 700]` */
import { parseArgs } from "node:util";
import { duel, falseRollbacks, SAME_STEPS, weirJudge } from "./judgement/duel.ts";
import { createFlaggerJudge, type FlaggerSettings } from "./judgement/flagger-model.ts";
import { newReport, reportColdStarts, reportHealthy, reportPaces, reportRegressions, type Report } from "./judgement/report.ts";
import { measureKernel } from "./judgement/speed.ts";

/** Rows about regressions need fewer runs than those about something that hardly ever happens. */
const REGRESSION_PART = 0.3;
const DUELS = 20;
const HEALTHY_DUELS = 1_000;
const OTHER_FLAGGERS: readonly FlaggerSettings[] = [{ intervalSeconds: 10, threshold: 10 }, { intervalSeconds: 10, threshold: 5 }, { intervalSeconds: 10, threshold: 2 }];
const MOST_HEAP_GROWTH_BYTES = 1_000_000;

const { seed, runs } = options();
const report = newReport();
console.log(`seed ${seed}; 10 s scrapes, weights 10/20/30/40/50 % for 60 s each; * where a published figure is not within the sampling error (99.9 %)`);
reportHealthy({ seed, runs }, report, console.log);
const contest = { seed, runs: Math.max(1, Math.round(runs * REGRESSION_PART)) };
reportRegressions(contest, report, console.log);
reportColdStarts(contest, console.log);
reportPaces(contest, report, console.log);
const isWon = reportDuels();
const isLean = reportCost();
const isPromiseKept = reportVerdict(report);
process.exitCode = isWon && isLean && isPromiseKept ? 0 : 1;

function options(): { seed: number; runs: number } {
  const { values } = parseArgs({ options: { seed: { type: "string", default: "1" }, runs: { type: "string", default: "700" } } });
  const [seed, runs] = [Number(values.seed), Number(values.runs)];
  if (!Number.isInteger(seed) || !Number.isInteger(runs) || runs < 1) throw new Error(`expected whole numbers and at least one run, got --seed ${values.seed} --runs ${values.runs}`);
  return { seed, runs };
}

/** Whether Weir harms fewer in every one of the runs against a Flagger that takes the ladder's steps. */
function reportDuels(): boolean {
  console.log(`\nThe playground's bad version (5 % errors, 10 rps, default ladder) in ${DUELS} runs, both on the counters that Flagger made; a healthy one in ${HEALTHY_DUELS}`);
  const wins = [SAME_STEPS, ...OTHER_FLAGGERS].map(reportDuel);
  console.log(`  Weir takes back ${percent(falseRollbacks(seed, HEALTHY_DUELS, weirJudge))} of healthy versions`);
  return wins[0] === DUELS;
}

function reportDuel(settings: FlaggerSettings): number {
  const duels = Array.from({ length: DUELS }, (_, run) => duel(seed + run, settings));
  const wins = duels.filter(({ weir, flagger }) => weir < flagger).length;
  const [weir, flagger] = [total(duels.map((one) => one.weir)), total(duels.map((one) => one.flagger))];
  const falsely = falseRollbacks(seed, HEALTHY_DUELS, () => createFlaggerJudge(settings));
  console.log(
    `  Flagger ${settings.intervalSeconds}s/${settings.threshold}: ${flagger} harmed requests, Weir at the same interval on the same counters ${weir}; fewer in ${wins} of ${DUELS} runs. It takes back ${percent(falsely)} of healthy versions`,
  );
  return wins;
}

/** Whether a million updates leave nothing behind. How fast they are decides nothing: that is the machine's. */
function reportCost(): boolean {
  const { roundCpuMs, updatesPerCpuSecond, updates, heapGrowthBytes } = measureKernel();
  console.log(`\nThe kernel: ${Math.round(updatesPerCpuSecond).toLocaleString("en")} channel updates per second of CPU; 1,000 rollouts of 12 channels take ${roundCpuMs.toFixed(0)} ms`);
  console.log(`  ${updates.toLocaleString("en")} updates leave ${(heapGrowthBytes / 1_000).toFixed(0)} kB more on the heap`);
  return heapGrowthBytes < MOST_HEAP_GROWTH_BYTES;
}

function reportVerdict({ compared, differing, above, broken }: Report): boolean {
  console.log(`\n${compared - differing.length} of ${compared} published cells of Weir are within the sampling error`);
  for (const one of differing) console.log(`  not ${one}`);
  if (above.length === 0) console.log("False rollbacks of the default: at most 1 % in every row of table A");
  else console.log(`False rollbacks of the default: above 1 % in ${above.join("; ")}; beyond what chance does to ${runs} runs: ${broken.join("; ") || "none"}`);
  return broken.length === 0;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0);
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
