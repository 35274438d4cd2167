/** Law 8 for several revisions under one name, as an image tag that is pushed again and again: each that was refused stays so while the spec goes on naming it. */
import { describe, expect, test } from "vitest";
import { aWorld, type World } from "../support/world.ts";

const MINUTE = 60_000;
const steps = [{ weight: 10, hold: "1m" }, { weight: 100, hold: "1m" }];

/** Both `first` and `second` of v3 were aborted by a person. */
async function twiceRefused(): Promise<World> {
  const world = aWorld({ spec: { strategy: { steps } } });
  for (const [number, revision] of [[1, "first"], [2, "second"]] as const) {
    world.pods["v3"]!.revision = revision;
    await world.run(10 * MINUTE, () => world.rollout().status?.run?.number === number && world.route()["v3"] === 10);
    world.command(`abort id=c${number} run=${number} actor=alice`);
    await world.run(MINUTE);
  }
  expect(world.status()).toMatchObject({ runs: 2, refused: { version: "v3", revision: "second" }, refusedBefore: [{ version: "v3", revision: "first" }] });
  return world;
}

describe("a revision that was refused, and is pushed again after another one was refused", () => {
  test("is not tried again, and status says why it was refused", async () => {
    const world = await twiceRefused();
    for (const [now, other] of [["first", "second"], ["second", "first"]] as const) {
      world.pods["v3"]!.revision = now;
      await world.run(10 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Degraded", reason: "Aborted", runs: 2, refused: { revision: now, reason: "aborted by alice" }, refusedBefore: [{ revision: other }] });
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
    }
  });

  test("is tried again on a person's word, and the other one stays refused", async () => {
    const world = await twiceRefused();
    world.pods["v3"]!.revision = "first";
    await world.run(MINUTE);
    world.command("retry id=c3 run=2 actor=alice");
    await world.run(MINUTE);
    expect(world.status()).toMatchObject({ runs: 3, run: { to: { version: "v3", revision: "first" } }, refusedBefore: [{ revision: "second" }] });
    expect(world.status().refused).toBeUndefined();
  });

  test("is tried again once the spec has named another version", async () => {
    const world = await twiceRefused();
    world.spec({ release: "v2" });
    await world.run(MINUTE);
    expect(world.status()).toMatchObject({ phase: "Healthy", runs: 2 });
    expect(world.status().refusedBefore).toBeUndefined();
    world.pods["v3"]!.revision = "first";
    world.spec({ release: "v3" });
    await world.run(20 * MINUTE);
    expect(world.status()).toMatchObject({ phase: "Healthy", reason: "Succeeded", runs: 3, stable: { version: "v3", revision: "first" } });
  });
});
