/** What is done with Deployments, ReplicaSets and pods, and looked at, in the rows about controllers. */
import { expect } from "vitest";
import { until } from "../../support/until.ts";
import { JSON_PATCH, MERGE_PATCH, type Body, type Subject } from "./subject.ts";

/** Of either API: what stands in for its kubelets. */
export interface Kubelet {
  holdUnready(labels: Readonly<Record<string, string>>): unknown;
  release(): unknown;
}

/** The real controllers work a while after each other. */
const PATIENCE = { limitMs: 60_000, everyMs: 25 };

export async function eventually(condition: () => Promise<unknown>, explain: () => Promise<unknown>): Promise<void> {
  await until(condition, PATIENCE).catch(async (error: unknown) => {
    throw new Error(`${String(error)}; there is ${JSON.stringify(await explain())}`);
  });
}

export interface Pod {
  readonly metadata: Meta;
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly image: string }[] };
  readonly status: { readonly podIP?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[]; readonly containerStatuses?: readonly object[] };
}

export interface ReplicaSet {
  readonly metadata: Meta;
  readonly spec: { readonly replicas: number; readonly selector: object; readonly template: { readonly metadata: object; readonly spec: { readonly containers: readonly { readonly image: string }[] } } };
  readonly status: { readonly replicas: number; readonly readyReplicas?: number; readonly observedGeneration?: number };
}

export interface Meta {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly generation?: number;
  readonly ownerReferences?: readonly { readonly uid: string }[];
}

export interface Deployed {
  readonly metadata: Meta;
  readonly spec: object;
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly unavailableReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
  };
}

export const apps = ({ namespace }: Subject, plural: "deployments" | "replicasets"): string => `/apis/apps/v1/namespaces/${namespace}/${plural}`;
export const podsIn = ({ namespace }: Subject): string => `/api/v1/namespaces/${namespace}/pods`;

export const templateOf = (labels: object, version: string): object => ({ metadata: { labels }, spec: { containers: [{ name: "app", image: `registry.example/app:${version}` }] } });

/** `spec`: what it has beyond three replicas of version v1. */
export async function deploy(subject: Subject, name: string, spec: object = {}, labels: object = { app: name }): Promise<Body> {
  const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, labels }, spec: { replicas: 3, selector: { matchLabels: labels }, template: templateOf(labels, "v1"), ...spec } };
  const { status, body } = await subject.ask("POST", apps(subject, "deployments"), object);
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

export async function change(subject: Subject, name: string, spec: object): Promise<void> {
  const { status, body } = await subject.ask("PATCH", `${apps(subject, "deployments")}/${name}`, { spec }, MERGE_PATCH);
  expect(status, JSON.stringify(body)).toBe(200);
}

/** As `kubectl set image` does it. */
export async function setVersion(subject: Subject, name: string, version: string): Promise<void> {
  const image = [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: `registry.example/app:${version}` }];
  const { status, body } = await subject.ask("PATCH", `${apps(subject, "deployments")}/${name}`, image, JSON_PATCH);
  expect(status, JSON.stringify(body)).toBe(200);
}

export async function found(subject: Subject, name: string): Promise<Deployed> {
  return (await subject.ask("GET", `${apps(subject, "deployments")}/${name}`)).body as unknown as Deployed;
}

/** The oldest revision first. */
export async function setsOf(subject: Subject): Promise<readonly ReplicaSet[]> {
  const { items } = (await subject.ask("GET", apps(subject, "replicasets"))).body as unknown as { readonly items: readonly ReplicaSet[] };
  return items.toSorted((one, other) => revisionOf(one) - revisionOf(other));
}

export function revisionOf({ metadata }: { readonly metadata: Meta }): number {
  return Number(metadata.annotations?.["deployment.kubernetes.io/revision"]);
}

/** `VERSION: replicas` of each ReplicaSet. */
export async function sizes(subject: Subject): Promise<Readonly<Record<string, number>>> {
  return Object.fromEntries((await setsOf(subject)).map((set) => [versionOf(set.spec.template), set.spec.replicas]));
}

export function versionOf({ spec }: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }): string {
  return spec.containers[0]!.image.split(":")[1]!;
}

/** Without those that are going. */
export async function podsOf(subject: Subject): Promise<readonly Pod[]> {
  const { items } = (await subject.ask("GET", podsIn(subject))).body as unknown as { readonly items: readonly Pod[] };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

export function isReady({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && (status.conditions ?? []).some(({ type, status: value }) => type === "Ready" && value === "True");
}

export function isObserved({ metadata, status }: { readonly metadata: Meta; readonly status: { readonly observedGeneration?: number } }): boolean {
  return status.observedGeneration === metadata.generation;
}

/** That its status fits, and is about its present spec. */
export async function reached(subject: Subject, name: string, fits: (deployed: Deployed) => boolean): Promise<Deployed> {
  let last: Deployed | undefined;
  const isReached = async (): Promise<boolean> => {
    last = await found(subject, name);
    return isObserved(last) && fits(last);
  };
  await eventually(isReached, async () => [fits.toString(), last?.status, await sizes(subject)]);
  return last!;
}

/** With all pods of the last template, and nothing else left. */
export function rolledOut(subject: Subject, name: string, replicas = 3): Promise<Deployed> {
  return reached(subject, name, ({ status }) => [status.replicas, status.updatedReplicas, status.availableReplicas].every((count) => (count ?? 0) === replicas) && reasonOf(status) === "NewReplicaSetAvailable");
}

export function reasonOf({ conditions = [] }: Deployed["status"]): string | undefined {
  return conditions.find(({ type }) => type === "Progressing")?.reason;
}

/** `TYPE: [status, reason, message]` */
export function conditionsOf({ status: { conditions = [] } }: Deployed): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(conditions.map(({ type, status, reason, message }) => [type, [status, reason, message]]));
}

/** Without conditions. */
export function countsOf({ status }: Deployed): object {
  return Object.fromEntries(Object.entries(status).filter(([field]) => field !== "conditions"));
}

/** Calls `look` with all objects that there are after each event of a watch; what it throws is thrown when it is ended. */
export async function watching<Kind extends { readonly metadata: Meta }>(subject: Subject, path: string, look: (objects: readonly Kind[]) => void): Promise<() => Promise<void>> {
  const listed = (await subject.ask("GET", path)).body as unknown as { readonly metadata: { readonly resourceVersion: string }; readonly items: readonly Kind[] };
  const objects = new Map(listed.items.map((object) => [object.metadata.uid, object]));
  const stop = new AbortController();
  const follow = async (): Promise<void> => {
    for await (const { type, object } of subject.watch(`${path}?resourceVersion=${listed.metadata.resourceVersion}`, stop.signal)) {
      const seen = object as unknown as Kind;
      if (type === "DELETED") objects.delete(seen.metadata.uid);
      else objects.set(seen.metadata.uid, seen);
      look([...objects.values()]);
    }
  };
  const following = follow().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  following.catch(() => undefined); // told when it is ended
  return async () => {
    stop.abort();
    await following;
  };
}
