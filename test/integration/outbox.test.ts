/** The outbox on a real Redis: at least once, in order, whatever happens to Redis or to a daemon. */
import { afterEach, describe, expect, it } from "vitest";
import { Redis } from "ioredis";
import { DeliveryError } from "../../src/notify/notifier.ts";
import { startRedis, type RedisServer } from "../../src/playground/processes/redis.ts";
import type { Notice } from "../../src/rollout/notice.ts";
import type { RolloutStatus, Notified } from "../../src/rollout/status.ts";
import type { ValidRollout } from "../../src/rollout/rollout.ts";
import type { Notification } from "../../src/rollout/spec.ts";
import { createOutbox } from "../../src/scheduler/outbox.ts";
import { connectRedis } from "../../src/scheduler/redis-link.ts";
import { systemTime } from "../../src/scheduler/time.ts";
import { createKeptLog } from "../support/fake-scheduling.ts";
import { aNotice } from "../support/notices.ts";
import { until } from "../support/until.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function aRedis(): Promise<RedisServer> {
  const redis = await startRedis();
  closing.push(() => redis.close());
  return redis;
}

const deploys: Notification = { slack: { channel: "#deploys" }, events: ["Started"] };
const target = "slack/#deploys";

/** What people got, from all daemons. */
type Delivery = (notice: Notice, previous: string | undefined) => Promise<void>;

async function anOutbox(url: string, onDelivery: Delivery, { waitForRedis = true } = {}) {
  const logger = createKeptLog();
  const told: string[] = [];
  const link = connectRedis({ url, time: systemTime, logger, onState: () => {} });
  const outbox = createOutbox({
    redis: link, logger, random: () => 0,
    metrics: { notification: () => {} },
    onDelivered: ({ name }) => told.push(name),
    notifierFor: () => ({
      async deliver(notice, previous) {
        await onDelivery(notice, previous);
        return { message: `C1/${notice.seq}` };
      },
    }),
  });
  outbox.start();
  const close = async () => {
    await outbox.close();
    link.close();
  };
  closing.push(close);
  if (waitForRedis) await until(outbox.isShared);
  return { outbox, told, close };
}

function aRollout(notified: readonly Notified[] = []): ValidRollout {
  return { metadata: { uid: "uid-reviews" }, status: { run: { number: 7, notified } } as unknown as RolloutStatus } as unknown as ValidRollout;
}

const seqsOf = (notices: readonly Notice[]) => notices.map(({ seq }) => seq);

describe("the outbox", () => {
  it("delivers each notice once and in order, however often it is added and by whichever daemon", async () => {
    const redis = await aRedis();
    const got: Notice[] = [];
    const previous: (string | undefined)[] = [];
    const record: Delivery = async (notice, message) => { got.push(notice); previous.push(message); };
    const daemons = [await anOutbox(redis.url, record), await anOutbox(redis.url, record)];
    for (const seq of [1, 2, 3, 4]) for (const { outbox } of [...daemons, ...daemons]) await outbox.add(aNotice({ seq }), target, deploys);
    await until(() => got.length >= 4);
    for (const { outbox } of daemons) await until(async () => (await outbox.delivered(aRollout(), 7))[0]?.seq === 4);
    for (const { outbox } of daemons) await outbox.add(aNotice({ seq: 4 }), target, deploys);
    expect(seqsOf(got)).toEqual([1, 2, 3, 4]);
    expect(previous).toEqual([undefined, "C1/1", "C1/2", "C1/3"]);
    expect(daemons.flatMap(({ told }) => told)).toHaveLength(4);
  });

  it("lets a target that fails wait without holding up another", async () => {
    const redis = await aRedis();
    const got: Notice[] = [];
    let broken = true;
    const { outbox } = await anOutbox(redis.url, async (notice) => {
      if (notice.run === 7 && broken) throw new DeliveryError("in trouble", 50);
      got.push(notice);
    });
    for (const seq of [1, 2]) await outbox.add(aNotice({ seq }), target, deploys);
    await outbox.add(aNotice({ run: 8 }), target, deploys);
    await until(() => got.length === 1);
    await until(async () => (await outbox.delivered(aRollout(), 7))[0]?.failing);
    expect(await outbox.delivered(aRollout(), 7)).toEqual([{ target, seq: 0, event: "Started", failing: "in trouble" }]);
    broken = false;
    await until(() => got.length === 3);
    expect(seqsOf(got.slice(1))).toEqual([1, 2]);
    expect(await outbox.delivered(aRollout(), 7)).toMatchObject([{ seq: 2, message: "C1/2" }]);
  });

  it("gives up after eight attempts, and the next notice begins with eight of its own", async () => {
    const redis = await aRedis();
    const attempts: number[] = [];
    const { outbox } = await anOutbox(redis.url, async ({ seq }) => {
      attempts.push(seq);
      throw new DeliveryError("in trouble", 1);
    });
    for (const seq of [1, 2]) await outbox.add(aNotice({ seq }), target, deploys);
    await until(async () => (await outbox.delivered(aRollout(), 7))[0]?.seq === 2, 20_000);
    expect([attempts.filter((seq) => seq === 1).length, attempts.filter((seq) => seq === 2).length]).toEqual([8, 8]);
  });

  it("goes on where a daemon died: another one delivers what it owed and edits the same message", async () => {
    const redis = await aRedis();
    const got: [number, string | undefined][] = [];
    let broken = false;
    const first = await anOutbox(redis.url, async ({ seq }, message) => {
      if (broken) throw new DeliveryError("in trouble", 100);
      got.push([seq, message]);
    });
    await first.outbox.add(aNotice({ seq: 1 }), target, deploys);
    await until(() => got.length === 1);
    broken = true;
    await first.outbox.add(aNotice({ seq: 2 }), target, deploys);
    await first.close();
    await anOutbox(redis.url, async ({ seq }, message) => void got.push([seq, message]));
    await until(() => got.length === 2);
    expect(got).toEqual([[1, undefined], [2, "C1/1"]]);
  });

  it("delivers without any Redis, with retries, and says at once what was delivered", async () => {
    const got: Notice[] = [];
    let refusals = 2;
    const { outbox, told } = await anOutbox("redis://127.0.0.1:1", async (notice) => {
      if (refusals-- > 0) throw new DeliveryError("in trouble", 20);
      got.push(notice);
    }, { waitForRedis: false });
    for (const seq of [1, 2]) await outbox.add(aNotice({ seq }), target, deploys);
    await until(() => got.length === 2);
    expect(seqsOf(got)).toEqual([1, 2]);
    expect(await outbox.delivered(aRollout(), 7)).toMatchObject([{ target, seq: 2, message: "C1/2" }]);
    expect(told.length).toBeGreaterThanOrEqual(2);
  });

  it("delivers from memory while Redis is stopped in its tracks, and answers within its bound", async () => {
    const redis = await aRedis();
    const got: Notice[] = [];
    const { outbox } = await anOutbox(redis.url, async (notice) => void got.push(notice));
    await outbox.add(aNotice({ seq: 1 }), target, deploys);
    await until(() => got.length === 1);
    redis.pause();
    await outbox.add(aNotice({ seq: 2 }), target, deploys);
    await until(() => got.length === 2);
    const atMs = Date.now();
    expect(await outbox.delivered(aRollout(), 7)).toMatchObject([{ seq: 2 }]);
    expect(Date.now() - atMs).toBeLessThan(1_000);
    redis.resume();
  });

  it("goes on with the run's message from status, where Redis forgot everything and the daemon is new", async () => {
    const redis = await aRedis();
    const got: [number, string | undefined][] = [];
    const { outbox } = await anOutbox(redis.url, async ({ seq }, message) => void got.push([seq, message]));
    const notified: Notified = { target, seq: 4, event: "StepReached", message: "C1/old" };
    expect(await outbox.delivered(aRollout([notified]), 7)).toEqual([notified]);
    for (const seq of [4, 5]) await outbox.add(aNotice({ seq }), target, deploys);
    await until(() => got.length === 1);
    expect(got).toEqual([[5, "C1/old"]]);
  });

  it("delivers again what Redis lost once it is added again", async () => {
    const redis = await aRedis();
    const got: Notice[] = [];
    let broken = true;
    const { outbox } = await anOutbox(redis.url, async (notice) => {
      if (broken) throw new DeliveryError("in trouble", 60_000);
      got.push(notice);
    });
    await outbox.add(aNotice({ seq: 1 }), target, deploys);
    const client = new Redis(redis.url);
    closing.push(async () => client.disconnect());
    await until(async () => (await client.zcard("{weir}:notify:delayed")) === 1);
    await client.flushall();
    broken = false;
    await outbox.add(aNotice({ seq: 1 }), target, deploys);
    await until(() => got.length === 1);
  });

  it("leaves nothing in Redis but what it may need again, for seven days", async () => {
    const redis = await aRedis();
    const got: Notice[] = [];
    const { outbox } = await anOutbox(redis.url, async (notice) => void got.push(notice));
    await outbox.add(aNotice({ seq: 1 }), target, deploys);
    await until(() => got.length === 1);
    const client = new Redis(redis.url);
    closing.push(async () => client.disconnect());
    await until(async () => (await client.keys("{weir}:notify:?*")).every((key) => !/:\d+$|:de:/.test(key)));
    await until(async () => (await client.exists("{weir}:owed:uid-reviews:7")) === 0);
    expect(await client.ttl("{weir}:notified:uid-reviews:7")).toBeGreaterThan(6 * 24 * 3_600);
  });
});
