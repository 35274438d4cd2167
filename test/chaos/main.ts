/** Every fault on real processes, and what came of it. `npm run chaos [-- --only PATTERN --runs N --seed S]` */
import { parseArgs } from "node:util";
import type { Fault } from "./fault.ts";
import { FAULTS } from "./faults.ts";
import { sumSaid, tableOf, violationsOf } from "./report.ts";
import type { Result } from "./runs.ts";
import { runTable } from "./table.ts";

const DEFAULT_SEED = 4;
const LANES = 2;

const { values } = parseArgs({ options: { only: { type: "string" }, runs: { type: "string" }, seed: { type: "string" } } });

async function main(): Promise<number> {
  const seed = wholeNumber("--seed", values.seed) ?? DEFAULT_SEED;
  const runs = wholeNumber("--runs", values.runs);
  const faults = chosen(values.only);
  const rows = await runTable({ faults, seed, lanes: LANES, onResult: tell, ...(runs === undefined ? {} : { runs }) });
  console.log(`\n${tableOf(rows)}\n\n${sumSaid(rows)}, seed ${seed}`);
  for (const fault of faults.filter((one) => !rows.some((row) => row.fault === one))) console.log(`not inflicted, because KUBEBUILDER_ASSETS names no control plane: ${titleOf(fault)}`);
  return rows.flatMap(violationsOf).length > 0 ? 1 : 0;
}

function chosen(only: string | undefined): readonly Fault[] {
  const pattern = new RegExp(only ?? "", "i");
  const faults = FAULTS.filter((fault) => pattern.test(titleOf(fault)));
  if (faults.length === 0) throw new Error(`expected --only to match a fault, got ${only}; there are:\n${FAULTS.map(titleOf).join("\n")}`);
  return faults;
}

function titleOf({ part, name }: Fault): string {
  return `${part}: ${name}`;
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^[1-9]\d{0,8}$/.test(text)) throw new Error(`expected a whole number for ${option}, got ${text}`);
  return text === undefined ? undefined : Number(text);
}

/** While it goes on: what is broken at once, with all that is known about it. */
function tell(fault: Fault, { runs, violations, evidence }: Result): void {
  console.error(`${titleOf(fault)}: ${runs} runs, ${violations.length} violations`);
  for (const line of [...violations, ...evidence]) console.error(line);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 2;
});
