/** What only the daemon sees, asked of it through the API server's service proxy. */
import { z } from "zod";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";

const Report = z.object({
  version: z.string(),
  findings: z.array(z.object({ check: z.string(), ok: z.boolean(), message: z.string() })),
  /** By source: requests by workload in the last five minutes, in namespaces that have Rollouts. */
  traffic: z.array(z.object({ source: z.string().default("istio"), namespace: z.string(), workload: z.string(), requestsPerSecond: z.number() })).optional(),
  /** By source: the counter that was looked for. */
  counters: z.record(z.string(), z.string()).default({}),
});
export type Report = z.infer<typeof Report>;

export type DaemonAnswer =
  | { readonly kind: "seen"; readonly report: Report }
  /** A sentence says why; `isGone`: nobody is there, rather than nobody may ask. */
  | { readonly kind: "unseen"; readonly why: string; readonly isGone: boolean };

/** `sendTest`: `namespace/name` of a Rollout whose targets get a test message. */
export async function askDaemon(client: KubernetesClient, namespace: string, sendTest?: string): Promise<DaemonAnswer> {
  const query = sendTest === undefined ? "" : `?send-test=${encodeURIComponent(sendTest)}`;
  try {
    const report = Report.safeParse(await client.request("GET", `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/weir:http/proxy/doctor${query}`));
    return report.success ? { kind: "seen", report: report.data } : { kind: "unseen", why: `expected the daemon's report from Service weir in ${namespace}, got something else: is another program behind it?`, isGone: true };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { kind: "unseen", why: whyUnseen(error, namespace), isGone: error.status !== 403 };
  }
}

function whyUnseen({ status, message }: ApiError, namespace: string): string {
  if (status === 404) return `no Service weir in namespace ${namespace}: is Weir installed elsewhere? say so with --daemon-namespace`;
  if (status === 403) return `you may not ask it: bind the role weir-admin in namespace ${namespace}`;
  if (status === 503) return `no pod of it answers in namespace ${namespace}: kubectl get pods -n ${namespace}`;
  return message;
}
