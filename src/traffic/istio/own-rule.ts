/** Our own DestinationRule beside the user's for the same host: its subsets tell the two sides of a Deployment apart. Istio merges rules of one host. */
import { z } from "zod";
import { RESOURCES, type JsonPatchOperation, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError, Conflict } from "../../kubernetes/errors.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import { CANARY_SIDE, type SideNames, STABLE_SIDE } from "../../rollout/deployment.ts";
import type { Backend, SidesSeen } from "../../rollout/observation.ts";
import { EPOCH_ANNOTATION, HASH_LABEL, OWNER_LABEL, type RolloutRef } from "../../rollout/rollout.ts";
import type { Traffic } from "../../rollout/spec-traffic.ts";
import type { SidesWanted, SidesWrite } from "../../rollout/upkeep.ts";
import { missing, serviceBackend } from "../service-backend.ts";
import type { Trouble } from "../route-form.ts";
import type { SidesFound } from "../traffic-router.ts";
import { type DestinationRule, destinationRuleOf, ruleCovers } from "./destination-rule.ts";
import { hostNameOf } from "./host.ts";
import { findPlace, type RoutePlace } from "./route-place.ts";
import { hostOf } from "./sided-form.ts";

type Caches = Pick<ObjectCaches, "virtualServices" | "destinationRules" | "services">;

/** Field manager of what we make. */
const MANAGER = "weir";
/** Rules there hold for every namespace that has none. */
const ROOT_NAMESPACE = "istio-system";

function ruleNameOf({ name }: RolloutRef): string {
  return `weir-${name}`;
}

/** The rule as it is, and what stands in the way of one. */
export function sidesFound(caches: Caches, rollout: RolloutRef, target: Traffic): SidesFound {
  const object = caches.destinationRules.get(rollout.namespace, ruleNameOf(rollout));
  const rule = object && destinationRuleOf(object);
  if (object && object.metadata.labels?.[OWNER_LABEL] !== rollout.name) return { obstacle: `DestinationRule ${rollout.namespace}/${object.metadata.name} bears the name that Weir's own rule would have: give it another one` };
  const obstacle = obstacleTo(caches, rollout, target);
  return { ...(object && rule ? { seen: seenIn(object, rule) } : {}), ...(obstacle === undefined ? {} : { obstacle }) };
}

function seenIn({ metadata }: KubernetesObject, { subsets, annotations, definedAtMs }: DestinationRule): SidesSeen {
  const [stable, canary] = [STABLE_SIDE, CANARY_SIDE].map((side) => subsets.get(side)?.[HASH_LABEL]);
  const mark = annotations[EPOCH_ANNOTATION];
  return { uid: metadata.uid ?? "", resourceVersion: metadata.resourceVersion ?? "", definedAtMs, ...(mark === undefined ? {} : { mark }), ...(stable === undefined ? {} : { stable }), ...(canary === undefined ? {} : { canary }) };
}

/** A rule in the callers' own namespace hides ours from them, also one for many hosts. */
function obstacleTo(caches: Caches, rollout: RolloutRef, target: Traffic): string | undefined {
  const place = findPlace(caches.virtualServices, { rollout, target });
  if (place.kind !== "place") return undefined;
  const host = hostOf(place);
  const elsewhere = caches.destinationRules.all().filter(({ metadata: { namespace } }) => namespace !== rollout.namespace && namespace !== ROOT_NAMESPACE);
  const hiding = elsewhere.flatMap((object) => destinationRuleOf(object) ?? []).find((rule) => ruleCovers(rule, host));
  return hiding && `${hiding.label} is for ${host}, too, so callers in ${hiding.namespace} would not see the subsets that tell the pods apart: ${remedyFor(hiding, rollout)}`;
}

function remedyFor({ host, namespace }: DestinationRule, rollout: RolloutRef): string {
  if (!host.startsWith("*")) return `move it to namespace ${rollout.namespace}`;
  return `move it to namespace ${ROOT_NAMESPACE}, or give it hosts of ${namespace} alone`;
}

const Selector = z.looseObject({ selector: z.record(z.string(), z.string()).default({}) });

/** The Service whose pods the Deployment's are. */
export function serviceOf({ services }: Caches, place: RoutePlace, { namespace }: RolloutRef, { podLabels }: SideNames): { readonly kind: "service"; readonly object: KubernetesObject } | Trouble {
  const host = hostOf(place);
  const { name, namespace: itsNamespace } = hostNameOf(host, place.namespace);
  const object = itsNamespace === undefined ? undefined : services.get(itsNamespace, name);
  if (!object) return { kind: "unusable", message: `${place.label} leads to ${host}, and there is no such Service: lead it to the Service of the Deployment` };
  const selector = Object.entries(Selector.safeParse(object.spec).data?.selector ?? {});
  const isTheirs = itsNamespace === namespace && selector.length > 0 && selector.every(([key, value]) => podLabels === undefined || podLabels[key] === value);
  if (isTheirs) return { kind: "service", object };
  return { kind: "unusable", message: `${place.label} leads to Service ${itsNamespace}/${name}, which does not select the pods of the Deployment in namespace ${namespace}: lead it to the one that does` };
}

interface Behind {
  readonly names: SideNames;
  readonly service: KubernetesObject;
}

/** Where the pods of a version are: all those of the Service, or one side of it. */
export function sideBackend(caches: Caches, rollout: RolloutRef, { names, service }: Behind, version: string): Backend {
  const object = caches.destinationRules.get(rollout.namespace, ruleNameOf(rollout));
  const rule = object && destinationRuleOf(object);
  const side = version === names.canary ? CANARY_SIDE : version === names.stable ? STABLE_SIDE : undefined;
  const labels = side && rule?.annotations[EPOCH_ANNOTATION] === names.mark ? rule.subsets.get(side) : undefined;
  if (rule && labels) return serviceBackend(service, labels, rule.definedAtMs);
  if (version === names.plain) return serviceBackend(service);
  return missing(`its canary comes once the route leads to the pods of ${names.stable} alone`);
}

interface Writing {
  readonly client: Pick<KubernetesClient, "create" | "patch" | "delete">;
  readonly caches: Caches;
}

export async function writeSides({ client, caches }: Writing, rollout: RolloutRef, target: Traffic, { seen, wanted }: SidesWrite): Promise<void> {
  const [name, { namespace }] = [ruleNameOf(rollout), rollout];
  if (wanted === null) return client.delete(RESOURCES.destinationRules, namespace, name, seen && { uid: seen.uid, resourceVersion: seen.resourceVersion }).catch(unlessGone);
  if (!seen) return void (await client.create(RESOURCES.destinationRules, namespace, ruleFor(caches, rollout, target, wanted), { fieldManager: MANAGER }));
  const body = [
    { op: "test" as const, path: "/metadata/resourceVersion", value: seen.resourceVersion },
    { op: "replace" as const, path: "/spec/subsets", value: subsetsFor(wanted) },
    ...(seen.mark === wanted.mark ? [] : [markOperation(caches.destinationRules.get(namespace, name), wanted)]),
  ];
  await client.patch(RESOURCES.destinationRules, namespace, name, { type: "json", body }, { fieldManager: MANAGER });
}

/** A rule that was left of an earlier run becomes this one's. */
function markOperation(rule: KubernetesObject | undefined, { mark }: SidesWanted): JsonPatchOperation {
  if (!rule?.metadata.annotations) return { op: "add", path: "/metadata/annotations", value: { [EPOCH_ANNOTATION]: mark } };
  return { op: "add", path: `/metadata/annotations/${EPOCH_ANNOTATION.replaceAll("/", "~1")}`, value: mark };
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ApiError) || error.status !== 404) throw error;
}

/** For the same host, with what a more general rule says of it: an exact one takes that one's place. */
function ruleFor(caches: Caches, rollout: RolloutRef, target: Traffic, wanted: SidesWanted): KubernetesObject {
  const place = findPlace(caches.virtualServices, { rollout, target });
  if (place.kind !== "place") throw new Conflict(`the route has changed since it was looked at: ${place.message}`);
  const host = hostOf(place);
  const { name } = hostNameOf(host, rollout.namespace);
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: ruleNameOf(rollout), namespace: rollout.namespace, labels: { [OWNER_LABEL]: rollout.name }, annotations: { [EPOCH_ANNOTATION]: wanted.mark } },
    spec: { host: name, subsets: subsetsFor(wanted), ...inheritedBy(caches, rollout.namespace, host) },
  };
}

function subsetsFor({ stable, canary }: SidesWanted): readonly object[] {
  const subset = (name: string, hash: string): object => ({ name, labels: { [HASH_LABEL]: hash } });
  return [subset(STABLE_SIDE, stable), ...(canary === undefined ? [] : [subset(CANARY_SIDE, canary)])];
}

const Inherited = z.looseObject({ host: z.string(), trafficPolicy: z.unknown().optional(), exportTo: z.unknown().optional(), workloadSelector: z.unknown().optional() });

/** Beside an exact rule ours is merged into it, and need only reach as far; a wildcard's, or the mesh's own, would be hidden by ours. */
function inheritedBy({ destinationRules }: Caches, namespace: string, host: string): object {
  const covering = (where: string, isExact: boolean): z.infer<typeof Inherited> | undefined =>
    destinationRules
      .list(where)
      .flatMap((object) => Inherited.safeParse(object.spec).data ?? [])
      .filter((spec) => spec.host.startsWith("*") !== isExact && ruleCovers({ host: spec.host, namespace: where }, host))
      .sort((one, other) => other.host.length - one.host.length)[0]; // of wildcards the most specific is in force
  const exact = covering(namespace, true);
  const { trafficPolicy, exportTo, workloadSelector } = exact ?? covering(namespace, false) ?? covering(ROOT_NAMESPACE, true) ?? covering(ROOT_NAMESPACE, false) ?? { host };
  return { ...(exact || trafficPolicy === undefined ? {} : { trafficPolicy }), ...(exportTo === undefined ? {} : { exportTo }), ...(workloadSelector === undefined ? {} : { workloadSelector }) };
}
