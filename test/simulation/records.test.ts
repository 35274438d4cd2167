/** Records of ended runs: each is written once, whatever dies in between, and none stands in anybody's way. */
import { describe, expect, test } from "vitest";
import { FINALIZER } from "../../src/rollout/rollout.ts";
import { aWorld, Died, type World } from "../support/world.ts";

const MINUTE = 60_000;
const LADDER = [{ weight: 10, hold: "1m" }, { weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];
const notifications = [{ slack: { channel: "#deploys" } }];

/** At 10 %, with a person's abort waiting. */
async function aboutToEnd(): Promise<World> {
  const world = aWorld({ spec: { strategy: { steps: LADDER }, notifications } });
  await world.run(20 * MINUTE, () => (world.rollout().status?.run?.checks.length ?? 0) > 0);
  world.command("abort id=c1 run=1 actor=alice reason=enough");
  return world;
}

/** The writes of the tick that ends a run, and the moments right before and right after each. */
const MOMENTS = ["before the commit", "after the commit", "before the route write", "after the route write", "before the record", "after the record"];

function dieAt(world: World, moment: number): void {
  let left = moment;
  const die = (): void => {
    if (left-- > 0) return;
    world.faults = { before: () => undefined, after: () => undefined };
    throw new Died(MOMENTS[moment]);
  };
  world.faults = { before: die, after: die };
}

const isHeld = (world: World): boolean => world.rollout().metadata.finalizers.includes(FINALIZER);

describe("the record of a run that ended", () => {
  test.each(MOMENTS.map((name, moment) => ({ name, moment })))("is written once, in the same words, by a daemon that dies $name, and the Rollout is let go", async ({ moment }) => {
    const world = await aboutToEnd();
    dieAt(world, moment);
    await expect(world.tick()).rejects.toBeInstanceOf(Died);
    await world.run(MINUTE);
    expect(world.records).toHaveLength(1);
    expect(world.records[0]).toMatchObject({
      name: "reviews-uid-1-1",
      namespace: "bookinfo",
      labels: { "weir.dev/rollout": "reviews", "weir.dev/rollout-uid": "uid-1", "weir.dev/outcome": "Aborted" },
      spec: { number: 1, outcome: "Aborted", actor: "alice", reason: "aborted by alice: enough", message: "run 1 of v3 was taken back to v2: aborted by alice: enough", peak: 10 },
    });
    expect(isHeld(world)).toBe(false);
  });

  test("says what status, Event and notification say, with the evidence and every default of the spec", async () => {
    const world = await aboutToEnd();
    const { checks } = world.status().run!;
    await world.run(MINUTE);
    const { message, checks: kept, told, resolved } = world.records[0]!.spec;
    expect(message).toBe(world.status().message);
    expect(world.log.filter((line) => /(event|notify) .*Aborted: /.test(line)).map((line) => line.split("Aborted: ")[1])).toEqual([message, message]);
    expect(kept).toEqual(checks);
    expect(told).toEqual([{ target: "slack/#deploys", event: "Started" }]);
    expect(resolved).toEqual(world.rollout().spec);
  });

  test("is not lost to the next run, which begins in the tick that makes it good", async () => {
    const world = await aboutToEnd();
    dieAt(world, MOMENTS.indexOf("before the record"));
    await world.tick().catch(() => undefined);
    world.spec({ release: "v4" });
    await world.tick();
    expect(world.status().run).toMatchObject({ number: 2, to: { version: "v4" } });
    expect(world.records.map(({ spec }) => [spec.number, spec.message])).toEqual([[1, "run 1 of v3 was taken back to v2: aborted by alice: enough"]]);
    await world.run(10 * MINUTE, () => world.status().run?.outcome !== undefined);
    expect(world.records.map(({ spec }) => [spec.number, spec.outcome])).toEqual([[1, "Aborted"], [2, "Succeeded"]]);
  });

  test("is not all that the next run makes good: people are told how this one ended", async () => {
    const world = await aboutToEnd();
    const { add } = world.ports.outbox;
    const dying = async (): Promise<void> => {
      throw new Died("before people are told");
    };
    Object.assign(world.ports.outbox, { add: dying });
    await world.tick().catch(() => undefined);
    Object.assign(world.ports.outbox, { add });
    world.spec({ release: "v4" });
    await world.tick();
    expect(world.status().run).toMatchObject({ number: 2, to: { version: "v4" } });
    expect(world.log.filter((line) => /notify .*Aborted: /.test(line))).toHaveLength(1);
  });

  test("is written when traffic could go back at last", async () => {
    const world = await aboutToEnd();
    world.pods["v2"]!.ready = 0;
    await world.run(MINUTE);
    expect(world.status().reason).toBe("StableUnready");
    expect(world.records).toEqual([]);
    world.pods["v2"]!.ready = 2;
    await world.run(1_000);
    expect(world.records.map(({ spec }) => spec.message)).toEqual(["run 1 of v3 was taken back to v2: aborted by alice: enough"]);
    expect(isHeld(world)).toBe(false);
  });

  test("outlives the Rollout", async () => {
    const world = await aboutToEnd();
    world.delete();
    await world.run(MINUTE);
    expect(world.rollout().metadata.finalizers).toEqual([]);
    expect(world.records.map(({ spec }) => spec.reason)).toEqual(["the Rollout was deleted"]);
  });

  test("is kept as well as it goes where another tool moves the traffic", async () => {
    const world = aWorld({ split: { v2: 50, v3: 50 }, spec: { stable: "v2", analysis: { mode: "observe" } } });
    await world.run(MINUTE);
    world.hand({ v2: 0, v3: 100 });
    await world.run(MINUTE);
    expect(world.records.map(({ spec }) => [spec.outcome, spec.message])).toEqual([["Succeeded", "v3 has all the traffic (seen, not moved by Weir)"]]);
  });
});

describe("a server that", () => {
  const refusing = (world: World, keepRecord: World["ports"]["rollouts"]["keepRecord"]): void => void Object.assign(world.ports.rollouts, { keepRecord });

  test("takes no record keeps no Rollout: that is said once", async () => {
    const world = await aboutToEnd();
    let asked = 0;
    refusing(world, async () => (asked++, "the API server knows no RolloutRun"));
    await world.run(MINUTE);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    expect(isHeld(world)).toBe(false);
    expect(asked).toBe(1);
    expect(world.log.filter((line) => line.includes("NotRecorded"))).toEqual([expect.stringContaining("Warning NotRecorded: run 1 has no record: the API server knows no RolloutRun")]);
  });

  test("is out of order is asked again until it is in order", async () => {
    const world = await aboutToEnd();
    const { keepRecord } = world.ports.rollouts;
    refusing(world, async () => {
      throw new Died("503");
    });
    await world.run(MINUTE);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    expect(isHeld(world)).toBe(true);
    refusing(world, keepRecord);
    await world.run(1_000);
    expect(world.records).toHaveLength(1);
    expect(isHeld(world)).toBe(false);
  });

  test("is out of order does not keep a newer version from the traffic", async () => {
    const world = await aboutToEnd();
    refusing(world, async () => {
      throw new Died("503");
    });
    await world.run(MINUTE);
    world.spec({ release: "v4" });
    await world.run(10_000);
    expect(world.route()["v4"]).toBe(10);
  });
});
