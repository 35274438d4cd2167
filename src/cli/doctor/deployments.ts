/** What keeps a Deployment from being delivered well: its manifest, its Rollouts, rules elsewhere, and what its template reads. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import { isValid } from "../../rollout/validity.ts";
import { sidesFound } from "../../traffic/istio/own-rule.ts";
import { isScaler } from "../../workload/deployment/autoscaler.ts";
import { readDeployment } from "../deployment-look.ts";
import { managersOf } from "../git-ops.ts";
import { cacheOf, type RouteObject } from "../route-look.ts";
import { bad, note, type Finding } from "./finding.ts";
import { readsBareNames } from "./template-references.ts";

/** Our own field manager may pause it. */
const OURS = "weir";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

export async function lookAtDelivered(client: KubernetesClient, rollout: ValidRollout, rollouts: readonly KubernetesObject[], subject: string): Promise<readonly Finding[]> {
  const { spec, metadata: { namespace } } = rollout;
  if (!spec.deployment) return [];
  const { name } = spec.deployment;
  try {
    const deployment = await readDeployment(client, namespace, name);
    const shared = sharedWith(rollout, rollouts, subject);
    if (!deployment) return [...shared, bad(subject, `there is no Deployment ${namespace}/${name}: name the one to deliver in spec.deployment`)];
    return [...shared, ...pausedByManifest(deployment, subject), ...readsBareNames(deployment, rollout.metadata, subject), ...(await scaledBy(client, deployment, subject))];
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    return [note(subject, `its Deployment was not seen: you may not get deployments in namespace ${namespace}`)];
  }
}

/** Who may not list autoscalers is told nothing of them. */
async function scaledBy(client: KubernetesClient, { metadata: { namespace, name } }: KubernetesObject, subject: string): Promise<readonly Finding[]> {
  const { items } = await client.list(RESOURCES.horizontalPodAutoscalers, namespace).catch((error: unknown) => {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return { items: [] };
    throw error;
  });
  return items.filter((object) => isScaler(object, name)).map(({ metadata }) => {
    const scaledObject = metadata.ownerReferences?.find(({ kind }) => kind === "ScaledObject");
    const ofKeda = scaledObject ? ` (of KEDA's ScaledObject ${scaledObject.name}, which goes down to 0 unless its minReplicaCount says otherwise; a run waits then)` : "";
    return note(subject, `Deployment ${name} is scaled by HorizontalPodAutoscaler ${metadata.name}${ofKeda}, which counts the canary's pods, too: a run goes no step up while all the traffic would need more pods than the Deployment has`);
  });
}

/** The oldest delivers it; the others do nothing. */
function sharedWith({ metadata, spec }: ValidRollout, all: readonly KubernetesObject[], subject: string): readonly Finding[] {
  const others = all.map(rolloutOf).filter(isValid).filter((other) => other.metadata.namespace === metadata.namespace && other.metadata.name !== metadata.name && other.spec.deployment?.name === spec.deployment?.name);
  return others.map((other) => bad(subject, `Deployment ${spec.deployment?.name} is also named by Rollout ${other.metadata.namespace}/${other.metadata.name}, and only the older one may deliver it: delete one, or name another Deployment`));
}

const Applied = z.object({ spec: z.object({ paused: z.boolean().optional() }).default({}) });

/** Who says paused: false un-pauses what waits whenever it is applied again; nothing of it is seen in the object itself but who owns the field. */
function pausedByManifest(deployment: KubernetesObject, subject: string): readonly Finding[] {
  const { metadata } = deployment;
  const applying = new Set((metadata.managedFields ?? []).filter(({ operation, subresource }) => operation === "Apply" && !subresource).map(({ manager }) => manager));
  const manager = managersOf(deployment, "paused").find((one) => one !== OURS && applying.has(one)) ?? (isAppliedUnpaused(metadata.annotations?.[LAST_APPLIED]) ? "kubectl apply" : undefined);
  if (manager === undefined) return [];
  return [bad(subject, `the manifest that ${manager} applies says spec.paused of Deployment ${metadata.namespace}/${metadata.name}, which would un-pause a template that waits, or is refused: leave the field out of it`)];
}

function isAppliedUnpaused(text: string | undefined): boolean {
  if (text === undefined) return false;
  try {
    return Applied.safeParse(JSON.parse(text)).data?.spec.paused === false;
  } catch {
    return false; // not JSON: nobody's last word
  }
}

/** A rule in the callers' own namespace hides ours from them. */
export function hiddenRule(rollout: ValidRollout, routes: readonly RouteObject[], destinationRules: readonly KubernetesObject[], subject: string): readonly Finding[] {
  if (!rollout.spec.deployment || !rollout.spec.traffic.istio) return [];
  const virtualServices = cacheOf(routes.flatMap(({ kind, object }) => (kind === "virtualServices" ? object : [])));
  const { obstacle } = sidesFound({ virtualServices, destinationRules: cacheOf(destinationRules), services: cacheOf([]) }, rollout.metadata, rollout.spec.traffic);
  return obstacle === undefined ? [] : [bad(subject, obstacle)];
}
