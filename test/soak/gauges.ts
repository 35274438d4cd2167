/** What a daemon holds: memory after garbage collection, handles, open files; and what is left in Redis. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import type { Child } from "../../src/playground/processes/child-process.ts";
import type { RedisServer } from "../../src/playground/processes/redis.ts";
import { until } from "../support/until.ts";
import type { Sample } from "./slope.ts";

/** `code`: what V8 has compiled, which grows for as long as it learns which functions are hot, and is bounded by the program. */
export const GAUGES = ["heapUsed", "code", "external", "rss", "handles", "files", "redisKeys", "redisMemory"] as const;
export type Gauge = (typeof GAUGES)[number];
export type Gauged = Readonly<Record<Gauge, number>>;

const PROBE = fileURLToPath(new URL("probe.mjs", import.meta.url));
const ANSWER_LIMIT_MS = 30_000;

/** For the environment of a daemon that is to be gauged. */
export function probeEnvironment(file: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${PROBE}`, SOAK_GAUGES: file };
}

/** Undefined where it does not answer in time. */
export async function gauge(daemon: Child, file: string, redis: RedisServer): Promise<Gauged | undefined> {
  rmSync(file, { force: true });
  daemon.signal("SIGUSR2");
  try {
    await until(() => existsSync(file), ANSWER_LIMIT_MS);
    const told = JSON.parse(readFileSync(file, "utf8")) as Pick<Gauged, "heapUsed" | "code" | "external" | "rss" | "handles">;
    return { ...told, files: readdirSync(`/proc/${daemon.pid}/fd`).length, ...(await redisGauges(redis)) };
  } catch {
    return undefined;
  }
}

async function redisGauges({ url }: RedisServer): Promise<Pick<Gauged, "redisKeys" | "redisMemory">> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const memory = /^used_memory:(\d+)/m.exec(await client.info("memory"))?.[1];
    return { redisKeys: await client.dbsize(), redisMemory: Number(memory) };
  } finally {
    client.disconnect();
  }
}

export interface Series {
  add(atMs: number, gauged: Gauged): void;
  of(gauge: Gauge): readonly Sample[];
}

export function createSeries(): Series {
  const all: { readonly atMs: number; readonly gauged: Gauged }[] = [];
  return {
    add: (atMs, gauged) => void all.push({ atMs, gauged }),
    of: (name) => all.map(({ atMs, gauged }) => ({ atMs, value: gauged[name] })),
  };
}
