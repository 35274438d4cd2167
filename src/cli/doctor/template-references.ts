/** ConfigMaps and Secrets that a pod template reads by a name that stays: a change of these alone changes no template, and is not rolled out. */
import { z } from "zod";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import type { RolloutRef } from "../../rollout/rollout.ts";
import { note, type Finding } from "./finding.ts";

const MOST_NAMED = 5;
/** As generators end names: kustomize with ten characters of a hash, others with hexadecimal ones. */
const HASHED = /-(?:[bcdfghkmt2456789]{10}|[0-9a-f]{8,64})$/;
/** By which Helm charts, and people, put a hash of what is read into the template. */
const CHECKSUM = /checksum|hash/i;

const Named = z.object({ name: z.string().optional() }).optional();
const Source = z.object({ configMapRef: Named, secretRef: Named });
const Env = z.object({ valueFrom: z.object({ configMapKeyRef: Named, secretKeyRef: Named }).optional() });
const Container = z.object({ envFrom: z.array(Source).default([]), env: z.array(Env).default([]) });
const Projected = z.object({ sources: z.array(z.object({ configMap: Named, secret: Named })).default([]) }).optional();
const Volume = z.object({ configMap: Named, secret: z.object({ secretName: z.string().optional() }).optional(), projected: Projected });
const Pod = z.object({ containers: z.array(Container).default([]), initContainers: z.array(Container).default([]), volumes: z.array(Volume).default([]) });
const Template = z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }).prefault({}), spec: Pod });
const Deployment = z.object({ template: Template });

/** At most one finding for a Deployment. */
export function readsBareNames({ metadata, spec }: KubernetesObject, rollout: RolloutRef, subject: string): readonly Finding[] {
  const template = Deployment.safeParse(spec).data?.template;
  if (!template || Object.keys(template.metadata.annotations).some((key) => CHECKSUM.test(key))) return [];
  const bare = [...new Set(referencesIn(template.spec))].filter((reference) => !HASHED.test(reference));
  if (bare.length === 0) return [];
  const more = bare.length > MOST_NAMED ? `, and ${bare.length - MOST_NAMED} more` : "";
  return [note(subject, `Deployment ${metadata.name} reads ${bare.slice(0, MOST_NAMED).join(", ")}${more} by a name without a hash, so a change of that alone is not rolled out: have the name end with a hash (configMapGenerator and secretGenerator of kustomize do), or put one into the template, or say weir restart ${rollout.name} -n ${rollout.namespace} after a change\n${ADVICE}`)];
}

const ADVICE = ["# in the template of a Helm chart", "metadata:", "  annotations:", '    checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}'].join("\n");

type PodSpec = z.infer<typeof Pod>;

function referencesIn({ containers, initContainers, volumes }: PodSpec): readonly string[] {
  return [...[...containers, ...initContainers].flatMap(referencesOf), ...volumes.flatMap(mountedBy)];
}

function referencesOf({ envFrom, env }: z.infer<typeof Container>): readonly string[] {
  const sources = [...envFrom.map(({ configMapRef, secretRef }) => ({ map: configMapRef, secret: secretRef })), ...env.map(({ valueFrom }) => ({ map: valueFrom?.configMapKeyRef, secret: valueFrom?.secretKeyRef }))];
  return sources.flatMap(({ map, secret }) => said(map?.name, secret?.name));
}

function mountedBy({ configMap, secret, projected }: z.infer<typeof Volume>): readonly string[] {
  const sources = projected?.sources ?? [];
  return [...said(configMap?.name, secret?.secretName), ...sources.flatMap((each) => said(each.configMap?.name, each.secret?.name))];
}

/** `kube-root-ca.crt` is the cluster's own. */
function said(configMap: string | undefined, secret: string | undefined): readonly string[] {
  const maps = configMap === undefined || configMap === "kube-root-ca.crt" ? [] : [`ConfigMap ${configMap}`];
  return [...maps, ...(secret === undefined ? [] : [`Secret ${secret}`])];
}
