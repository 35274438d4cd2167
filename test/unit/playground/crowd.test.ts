/** Users who keep cookies: each of them brings along what was given to it, and it is told who moved. */
import { afterEach, expect, test, vi } from "vitest";
import { createCleanUp } from "../../../src/playground/clean-up.ts";
import { createCrowd } from "../../../src/playground/crowd.ts";
import { listenOnLoopback } from "../../../src/playground/loopback.ts";

const cleanUp = createCleanUp();
afterEach(cleanUp.run);

/** Gives every newcomer a side in turn, and sends `moved` to v2. */
async function aServerWithSides() {
  const served = { newcomers: 0, moved: "" };
  const server = await listenOnLoopback((request, response) => {
    const side = /side=(v\d)\.(\d+)/.exec(request.headers.cookie ?? "");
    const given = side ? [] : [`side=v${1 + (served.newcomers % 2)}.${served.newcomers++}; Path=/`, "theme=dark"];
    const version = side?.[2] === served.moved ? "v2" : (side?.[1] ?? given[0]!.slice(5, 7));
    response.writeHead(200, { "x-version": version, "set-cookie": given }).end();
  });
  cleanUp.add(server.close);
  return { url: server.url, served };
}

test("whoever was given a cookie brings it along, so that each user is a newcomer once", async () => {
  const { url, served } = await aServerWithSides();
  const crowd = createCrowd({ url, host: "reviews", users: 10, requestsPerSecond: 1_000, seed: 3 });
  cleanUp.add(crowd.close);
  await vi.waitFor(() => expect(crowd.counts().sent).toBeGreaterThan(100), { timeout: 10_000 });
  expect(served.newcomers).toBe(10);
  expect(crowd.sides()).toEqual({ on: { v1: 5, v2: 5 }, came: {} });
});

test("who is answered by another version than before has moved, once", async () => {
  const { url, served } = await aServerWithSides();
  const crowd = createCrowd({ url, host: "reviews", users: 10, requestsPerSecond: 1_000, seed: 3 });
  cleanUp.add(crowd.close);
  await vi.waitFor(() => expect(crowd.sides().on).toEqual({ v1: 5, v2: 5 }), { timeout: 10_000 });
  served.moved = "0";
  await vi.waitFor(() => expect(crowd.sides()).toEqual({ on: { v1: 4, v2: 6 }, came: { v2: 1 } }), { timeout: 10_000 });
});
