/** How much more a service's bad requests cluster (on a pod, in a retry chain, in bad minutes) than independent ones would. */
import type { Side } from "./increment.ts";

/** Scrapes per block: long ones see bad spells that short ones cut to pieces. */
const BLOCKS: readonly number[] = [1, 6, 30];
/** nu0: degrees of freedom of no dispersion that the estimate is shrunk with. */
const PRIOR_DEGREES = 20;
/** With one pod there is nothing to compare it with. */
const DISPERSION_OF_ONE_POD = 2;
const FEW_CANARY_PODS = 3;
const FEW_PODS_FACTOR = 1.5;

/** A version's pods, each with its counts per scrape, from before the run. */
export type PodSeries = readonly (readonly Side[])[];

export interface DispersionOptions {
  readonly blocks?: readonly number[];
  /** Of latency the bad ones are not rare. */
  readonly kind: "errors" | "latency";
}

/**
 * φ >= 1: Pearson's X² of the pods' bad requests within blocks of scrapes, over its degrees of freedom, shrunk towards 1.
 *
 *     X² = Σ_blocks Σ_pods (bad_p - E n_p/N)² / (E n_p/N)      (latency: / (1 - E/N) as well)
 *     φ = max(1, max over block lengths of (20 + X²) / (20 + df)),     df = Σ (pods - 1) over blocks with any bad request
 *
 * Given each block's total, so what befalls all pods alike counts for nothing. McCullagh, Nelder, "Generalized Linear Models" (1989): quasi-likelihood.
 */
export function dispersionOf(pods: PodSeries, options: DispersionOptions): number {
  if (pods.length < 2) return DISPERSION_OF_ONE_POD;
  const scrapes = Math.max(...pods.map(({ length }) => length));
  const { blocks = BLOCKS, kind } = options;
  return Math.max(1, ...blocks.map((length) => dispersionOfBlocks(blocksOf(pods, scrapes, length), kind)));
}

/** φ for a run: a canary on few pods shows one pod's bad spell undiluted, and where each attempt counts, a failing request fails `attempts` times more. */
export function dispersionOfRun(dispersion: number, { canaryPods, attempts }: { readonly canaryPods: number; readonly attempts: number }): number {
  const ofPods = canaryPods < FEW_CANARY_PODS ? FEW_PODS_FACTOR * dispersion : dispersion;
  return Math.max(1, ofPods, attempts > 0 ? 1 + attempts : 1);
}

/** Each block: the pods' sums over its scrapes; the last one may be shorter. */
function blocksOf(pods: PodSeries, scrapes: number, length: number): Side[][] {
  const starts = Array.from({ length: Math.ceil(scrapes / length) }, (_, index) => index * length);
  return starts.map((start) => pods.map((scrapesOfPod) => sumOf(scrapesOfPod.slice(start, start + length))).filter(({ requests }) => requests > 0));
}

function dispersionOfBlocks(blocks: readonly Side[][], kind: DispersionOptions["kind"]): number {
  let [chiSquared, degrees] = [0, 0];
  for (const block of blocks) {
    const total = sumOf(block);
    if (total.bad === 0 || (kind === "latency" && total.bad === total.requests)) continue; // nothing could differ between pods
    degrees += block.length - 1;
    chiSquared += chiSquaredOf(block, total) / (kind === "latency" ? 1 - total.bad / total.requests : 1);
  }
  return (PRIOR_DEGREES + chiSquared) / (PRIOR_DEGREES + degrees);
}

function chiSquaredOf(block: readonly Side[], total: Side): number {
  return block.reduce((sum, { requests, bad }) => {
    const expected = (total.bad * requests) / total.requests;
    return sum + (bad - expected) ** 2 / expected;
  }, 0);
}

function sumOf(sides: readonly Side[]): Side {
  return sides.reduce((sum, { requests, bad }) => ({ requests: sum.requests + requests, bad: sum.bad + bad }), { requests: 0, bad: 0 });
}
