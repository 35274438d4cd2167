/** Sample applications that call each other: what their answers say of it, and what is counted. */
import { Agent } from "node:http";
import { afterEach, expect, test } from "vitest";
import { ask } from "../../../src/playground/load.ts";
import { createSamplePods, type SamplePods } from "../../../src/playground/samples/sample-pods.ts";

const agent = new Agent();
let pods: SamplePods | undefined;
afterEach(() => pods?.close());

async function asked(change: { readonly errorRate?: number } = {}): Promise<readonly [answer: string, called: unknown]> {
  pods = createSamplePods({ seed: 1 });
  const started = pods;
  const run = (app: string, version: string): Promise<void> => started.run({ pod: `${app}-${version}-0`, namespace: "bookinfo", workload: `${app}-${version}`, labels: { app, version } });
  const urlOf = (app: string): string => `http://127.0.0.1:${started.endpoints().find(({ labels }) => labels["app"] === app)!.port}/`;
  await run("stars", "v1");
  await run("reviews", "v2");
  started.turn("stars", "v1", { latencyMs: 0, ...change });
  started.turn("reviews", "v2", { latencyMs: 0 });
  started.callOn("reviews", ({ workload }) => ({ url: urlOf("stars"), host: `stars-of-${workload}` }));
  let called: unknown;
  const answer = await ask({ url: urlOf("reviews"), host: "reviews" }, agent, (headers) => (called = headers["x-called"]));
  return [answer, called];
}

test("whoever is asked asks the other one first, and says which version has answered", async () => {
  expect(await asked()).toEqual(["v2 200", "v1"]);
  expect(pods!.called("reviews")).toEqual({ v2: { v1: { requests: 1, bad: 0 } } });
});

test("and fails where that one fails", async () => {
  expect(await asked({ errorRate: 1 })).toEqual(["v2 500", "v1"]);
  expect(pods!.called("reviews")).toEqual({ v2: { v1: { requests: 1, bad: 1 } } });
  expect(pods!.called("stars")).toEqual({});
});
