/** Whether Prometheus has requests of each version that serves: without them nothing can be judged. */
import type { KubernetesClient, KubernetesObject } from "../../kubernetes/client.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { clusterName } from "../../rollout/analysis/envoy-cluster.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import { movesConnectionsAlone } from "../../rollout/route-names.ts";
import { isValid } from "../../rollout/validity.ts";
import { lookAtVersions, type VersionLook } from "../look.ts";
import type { Report } from "./daemon.ts";
import { bad, note, ok, type Finding } from "./finding.ts";

type Seen = Required<Pick<Report, "traffic" | "counters">>;

export async function lookAtTelemetry(client: KubernetesClient, object: KubernetesObject, seen: Seen): Promise<readonly Finding[]> {
  const rollout = rolloutOf(object);
  const subject = `${rollout.metadata.namespace}/${rollout.metadata.name}`;
  if (!isValid(rollout)) return [];
  const unseen = whyNotSeen(rollout);
  if (unseen !== undefined) return [note(subject, `telemetry not seen: ${unseen}`)];
  const { versions } = await lookAtVersions(client, rollout);
  const serving = versions.filter(({ points = 0, pods }) => points > 0 && pods.length > 0);
  return serving.map((each) => telemetryOf(each, rollout, seen));
}

/** Undefined where it is to be seen. */
export function whyNotSeen({ spec }: Pick<ValidRollout, "spec">): string | undefined {
  if (spec.analysis.prometheus) return "it has a Prometheus of its own";
  return movesConnectionsAlone(spec.traffic) ? "it moves connections, in which nobody counts requests" : undefined;
}

export function telemetryOf(look: VersionLook, rollout: ValidRollout, { traffic, counters }: Seen): Finding {
  const { metadata, spec } = rollout;
  const { source } = spec.analysis;
  const subject = `${metadata.namespace}/${metadata.name}`;
  const its = traffic.filter((one) => isOf(one, look, rollout));
  const perSecond = perSecondBy(its, source);
  if (perSecond > 0) return ok(subject, `telemetry of ${look.version}: ${Number(perSecond.toPrecision(2))} requests a second`);
  const elsewhere = [...new Set(its.map((one) => one.source))].find((other) => other !== source && perSecondBy(its, other) > 0);
  const why = elsewhere === undefined ? whyNone(its.some((one) => one.source === source), counters[source] ?? "counters") : whyElsewhere(counters, source, elsewhere);
  return bad(subject, `telemetry of ${look.version} (${look.points ?? 0}% of the traffic): ${why}`);
}

/** Pods are named after their workload. */
function isOf({ source, namespace, workload }: Seen["traffic"][number], { version, pods }: VersionLook, { metadata, spec }: ValidRollout): boolean {
  const { envoyCluster } = spec.analysis;
  if (source === "envoy") return envoyCluster !== undefined && workload === clusterName(envoyCluster, { ...metadata, version });
  return pods.some((pod) => pod.namespace === namespace && (pod.name === workload || pod.name.startsWith(`${workload}-`)));
}

function perSecondBy(traffic: Seen["traffic"], source: string): number {
  return traffic.filter((one) => one.source === source).reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
}

function whyNone(isKnown: boolean, counter: string): string {
  if (isKnown) return "no request in the last five minutes, so there is nothing to judge: does anybody call it?";
  return `Prometheus has no ${counter} of it: does it scrape the proxies, and are callers in the mesh?`;
}

function whyElsewhere(counters: Seen["counters"], source: string, other: string): string {
  return `Prometheus has no ${counters[source] ?? source} of it, but ${counters[other] ?? other}: write analysis.source: ${other}`;
}
