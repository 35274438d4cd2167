/** Keeps mesh and sample pods as Kubernetes says: routes as they are now, and a server for each ready pod. */
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { InformerCache } from "../kubernetes/informer-cache.ts";
import type { Mesh } from "./mesh/mesh.ts";
import type { SamplePod, SamplePods } from "./samples/sample-pods.ts";
import { z } from "zod";

type Watched = Pick<InformerCache, "all" | "onChange">;

/** Pushes the objects to the mesh now and after each change; returns how to stop. */
export function followRoutes(
  caches: { readonly virtualServices: Watched; readonly destinationRules: Watched; readonly services: Watched; readonly serviceEntries: Watched; readonly httpRoutes: Watched; readonly grpcRoutes: Watched },
  mesh: Pick<Mesh, "push">,
): () => void {
  const push = () =>
    mesh.push({
      virtualServices: caches.virtualServices.all(),
      destinationRules: caches.destinationRules.all(),
      services: caches.services.all(),
      serviceEntries: caches.serviceEntries.all(),
      httpRoutes: caches.httpRoutes.all(),
      grpcRoutes: caches.grpcRoutes.all(),
    });
  const stops = Object.values(caches).map((cache) => cache.onChange(push));
  push();
  return () => stops.forEach((stop) => stop());
}

export interface FollowedPods {
  /** Settles when the servers are as the changes seen so far want them. */
  settled(): Promise<void>;
  stop(): void;
}

/** Runs a server for each ready pod that has a label `app`, and ends it when the pod is ready no more. What it does is that of its version: of the label `version`, or else of its image. */
export function followPods(pods: Watched, samples: Pick<SamplePods, "run" | "end">): FollowedPods {
  const serving = new Set<string>();
  let work = Promise.resolve();
  const see = (object: KubernetesObject, isThere: boolean) => {
    work = work.then(() => serve(samples, serving, object, isThere && isReady(object)));
  };
  const stop = pods.onChange(({ kind, object }) => see(object, kind !== "deleted"));
  pods.all().forEach((pod) => see(pod, true));
  return { settled: () => work, stop };
}

async function serve(samples: Pick<SamplePods, "run" | "end">, serving: Set<string>, object: KubernetesObject, ready: boolean): Promise<void> {
  const pod = samplePodOf(object);
  const key = `${pod.namespace}/${pod.pod}`;
  if (ready === serving.has(key) || !pod.labels.app || !pod.labels.version) return;
  if (ready) await samples.run(pod);
  else await samples.end(pod.namespace, pod.pod);
  serving[ready ? "add" : "delete"](key);
}

const Images = z.object({ containerStatuses: z.array(z.object({ image: z.string() })).min(1) });

/** The tag of `registry:5000/name:tag`. */
function tagOf(status: unknown): string | undefined {
  const image = Images.safeParse(status).data?.containerStatuses[0]?.image ?? "";
  return /:([^:/@]+)$/.exec(image)?.[1];
}

/** Named after its Deployment, as Istio names a workload: the ReplicaSet's name without the template's hash. */
function samplePodOf({ metadata, status }: KubernetesObject): SamplePod {
  const tag = tagOf(status);
  const labels: Readonly<Record<string, string>> = { ...(tag === undefined ? {} : { version: tag }), ...metadata.labels };
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)?.name ?? metadata.name;
  const suffix = `-${labels["pod-template-hash"] ?? ""}`;
  const workload = owner.endsWith(suffix) ? owner.slice(0, -suffix.length) : owner;
  return { pod: metadata.name, namespace: metadata.namespace ?? "", workload, labels };
}

const PodStatus = z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) });

function isReady({ metadata, status }: KubernetesObject): boolean {
  const conditions = PodStatus.safeParse(status).data?.conditions ?? [];
  return metadata.deletionTimestamp === undefined && conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}
