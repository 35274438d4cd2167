/** `npm run simulate -- [--histories 10000] [--seed 1] [--processes N] [--no-planted] [--only deliveries]`: plays random histories, and shows that planted bugs are caught; exits with 1 where a law was broken, or a bug was not caught. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { doAll } from "./crew-of-processes.ts";
import type { Broken, Hunted, Job, JobResult, Shortened } from "./jobs.ts";
import { keep } from "./kept-histories.ts";
import { PLANTED_BUGS } from "./planted/all-bugs.ts";
import { tableOfBugs } from "./report.ts";

/** Each planted bug is to be caught within so many. */
const MOST_PER_BUG = 1_000;
const HISTORIES_PER_JOB = 25;
/** So many failures are told in full. */
const MOST_TOLD = 3;
const PROGRESS_EVERY_MS = 10_000;

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { histories: text, seed: text, processes: text, "no-planted": { type: "boolean" }, only: text } });

async function main(): Promise<number> {
  if (values.only !== undefined && values.only !== "deliveries") throw new Error(`expected deliveries for --only, which plays the histories of Deployments alone, got ${JSON.stringify(values.only)}`);
  const onlyDeliveries = values.only !== undefined;
  const histories = wholeNumber("histories", 10_000);
  const seed = wholeNumber("seed", 1);
  const processes = Math.max(1, wholeNumber("processes", availableParallelism()));
  const hunts = values["no-planted"] ? [] : Object.keys(PLANTED_BUGS).map((bug): Job => ({ kind: "hunt", bug, seed, histories: MOST_PER_BUG }));
  const chunks = Array.from({ length: Math.ceil(histories / HISTORIES_PER_JOB) }, (_, index): Job => ({ kind: "play", seed: seed + index * HISTORIES_PER_JOB, histories: Math.min(HISTORIES_PER_JOB, histories - index * HISTORIES_PER_JOB), onlyDeliveries }));
  const sum = createSum(histories, hunts.length);
  await doAll([...hunts, ...chunks], processes, sum.add);
  await doAll(sum.toBeTold().map(({ seed: broken }): Job => ({ kind: "shorten", seed: broken })), processes, (result) => void (result.kind === "shorten" && tellOf(result)));
  const uncaught = sum.hunted.filter(({ caught }) => !caught);
  if (hunts.length > 0) console.log(`${tableOfBugs(sum.hunted)}\n\n${hunts.length - uncaught.length} of ${hunts.length} planted bugs caught, each within ${MOST_PER_BUG} histories`);
  console.log(`${sum.played()} histories from seed ${seed}: ${sum.broken.length} violations`);
  return sum.broken.length + uncaught.length > 0 ? 1 : 0;
}

/** What has come of it so far. */
function createSum(histories: number, bugs: number) {
  const hunted: Hunted[] = [];
  const broken: Broken[] = [];
  let played = 0;
  let toldAtMs = Date.now();
  return {
    hunted,
    broken,
    played: () => played,
    /** One for each law. */
    toBeTold: () => broken.filter((one, index) => broken.findIndex(({ law }) => law === one.law) === index).slice(0, MOST_TOLD),
    add(result: JobResult): void {
      if (result.kind === "hunt") hunted.push(result);
      if (result.kind !== "play") return;
      played += result.histories;
      broken.push(...result.broken);
      for (const one of result.broken) console.error(`seed ${one.seed}: ${one.law}: ${one.sentence}`);
      if (Date.now() - toldAtMs < PROGRESS_EVERY_MS) return;
      toldAtMs = Date.now();
      console.error(`${played} of ${histories} histories, ${hunted.length} of ${bugs} planted bugs, ${broken.length} violations`);
    },
  };
}

/** The shortest history, as a transcript and as a test. */
function tellOf({ seed, transcript, law, sentence, history }: Shortened): void {
  const file = keep({ law, sentence, history });
  console.log(`seed ${seed}, at its shortest (kept as test/simulation/kept/${file}):\n${transcript}`);
}

function wholeNumber(name: "histories" | "seed" | "processes", otherwise: number): number {
  const given = values[name];
  if (given !== undefined && !/^\d{1,9}$/.test(given)) throw new Error(`expected a whole number for --${name}, got ${JSON.stringify(given)}`);
  return given === undefined ? otherwise : Number(given);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 2;
});
