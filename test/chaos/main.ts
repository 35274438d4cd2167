/** Every fault on real processes, and what came of it. `npm run chaos [-- --deployments] [--only PATTERN | --short | --planted] [--deliveries N] [--seed S] [--lanes N] [--write FILE]` */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Fault } from "./fault.ts";
import { deployments } from "./deployments.ts";
import { FAULTS_OF } from "./faults.ts";
import type { Mode } from "./fleet.ts";
import { pageWith, sectionOf } from "./page.ts";
import { exitCodeOf, sumSaid, tableOf } from "./report.ts";
import type { Result } from "./runs.ts";
import { runTable } from "./table.ts";
import { versions } from "./versions.ts";

const DEFAULT_SEED = 4;
const DEFAULT_LANES = 2;

const { values } = parseArgs({
  options: {
    deployments: { type: "boolean", default: false },
    only: { type: "string" },
    short: { type: "boolean", default: false },
    planted: { type: "boolean", default: false },
    deliveries: { type: "string" },
    seed: { type: "string" },
    lanes: { type: "string" },
    write: { type: "string" },
  },
});

async function main(): Promise<number> {
  const seed = wholeNumber("--seed", values.seed) ?? DEFAULT_SEED;
  const size = wholeNumber("--deliveries", values.deliveries);
  const mode = values.deployments ? deployments : versions;
  const all = FAULTS_OF[mode.name];
  const faults = chosen(values.planted ? all.planted : values.short ? all.short : all.table, values.only);
  if (values.write !== undefined) checkWritable(mode, faults);
  const rows = await runTable({ mode, faults, seed, lanes: wholeNumber("--lanes", values.lanes) ?? DEFAULT_LANES, onResult: tell, ...(size === undefined ? {} : { deliveries: size }) });
  console.log(`\n${tableOf(rows)}\n\n${sumSaid(rows)}\nSeed ${seed}.`);
  const left = faults.filter((one) => !rows.some((row) => row.fault === one));
  for (const fault of left) console.log(`not inflicted, because KUBEBUILDER_ASSETS names no control plane: ${titleOf(fault)}`);
  if (values.write !== undefined) writePage(values.write, left, (page) => pageWith(page, mode.name, sectionOf(rows, all.table.length, seed)));
  return exitCodeOf(rows);
}

/** The page tells of every fault; of Deployments it may tell of some, and says how many. */
function checkWritable(mode: Mode, faults: readonly Fault[]): void {
  const isWhole = faults === FAULTS_OF[mode.name].table && values.only === undefined;
  const isPart = mode === deployments && !values.planted && !values.short;
  if (values.deliveries !== undefined || !(isWhole || isPart)) throw new Error("expected --write to come with neither --short, --planted nor --deliveries, and with --only beside --deployments alone, got one of them");
}

function writePage(file: string, left: readonly Fault[], written: (page: string) => string): void {
  if (left.length > 0) throw new Error(`expected every fault to be inflicted before ${file} is written, got ${left.length} that were not; set KUBEBUILDER_ASSETS`);
  writeFileSync(file, written(existsSync(file) ? readFileSync(file, "utf8") : ""));
}

function chosen(faults: readonly Fault[], only: string | undefined): readonly Fault[] {
  if (only === undefined) return faults;
  const pattern = new RegExp(only, "i");
  const some = faults.filter((fault) => pattern.test(titleOf(fault)));
  if (some.length === 0) throw new Error(`expected --only to match a fault, got ${only}; there are:\n${faults.map(titleOf).join("\n")}`);
  return some;
}

function titleOf({ part, name }: Fault): string {
  return `${part}: ${name}`;
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^[1-9]\d{0,8}$/.test(text)) throw new Error(`expected a whole number for ${option}, got ${text}`);
  return text === undefined ? undefined : Number(text);
}

/** While it goes on: what is broken at once, with all that is known about it. */
function tell(fault: Fault, { deliveries, runs, violations, untilNormal, traffic, evidence }: Result): void {
  const normal = untilNormal.map((intervals) => intervals.toFixed(1)).join(" ");
  console.error(`${titleOf(fault)}: ${deliveries} deliveries, ${runs} met, ${violations.length} violations; intervals until normal: ${normal || "none"}; requests: ${traffic.sent}, failed by a bad version ${traffic.failed}, harmed ${traffic.harmed}`);
  for (const line of [...violations, ...evidence]) console.error(line);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 2;
});
