/** The fields of DestinationRules and Services that Weir reads, and since when they are as they are. */
import { z } from "zod";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import { coversHost } from "./host.ts";
import { createdAtMs, timesOfSpecWrites } from "../managed-fields.ts";

const Labels = z.record(z.string(), z.string());
type Labels = z.infer<typeof Labels>;

const RuleSpec = z.looseObject({
  host: z.string(),
  subsets: z.array(z.looseObject({ name: z.string(), labels: Labels.default({}) })).default([]),
});

export interface DestinationRule {
  /** For sentences: `DestinationRule bookinfo/reviews`. */
  readonly label: string;
  readonly namespace: string;
  readonly host: string;
  /** Labels of each subset, by its name. */
  readonly subsets: ReadonlyMap<string, Labels>;
  readonly definedAtMs: number;
  readonly annotations: Labels;
}

/** Cached objects are replaced, never changed, so one parse of each is enough. */
const parsed = new WeakMap<KubernetesObject, DestinationRule | undefined>();

/** Undefined for an object that is no DestinationRule Istio would take. */
export function destinationRuleOf(object: KubernetesObject): DestinationRule | undefined {
  if (!parsed.has(object)) parsed.set(object, parse(object));
  return parsed.get(object);
}

function parse(object: KubernetesObject): DestinationRule | undefined {
  const { success, data: spec } = RuleSpec.safeParse(object.spec);
  if (!success) return undefined;
  const { name, namespace = "" } = object.metadata;
  return {
    label: `DestinationRule ${namespace}/${name}`,
    namespace,
    host: spec.host,
    subsets: new Map(spec.subsets.map((subset) => [subset.name, subset.labels])),
    definedAtMs: Math.max(createdAtMs(object.metadata), ...timesOfSpecWrites(object.metadata)),
    annotations: object.metadata.annotations ?? {},
  };
}

export function ruleCovers(rule: Pick<DestinationRule, "host" | "namespace">, canonicalHost: string): boolean {
  return coversHost(rule.host, rule.namespace, canonicalHost);
}
