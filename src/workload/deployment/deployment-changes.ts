/** The writes to a held Deployment and its canary: each conditional on what was seen. */
import { RESOURCES, type JsonPatchOperation, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError, Conflict } from "../../kubernetes/errors.ts";
import type { ObjectCaches } from "../../kubernetes/object-cache.ts";
import { CANARY_LABEL, HELD_ANNOTATION, OWNER_LABEL, type RolloutRef } from "../../rollout/rollout.ts";
import type { DeploymentChange } from "../../rollout/upkeep.ts";
import { controllerOf } from "../pods.ts";
import { type ParsedDeployment, parseDeployment, parseReplicaSet } from "./deployment-object.ts";
import { type Template, versionOf, withoutOurs } from "./template-version.ts";

export interface ChangesOptions {
  readonly caches: Pick<ObjectCaches, "deployments" | "replicaSets">;
  readonly client: Pick<KubernetesClient, "create" | "patch" | "delete">;
}

const FIELD_MANAGER = "weir";
/** Of a Deployment's name: the rest of 253 characters is for what controllers add. */
const LONGEST_NAME = 200;

export async function changeDeployment(options: ChangesOptions, rollout: RolloutRef, change: DeploymentChange): Promise<void> {
  const { client } = options;
  switch (change.kind) {
    case "hold":
      return mark(options, nameIn(change.deployment.label), rollout, { resourceVersion: change.deployment.resourceVersion, held: rollout.name, paused: true });
    case "letGo":
      return mark(options, nameIn(change.deployment.label), rollout, { resourceVersion: change.deployment.resourceVersion, held: null, paused: null });
    case "forget":
      return mark(options, nameIn(change.deployment.label), rollout, { resourceVersion: change.deployment.resourceVersion, held: null });
    case "restore":
      return restore(options, rollout, change);
    case "makeCanary":
      return makeCanary(options, rollout, change);
    case "scaleCanary":
      return patch(client, rollout, change.canary.name, { metadata: { resourceVersion: change.canary.resourceVersion }, spec: { replicas: change.replicas } });
    case "removeCanary":
      return client.delete(RESOURCES.deployments, rollout.namespace, change.canary.name, { uid: change.canary.uid, resourceVersion: change.canary.resourceVersion, propagation: "Foreground" }).catch(unlessGone); // as long as it is there its pods may be, whatever a cache of pods shows
  }
}

/** `Deployment bookinfo/reviews`. */
function nameIn(label: string): string {
  return label.slice(label.indexOf("/") + 1);
}

interface Mark {
  readonly resourceVersion: string;
  readonly held: string | null;
  readonly paused?: true | null;
}

function mark({ client }: ChangesOptions, name: string, rollout: RolloutRef, { resourceVersion, held, paused }: Mark): Promise<void> {
  const body = { metadata: { resourceVersion, annotations: { [HELD_ANNOTATION]: held } }, ...(paused === undefined ? {} : { spec: { paused } }) };
  return patch(client, rollout, name, body);
}

async function patch(client: ChangesOptions["client"], { namespace }: RolloutRef, name: string, body: object): Promise<void> {
  await client.patch(RESOURCES.deployments, namespace, name, { type: "merge", body }, { fieldManager: FIELD_MANAGER });
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ApiError) || error.status !== 404) throw error;
}

async function restore({ client, caches }: ChangesOptions, { namespace, name: rolloutName }: RolloutRef, { deployment: seen, version, isHeld }: Extract<DeploymentChange, { kind: "restore" }>): Promise<void> {
  const name = nameIn(seen.label);
  const deployment = parsed(caches, namespace, name);
  const template = rememberedTemplate(caches, deployment, version);
  if (!template) throw new Error(`expected a ReplicaSet of ${seen.label} that remembers the template of ${version}, got none: apply that template again`);
  const body: JsonPatchOperation[] = [
    { op: "test", path: "/metadata/resourceVersion", value: seen.resourceVersion },
    { op: "replace", path: "/spec/template", value: template },
    ...pauseOperations(seen.isPaused, isHeld),
    ...holdOperations(deployment.object.metadata.annotations, isHeld ? rolloutName : undefined),
  ];
  await client.patch(RESOURCES.deployments, namespace, name, { type: "json", body }, { fieldManager: FIELD_MANAGER });
}

function pauseOperations(isPaused: boolean, isHeld: boolean): readonly JsonPatchOperation[] {
  if (isPaused === isHeld) return [];
  return [isHeld ? { op: "add", path: "/spec/paused", value: true } : { op: "remove", path: "/spec/paused" }];
}

function holdOperations(annotations: KubernetesObject["metadata"]["annotations"], holder: string | undefined): readonly JsonPatchOperation[] {
  const path = `/metadata/annotations/${HELD_ANNOTATION.replaceAll("/", "~1")}`;
  const isThere = annotations?.[HELD_ANNOTATION] !== undefined;
  if (holder === undefined) return isThere ? [{ op: "remove", path }] : [];
  return [annotations ? { op: "add", path, value: holder } : { op: "add", path: "/metadata/annotations", value: { [HELD_ANNOTATION]: holder } }];
}

function rememberedTemplate({ replicaSets }: ChangesOptions["caches"], { object: { metadata } }: ParsedDeployment, version: string): Template | undefined {
  const owned = replicaSets.list(metadata.namespace ?? "").filter((set) => controllerOf(set.metadata)?.uid === metadata.uid);
  const template = owned.flatMap((set) => parseReplicaSet(set) ?? []).find((set) => versionOf(set.spec.template).version === version)?.spec.template;
  return template && withoutOurs(template);
}

function parsed({ deployments }: ChangesOptions["caches"], namespace: string, name: string): ParsedDeployment {
  const object = deployments.get(namespace, name);
  const deployment = object && parseDeployment(object);
  if (!deployment) throw new Conflict(`Deployment ${namespace}/${name} has gone since it was looked at`);
  return deployment;
}

/** Created once: another daemon may have been faster. */
async function makeCanary({ client, caches }: ChangesOptions, rollout: RolloutRef, { deployment, version, replicas }: Extract<DeploymentChange, { kind: "makeCanary" }>): Promise<void> {
  const original = parsed(caches, rollout.namespace, nameIn(deployment.label));
  if (versionOf(original.spec.template).version !== version) throw new Conflict(`${deployment.label} holds another template than ${version} by now`);
  await client.create(RESOURCES.deployments, rollout.namespace, canaryFor(rollout, original, replicas), { fieldManager: FIELD_MANAGER });
}

/** With every label that the Deployment's own pods have, and one more, by which its own selector tells them apart. No owner: a deletion in the foreground would take it away under traffic. */
function canaryFor({ name: rollout, namespace }: RolloutRef, { object, spec }: ParsedDeployment, replicas: number): KubernetesObject {
  const { version } = versionOf(spec.template);
  const hash = version.slice(version.lastIndexOf("-") + 1);
  const { paused: _, selector, template, ...rest } = spec;
  const labels = { ...template.metadata.labels, [CANARY_LABEL]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `${object.metadata.name.slice(0, LONGEST_NAME).replace(/[^a-z0-9]+$/, "")}-canary-${hash}`, namespace, labels: { [OWNER_LABEL]: rollout } },
    spec: {
      ...rest,
      replicas,
      revisionHistoryLimit: 0,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [CANARY_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
