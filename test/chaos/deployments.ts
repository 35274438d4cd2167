/** Deliveries of Deployments that are updated in place: good images, bad ones, and some that a person aborts, on their way or while the Deployment itself rolls. */
import { isDeepStrictEqual } from "node:util";
import { HELD_ANNOTATION, HOLD_FINALIZER } from "../../src/rollout/rollout.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { Outcome } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { CANARY, paced, STABLE } from "../support/deliveries.ts";
import { aHeldApp, heldDeployment, heldSpec, installHeldApps } from "../support/held.ts";
import type { TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { brokenInDeployment } from "./deployment-laws.ts";
import type { Delivery } from "./delivery.ts";
import type { Fleet, Mode } from "./fleet.ts";
import { runOf } from "./laws.ts";
import { followTimeline, isReady, isOfCanary, labelsOf, type Pod, type Timeline, versionOf } from "./timeline.ts";
import { momentsSaid } from "./transcript.ts";
import { withPause } from "./versions.ts";

const LADDER = [50, 100];
const INTERVAL_SECONDS = 1;
const AT_ONCE = 5;
const LIMIT_MS = 200_000;

export const deployments: Mode = {
  name: "deployments",
  needsControllers: true,
  sizeOf: ({ groups = 1 }) => ({ deliveries: groups * AT_ONCE, atOnce: AT_ONCE }),
  spreadMs: 12_000,
  faultWithinMs: 25_000,
  abortWithinMs: 15_000,
  open: openDeployments,
};

/** In the order in which they are taken, again and again; `recalled`: aborted while the Deployment itself rolls. */
const KINDS = ["good", "bad", "recalled", "good", "aborted"] as const;

async function openDeployments(api: TestApi, size: number): Promise<Fleet> {
  const deliveries = Array.from({ length: size }, (_, index) => aDeliveryOf(KINDS[index % KINDS.length]!, index));
  const scene = await openScene(api, deliveries.map(({ app }) => app), { install: installHeldApps });
  const timeline = await followTimeline(api.address, scene.namespace);
  const show = { api, scene, timeline, before: new Map<string, readonly string[]>(), begunAtMs: new Map<string, number>() };
  return {
    scene: { ...scene, close: async () => void (await timeline.close(), await scene.close()) },
    deliveries,
    lives: {
      cameAtMs: scene.rollouts.cameAtMs,
      of: (name) => scene.rollouts.of(name).filter((version) => scene.rollouts.cameAtMs(version) >= (show.begunAtMs.get(name) ?? Infinity)),
    },
    rest: async (change) => void (await Promise.all(deliveries.map((delivery) => rest(show, delivery, change)))),
    begin: (delivery) => begin(show, delivery),
    owed: (delivery) => owed(show, delivery).catch((error: unknown) => [`${delivery.app.name}: ${String(error)}`]), // the server is away
    judge: ({ app: { name } }) => ({ broken: brokenInDeployment(timeline.of(name)).map((sentence) => `${name}: ${sentence}`), transcript: momentsSaid(timeline.of(name)) }),
  };
}

function aDeliveryOf(kind: (typeof KINDS)[number], index: number): Delivery {
  const app = aHeldApp(`${kind}-${index}`, LADDER);
  const change = { ...heldSpec(app), ...paced(app, INTERVAL_SECONDS) };
  if (kind === "good") return { app, change, expected: "Succeeded", isBad: false };
  if (kind === "bad") return { app, change, expected: "RolledBack", isBad: true };
  if (kind === "recalled") return { app, change, expected: "Aborted", orElse: "Succeeded", abortsAt: "roll", isBad: false };
  return { app, change: withPause(change), expected: "Aborted", abortsAt: "random", isBad: false };
}

interface Show {
  readonly api: TestApi;
  readonly scene: Scene;
  readonly timeline: Timeline;
  /** What people and git have written of each application, as it was before its run. */
  readonly before: Map<string, readonly string[]>;
  readonly begunAtMs: Map<string, number>;
}

interface Deployment extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly generation: number; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly paused?: boolean; readonly replicas: number };
  readonly status?: { readonly observedGeneration?: number; readonly updatedReplicas?: number; readonly availableReplicas?: number; readonly replicas?: number };
}

const APPS = "/apis/apps/v1";
const ISTIO = "/apis/networking.istio.io/v1";
/** Seconds that a new pod must have been ready before the next one is replaced: so that a roll can be met. */
const MIN_READY_SECONDS = 3;

/** The Rollout knows its Deployment, which serves at the first version. */
async function rest(show: Show, { app, change }: Delivery, more: Delivery["change"]): Promise<void> {
  const { api, scene } = show;
  await api.request("PATCH", pathOf(show, APPS, "deployments", app.name), { spec: { minReadySeconds: MIN_READY_SECONDS } });
  await until(async () => isRolled(await deploymentOf(show, app)), LIMIT_MS);
  await scene.deliver(app, { ...change, ...more });
  await scene.reached(app, ({ phase }) => phase === "Healthy");
  await scene.served(app);
  await until(async () => isDeepStrictEqual(await holdOf(show, app), atRest(show, app)), LIMIT_MS);
  show.before.set(app.name, await writtenOf(show, app));
}

function isRolled({ metadata, spec, status = {} }: Deployment): boolean {
  const { observedGeneration, updatedReplicas, availableReplicas, replicas } = status;
  return observedGeneration === metadata.generation && [updatedReplicas, availableReplicas, replicas].every((count) => count === spec.replicas);
}

/** As `kubectl set image` does it. */
async function begin(show: Show, { app }: Delivery): Promise<boolean> {
  const { template } = heldDeployment(app, CANARY)["spec"] as { readonly template: { readonly spec: { readonly containers: readonly object[] } } };
  show.begunAtMs.set(app.name, show.begunAtMs.get(app.name) ?? Date.now());
  const path = `${pathOf(show, APPS, "deployments", app.name)}?fieldManager=kubectl-set`;
  await show.api.request("PATCH", path, { spec: { template: { spec: { containers: template.spec.containers } } } });
  return true;
}

async function owed(show: Show, delivery: Delivery): Promise<readonly string[]> {
  const { app } = delivery;
  const rollout = show.scene.rollouts.of(app.name).at(-1)!;
  const { outcome } = runOf(rollout) ?? {};
  if (outcome === undefined) return [`${app.name}: expected its run to end`];
  const is: Left = { ...(await holdOf(show, app)), finalizers: rollout.metadata["finalizers"] ?? [], written: await writtenOf(show, app), pods: await podsOf(show, app) };
  const wanted = leftWith(show, delivery, outcome);
  return (Object.keys(wanted) as (keyof Left)[]).flatMap((what) => difference(app.name, what, is[what], wanted[what]));
}

function difference(name: string, what: string, is: unknown, wanted: unknown): readonly string[] {
  if (isDeepStrictEqual(is, wanted)) return [];
  const [got, expected] = [is, wanted].map((each, index) => JSON.stringify(Array.isArray(each) ? each.filter((one) => !([wanted, is][index] as unknown[]).includes(one)) : each));
  return [`${name}: expected its ${what} to be left as they were, with ${expected}, got ${got}`];
}

/** What each ending leaves: who succeeded serves; what was taken back waits in the Deployment, but for one that had begun to roll, whose template was written back. */
function leftWith(show: Show, { app, abortsAt }: Delivery, outcome: Outcome): Left {
  const [isDone, waits] = [outcome === "Succeeded", outcome !== "Succeeded" && abortsAt !== "roll"];
  const written = show.before.get(app.name)!.map((object) => object.replaceAll(app.image(STABLE), app.image(isDone || waits ? CANARY : STABLE)));
  const hold = waits ? { paused: true, heldBy: app.name } : atRest(show, app);
  return { ...hold, finalizers: hold.heldBy === undefined ? [] : [HOLD_FINALIZER], written, pods: Array.from({ length: REPLICAS }, () => (isDone ? CANARY : STABLE)) };
}

/** Of the example that they are made from. */
const REPLICAS = 4;

interface Hold {
  readonly paused: boolean;
  readonly heldBy: string | undefined;
}

interface Left extends Hold {
  readonly finalizers: unknown;
  readonly written: readonly string[];
  readonly pods: readonly string[];
}

/** Where the API server holds a new template by itself nothing of ours is there at rest; elsewhere the Deployment waits at rest, too. */
function atRest({ api }: Show, { name }: SampleApp): Hold {
  return api.name === "embedded" ? { paused: true, heldBy: name } : { paused: false, heldBy: undefined };
}

async function holdOf(show: Show, app: SampleApp): Promise<Hold> {
  const { spec, metadata } = await deploymentOf(show, app);
  return { paused: spec.paused ?? false, heldBy: metadata.annotations?.[HELD_ANNOTATION] };
}

function deploymentOf(show: Show, { name }: SampleApp): Promise<Deployment> {
  return show.api.request("GET", pathOf(show, APPS, "deployments", name));
}

function pathOf({ scene }: Show, group: string, plural: string, name = ""): string {
  return `${group}/namespaces/${scene.namespace}/${plural}${name && `/${name}`}`;
}

async function listed<T extends ApiObject>(show: Show, group: string, plural: string): Promise<readonly T[]> {
  return (await show.api.request<{ items: readonly T[] }>("GET", pathOf(show, group, plural))).items;
}

/** Every object of the application that people or git write, and of ours; what servers and controllers note in them, and the hold, left out. */
async function writtenOf(show: Show, { name }: SampleApp): Promise<readonly string[]> {
  const lists = await Promise.all([listed<Deployment>(show, APPS, "deployments"), listed<Deployment>(show, "/api/v1", "services"), listed<Deployment>(show, ISTIO, "destinationrules"), listed<Deployment>(show, ISTIO, "virtualservices")]);
  return lists.flatMap((items) => items.filter(({ metadata }) => metadata.name.includes(name)).map((object) => sortedJson(asWritten(object))));
}

function asWritten({ metadata, spec: { paused: _paused, ...spec } }: Deployment): object {
  const { "deployment.kubernetes.io/revision": _revision, [HELD_ANNOTATION]: _held, ...annotations } = metadata.annotations ?? {};
  return { name: metadata.name, labels: metadata["labels"], annotations, spec };
}

/** Versions of those that answer. */
async function podsOf(show: Show, { name }: SampleApp): Promise<readonly string[]> {
  const pods = await listed<Pod>(show, "/api/v1", "pods");
  return pods.filter((pod) => labelsOf(pod)["app"] === name && isReady(pod)).map((pod) => (isOfCanary(pod) ? `${versionOf(pod)} of a canary` : versionOf(pod))).sort();
}

/** Servers tell fields in any order. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1))) : part));
}

function isRecord(part: unknown): part is Record<string, unknown> {
  return typeof part === "object" && part !== null && !Array.isArray(part);
}
