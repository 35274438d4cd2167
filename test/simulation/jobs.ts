/** What a process of the simulation is asked for: to play histories, to hunt a planted bug, or to shorten a history that breaks a law. */
import type { Violation } from "./world/bench.ts";
import { PLANTED_BUGS } from "./planted/all-bugs.ts";
import { isDelivery } from "./world/any-delivery.ts";
import { anyHistory } from "./world/any-history.ts";
import type { History } from "./world/history.ts";
import { play, type Outcome } from "./world/play.ts";
import { shorten } from "./world/shorten.ts";
import { transcriptOf } from "./world/transcript.ts";

export type Job =
  | { readonly kind: "play"; readonly seed: number; readonly histories: number; readonly onlyDeliveries: boolean }
  /** From the seed on, until a history breaks a law with the bug, and none without it. */
  | { readonly kind: "hunt"; readonly bug: string; readonly seed: number; readonly histories: number }
  | { readonly kind: "shorten"; readonly seed: number };

export interface Broken extends Violation {
  readonly seed: number;
}

export interface Hunted {
  readonly bug: string;
  readonly tried: number;
  /** Absent where none of the histories broke a law. */
  readonly caught?: Broken;
}

export interface Shortened extends Broken {
  readonly history: History;
  readonly transcript: string;
}

export type JobResult =
  | { readonly kind: "play"; readonly histories: number; readonly steps: number; readonly broken: readonly Broken[] }
  | ({ readonly kind: "hunt" } & Hunted)
  | ({ readonly kind: "shorten" } & Shortened);

export async function done(job: Job): Promise<JobResult> {
  if (job.kind === "play") return playAll(job);
  if (job.kind === "hunt") return { kind: "hunt", ...(await hunted(job.bug, job.seed, job.histories)) };
  return { kind: "shorten", ...(await shortened(job.seed)) };
}

async function playAll({ seed: firstSeed, histories, onlyDeliveries }: Extract<Job, { kind: "play" }>): Promise<JobResult> {
  const broken: Broken[] = [];
  let [steps, played] = [0, 0];
  for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
    if (onlyDeliveries && !isDelivery(seed)) continue;
    played += 1;
    const outcome = await play(anyHistory(seed));
    steps += outcome.steps;
    if (outcome.violation) broken.push({ ...outcome.violation, seed });
  }
  return { kind: "play", histories: played, steps, broken };
}

async function hunted(bug: string, firstSeed: number, histories: number): Promise<Hunted> {
  for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
    const { violation } = await play(anyHistory(seed), { tampering: PLANTED_BUGS[bug]!.plant() });
    if (violation && !(await play(anyHistory(seed))).violation) return { bug, tried: seed - firstSeed + 1, caught: { ...violation, seed } };
  }
  return { bug, tried: histories };
}

/** To the shortest history that breaks the same law. */
async function shortened(seed: number): Promise<Shortened> {
  const history = anyHistory(seed);
  const { law } = (await play(history)).violation!;
  const shortest = await shorten(history, async (candidate) => (await play(candidate)).violation?.law === law);
  const outcome: Outcome = await play(shortest, { tells: true });
  return { ...outcome.violation!, seed, history: shortest, transcript: transcriptOf(shortest, outcome) };
}
