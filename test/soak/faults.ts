/** What goes wrong during a soak, one thing after the other, each for a while. */
import { Redis } from "ioredis";
import type { Random } from "../../src/playground/random.ts";
import type { Fleet } from "./fleet.ts";
import type { Harm, Passing } from "./gate.ts";

/** A daemon that may be ended and started again at any time. */
export interface RestlessDaemon {
  restart(how: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Stopped in its tracks, as by a virtual machine that is moved. */
  freeze(forMs: number): Promise<void>;
}

export interface FaultOptions {
  readonly fleet: Fleet;
  readonly daemon: RestlessDaemon;
  readonly random: Random;
  /** Rejects when the faults shall end. */
  readonly pause: (ms: number) => Promise<void>;
  /** Between two faults. */
  readonly gapMs: number;
  readonly onFault: (name: string) => void;
}

interface Fault {
  readonly name: string;
  readonly happen: (options: FaultOptions) => Promise<void>;
}

const PROMETHEUS_ERROR: Harm = { kind: "answer", status: 500, body: JSON.stringify({ status: "error", errorType: "internal", error: "a fault of the soak" }) };
const LOGIN_PAGE: Harm = { kind: "answer", status: 200, body: "<html>please log in</html>", contentType: "text/html" };
const NOT_A_NUMBER: Harm = { kind: "answer", status: 200, body: JSON.stringify({ status: "success", data: { resultType: "vector", result: [] } }) };

const FAULTS: readonly Fault[] = [
  { name: "daemon killed", happen: ({ daemon }) => daemon.restart("SIGKILL") },
  { name: "Redis emptied", happen: async ({ fleet }) => flush(fleet.redis.url) },
  { name: "Prometheus answers 500", happen: (it) => prometheus(it, 6_000, () => PROMETHEUS_ERROR) },
  { name: "API server answers 500", happen: (it) => apiServer(it, 4_000, (passing) => (it.random() < 0.5 ? refusal(passing, 500, "InternalError") : undefined)) },
  { name: "daemon restarted", happen: ({ daemon }) => daemon.restart("SIGTERM") },
  { name: "Redis restarted empty", happen: restartRedis },
  { name: "Prometheus answers nothing", happen: (it) => prometheus(it, 6_000, () => ({ kind: "silence" })) },
  { name: "API server answers 429", happen: (it) => apiServer(it, 4_000, (passing) => (it.random() < 0.5 ? refusal(passing, 429, "TooManyRequests") : undefined)) },
  { name: "all watches cut", happen: async ({ fleet }) => fleet.apiGate.cutAll() },
  { name: "daemon frozen", happen: ({ daemon }) => daemon.freeze(8_000) },
  { name: "answers to writes lost", happen: (it) => apiServer(it, 4_000, ({ method }) => (method !== "GET" && it.random() < 0.3 ? { kind: "cut", when: "after" } : undefined)) },
  { name: "Redis hangs", happen: hangRedis },
  { name: "Prometheus shows a login page", happen: (it) => prometheus(it, 6_000, () => LOGIN_PAGE) },
  { name: "Prometheus knows nothing", happen: (it) => prometheus(it, 6_000, () => NOT_A_NUMBER) },
];

/** In the order of the list, again and again, until `pause` rejects; what is wrong then is put right. */
export async function runFaults(options: FaultOptions): Promise<void> {
  const { pause, gapMs, random, onFault } = options;
  for (let index = 0; ; index = (index + 1) % FAULTS.length) {
    const fault = FAULTS[index]!;
    try {
      await pause(gapMs * (0.5 + random()));
    } catch {
      return;
    }
    onFault(fault.name);
    await fault.happen(options);
  }
}

async function prometheus({ fleet, pause }: FaultOptions, forMs: number, rule: () => Harm): Promise<void> {
  fleet.prometheusGate.harm(rule);
  await pause(forMs).catch(() => undefined);
  fleet.prometheusGate.harm(undefined);
}

async function apiServer({ fleet, pause }: FaultOptions, forMs: number, rule: (passing: Passing) => Harm | undefined): Promise<void> {
  fleet.apiGate.harm(rule);
  await pause(forMs).catch(() => undefined);
  fleet.apiGate.harm(undefined);
}

function refusal({ method, path }: Passing, code: number, reason: string): Harm {
  const message = `a fault of the soak: ${method} ${path}`;
  return { kind: "answer", status: code, body: JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code }) };
}

async function flush(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => undefined);
  await client.connect().then(() => client.flushall(), () => undefined);
  client.disconnect();
}

async function restartRedis({ fleet, pause }: FaultOptions): Promise<void> {
  await fleet.redis.stop();
  await pause(3_000).catch(() => undefined);
  await fleet.redis.start();
}

async function hangRedis({ fleet, pause }: FaultOptions): Promise<void> {
  fleet.redis.pause();
  await pause(5_000).catch(() => undefined);
  fleet.redis.resume();
}
