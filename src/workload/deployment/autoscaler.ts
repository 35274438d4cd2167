/** How many pods all the traffic of a Deployment needs, by its HorizontalPodAutoscaler's own figures. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { Quantity } from "../../kubernetes/quantity.ts";
import type { AutoscalerSeen } from "../../rollout/observation.ts";

const Amount = z.looseObject({ averageUtilization: z.number().optional(), averageValue: Quantity.optional(), value: Quantity.optional() });
const Source = z.looseObject({ target: Amount.optional(), current: Amount.optional() }).optional();
const Metric = z.looseObject({ type: z.string(), resource: Source, containerResource: Source, pods: Source, object: Source, external: Source });
type Metric = z.infer<typeof Metric>;

const Autoscaler = z.looseObject({
  spec: z.looseObject({
    scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }),
    maxReplicas: z.int(),
    metrics: z.array(Metric).default([]),
  }),
  status: z.looseObject({ currentReplicas: z.int().default(0), currentMetrics: z.array(Metric).nullish() }).prefault({}),
});
type Autoscaler = z.infer<typeof Autoscaler>;

/** Of the Deployment of that name; undefined where it has none, or the API server knows no autoscalers. One request. */
export async function autoscalerOf(client: Pick<KubernetesClient, "list">, namespace: string, deployment: string): Promise<Omit<AutoscalerSeen, "readySinceMs"> | undefined> {
  try {
    const { items } = await client.list(RESOURCES.horizontalPodAutoscalers, namespace);
    const [found] = items.flatMap((object) => scaling(object, deployment) ?? []);
    return found && { label: `HorizontalPodAutoscaler ${namespace}/${found.object.metadata.name}`, ...neededBy(found) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Whether it scales the Deployment of that name. */
export function isScaler(object: KubernetesObject, deployment: string): boolean {
  return scaling(object, deployment) !== undefined;
}

function scaling(object: KubernetesObject, deployment: string): (Autoscaler & { readonly object: KubernetesObject }) | undefined {
  const { data } = Autoscaler.safeParse(object);
  const isIts = data?.spec.scaleTargetRef.kind === "Deployment" && data.spec.scaleTargetRef.name === deployment;
  return isIts ? { ...data, object } : undefined;
}

/**
 * It averages over every pod that the Deployment's selector takes, the canary's among them, and wants `pods × current / target`, the
 * largest of its metrics (kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale, "Algorithm details"). Its status tells
 * them in the order of its spec; one that could not be read has no type there.
 */
function neededBy({ spec, status }: Autoscaler): Pick<AutoscalerSeen, "perPod" | "ofAll" | "maxPods"> {
  const loads = spec.metrics.flatMap((metric, index) => loadOf(metric, status.currentMetrics?.[index]) ?? []);
  const largest = (isPerPod: boolean): number => Math.max(0, ...loads.filter((load) => load.isPerPod === isPerPod).map(({ ratio }) => ratio));
  return { perPod: largest(true), ofAll: largest(false) * status.currentReplicas, maxPods: spec.maxReplicas };
}

interface Load {
  /** Of what there is to what there should be. */
  readonly ratio: number;
  /** Of what each pod has, or of a sum that is divided by the Deployment's own pods. */
  readonly isPerPod: boolean;
}

const SOURCES = { Resource: "resource", ContainerResource: "containerResource", Pods: "pods", Object: "object", External: "external" } as const;

function loadOf(metric: Metric, now: Metric | undefined): Load | undefined {
  const source = SOURCES[metric.type as keyof typeof SOURCES];
  if (source === undefined || now?.type !== metric.type) return undefined;
  const { target } = metric[source] ?? {};
  const { current } = now[source] ?? {};
  const measure = (["averageUtilization", "averageValue", "value"] as const).find((each) => target?.[each] !== undefined);
  const ratio = measure === undefined ? NaN : (current?.[measure] ?? NaN) / target![measure]!;
  if (!Number.isFinite(ratio)) return undefined;
  return { ratio, isPerPod: measure === "value" || source === "resource" || source === "containerResource" || source === "pods" };
}
