/** What the kernel costs: channel updates per second of CPU, and what a million of them leave behind on the heap. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRandom } from "../../../src/playground/random.ts";
import { newProcess, updated, type ProcessSettings } from "../../../src/rollout/analysis/e-process.ts";
import type { Counts } from "../../../src/rollout/analysis/increment.ts";
import { capFor } from "../../../src/rollout/analysis/pool.ts";
import { FALSE_ROLLBACK, FIRST_STAKE, LATER_STAKE, REGRESSIONS, SHARES } from "../../../src/rollout/analysis/settings.ts";
import { TOLERANCES } from "../../../src/rollout/analysis/tolerances.ts";

const ROLLOUTS = 1_000;
const CHANNELS = 12;
const ROUNDS = 84;

export interface Cost {
  /** CPU time of judging every channel of 1,000 rollouts once, in the median round. */
  readonly roundCpuMs: number;
  readonly updatesPerCpuSecond: number;
  readonly updates: number;
  readonly heapGrowthBytes: number;
}

export function measureKernel(): Cost {
  const settings: ProcessSettings = {
    tolerance: TOLERANCES.normal.errors,
    grid: REGRESSIONS,
    dispersion: 1.2,
    cap: capFor(FALSE_ROLLBACK, SHARES.errors, REGRESSIONS.length),
    firstStake: FIRST_STAKE,
    laterStake: LATER_STAKE,
  };
  const scrapes = drawScrapes(997);
  let processes = Array.from({ length: ROLLOUTS * CHANNELS }, () => newProcess(REGRESSIONS, { guess: 0.001, requests: 600 }));
  const roundMs: number[] = [];
  let heapBytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    if (round === 1) heapBytes = usedHeap(); // the first has made the states, and the machine code
    const before = process.cpuUsage();
    processes = processes.map((one, index) => updated(one, scrapes[(index + round) % scrapes.length]!, settings));
    const { user, system } = process.cpuUsage(before);
    roundMs.push((user + system) / 1_000);
  }
  const roundCpuMs = roundMs.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
  return { roundCpuMs, updatesPerCpuSecond: (1_000 * ROLLOUTS * CHANNELS) / roundCpuMs, updates: (ROUNDS - 1) * ROLLOUTS * CHANNELS, heapGrowthBytes: usedHeap() - heapBytes };
}

function drawScrapes(count: number): readonly Counts[] {
  const random = createRandom(1);
  const side = (requests: number, errors: number) => ({ requests: Math.floor(requests * (0.8 + 0.4 * random())), bad: Math.floor(2 * errors * random()) });
  return Array.from({ length: count }, () => ({ canary: side(100, 1), stable: side(900, 2) }));
}

function usedHeap(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
