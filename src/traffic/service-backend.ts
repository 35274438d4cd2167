/** The pods behind a Service. */
import { z } from "zod";
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { Backend } from "../rollout/observation.ts";
import { createdAtMs } from "./managed-fields.ts";

const KubernetesServiceSpec = z.looseObject({ selector: z.record(z.string(), z.string()).default({}) });

/** `labels`: what the pods have beside the Service's selector, as told by a rule that was defined then. */
export function serviceBackend(service: KubernetesObject, labels: Readonly<Record<string, string>> = {}, definedAtMs = 0): Backend {
  const { name, namespace = "" } = service.metadata;
  const selector = KubernetesServiceSpec.safeParse(service.spec).data?.selector ?? {};
  if (Object.keys(selector).length === 0) return missing(`Service ${namespace}/${name} has no selector, so its pods cannot be told`);
  return { kind: "found", namespace, selector: { ...selector, ...labels }, definedAtMs: Math.max(definedAtMs, createdAtMs(service.metadata)) };
}

export function missing(message: string): Backend {
  return { kind: "missing", message };
}
