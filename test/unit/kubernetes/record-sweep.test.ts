/** Records of runs go when they are too old, or too many; a sweep reads pages, and is in nobody's way. */
import { describe, expect, test } from "vitest";
import type { KubernetesObject, ListOptions } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { createRecordSweep } from "../../../src/kubernetes/record-sweep.ts";
import { createFakeTime, settled } from "../../support/fake-time.ts";
import { createSilentLog } from "../../support/silent-log.ts";

const DAY_MS = 24 * 3_600_000;
const START_MS = Date.parse("2026-01-01T00:00:00Z");

function aRecord(rollout: string, number: number, ageDays: number, namespace = "shop"): KubernetesObject {
  const creationTimestamp = new Date(START_MS - ageDays * DAY_MS).toISOString().replace(".000Z", "Z");
  return { metadata: { namespace, name: `${rollout}-0f8fad5b-${number}`, labels: { "weir.dev/rollout": rollout }, creationTimestamp } };
}

/** A server that gives out pages, and loses what is deleted. */
function aServer(records: readonly KubernetesObject[]) {
  let kept = [...records];
  const lists: (ListOptions & { readonly namespace: string | undefined })[] = [];
  const client = {
    async list(_resource: unknown, namespace: string | undefined, options: ListOptions = {}) {
      lists.push({ ...options, namespace });
      const from = Number(options.continue ?? 0);
      const to = from + (options.limit ?? kept.length);
      return { metadata: { resourceVersion: "1", ...(to < kept.length && { continue: String(to) }) }, items: kept.slice(from, to) };
    },
    async delete(_resource: unknown, namespace: string | undefined, name: string) {
      const isThere = kept.some(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
      if (!isThere) throw new ApiError(`delete /x: 404 rolloutruns.weir.dev "${name}" not found`, 404, "NotFound");
      kept = kept.filter(({ metadata }) => metadata.name !== name || metadata.namespace !== namespace);
    },
  };
  return { client, lists, names: () => kept.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`), add: (record: KubernetesObject) => void kept.push(record) };
}

function aSweep(server: Pick<ReturnType<typeof aServer>, "client">, { ttlDays = 90, limit = 100, namespace }: { ttlDays?: number; limit?: number; namespace?: string } = {}) {
  const time = createFakeTime(START_MS);
  const logger = createSilentLog();
  return { time, logger, sweep: createRecordSweep({ client: server.client, namespace, ttlMs: ttlDays * DAY_MS, limit, logger, time }) };
}

describe("a sweep", () => {
  test("deletes what is too old", async () => {
    const server = aServer([aRecord("reviews", 1, 91), aRecord("reviews", 2, 90), aRecord("ratings", 1, 200)]);
    const { sweep, time, logger } = aSweep(server);
    sweep.start();
    await time.advance(0);
    expect(server.names()).toEqual(["shop/reviews-0f8fad5b-2"]);
    expect(logger.lines).toEqual([{ level: "info", fields: { count: 2 }, message: "old records of runs were deleted" }]);
  });

  test("deletes the oldest where a Rollout has too many, and counts each Rollout of each namespace by itself", async () => {
    const server = aServer([...[9, 10, 11].map((number) => aRecord("reviews", number, 1)), aRecord("reviews", 1, 0), aRecord("reviews", 1, 5, "other"), aRecord("ratings", 1, 5)]);
    const { sweep, time } = aSweep(server, { limit: 2 });
    sweep.start();
    await time.advance(0);
    expect(server.names()).toEqual(["shop/reviews-0f8fad5b-11", "shop/reviews-0f8fad5b-1", "other/reviews-0f8fad5b-1", "shop/ratings-0f8fad5b-1"]);
  });

  test("reads page by page, in the daemon's namespace alone, and again a day later", async () => {
    const server = aServer(Array.from({ length: 250 }, (_, index) => aRecord("reviews", index, 0)));
    const { sweep, time } = aSweep(server, { namespace: "shop", limit: 1_000 });
    sweep.start();
    await time.advance(DAY_MS - 1);
    expect(server.lists).toEqual([{ limit: 100, namespace: "shop" }, { limit: 100, continue: "100", namespace: "shop" }, { limit: 100, continue: "200", namespace: "shop" }]);
    await time.advance(1);
    expect(server.lists).toHaveLength(6);
    sweep.stop();
    await time.advance(10 * DAY_MS);
    expect(server.lists).toHaveLength(6);
    expect(time.pending()).toBe(0);
  });

  test("beside another daemon's is harmless", async () => {
    const server = aServer(Array.from({ length: 50 }, (_, index) => aRecord("reviews", index, 100 - index)));
    const [one, other] = [aSweep(server), aSweep(server)];
    one.sweep.start();
    other.sweep.start();
    for (let turn = 0; turn < 5; turn++) await settled();
    expect(server.names()).toHaveLength(40);
    expect([...one.logger.lines, ...other.logger.lines].filter(({ level }) => level !== "info")).toEqual([]);
  });

  test.each([
    ["there is no CRD", 404],
    ["it is forbidden", 403],
    ["the server is out of order", 503],
  ])("says so once where %s, and tries again a day later", async (_, status) => {
    let lists = 0;
    const list = async () => {
      lists++;
      throw new ApiError(`list /x: ${status}`, status, "x");
    };
    const { sweep, time, logger } = aSweep({ client: { ...aServer([]).client, list } });
    sweep.start();
    await time.advance(DAY_MS - 1);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([["warn", "old records of runs could not be deleted; that is tried again in a day"]]);
    await time.advance(1);
    expect(lists).toBe(2);
  });
});
