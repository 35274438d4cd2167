/** Our own two Services beside the user's: a rule leads to Services alone, so they tell the two sides of a Deployment apart. */
import { z } from "zod";
import { RESOURCES, type JsonPatchOperation, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError, Conflict } from "../../kubernetes/errors.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import { CANARY_SIDE, type SideNames, STABLE_SIDE } from "../../rollout/deployment.ts";
import { isEqual } from "../../rollout/equal.ts";
import type { Backend, SidesSeen } from "../../rollout/observation.ts";
import { EPOCH_ANNOTATION, HASH_LABEL, OWNER_LABEL, type RolloutRef } from "../../rollout/rollout.ts";
import type { SidesWrite } from "../../rollout/upkeep.ts";
import { createdAtMs, timesOfSpecWrites } from "../managed-fields.ts";
import type { Trouble } from "../route-form.ts";
import { missing, serviceBackend } from "../service-backend.ts";
import type { SidesFound } from "../traffic-router.ts";
import { isService, type BackendRef } from "./route-object.ts";
import type { RulePlace } from "./route-place.ts";

type Services = ObjectCaches["services"];
type Side = typeof STABLE_SIDE | typeof CANARY_SIDE;

/** Field manager of what we make. */
const MANAGER = "weir";
/** Of ours: the user's Service for which it stands, which the rule does not name meanwhile. */
const SERVICE_ANNOTATION = "weir.dev/service";
const SIDES = [STABLE_SIDE, CANARY_SIDE] as const;
/** Of a Service's name. */
const LONGEST_NAME = 63;

const ServiceSpec = z.looseObject({ selector: z.record(z.string(), z.string()).default({}), ports: z.array(z.looseObject({})).default([]) });

/** `weir-stable-reviews`. */
export function sideService({ name }: RolloutRef, side: Side): string {
  return `${side}-${name}`;
}

/** Both of them as they are, and what stands in the way of them. */
export function sidesFound(services: Services, rollout: RolloutRef): SidesFound {
  const [stable, canary] = SIDES.map((side) => services.get(rollout.namespace, sideService(rollout, side)));
  const obstacle = obstacleIn([stable, canary], rollout);
  if (obstacle !== undefined) return { obstacle };
  if (!stable && !canary) return {};
  return { seen: seenIn(stable, canary) };
}

function obstacleIn(all: readonly (KubernetesObject | undefined)[], rollout: RolloutRef): string | undefined {
  const strange = all.find((object) => object && object.metadata.labels?.[OWNER_LABEL] !== rollout.name);
  if (strange) return `Service ${rollout.namespace}/${strange.metadata.name} bears the name that Weir's own Service would have: give it another one`;
  const longest = sideService(rollout, STABLE_SIDE);
  return longest.length > LONGEST_NAME ? `the Services that tell the pods apart would be called ${longest}, and a Service's name has at most ${LONGEST_NAME} characters: give the Rollout a shorter name` : undefined;
}

/** Of both: what each is told apart by, joined by commas. */
function seenIn(stable: KubernetesObject | undefined, canary: KubernetesObject | undefined): SidesSeen {
  const both = [stable, canary];
  const there = both.flatMap((object) => object ?? []);
  const marks = new Set(there.map(markOf));
  const mark = marks.size === 1 ? markOf(there[0]!) : undefined;
  const [ofStable, ofCanary] = both.map((object) => object && selectorOf(object)[HASH_LABEL]);
  return {
    uid: both.map((object) => object?.metadata.uid ?? "").join(","),
    resourceVersion: both.map((object) => object?.metadata.resourceVersion ?? "").join(","),
    definedAtMs: Math.max(...there.map(definedAtMs)),
    ...(mark === undefined ? {} : { mark }),
    ...(ofStable === undefined ? {} : { stable: ofStable }),
    ...(ofCanary === undefined ? {} : { canary: ofCanary }),
  };
}

function markOf({ metadata }: KubernetesObject): string | undefined {
  return metadata.annotations?.[EPOCH_ANNOTATION];
}

function selectorOf({ spec }: KubernetesObject): Readonly<Record<string, string>> {
  return ServiceSpec.safeParse(spec).data?.selector ?? {};
}

function definedAtMs({ metadata }: KubernetesObject): number {
  return Math.max(createdAtMs(metadata), ...timesOfSpecWrites(metadata));
}

export type ServiceFound = { readonly kind: "service"; readonly object: KubernetesObject } | Trouble;

/** The user's Service whose pods the Deployment's are: the one for which ours stand there, or the first that the rule refers to. */
export function serviceOf(services: Services, place: RulePlace, rollout: RolloutRef, { podLabels }: Pick<SideNames, "podLabels"> = {}): ServiceFound {
  if (place.namespace !== rollout.namespace) return { kind: "unusable", message: `${place.label} is not in namespace ${rollout.namespace}, where the pods of the Deployment are: put it there` };
  const ours = SIDES.map((side) => sideService(rollout, side));
  const referred = place.destinations.filter((each) => isService(each) && (each.namespace ?? place.namespace) === rollout.namespace && !isSide(each, rollout)).map(({ name }) => name);
  const noted = ours.flatMap((name) => services.get(rollout.namespace, name)?.metadata.annotations?.[SERVICE_ANNOTATION] ?? []);
  const [name] = [...noted, ...referred];
  if (name === undefined) return serviceBehindOurs(services, place, rollout, podLabels) ?? { kind: "unusable", message: `${place.label} leads to no Service of namespace ${rollout.namespace} that selects the pods of the Deployment: lead it to the one that does` };
  const object = services.get(rollout.namespace, name);
  if (object && selects(object, podLabels)) return { kind: "service", object };
  const flaw = object ? "which does not select the pods of the Deployment" : "and there is no such Service";
  return { kind: "unusable", message: `${place.label} leads to Service ${rollout.namespace}/${name}, ${flaw}: lead it to the one of the Deployment` };
}

function selects(object: KubernetesObject, podLabels: SideNames["podLabels"]): boolean {
  const selector = Object.entries(selectorOf(object));
  return selector.length > 0 && selector.every(([key, value]) => podLabels === undefined || podLabels[key] === value);
}

/** Where somebody deleted ours while the rule led to them alone: the only one that selects the pods. */
function serviceBehindOurs(services: Services, place: RulePlace, rollout: RolloutRef, podLabels: SideNames["podLabels"]): ServiceFound | undefined {
  if (!podLabels || !place.destinations.some((each) => isSide(each, rollout))) return undefined;
  const all = services.list(rollout.namespace).filter((object) => object.metadata.labels?.[OWNER_LABEL] === undefined && selects(object, podLabels));
  return all.length === 1 ? { kind: "service", object: all[0]! } : undefined;
}

/** Where the pods of a version are: all those of the user's Service, or those of one of ours. */
export function sideBackend(services: Services, rollout: RolloutRef, { names, service }: { readonly names: SideNames; readonly service: KubernetesObject }, version: string): Backend {
  const side = version === names.canary ? CANARY_SIDE : version === names.stable ? STABLE_SIDE : undefined;
  const ours = side && services.get(rollout.namespace, sideService(rollout, side));
  if (ours && markOf(ours) === names.mark) return serviceBackend(ours, {}, definedAtMs(ours));
  if (version === names.plain) return serviceBackend(service);
  return missing(`its canary comes once the route leads to the pods of ${names.stable} alone`);
}

interface Writing {
  readonly client: Pick<KubernetesClient, "create" | "patch" | "delete">;
  readonly services: Services;
  readonly rollout: RolloutRef;
  /** Where the rule is now. */
  readonly place: RulePlace | Trouble;
}

/** Stable's first, and last to go: who is interrupted finds what is lacking by what is seen. */
export async function writeSides(writing: Writing, { seen, wanted }: SidesWrite): Promise<void> {
  for (const side of wanted ? SIDES : SIDES.toReversed()) {
    const before = seen && pieceOf(seen, side);
    const hash = wanted?.[FIELDS[side]];
    if (wanted && hash !== undefined) await define(writing, side, before, { hash, mark: wanted.mark });
    else if (before || !seen) await remove(writing, side, before); // where nothing was seen it may be there nevertheless, by another daemon's doing
  }
}

const FIELDS = { [STABLE_SIDE]: "stable", [CANARY_SIDE]: "canary" } as const;

interface Piece {
  readonly uid: string;
  readonly resourceVersion: string;
}

function pieceOf(seen: SidesSeen, side: Side): Piece | undefined {
  const at = SIDES.indexOf(side);
  const [uid, resourceVersion] = [seen.uid, seen.resourceVersion].map((joined) => joined.split(",")[at] ?? "");
  return uid ? { uid, resourceVersion: resourceVersion! } : undefined;
}

async function remove({ client, rollout }: Writing, side: Side, before: Piece | undefined): Promise<void> {
  await client.delete(RESOURCES.services, rollout.namespace, sideService(rollout, side), before).catch(unlessGone);
}

async function define(writing: Writing, side: Side, before: Piece | undefined, wanted: Wanted): Promise<void> {
  const { client, services, rollout } = writing;
  if (!before) return void (await client.create(RESOURCES.services, rollout.namespace, serviceFor(writing, side, wanted), { fieldManager: MANAGER }));
  const name = sideService(rollout, side);
  const present = services.get(rollout.namespace, name);
  const selector = { ...(present ? selectorOf(present) : {}), [HASH_LABEL]: wanted.hash };
  if (present && isEqual(selectorOf(present), selector) && markOf(present) === wanted.mark) return;
  const body: readonly JsonPatchOperation[] = [
    { op: "test", path: "/metadata/resourceVersion", value: before.resourceVersion },
    { op: "replace", path: "/spec/selector", value: selector },
    { op: "add", path: `/metadata/annotations/${EPOCH_ANNOTATION.replaceAll("/", "~1")}`, value: wanted.mark },
  ];
  await client.patch(RESOURCES.services, rollout.namespace, name, { type: "json", body }, { fieldManager: MANAGER });
}

interface Wanted {
  readonly hash: string;
  readonly mark: string;
}

/** The user's, for the pods of one template alone. */
function serviceFor({ services, rollout, place }: Writing, side: Side, { hash, mark }: Wanted): KubernetesObject {
  const users = place.kind === "place" ? serviceOf(services, place, rollout) : place;
  if (users.kind !== "service") throw new Conflict(`the route has changed since it was looked at: ${users.message}`);
  const { name } = users.object.metadata;
  const { selector, ports, ...spec } = ServiceSpec.parse(users.object.spec);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: sideService(rollout, side), namespace: rollout.namespace, labels: { [OWNER_LABEL]: rollout.name }, annotations: { [EPOCH_ANNOTATION]: mark, [SERVICE_ANNOTATION]: name } },
    spec: { ...keptOf(spec), selector: { ...selector, [HASH_LABEL]: hash }, ports: ports.map(({ nodePort: _, ...port }) => port) },
  };
}

/** How its pods are reached; not where from, which is the user's Service's alone. */
const KEPT = ["internalTrafficPolicy", "trafficDistribution", "publishNotReadyAddresses", "sessionAffinity", "sessionAffinityConfig", "ipFamilyPolicy", "ipFamilies"];

function keptOf(spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(spec).filter(([field]) => KEPT.includes(field)));
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ApiError) || error.status !== 404) throw error;
}

/** Whether a reference leads to one of ours. */
export function isSide({ name }: BackendRef, rollout: RolloutRef): boolean {
  return SIDES.some((side) => name === sideService(rollout, side));
}
