/** Everything that the doctor looks at, in the order in which it is told. */
import { RESOURCES, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { deploymentOf } from "../../rollout/deployment.ts";
import { ROUTE_KINDS, routesNamed, type RouteKind } from "../../rollout/route-names.ts";
import { isValid } from "../../rollout/validity.ts";
import type { Cluster } from "../cluster.ts";
import type { Selection } from "../options.ts";
import { allVisible } from "../route-look.ts";
import { listRollouts, placeOf, rolloutsFor } from "../targets.ts";
import { lookAtCrd, lookAtRecords } from "./crd.ts";
import { askDaemon, type DaemonAnswer } from "./daemon.ts";
import { bad, note, ok, type Finding } from "./finding.ts";
import { lookAtHold } from "./hold.ts";
import { lookForLeftovers } from "./leftovers.ts";
import { lookAtDaemonRights, lookAtOwnRights } from "./rights.ts";
import { lookAtRollout } from "./rollouts.ts";
import { lookAtSidecars } from "./sidecars.ts";
import { lookAtTelemetry } from "./telemetry.ts";

const SKEW_LIMIT_MS = 2_000;

export interface Examination extends Selection {
  readonly daemonNamespace: string;
  readonly sendTest?: boolean;
}

export async function examine(cluster: Cluster, names: readonly string[], options: Examination): Promise<readonly Finding[]> {
  const { client, namespace } = cluster;
  const crd = await lookAtCrd(client);
  if (crd.level === "bad" && crd.message.startsWith("is not there")) return [crd, ...daemonFindings(await askDaemon(client, options.daemonNamespace))];
  const objects = await rolloutsFor(cluster, names, options);
  const test = options.sendTest ? `${namespace}/${names[0]}` : undefined;
  const [records, own, daemon, perRollout] = await Promise.all([lookAtRecords(client, namespace), lookAtOwnRights(client, namespace, { kinds: routeKindsOf(objects), hasDeployments: objects.some(delivers) }), askDaemon(client, options.daemonNamespace, test), examineRollouts(cluster, objects, options)]);
  const ofRollouts = objects.length === 0 ? [note("Rollouts", `there is none ${placeOf(cluster, options)}`)] : [...perRollout, ...(await telemetry(cluster, objects, daemon))];
  return [crd, records, ...own, clockFinding(cluster), ...daemonFindings(daemon), ...(await daemonRights(cluster, objects, options)), ...ofRollouts];
}

async function examineRollouts(cluster: Cluster, objects: readonly KubernetesObject[], options: Examination): Promise<readonly Finding[]> {
  const istio = await cluster.istio();
  const all = await listRollouts(cluster, { allNamespaces: true }).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return listRollouts(cluster, { ...(options.selector && { selector: options.selector }) });
    throw error;
  });
  const [virtualServices, destinationRules] = await Promise.all([RESOURCES.virtualServices, RESOURCES.destinationRules].map((resource) => allVisible(istio, resource, cluster.namespace)));
  const others = { rollouts: all, virtualServices: virtualServices ?? [], destinationRules: destinationRules ?? [] };
  const leftovers = options.selector === undefined ? [...new Set([cluster.namespace, ...namespacesOf(objects)])].map((each) => lookForLeftovers(istio, each, all)) : [];
  const hold = all.some(delivers) ? [lookAtHold(cluster.client).then((finding) => [finding])] : [];
  const findings = await Promise.all([...hold, ...objects.map((object) => lookAtRollout(istio, object, others)), ...leftovers, ...namespacesOf(objects).map(async (each) => [await lookAtSidecars(cluster.client, each)])]);
  return findings.flat();
}

async function telemetry(cluster: Cluster, objects: readonly KubernetesObject[], daemon: DaemonAnswer): Promise<readonly Finding[]> {
  if (daemon.kind === "unseen" || !daemon.report.traffic) return [];
  const { traffic, counters } = daemon.report;
  const istio = await cluster.istio();
  return (await Promise.all(objects.map((object) => lookAtTelemetry(istio, object, { traffic, counters })))).flat();
}

function daemonRights(cluster: Cluster, objects: readonly KubernetesObject[], { daemonNamespace }: Examination): Promise<readonly Finding[]> {
  return lookAtDaemonRights(cluster.client, { namespaces: namespacesOf(objects), withDeployments: namespacesOf(objects.filter(delivers)) }, daemonNamespace);
}

function delivers(object: KubernetesObject): boolean {
  return deploymentOf(rolloutOf(object)) !== undefined;
}

function namespacesOf(objects: readonly KubernetesObject[]): readonly string[] {
  return [...new Set(objects.map(({ metadata }) => metadata.namespace ?? ""))];
}

/** Every kind where no Rollout says which. */
function routeKindsOf(objects: readonly KubernetesObject[]): readonly RouteKind[] {
  const named = objects.map(rolloutOf).filter(isValid).flatMap(({ spec, metadata }) => routesNamed(spec.traffic, metadata.namespace));
  return named.length === 0 ? ROUTE_KINDS : ROUTE_KINDS.filter((kind) => named.some((one) => one.kind === kind));
}

function daemonFindings(answer: DaemonAnswer): readonly Finding[] {
  if (answer.kind === "unseen") return ["daemon", "redis", "prometheus", "telemetry"].map((subject) => (subject === "daemon" && answer.isGone ? bad : note)(subject, `not seen: ${answer.why}`));
  const { version, findings } = answer.report;
  return findings.map(({ check, ok: isOk, message }) => (isOk ? ok : bad)(check === "clock" ? "daemon's clock" : check, check === "daemon" ? `${version}, ${message}` : message));
}

function clockFinding({ skewMs }: Cluster): Finding {
  const skew = skewMs();
  if (skew === undefined) return note("clock", "not seen: the API server does not say what time it is");
  if (Math.abs(skew) <= SKEW_LIMIT_MS) return ok("clock", "this machine's agrees with the API server's");
  return bad("clock", `this machine's is ${Math.abs(Math.round(skew / 1_000))}s ${skew > 0 ? "ahead of" : "behind"} the API server's, so ages shown here are wrong: synchronise it`);
}
