/** A short form of `npm run chaos`: one fault of every kind in the same runs. That the laws can be broken is shown by test/unit/chaos/laws.test.ts, and on real processes by `npm run chaos -- --planted`. */
import { expect, it } from "vitest";
import { SHORT } from "../chaos/faults.ts";
import { exitCodeOf, tableOf, violationsOf } from "../chaos/report.ts";
import { runTable } from "../chaos/table.ts";

const LIMIT = { timeout: 600_000 };
const SEED = 4;

it.runIf(process.env.KUBEBUILDER_ASSETS)("a run through one fault of every kind ends as if nothing had been, with no request harmed", LIMIT, async () => {
  const evidence: string[] = [];
  const rows = await runTable({ faults: SHORT, seed: SEED, lanes: 1, deliveries: 6, onResult: (_fault, result) => evidence.push(...result.evidence) });
  expect(rows.flatMap(violationsOf), `${tableOf(rows)}\n${evidence.join("\n")}`).toEqual([]);
  expect(rows.flatMap(({ results }) => results.map(({ runs, traffic }) => [runs > 0, traffic.sent > 0, traffic.harmed]))).toEqual([[true, true, 0]]);
  expect(exitCodeOf(rows)).toBe(0);
});
