/** Stands in for scheduler and kubelet on a control plane without machines: every pod gets a node and becomes ready, unless told otherwise. */
import { setTimeout as wait } from "node:timers/promises";
import { createApiRequest, RequestRefused, watchApi, type ApiAddress, type ApiObject, type ApiRequest } from "./api-request.ts";

export interface FakeKubelet {
  /** From now on pods with these labels become, or stay, unready. */
  holdUnready(labels: Readonly<Record<string, string>>): Promise<void>;
  /** Takes the above back: the pods become ready. */
  release(): Promise<void>;
  close(): Promise<void>;
}

const NODE = "fake-node";
const RETRY_MS = 100;

interface Pod extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly namespace: string; readonly labels?: Readonly<Record<string, string>>; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly name: string; readonly image: string }[] };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface State {
  readonly request: ApiRequest;
  readonly podIps: Map<string, string>;
  unready: Readonly<Record<string, string>> | undefined;
}

export async function startFakeKubelet(address: ApiAddress): Promise<FakeKubelet> {
  const state: State = { request: createApiRequest(address), podIps: new Map(), unready: undefined };
  await state.request("POST", "/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name: NODE } });
  const stopping = new AbortController();
  const watching = watchPods(address, state, stopping.signal);
  const hold = async (labels: State["unready"]): Promise<void> => {
    state.unready = labels;
    for (const pod of await listPods(state.request)) await serve(state, pod);
  };
  return {
    holdUnready: hold,
    release: () => hold(undefined),
    close: async () => {
      stopping.abort();
      await watching;
    },
  };
}

async function listPods(request: ApiRequest): Promise<readonly Pod[]> {
  return (await request<{ items: readonly Pod[] }>("GET", "/api/v1/pods")).items;
}

async function watchPods(address: ApiAddress, state: State, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await servePods(address, state, signal).catch(async (error: unknown) => {
      if (signal.aborted) return;
      if (error instanceof RequestRefused && error.status < 500) throw error;
      await wait(RETRY_MS); // the server is away
    });
  }
}

/** Until the server ends the watch. It begins with every pod that is there, since no resourceVersion is given. */
async function servePods(address: ApiAddress, state: State, signal: AbortSignal): Promise<void> {
  for await (const { type, object } of watchApi(address, "/api/v1/pods", signal)) {
    if (type === "ADDED" || type === "MODIFIED") await serve(state, object as Pod);
  }
}

/** One step nearer to what the pod should be; each step comes back as an event, which leads to the next one. */
async function serve(state: State, pod: Pod): Promise<void> {
  try {
    await nextRequest(state, pod);
  } catch (error) {
    // Gone, or moved on: its next event, if there is one, says what to do.
    if (!(error instanceof RequestRefused && [404, 409].includes(error.status))) throw error;
  }
}

async function nextRequest(state: State, pod: Pod): Promise<void> {
  const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
  if (pod.metadata.deletionTimestamp) {
    await state.request("DELETE", path, { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 });
  } else if (!pod.spec.nodeName) {
    await state.request("POST", `${path}/binding`, bindingOf(pod));
  } else if (isReady(pod) !== shouldBeReady(state, pod)) {
    await state.request("PATCH", `${path}/status`, { status: statusOf(state, pod) });
  }
}

function bindingOf({ metadata }: Pod): unknown {
  return { apiVersion: "v1", kind: "Binding", metadata: { name: metadata.name }, target: { apiVersion: "v1", kind: "Node", name: NODE } };
}

function isReady({ status }: Pod): boolean | undefined {
  const condition = status.conditions?.find(({ type }) => type === "Ready");
  return condition && condition.status === "True";
}

function shouldBeReady({ unready }: State, { metadata }: Pod): boolean {
  return !unready || !Object.entries(unready).every(([key, value]) => metadata.labels?.[key] === value);
}

function statusOf(state: State, pod: Pod): unknown {
  const ready = shouldBeReady(state, pod);
  const podIP = podIpOf(state, `${pod.metadata.namespace}/${pod.metadata.name}`);
  const now = new Date().toISOString();
  const conditions = ["Initialized", "PodScheduled", "ContainersReady", "Ready"].map((type) => ({
    type,
    status: ready || !type.endsWith("Ready") ? "True" : "False",
    lastTransitionTime: now,
  }));
  const containerStatuses = pod.spec.containers.map(({ name, image }) => ({
    name,
    image,
    imageID: image,
    ready,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: now } },
  }));
  return { phase: "Running", podIP, podIPs: [{ ip: podIP }], hostIP: "192.0.2.1", startTime: now, conditions, containerStatuses };
}

/** Of 10.1.0.0/16: EndpointSlices refuse loopback addresses. */
function podIpOf({ podIps }: State, pod: string): string {
  const next = podIps.size + 1;
  const ip = podIps.get(pod) ?? `10.1.${Math.floor(next / 250)}.${(next % 250) + 1}`;
  podIps.set(pod, ip);
  return ip;
}
