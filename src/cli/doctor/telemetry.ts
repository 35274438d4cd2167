/** Whether Prometheus has requests of each version that serves: without them nothing can be judged. */
import type { KubernetesClient, KubernetesObject } from "../../kubernetes/client.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { isValid } from "../../rollout/validity.ts";
import { lookAtVersions, type VersionLook } from "../look.ts";
import type { Report } from "./daemon.ts";
import { bad, note, ok, type Finding } from "./finding.ts";

type Traffic = NonNullable<Report["traffic"]>;

export async function lookAtTelemetry(client: KubernetesClient, object: KubernetesObject, traffic: Traffic): Promise<readonly Finding[]> {
  const rollout = rolloutOf(object);
  const subject = `${rollout.metadata.namespace}/${rollout.metadata.name}`;
  if (!isValid(rollout)) return [];
  if (rollout.spec.analysis.prometheus) return [note(subject, "telemetry not seen: it has a Prometheus of its own")];
  const { versions } = await lookAtVersions(client, rollout);
  const serving = versions.filter(({ points = 0, pods }) => points > 0 && pods.length > 0);
  return serving.map((each) => telemetryOf(each, traffic, subject));
}

/** Pods are named after their workload. */
function telemetryOf({ version, points = 0, pods }: VersionLook, traffic: Traffic, subject: string): Finding {
  const its = traffic.filter(({ namespace, workload }) => pods.some((pod) => pod.namespace === namespace && (pod.name === workload || pod.name.startsWith(`${workload}-`))));
  const perSecond = its.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  if (perSecond > 0) return ok(subject, `telemetry of ${version}: ${Number(perSecond.toPrecision(2))} requests a second`);
  const why = its.length > 0 ? "no request in the last five minutes, so there is nothing to judge: does anybody call it?" : "Prometheus has no istio_requests_total of it: does it scrape the proxies, and are callers in the mesh?";
  return bad(subject, `telemetry of ${version} (${points}% of the traffic): ${why}`);
}
