/** What a run leans on goes away in mid-run: a DestinationRule, one of its subsets, the Service, a Secret or what makes it usable. It is said by name, and no step is taken. */
import { describe, expect, test } from "vitest";
import { hostGate } from "../../src/config.ts";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import { createSecretReader } from "../../src/kubernetes/secrets.ts";
import type { MetricProvider } from "../../src/metrics/metric-provider.ts";
import { createMetricProvider } from "../../src/metrics/registry.ts";
import { aDestinationRule, aKubernetesService, NAMESPACE } from "../support/istio-objects.ts";
import { aWorld, type World, type WorldOptions } from "../support/world.ts";

const MINUTE = 60_000;
const LADDER = [{ weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];

async function atHalf(options: WorldOptions = {}): Promise<World> {
  const world = aWorld({ ...options, spec: { strategy: { steps: LADDER }, ...options.spec } });
  await untilHalf(world);
  return world;
}

async function untilHalf(world: World): Promise<void> {
  await world.run(MINUTE, () => (world.rollout().status?.run?.checks.length ?? 0) > 0);
  expect(world.route()).toEqual({ v2: 50, v3: 50 });
}

/** What people were told, in status, Events and messages. */
const told = (world: World): string => [world.rollout().status?.message, ...world.log].join("\n");
const steady = (world: World): void => expect(world.route()).toEqual({ v2: 50, v3: 50 });

const withSubsets = (world: World, versions: readonly string[]): void => void world.router.cluster.put("destinationRules", aDestinationRule({ versions }), "other-tool");
const withoutRule = (world: World): void => world.router.cluster.remove("destinationRules", NAMESPACE, "reviews");
const withRule = (world: World): void => withSubsets(world, ["v1", "v2", "v3", "v4"]);

describe("the DestinationRule, deleted in mid-run", () => {
  test("ends the run, names what is missing, and the traffic goes back as soon as stable has its subset again", async () => {
    const world = await atHalf();
    withoutRule(world);
    await world.run(MINUTE);
    expect(world.status()).toMatchObject({ phase: "Degraded", reason: "StableUnready", run: { outcome: "RolledBack" } });
    expect(world.status().message).toMatch(/v2 has nothing behind it \(no subset v2 in a DestinationRule for reviews\.bookinfo\S* \(there is none\)/);
    expect(world.status().conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "True", message: world.status().message });
    expect(told(world)).toMatch(/v3 has 50% of the traffic and nothing behind it \(no subset v3 in a DestinationRule for reviews/);
    steady(world);
    withRule(world);
    await world.run(MINUTE);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
  });

  test("by name is said by its name", async () => {
    const world = await atHalf({ spec: { traffic: { istio: { virtualServices: [{ name: "reviews" }], destinationRule: { name: "reviews" } } } } });
    withoutRule(world);
    await world.run(MINUTE);
    expect(told(world)).toContain("no subset v3 in DestinationRule bookinfo/reviews (which does not exist)");
    steady(world);
  });
});

describe("a subset, deleted in mid-run", () => {
  test("of the canary takes the traffic back, and is named", async () => {
    const world = await atHalf();
    withSubsets(world, ["v1", "v2", "v4"]);
    await world.run(MINUTE);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
    expect(world.status()).toMatchObject({ phase: "Degraded", reason: "RolledBack", message: expect.stringContaining("v3 has 50% of the traffic and nothing behind it (no subset v3 in DestinationRule bookinfo/reviews and no Service v3 in namespace bookinfo)") as string });
  });

  test("of stable is named at once, takes no step up, and the run goes on when it is there again", async () => {
    const world = await atHalf();
    withSubsets(world, ["v1", "v3", "v4"]);
    await world.run(15_000);
    const sentence = "v2 has nothing behind it (no subset v2 in DestinationRule bookinfo/reviews and no Service v2 in namespace bookinfo), so it could not take its traffic back";
    expect(world.status()).toMatchObject({ phase: "Progressing", message: expect.stringContaining(sentence) as string });
    await world.run(10 * MINUTE);
    expect(world.status().message).toBe(`v3 waits at 50%: ${sentence}`);
    expect(world.status().conditions.find(({ type }) => type === "Reconciling")).toMatchObject({ status: "True", message: expect.stringContaining("no subset v2") as string });
    steady(world);
    withRule(world);
    await world.run(5 * MINUTE);
    expect(world.route()).toEqual({ v2: 0, v3: 100 });
  });

  test("of stable does not keep a bad canary's end from being said: its traffic waits for the subset", async () => {
    const world = await atHalf();
    withSubsets(world, ["v1", "v3", "v4"]);
    world.answers = { bad: 0.5, requests: 100 };
    await world.run(MINUTE);
    expect(world.status()).toMatchObject({ phase: "Degraded", reason: "StableUnready", message: expect.stringContaining("no subset v2 in DestinationRule bookinfo/reviews") as string, run: { outcome: "RolledBack" } });
    withRule(world);
    await world.run(MINUTE);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
  });
});

test("the Service, deleted in mid-run, is named", async () => {
  const world = await atHalf();
  world.router.cluster.remove("services", NAMESPACE, "reviews");
  await world.run(MINUTE);
  expect(told(world)).toContain("no Service reviews in namespace bookinfo and no ServiceEntry for reviews.bookinfo.svc, which is the host of subset v3 in DestinationRule bookinfo/reviews");
  steady(world);
  world.router.cluster.put("services", aKubernetesService());
  await world.run(MINUTE);
  expect(world.route()).toEqual({ v2: 100, v3: 0 });
});

// ── Secrets and hosts ────────────────────────────────────────────────────────────────────────────────────────────────

/** The Secret that Prometheus' credentials are in, as the API server has it now, and the hosts that the daemon admits. */
interface Keys {
  secret: KubernetesObject | ApiError;
  allowed: readonly string[];
}

const secret = (labels: Record<string, string> = { "weir.dev/use": "true" }, data: Record<string, string> = { token: "dG9rZW4=" }): KubernetesObject => ({ metadata: { name: "prom", namespace: NAMESPACE, labels }, data });
const prometheus = { url: "https://prometheus.example", auth: { bearer: { secretRef: { name: "prom", key: "token" } } } };

/** The world's answers, once credentials and host have passed the real provider's checks: it asks nobody who cannot be asked. */
async function withKeys(): Promise<{ readonly world: World; readonly keys: Keys }> {
  const keys: Keys = { secret: secret(), allowed: ["prometheus.example"] };
  const world = aWorld({ spec: { strategy: { steps: LADDER }, analysis: { prometheus } } });
  const answers = world.ports.metrics;
  const time = { nowMs: () => world.nowMs, after: () => () => undefined };
  const get = async (): Promise<KubernetesObject> => {
    if (keys.secret instanceof ApiError) throw keys.secret;
    return keys.secret;
  };
  const readSecret = createSecretReader({ get }, time);
  const isUsable = (): Promise<boolean> => readSecret(NAMESPACE, prometheus.auth.bearer.secretRef).then(() => keys.allowed.length > 0, () => false);
  const real = createMetricProvider({ prometheus: { own: { url: "http://127.0.0.1:1" }, readSecret, isAllowedHost: (url) => hostGate(keys.allowed)(url) } });
  const metrics: MetricProvider = {
    measure: async (question, signal) => ((await isUsable()) ? answers.measure(question, signal) : real.measure(question, signal)),
  };
  Object.assign(world.ports, { metrics });
  await untilHalf(world);
  return { world, keys };
}

describe.each<readonly [what: string, lose: (keys: Keys) => void, said: string]>([
  ["the Secret is deleted", (keys) => (keys.secret = new ApiError("not found", 404, "NotFound")), "There is no Secret bookinfo/prom: create it, or correct the reference"],
  ["the Secret loses its key", (keys) => (keys.secret = secret(undefined, {})), "Secret bookinfo/prom has no key token: add it, or correct the reference"],
  ["the Secret loses its label", (keys) => (keys.secret = secret({})), "Secret bookinfo/prom is not for Weir: label it with kubectl label secret prom -n bookinfo weir.dev/use=true"],
  ["the right to read it is taken away", (keys) => (keys.secret = new ApiError("forbidden", 403, "Forbidden")), "Weir may not read Secret bookinfo/prom"],
  ["its host is taken off the list", (keys) => (keys.allowed = []), "the host of analysis.prometheus.url is not one that this daemon admits: add it to --allow-hosts"],
])("when %s in mid-run", (_, lose, said) => {
  test("that is said, no step is taken, and the run goes on when it is mended", async () => {
    const { world, keys } = await withKeys();
    lose(keys);
    await world.run(10 * MINUTE);
    expect(world.status()).toMatchObject({ phase: "Progressing", reason: "ProviderError", message: expect.stringContaining(said) as string });
    expect(world.status().conditions.find(({ type }) => type === "Reconciling")?.message).toContain(said);
    steady(world);
    Object.assign(keys, { secret: secret(), allowed: ["prometheus.example"] });
    await world.run(5 * MINUTE);
    expect(world.route()).toEqual({ v2: 0, v3: 100 });
  });

  test("an abort takes the traffic back nevertheless", async () => {
    const { world, keys } = await withKeys();
    lose(keys);
    await world.run(MINUTE);
    world.command("abort id=c1 run=1 actor=alice");
    await world.run(1_000);
    expect(world.route()).toEqual({ v2: 100, v3: 0 });
  });
});
