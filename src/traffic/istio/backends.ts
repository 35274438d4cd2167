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
import { entryBackend, findServiceEntry } from "./service-entry.ts";
import { istioOf } from "./target.ts";
import { FORM, subsetOf, versionOf, type RouteDestination } from "./virtual-service.ts";

type Caches = Pick<ObjectCaches, "destinationRules" | "services" | "serviceEntries">;

/** The DestinationRules in which subsets are looked for, in order. */
export interface Rules {
  readonly kind: "rules";
  readonly rules: readonly DestinationRule[];
  /** For sentences: `DestinationRule bookinfo/reviews`. */
  readonly searched: string;
}

/** What `release` is one of: the subsets of one host, or hosts of their own, which are Services (or those of ServiceEntries). */
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

/** Istio looks in the namespace of the caller and in that of the Service or the ServiceEntry; an exact host comes before a wildcard. */
function rulesByHost({ destinationRules, serviceEntries }: Caches, place: RoutePlace): Rules {
  const hosts = unique(place.destinations.map((each) => hostOf(each, place)));
  const rules = unique(
    hosts.flatMap((host) => {
      const namespaces = unique([place.namespace, hostNameOf(host, place.namespace).namespace ?? findServiceEntry(serviceEntries, host, [place.namespace])?.namespace ?? place.namespace]);
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

function familyOfOne(version: string, caches: Caches, { rules }: Rules, place: RoutePlace): Family | undefined {
  const rule = rules.find(({ subsets }) => subsets.has(version));
  if (rule) return { kind: "subsets", host: hostOfRule(rule, place) };
  const served = place.destinations.find((each) => versionOf(each) === version);
  if (served) return subsetOf(served) === undefined ? { kind: "services" } : { kind: "subsets", host: hostOf(served, place) };
  return ownHostBackend(version, caches, place) ? { kind: "services" } : undefined;
}

/** Whether a destination may be a version of what `release` names. */
export function isCandidate(destination: RouteDestination, family: Family | undefined, place: RoutePlace): boolean {
  if (!family) return false;
  const isSubset = subsetOf(destination) !== undefined;
  return family.kind === "services" ? !isSubset : isSubset && hostOf(destination, place) === family.host;
}

/** Where the pods of a version are; a subset comes before a host of the same name. */
export function backendOf(version: string, caches: Caches, { rules, searched }: Rules, place: RoutePlace): Backend {
  const rule = rules.find(({ subsets }) => subsets.has(version));
  if (rule) return subsetBackend(rule, version, caches, place);
  return ownHostBackend(version, caches, place) ?? missing(`no subset ${version} in ${searched} and no Service ${version} in namespace ${namespaceOfServices(place)}${outsideSaid(version, place)}`);
}

function subsetBackend(rule: DestinationRule, version: string, caches: Caches, place: RoutePlace): Backend {
  const host = hostOfRule(rule, place);
  const backend = hostBackend(caches, host, { namespaces: unique([rule.namespace, place.namespace]), labels: rule.subsets.get(version), definedAtMs: rule.definedAtMs });
  if (backend) return backend;
  const { name, namespace } = hostNameOf(host, rule.namespace);
  if (namespace !== undefined) return missing(`no Service ${name} in namespace ${namespace} and no ServiceEntry for ${host}, which is the host of subset ${version} in ${rule.label}`);
  return missing(`subset ${version} of ${rule.label} is of host ${host}, which is no Service of this cluster (expected NAME or NAME.NAMESPACE.svc.cluster.local), and namespace ${place.namespace} sees no ServiceEntry for it (expected one with a workloadSelector)`);
}

interface HostAsked {
  /** From which it is looked at. */
  readonly namespaces: readonly string[];
  /** Of a subset, as told by a rule that was defined then. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly definedAtMs?: number;
}

/** A Service of that host comes before a ServiceEntry for it. */
function hostBackend({ services, serviceEntries }: Caches, host: string, { namespaces, labels, definedAtMs }: HostAsked): Backend | undefined {
  const { name, namespace } = hostNameOf(host, "");
  const service = namespace === undefined ? undefined : services.get(namespace, name);
  if (service) return serviceBackend(service, labels, definedAtMs);
  const entry = findServiceEntry(serviceEntries, host, namespaces);
  return entry && entryBackend(entry, host, labels, definedAtMs);
}

/** Of a version that is no subset. */
function ownHostBackend(version: string, caches: Caches, place: RoutePlace): Backend | undefined {
  const hosts = [...outsideHostsOf(version, place), `${version}.${namespaceOfServices(place)}.svc`];
  return hosts.flatMap((host) => hostBackend(caches, host, { namespaces: [place.namespace] }) ?? [])[0];
}

/** Outside the cluster's own names a version's host is spelled as those that the route already leads to. */
function outsideHostsOf(version: string, place: RoutePlace): readonly string[] {
  const hosts = place.destinations.filter((each) => subsetOf(each) === undefined).map((each) => hostOf(FORM.siblingOf(each, version), place));
  return unique(hosts.filter((host) => hostNameOf(host, place.namespace).namespace === undefined));
}

function outsideSaid(version: string, place: RoutePlace): string {
  const hosts = outsideHostsOf(version, place);
  return hosts.length === 0 ? "" : `, and no ServiceEntry for ${hosts.join(" or ")}`;
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
