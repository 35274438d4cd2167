/** A server that will not take a route as it is written: people are told why, since status goes on saying what is wanted. */
import { expect, test } from "vitest";
import { ApiError, Conflict, Unreachable } from "../../src/kubernetes/errors.ts";
import { reconcile } from "../../src/reconciler/reconcile.ts";
import { aWorld, type World } from "../support/world.ts";

const MINUTE = 60_000;

/** The first tick, whose route write fails so; what is told of it. */
async function refusing(world: World, error: Error): Promise<readonly string[]> {
  const ports = { ...world.ports, traffic: { ...world.ports.traffic, write: () => Promise.reject(error) } };
  await expect(reconcile(world.rollout().metadata, ports, new AbortController().signal)).rejects.toBe(error);
  return world.log.filter((line) => line.includes("RouteNotWritten"));
}

test.each([
  ["a webhook has something against it", new ApiError('admission webhook "validation.istio.io" denied the request: bad regex', 400, "BadRequest")],
  ["a right lacks", new ApiError("virtualservices is forbidden", 403, "Forbidden")],
  ["it would be stored as something else", new Error("the API server changed the write")],
])("an Event tells where %s, and the write is tried again", async (_, error) => {
  const world = aWorld();
  expect(await refusing(world, error)).toEqual([expect.stringContaining(`Warning RouteNotWritten: VirtualService bookinfo/reviews was not written: ${error.message}`)]);
  expect(world.route()).toEqual({ v2: 100, v3: 0 });
  await world.run(MINUTE, () => world.status().run?.inForceAt !== undefined);
  expect(world.route()).toEqual({ v2: 90, v3: 10 });
});

test.each([new Conflict("moved on"), new Unreachable("reset"), new ApiError("too many requests", 429, "TooManyRequests"), new ApiError("etcd is away", 503, "ServiceUnavailable")])("nobody is told of what passes: %s", async (error) => {
  expect(await refusing(aWorld(), error)).toEqual([]);
});
