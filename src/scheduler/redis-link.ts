/** The connections to Redis: they never block a start, fail at once while Redis is away, and come back by themselves. */
import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "../telemetry/logger.ts";
import type { Cancel, TimeSource } from "./time.ts";

export interface RedisLink {
  /** For commands: rejects at once while Redis is away. */
  readonly commands: Redis;
  /** For workers: waits as long as Redis is away, as BullMQ needs it. */
  readonly jobs: Redis;
  isReady(): boolean;
  /** Runs `build` when the client is first connected; once a second again where that fails. */
  whenReady(client: Redis, build: () => Promise<void>): void;
  close(): void;
}

export interface RedisLinkOptions {
  /** `redis://`, `rediss://`, or the path of a Unix socket. */
  readonly url: string;
  readonly time: TimeSource;
  readonly logger: Logger;
  readonly onState: (up: boolean) => void;
}

/** Everything of Weir's in Redis begins with this; the braces keep it in one slot of a Redis Cluster. */
export const PREFIX = "{weir}";

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that answers nothing for so long is taken for dead. */
const SILENCE_LIMIT_MS = 3_000;
const REBUILD_AFTER_MS = 1_000;

export function connectRedis({ url, time, logger, onState }: RedisLinkOptions): RedisLink {
  const commands = new Redis(url, { ...common, maxRetriesPerRequest: 1, enableOfflineQueue: false, socketTimeout: SILENCE_LIMIT_MS });
  const jobs = new Redis(url, { ...common, maxRetriesPerRequest: null });
  jobs.on("error", () => {}); // said once, by the other connection
  const retries = new Set<Cancel>();
  let closed = false;
  reportState(commands, logger, () => !closed, onState);
  const whenReady = (client: Redis, build: () => Promise<void>): void => {
    const attempt = () => {
      if (!closed) build().catch((error: unknown) => again(error));
    };
    const again = (error: unknown) => {
      logger.debug({ error }, "a queue could not be opened");
      if (closed) return;
      const cancel = time.after(REBUILD_AFTER_MS, () => {
        retries.delete(cancel);
        attempt();
      });
      retries.add(cancel);
    };
    if (client.status === "ready") attempt();
    else client.once("ready", attempt);
  };
  return {
    commands, jobs, whenReady,
    isReady: () => commands.status === "ready",
    close() {
      closed = true;
      for (const cancel of retries) cancel();
      commands.disconnect();
      jobs.disconnect();
    },
  };
}

const common = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  retryStrategy: (times: number) => Math.min(100 * 2 ** Math.min(times, 10), 2_000) + Math.random() * 200,
} satisfies RedisOptions;

/** One line per change of state, however often the client fails in between. */
function reportState(client: Redis, logger: Logger, isWanted: () => boolean, onState: (up: boolean) => void): void {
  let up: boolean | undefined;
  const become = (next: boolean, error?: unknown) => {
    if (next === up || !isWanted()) return;
    up = next;
    onState(next);
    if (next) logger.info({}, "Redis answers; ticks are shared with other daemons");
    else logger.warn({ error }, "Redis does not answer; this daemon keeps its own time until it does");
  };
  client.on("ready", () => become(true));
  client.on("error", (error: unknown) => become(false, error));
  client.on("close", () => become(false));
}
