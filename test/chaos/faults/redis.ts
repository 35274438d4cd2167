/** Faults of Redis: it only spreads the looking over daemons, so nothing may depend on it. */
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import type { RedisServer } from "../../../src/playground/processes/redis.ts";
import { INTERVAL_MS, type Fault, type Stage } from "../fault.ts";
import { openSlowLink } from "../slow-link.ts";

const LASTING_MS = 8 * INTERVAL_MS;

function redisFault(name: string, inflict: (redis: RedisServer, stage: Stage) => Promise<void>): Fault {
  return {
    part: "Redis",
    name,
    mustHold: "runs go on all the while",
    deliveries: 8,
    normalFrom: "its start",
    prepare: async (stage) => ({ inflict: () => inflict(stage.scene.redis, stage) }),
  };
}

/** Settles when it is done; the connection is the command's own. */
async function commanded(redis: RedisServer, command: string, ...args: readonly string[]): Promise<void> {
  const client = new Redis(redis.url);
  try {
    await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}

const killed = redisFault("kill -9, and it does not come back while the runs go on", async (redis, { isOver }) => {
  await redis.kill();
  while (!isOver()) await wait(INTERVAL_MS / 4);
});

const restarted = redisFault("kill -9 and back, empty, three times", async (redis, { random }) => {
  for (let times = 0; times < 3; times++) {
    await redis.kill();
    await wait(random() * 2_000);
    await redis.start();
    await wait(random() * 3_000);
  }
});

const flushed = redisFault("FLUSHALL at random instants, ten times", async (redis, { random }) => {
  for (let times = 0; times < 10; times++) {
    await commanded(redis, "FLUSHALL");
    await wait(random() * INTERVAL_MS);
  }
});

const readOnly = redisFault("read-only: it takes itself for the replica of a server that is not there", async (redis) => {
  await commanded(redis, "REPLICAOF", "127.0.0.1", "1");
  await wait(LASTING_MS);
  await commanded(redis, "REPLICAOF", "NO", "ONE");
});

const outOfMemory = redisFault("out of memory", async (redis) => {
  await commanded(redis, "CONFIG", "SET", "maxmemory", "1");
  await wait(LASTING_MS);
  await commanded(redis, "CONFIG", "SET", "maxmemory", "0");
});

const hanging = redisFault("hanging: it keeps its connections and answers nothing (SIGSTOP)", async (redis) => {
  redis.pause();
  await wait(LASTING_MS);
  redis.resume();
});

const slow: Fault = {
  ...redisFault("slow: each answer takes 0.1 to 0.9 s", async () => undefined),
  prepare: async ({ scene, random }) => {
    const link = await openSlowLink(scene.redis.port);
    return {
      daemon: { redisUrl: `redis://127.0.0.1:${link.port}` },
      inflict: async () => {
        link.delay(() => 50 + random() * 400); // there and back
        await wait(LASTING_MS);
        link.delay(() => 0);
      },
      close: link.close,
    };
  },
};

export const redisFaults: readonly Fault[] = [killed, restarted, flushed, readOnly, outOfMemory, hanging, slow];
