/** The fields of ServiceEntries that Weir reads: hosts that are no Services, and the pods that answer there. */
import { z } from "zod";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import type { ObjectCache } from "../../kubernetes/object-cache.ts";
import type { Backend } from "../../rollout/observation.ts";
import { createdAtMs, timesOfSpecWrites } from "../managed-fields.ts";
import { missing } from "../service-backend.ts";
import { canonicalHost } from "./host.ts";

const Labels = z.record(z.string(), z.string());
type Labels = z.infer<typeof Labels>;

const EntrySpec = z.looseObject({
  hosts: z.array(z.string()),
  exportTo: z.array(z.string()).default([]),
  workloadSelector: z.looseObject({ labels: Labels.default({}) }).optional(),
});

export interface ServiceEntry {
  /** For sentences: `ServiceEntry bookinfo/reviews`. */
  readonly label: string;
  readonly namespace: string;
  readonly hosts: readonly string[];
  /** Namespaces; `*` is every one, and so is none at all. */
  readonly exportTo: readonly string[];
  /** Labels of its pods; undefined where it is for endpoints or DNS names alone. */
  readonly selector: Labels | undefined;
  readonly definedAtMs: number;
}

/** Cached objects are replaced, never changed, so one parse of each is enough. */
const parsed = new WeakMap<KubernetesObject, ServiceEntry | undefined>();

function serviceEntryOf(object: KubernetesObject): ServiceEntry | undefined {
  if (!parsed.has(object)) parsed.set(object, parse(object));
  return parsed.get(object);
}

function parse(object: KubernetesObject): ServiceEntry | undefined {
  const { success, data: spec } = EntrySpec.safeParse(object.spec);
  if (!success) return undefined;
  const { name, namespace = "" } = object.metadata;
  const { labels = {} } = spec.workloadSelector ?? {};
  return {
    label: `ServiceEntry ${namespace}/${name}`,
    namespace,
    hosts: spec.hosts.filter((host) => host.includes(".")).map((host) => canonicalHost(host, namespace)), // one without a dot is never meant: whoever asks for it means a Service
    exportTo: spec.exportTo,
    selector: Object.keys(labels).length > 0 ? labels : undefined,
    definedAtMs: Math.max(createdAtMs(object.metadata), ...timesOfSpecWrites(object.metadata)),
  };
}

/** One for a canonical host in these namespaces, else one that is exported to them. */
export function findServiceEntry(cache: Pick<ObjectCache, "list" | "all">, host: string, namespaces: readonly string[]): ServiceEntry | undefined {
  const isFor = ({ hosts }: ServiceEntry): boolean => hosts.includes(host);
  const isExported = ({ exportTo }: ServiceEntry): boolean => exportTo.length === 0 || ["*", ...namespaces].some((to) => exportTo.includes(to));
  const near = namespaces.flatMap((namespace) => entriesOf(cache.list(namespace))).find(isFor);
  return near ?? entriesOf(cache.all()).find((entry) => isFor(entry) && isExported(entry));
}

function entriesOf(objects: readonly KubernetesObject[]): readonly ServiceEntry[] {
  return objects.flatMap((object) => serviceEntryOf(object) ?? []);
}

/** `labels`: what the pods have beside those that the entry selects by, as told by a rule that was defined then. */
export function entryBackend({ label, namespace, selector, definedAtMs }: ServiceEntry, host: string, labels: Labels = {}, ruleDefinedAtMs = 0): Backend {
  if (!selector) return missing(`${label} is for ${host} and has no workloadSelector, but endpoints or DNS alone, so the pods that answer cannot be told: give it workloadSelector.labels that they all have`);
  return { kind: "found", namespace, selector: { ...selector, ...labels }, definedAtMs: Math.max(definedAtMs, ruleDefinedAtMs) };
}
