/** What kstatus says of a custom resource: the rules of sigs.k8s.io/cli-utils, which Flux, `helm --wait` and `kpt live` go by, as its documentation tells them. */
import type { Condition } from "../../src/rollout/status.ts";

export type Kstatus = "Terminating" | "InProgress" | "Failed" | "Current";

interface Judged {
  readonly metadata?: { readonly deletionTimestamp?: string; readonly generation?: number };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

export function kstatusOf(object: unknown): Kstatus {
  const { metadata, status } = object as Judged;
  const is = (type: Condition["type"], value: string): boolean => status?.conditions?.some((one) => one.type === type && one.status === value) ?? false;
  if (metadata?.deletionTimestamp) return "Terminating";
  if (status?.observedGeneration !== metadata?.generation) return "InProgress";
  if (is("Reconciling", "True")) return "InProgress";
  if (is("Stalled", "True")) return "Failed";
  return is("Ready", "False") || is("Ready", "Unknown") ? "InProgress" : "Current";
}
