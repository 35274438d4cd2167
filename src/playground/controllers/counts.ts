/** Counts as Kubernetes writes most of them. */

/** Nothing is said of what there is none of. */
export function withoutZeros(counts: Readonly<Record<string, number>>): object {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}
