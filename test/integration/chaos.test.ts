/** Short forms of `npm run chaos`: one fault of every kind in the same runs; and, for Deployments, kills at some of their writes. That the laws can be broken is shown by test/unit/chaos/laws.test.ts, and on real processes by `npm run chaos -- --planted`. */
import { expect, it } from "vitest";
import { FAULTS_OF } from "../chaos/faults.ts";
import { exitCodeOf, tableOf, violationsOf } from "../chaos/report.ts";
import { runTable } from "../chaos/table.ts";
import { deployments } from "../chaos/deployments.ts";
import { versions } from "../chaos/versions.ts";

const LIMIT = { timeout: 600_000 };
const SEED = 4;

it.runIf(process.env.KUBEBUILDER_ASSETS)("a run through one fault of every kind ends as if nothing had been, with no request harmed", LIMIT, async () => {
  const evidence: string[] = [];
  const rows = await runTable({ mode: versions, faults: FAULTS_OF.versions.short, seed: SEED, lanes: 1, deliveries: 6, onResult: (_fault, result) => evidence.push(...result.evidence) });
  expect(rows.flatMap(violationsOf), `${tableOf(rows)}\n${evidence.join("\n")}`).toEqual([]);
  expect(rows.flatMap(({ results }) => results.map(({ runs, traffic }) => [runs > 0, traffic.sent > 0, traffic.harmed]))).toEqual([[true, true, 0]]);
  expect(exitCodeOf(rows)).toBe(0);
});

it("a Deployment's runs end as if nothing had been where the daemon is killed before and after some of their writes, with no request harmed", LIMIT, async () => {
  const evidence: string[] = [];
  const rows = await runTable({ mode: deployments, faults: FAULTS_OF.deployments.short, seed: SEED, lanes: 1, onResult: (_fault, result) => evidence.push(...result.evidence) });
  expect(rows.flatMap(violationsOf), `${tableOf(rows)}\n${evidence.join("\n")}`).toEqual([]);
  expect(rows.flatMap(({ results }) => results.map(({ runs, traffic }) => [runs > 0, traffic.sent > 0, traffic.harmed]))).toEqual([[true, true, 0]]);
});
