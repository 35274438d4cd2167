/** What the versions of one route stand for: which host is released, and where the pods behind each version are found. */
import type { KubernetesObject } from "../../kubernetes/client.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import type { Backend } from "../../rollout/observation.ts";
import type { RolloutRef } from "../../rollout/rollout.ts";
import type { Traffic } from "../../rollout/spec-traffic.ts";
import { missing, serviceBackend } from "../service-backend.ts";
import { destinationRuleOf, ruleCovers, type DestinationRule } from "./destination-rule.ts";
import { canonicalHost, hostNameOf, type HostName } from "./host.ts";
import { refusalOf } from "../reference.ts";
import type { Trouble } from "../route-form.ts";
import type { RoutePlace } from "./route-place.ts";
import { istioOf } from "./target.ts";
import { subsetOf, versionOf, type RouteDestination } from "./virtual-service.ts";

type Caches = Pick<ObjectCaches, "destinationRules" | "services">;

/** The DestinationRules in which subsets are looked for, in order. */
export interface Rules {
  readonly kind: "rules";
  readonly rules: readonly DestinationRule[];
  /** For sentences: `DestinationRule bookinfo/reviews`. */
  readonly searched: string;
}

/** What `release` is one of: the subsets of one host, or Services. */
export type Family = { readonly kind: "subsets"; readonly host: string } | { readonly kind: "services" };

/** The rule that the target names, else those whose host the route leads to. */
export function findRules(caches: Caches, rollout: RolloutRef, target: Traffic, place: RoutePlace): Rules | Trouble {
  const ref = istioOf(target).destinationRule;
  return ref ? namedRule(caches, rollout, { name: ref.name, namespace: ref.namespace ?? rollout.namespace }) : rulesByHost(caches, place);
}

function namedRule(caches: Caches, rollout: RolloutRef, { namespace, name }: Required<HostName>): Rules | Trouble {
  const label = `DestinationRule ${namespace}/${name}`;
  const object = caches.destinationRules.get(namespace, name);
  if (!object) return { kind: "rules", rules: [], searched: `${label} (which does not exist)` };
  const refusal = refusalOf(label, object, rollout);
  return refusal === undefined ? { kind: "rules", rules: parsed([object]), searched: label } : { kind: "unusable", message: refusal };
}

/** Istio looks in the namespace of the caller and in that of the Service; an exact host comes before a wildcard. */
function rulesByHost({ destinationRules }: Caches, place: RoutePlace): Rules {
  const hosts = unique(place.destinations.map((each) => hostOf(each, place)));
  const rules = unique(
    hosts.flatMap((host) => {
      const namespaces = unique([place.namespace, hostNameOf(host, place.namespace).namespace ?? place.namespace]);
      const covering = namespaces.flatMap((namespace) => parsed(destinationRules.list(namespace))).filter((rule) => ruleCovers(rule, host));
      return [...covering.filter((rule) => !rule.host.startsWith("*")), ...covering.filter((rule) => rule.host.startsWith("*"))];
    }),
  );
  const searched = rules.length > 0 ? rules.map(({ label }) => label).join(" and ") : `a DestinationRule for ${hosts.join(" or ")} (there is none)`;
  return { kind: "rules", rules, searched };
}

function parsed(objects: readonly KubernetesObject[]): readonly DestinationRule[] {
  return objects.flatMap((object) => destinationRuleOf(object) ?? []);
}

/** Of the first version that is known at all: `release` comes first, the others serve while it is missing. */
export function familyOf(versions: readonly string[], caches: Caches, rules: Rules, place: RoutePlace): Family | undefined {
  for (const version of versions) {
    const family = familyOfOne(version, caches, rules, place);
    if (family) return family;
  }
  return undefined;
}

function familyOfOne(version: string, { services }: Caches, { rules }: Rules, place: RoutePlace): Family | undefined {
  const rule = rules.find(({ subsets }) => subsets.has(version));
  if (rule) return { kind: "subsets", host: hostOfRule(rule, place) };
  const served = place.destinations.find((each) => versionOf(each) === version);
  if (served) return subsetOf(served) === undefined ? { kind: "services" } : { kind: "subsets", host: hostOf(served, place) };
  return services.get(namespaceOfServices(place), version) ? { kind: "services" } : undefined;
}

/** Whether a destination may be a version of what `release` names. */
export function isCandidate(destination: RouteDestination, family: Family | undefined, place: RoutePlace): boolean {
  if (!family) return false;
  const isSubset = subsetOf(destination) !== undefined;
  return family.kind === "services" ? !isSubset : isSubset && hostOf(destination, place) === family.host;
}

/** Where the pods of a version are; a subset comes before a Service of the same name. */
export function backendOf(version: string, { services }: Caches, { rules, searched }: Rules, place: RoutePlace): Backend {
  const rule = rules.find(({ subsets }) => subsets.has(version));
  if (rule) return subsetBackend(rule, version, services, place);
  const namespace = namespaceOfServices(place);
  const service = services.get(namespace, version);
  if (!service) return missing(`no subset ${version} in ${searched} and no Service ${version} in namespace ${namespace}`);
  return serviceBackend(service);
}

function subsetBackend(rule: DestinationRule, version: string, services: Caches["services"], place: RoutePlace): Backend {
  const host = hostOfRule(rule, place);
  const { name, namespace } = hostNameOf(host, rule.namespace);
  if (namespace === undefined) return missing(`subset ${version} of ${rule.label} is of host ${host}, which is no Service of this cluster (expected NAME or NAME.NAMESPACE.svc.cluster.local)`);
  const service = services.get(namespace, name);
  if (!service) return missing(`no Service ${name} in namespace ${namespace}, which is the host of subset ${version} in ${rule.label}`);
  return serviceBackend(service, rule.subsets.get(version) ?? {}, rule.definedAtMs);
}

/** A wildcard stands for the host that the route leads to. */
function hostOfRule(rule: DestinationRule, place: RoutePlace): string {
  if (!rule.host.startsWith("*")) return canonicalHost(rule.host, rule.namespace);
  return place.destinations.map((each) => hostOf(each, place)).find((host) => ruleCovers(rule, host)) ?? rule.host;
}

/** Services that are versions live beside the ones that the route already leads to. */
function namespaceOfServices(place: RoutePlace): string {
  const service = place.destinations.find((each) => subsetOf(each) === undefined) ?? place.destinations[0]!;
  return hostNameOf(service.destination.host, place.namespace).namespace ?? place.namespace;
}

function hostOf({ destination }: RouteDestination, { namespace }: RoutePlace): string {
  return canonicalHost(destination.host, namespace);
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
