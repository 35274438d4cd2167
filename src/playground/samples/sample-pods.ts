/** Sample applications: a small HTTP server for each pod, whose error rate and latency can be turned while it runs. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Asked } from "../load.ts";
import { listenOnLoopback, type LoopbackServer } from "../loopback.ts";
import type { Endpoint } from "../mesh/endpoint.ts";
import { callEnded, isCall } from "../mesh/grpc.ts";
import type { VersionCounts } from "../mesh/tally.ts";
import { processClock } from "../process-clock.ts";
import { createNamedRandom, normalFrom, type Random } from "../random.ts";
import { createCalls } from "./calls.ts";

export interface Behaviour {
  /** Share of requests that are answered 500, and of calls by gRPC that end with INTERNAL: 0 to 1. */
  readonly errorRate: number;
  /** Median time to answer, 0 to 60,000; single answers scatter around it. */
  readonly latencyMs: number;
}

/** A pod as Kubernetes knows it; labels `app` and `version` say what it runs. */
export type SamplePod = Omit<Endpoint, "port">;

export interface SamplePods {
  /** Starts the pod's server. */
  run(pod: SamplePod): Promise<void>;
  /** Ends the pod's server; a pod that is not there is no trouble. */
  end(namespace: string, pod: string): Promise<void>;
  /** The pods that run, for the mesh. */
  endpoints(): readonly Endpoint[];
  /** Changes how every pod of a version behaves, those still to come included; what is not given stays. Throws a RangeError out of bounds. */
  turn(app: string, version: string, change: Partial<Behaviour>): Behaviour;
  /** From now on each pod of an application asks somebody else before it answers, and fails where that fails; its answers say which version was asked (`x-called`). */
  callOn(app: string, askedBy: (pod: SamplePod) => Asked): void;
  /** What was answered whom it calls on, by the version that called. */
  called(app: string): Readonly<Record<string, VersionCounts>>;
  /** By `app/version`, of every version that runs or was turned. */
  behaviours(): Readonly<Record<string, Behaviour>>;
  close(): Promise<void>;
}

interface Version {
  behaviour: Behaviour;
  readonly random: Random;
}

const healthy: Behaviour = { errorRate: 0, latencyMs: 8 };
const scatter = 0.3;

export function createSamplePods({ seed }: { readonly seed: number }): SamplePods {
  const versions = new Map<string, Version>();
  const running = new Map<string, Endpoint & { readonly server: LoopbackServer }>();
  const versionOf = (app: string, version: string) => kept(versions, `${app}/${version}`, seed);
  const calls = createCalls();
  return {
    run: async (pod) => {
      const version = versionOf(pod.labels.app ?? "", pod.labels.version ?? "");
      const server = await listenOnLoopback((request, response) => void answer({ pod, version, call: () => calls.from(pod) }, request, response));
      running.set(`${pod.namespace}/${pod.pod}`, { ...pod, port: server.port, server });
    },
    end: async (namespace, pod) => {
      const ended = running.get(`${namespace}/${pod}`);
      running.delete(`${namespace}/${pod}`);
      await ended?.server.close();
    },
    endpoints: () => [...running.values()],
    turn: (app, version, change) => {
      const turned = versionOf(app, version);
      turned.behaviour = within({ ...turned.behaviour, ...change });
      return turned.behaviour;
    },
    callOn: calls.add,
    called: calls.counts,
    behaviours: () => Object.fromEntries([...versions].map(([name, { behaviour }]) => [name, behaviour])),
    close: async () => {
      await Promise.all([...running.values()].map(({ server }) => server.close()));
      running.clear();
      calls.close();
    },
  };
}

function kept(versions: Map<string, Version>, name: string, seed: number): Version {
  const version = versions.get(name) ?? { behaviour: healthy, random: createNamedRandom(seed, name) };
  versions.set(name, version);
  return version;
}

function within(behaviour: Behaviour): Behaviour {
  const { errorRate, latencyMs } = behaviour;
  if (!(errorRate >= 0 && errorRate <= 1)) throw new RangeError(`expected an error rate from 0 to 1, got ${errorRate}`);
  if (!(latencyMs >= 0 && latencyMs <= 60_000)) throw new RangeError(`expected a latency from 0 to 60000 ms, got ${latencyMs}`);
  return behaviour;
}

/** An application has cookies of its own. */
function welcome({ headers: { cookie = "" } }: IncomingMessage): { readonly "set-cookie"?: string } {
  return /(^|; )visitor=/.test(cookie) ? {} : { "set-cookie": "visitor=known; Path=/" };
}

interface Served {
  readonly pod: SamplePod;
  readonly version: Version;
  /** Asks whom it calls, if it calls somebody: `v1 200`. */
  readonly call: () => Promise<string | undefined>;
}

async function answer({ pod, version: { behaviour, random }, call }: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const failed = random() < behaviour.errorRate;
  const delayMs = behaviour.latencyMs * Math.exp(scatter * normalFrom(random));
  request.resume();
  await processClock.wait(delayMs);
  const { app, version } = pod.labels;
  if (isCall(request.headers)) return void response.writeHead(200, { ...callEnded(failed), "x-version": version ?? "" }).end();
  const [called, code] = (await call())?.split(" ") ?? [];
  const error = failed ? "this version was turned bad" : code === undefined || code === "200" ? undefined : `whom it called answered ${code}`;
  const body = error === undefined ? { app, version, pod: pod.pod } : { app, version, pod: pod.pod, error };
  response.writeHead(error === undefined ? 200 : 500, { "content-type": "application/json", "x-version": version ?? "", ...(called === undefined ? {} : { "x-called": called }), ...welcome(request) });
  response.end(`${JSON.stringify(body)}\n`);
}
