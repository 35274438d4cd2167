/** What serves behind a Rollout's versions now: route, readiness and pods, as far as the person may read them. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { Backend, DeploymentAbsent, DeploymentSeen, RouteFound, RouteSeen } from "../rollout/observation.ts";
import type { ValidRollout } from "../rollout/rollout.ts";
import { glanceAtDeployment } from "./deployment-look.ts";
import { lookAtRoute } from "./route-look.ts";

export interface PodSeen {
  readonly namespace: string;
  readonly name: string;
  readonly isReady: boolean;
  /** `Running`, or why it does not run. */
  readonly state: string;
  readonly restarts: number;
  readonly createdAt: string;
}

export interface VersionLook {
  readonly version: string;
  /** Undefined: the route does not lead there. */
  readonly points?: number;
  /** A sentence where its pods cannot be found. */
  readonly missing?: string;
  readonly pods: readonly PodSeen[];
}

export interface Look {
  /** Where it may not be read: why. */
  readonly route: RouteSeen;
  readonly versions: readonly VersionLook[];
  /** The Deployment that is delivered, where there is one and it may be read. */
  readonly deployment?: DeploymentSeen | DeploymentAbsent;
}

/** Never throws where rights are lacking: what may not be read is said. */
export async function lookAtVersions(client: KubernetesClient, rollout: ValidRollout): Promise<Look> {
  const deployment = await glanceAtDeployment(client, rollout);
  const seen = deployment ? { deployment: deployment.seen } : {};
  const named = deployment ? deployment.workload.named(rollout) : rollout;
  return { ...(await lookAtSides(client, named, deployment?.seen)), ...seen };
}

async function lookAtSides(client: KubernetesClient, rollout: ValidRollout, deployment: DeploymentSeen | DeploymentAbsent | undefined): Promise<Look> {
  try {
    const { route } = await lookAtRoute(client, rollout, { withBackends: true, deployment: deployment?.kind === "found" ? deployment : undefined });
    if (route.kind !== "found") return { route, versions: [] };
    const shown = shownVersions(rollout, Object.keys(route.backends), route.destinations.filter(({ points }) => points > 0).map(({ version }) => version));
    const versions = await Promise.all(
      shown.map(async (version): Promise<VersionLook> => {
        const points = route.destinations.find((one) => one.version === version)?.points;
        return { version, ...(points !== undefined && { points }), ...(await podsBehindAll(client, backendsOf(route, version))) };
      }),
    );
    return { route, versions };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    return { route: { kind: "absent", message: "you may not read its route" }, versions: [] };
  }
}

/** Those of the run, or those that serve and are asked for; former ones are of no interest. */
function shownVersions({ spec, status }: ValidRollout, known: readonly string[], serving: readonly string[]): readonly string[] {
  const run = status?.run?.outcome ? undefined : status?.run;
  const wanted = new Set([...(run ? [run.from.version, run.to.version] : []), ...(status?.stable ? [status.stable.version] : []), ...serving, ...(spec.deployment && !run ? [] : [spec.release])]); // a template that only waits has no pods
  return [...wanted].filter((version) => known.includes(version));
}

/** Where services are released together, of each of them. */
function backendsOf({ services, backends }: RouteFound, version: string): readonly (Backend | undefined)[] {
  return services ? Object.values(services).map((each) => each[version]) : [backends[version]];
}

async function podsBehindAll(client: KubernetesClient, backends: readonly (Backend | undefined)[]): Promise<Pick<VersionLook, "missing" | "pods">> {
  const all = await Promise.all(backends.map((backend) => podsBehind(client, backend)));
  const missing = all.find((each) => each.missing !== undefined)?.missing;
  return { pods: all.flatMap(({ pods }) => pods), ...(missing === undefined ? {} : { missing }) };
}

async function podsBehind(client: KubernetesClient, backend: Backend | undefined): Promise<Pick<VersionLook, "missing" | "pods">> {
  if (backend?.kind !== "found") return { pods: [], ...(backend && { missing: backend.message }) };
  const labelSelector = Object.entries(backend.selector).map(([key, value]) => `${key}=${value}`).join(",");
  try {
    const { items } = await client.list(RESOURCES.pods, backend.namespace, { labelSelector });
    return { pods: items.map(podSeen).sort((one, other) => one.name.localeCompare(other.name)) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    return { pods: [], missing: "you may not list its pods" };
  }
}

const Status = z.object({
  phase: z.string().default("Unknown"),
  conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
  containerStatuses: z.array(z.object({ restartCount: z.number().default(0), state: z.object({ waiting: z.object({ reason: z.string().optional() }).optional() }).default({}) })).default([]),
});

function podSeen({ metadata, status }: KubernetesObject): PodSeen {
  const { phase, conditions, containerStatuses } = Status.safeParse(status).data ?? Status.parse({});
  const waiting = containerStatuses.map(({ state }) => state.waiting?.reason).find(Boolean);
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    isReady: metadata.deletionTimestamp === undefined && conditions.some((condition) => condition.type === "Ready" && condition.status === "True"),
    state: metadata.deletionTimestamp ? "Terminating" : (waiting ?? phase),
    restarts: containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    createdAt: metadata.creationTimestamp ?? "",
  };
}
