/** Tenants under one daemon as in production: what is not theirs is refused with a sentence, and no secret value turns up anywhere. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDaemonProcess, type DaemonProcess } from "../../src/playground/daemon-process.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { startRedis, type RedisServer } from "../../src/playground/processes/redis.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { ApiObject } from "../support/api-request.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { plantSecret, secretsIn } from "../support/planted-secret.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";
import { openStandingRuns, type StandingRun } from "../support/standing-run.ts";
import { until } from "../support/until.ts";
import { weir } from "../support/weir.ts";

const PLANTED = ["slack-token", "slack-hook", "daemon-slack-token", "webhook-key", "bearer", "password", "unlabelled"].map(plantSecret);
const valueOf = (what: string): string => PLANTED.find((one) => one.what === what)!.value;
const PATIENCE = { limitMs: 120_000, everyMs: 250 };

type Deliveries = NonNullable<RolloutSpecInput["notifications"]>;

/** A receiver that sends back all that it was told, as badly kept servers do, and refuses. */
function startEcho(status: number): Promise<Receiver> {
  return startReceiver(({ path: asked, headers, body }, response) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ status: "error", error: "invalid_auth", errorType: "bad", asked, headers, body })));
}

describe.each(kubernetesApis().slice(-1))("tenants, on the $name API", ({ open }) => {
  const folder = createTemporaryFolder("weir-tenants");
  const logFile = path.join(folder.path, "daemon.log");
  let api: TestApi;
  let [runs, elsewhere]: [StandingRun | undefined, string] = [undefined, ""];
  let [prometheus, slack, hooks]: (Receiver | undefined)[] = [];
  let redis: RedisServer | undefined;
  let daemon: DaemonProcess | undefined;

  const secret = (name: string, data: Record<string, string>, labels: Record<string, string> = { "weir.dev/use": "true" }): ApiObject => ({ apiVersion: "v1", kind: "Secret", metadata: { name, labels }, stringData: data });
  const judgedBy = (url: string, auth?: NonNullable<NonNullable<RolloutSpecInput["analysis"]>["prometheus"]>["auth"]): Partial<RolloutSpecInput> => ({ analysis: { interval: "1s", settle: "200ms", prometheus: { url, ...(auth && { auth }) } } });
  const telling = (notifications: Deliveries): Partial<RolloutSpecInput> => ({ ...judgedBy(prometheus!.url), notifications });
  const at = (name: string, key: string) => ({ secretRef: { name, key } });

  beforeAll(async () => {
    api = await open();
    [prometheus, slack, hooks] = await Promise.all([startEcho(401), startEcho(200), startEcho(403)]);
    redis = await startRedis();
    elsewhere = await api.createNamespace();
    runs = await openStandingRuns(api, Object.entries(rollouts()).map(([name, spec]) => ({ name, share: 0, spec })));
    const all = [
      secret("keys", { "slack-token": valueOf("slack-token"), "slack-hook": `${hooks.url}/services/${valueOf("slack-hook")}`, "webhook-key": valueOf("webhook-key"), bearer: valueOf("bearer"), password: valueOf("password") }),
      secret("unlabelled", { token: valueOf("unlabelled") }, {}),
    ];
    await api.apply(all, { namespace: runs.namespace });
    await api.apply([{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "theirs" }, spec: { hosts: ["theirs"], http: [{ route: [{ destination: { host: "theirs", subset: "v1" } }] }] } }], { namespace: elsewhere });
    await api.admitDaemon(runs.namespace);
    daemon = await startDaemonProcess({
      kubeconfig: api.kubeconfigFor("daemon"),
      redisUrl: redis.url,
      prometheusUrl: prometheus.url,
      logFile,
      environment: { WEIR_ALLOW_HOSTS: "127.0.0.1", WEIR_LOG_LEVEL: "trace", WEIR_SLACK_TOKEN: valueOf("daemon-slack-token"), WEIR_SLACK_API_URL: `${slack.url}/api/` },
    });
  }, 180_000);
  afterAll(async () => {
    await daemon?.stop();
    await redis?.close();
    for (const one of [prometheus, slack, hooks]) await one?.close();
    await folder.remove();
    await api?.close();
  });

  /** One each, by what is wrong with it; the first ones are as they should be. */
  function rollouts(): Readonly<Record<string, Partial<RolloutSpecInput>>> {
    return {
      bearer: judgedBy(prometheus!.url, { bearer: at("keys", "bearer") }),
      basic: judgedBy(prometheus!.url, { basic: { username: "weir", password: at("keys", "password") } }),
      chatty: telling([{ slack: { channel: "#a", ...at("keys", "slack-token") } }, { slack: { channel: "#b" } }, { slack: { webhook: at("keys", "slack-hook") } }, { webhook: { url: `${hooks!.url}/events`, ...at("keys", "webhook-key") } }]),
      unlabelled: judgedBy(prometheus!.url, { bearer: at("unlabelled", "token") }),
      untold: telling([{ slack: { channel: "#a", ...at("unlabelled", "token") } }]),
      keyless: telling([{ webhook: { url: `${hooks!.url}/events`, ...at("keys", "nothing") } }]),
      "host-off": judgedBy(prometheus!.url.replace("127.0.0.1", "localhost"), { bearer: at("keys", "bearer") }),
      "hook-off": telling([{ webhook: { url: hooks!.url.replace("127.0.0.1", "localhost"), ...at("keys", "webhook-key") } }]),
      foreign: { traffic: { istio: { virtualServices: [{ name: "theirs", namespace: elsewhere }] } } },
    };
  }

  const statusOf = (name: string) => runs!.status(name);
  const checkOf = async (name: string): Promise<string> => (await statusOf(name))?.run?.checks[0]?.message ?? "";
  const deliveryOf = async (name: string): Promise<string> => (await statusOf(name))?.conditions.find(({ type, status }) => type === "DeliveryFailing" && status === "True")?.message ?? "";

  it.each<readonly [string, (name: string) => Promise<string>, RegExp]>([
    ["unlabelled", checkOf, /Secret \S+\/unlabelled is not for Weir: label it with kubectl label secret unlabelled -n \S+ weir\.dev\/use=true/],
    ["host-off", checkOf, /the host of analysis\.prometheus\.url is not one that this daemon admits: add it to --allow-hosts/],
    ["untold", deliveryOf, /key token of Secret \S+\/unlabelled cannot be read; it must exist and carry the label weir\.dev\/use: "true"/],
    ["keyless", deliveryOf, /key nothing of Secret \S+\/keys cannot be read; it must exist/],
    ["hook-off", deliveryOf, /the daemon's --allow-hosts does not admit localhost/],
    ["foreign", async (name) => (await statusOf(name))?.message ?? "", /VirtualService \S+\/theirs is in another namespace and does not allow Rollouts of \S+: its owner may annotate it with weir\.dev\/allow-from=/],
    ["bearer", checkOf, /./],
    ["basic", checkOf, /./],
    ["chatty", deliveryOf, /./],
  ])("%s is said in a sentence", { timeout: 150_000 }, async (name, said, sentence) => {
    await until(async () => sentence.test(await said(name)), PATIENCE).catch(async () => expect(await said(name)).toMatch(sentence));
    expect((await runs!.split(name))["v2"]).toBeLessThanOrEqual(10);
  });

  it("nothing of a Secret went to a host that is not admitted, and all of them went where they should", () => {
    const asked = [prometheus, slack, hooks].flatMap((one) => one!.received);
    expect(secretsIn(JSON.stringify(asked), PLANTED)).toEqual(expect.arrayContaining(["bearer (plain)", "daemon-slack-token (plain)", "slack-hook (plain)", "slack-token (plain)"]));
    expect(secretsIn(JSON.stringify(asked), PLANTED)).toContain("password (base64)");
    expect(secretsIn(JSON.stringify(asked), PLANTED).filter((one) => one.startsWith("unlabelled") || one.startsWith("webhook-key"))).toEqual([]);
  });

  it("no secret value is in log, status, Events, records, metrics, doctor's report, Redis or what the command line says", { timeout: 120_000 }, async () => {
    const { namespace } = runs!;
    await weir(["abort", "bearer", "--no-wait"], { kubeconfig: api.kubeconfigFor("admin"), namespace });
    await until(async () => (await statusOf("bearer"))?.run?.outcome === "Aborted", PATIENCE);
    const places: Readonly<Record<string, string>> = { ...(await ofApi(namespace)), ...(await ofDaemon(namespace)), ...(await ofCommandLine(namespace)), redis: await ofRedis() };
    const found = Object.entries(places).flatMap(([place, text]) => secretsIn(text, PLANTED).map((what) => `${place}: ${what}`));
    expect(found).toEqual([]);
    expect(Object.entries(places).filter(([, text]) => text.length < 20)).toEqual([]); // each has been looked at
  });

  async function ofApi(namespace: string): Promise<Record<string, string>> {
    const collections = { rollouts: "/apis/weir.dev/v1alpha1", rolloutruns: "/apis/weir.dev/v1alpha1", virtualservices: "/apis/networking.istio.io/v1", events: "/api/v1" };
    const texts = await Promise.all(Object.entries(collections).map(async ([plural, group]) => [plural, JSON.stringify(await api.request("GET", `${group}/namespaces/${namespace}/${plural}`))] as const));
    return Object.fromEntries(texts);
  }

  async function ofDaemon(namespace: string): Promise<Record<string, string>> {
    const asked = async (where: string): Promise<string> => (await fetch(`${daemon!.url}${where}`)).text();
    return { metrics: await asked("/metrics"), doctor: await asked(`/doctor?send-test=${namespace}/chatty`), log: readFileSync(logFile, "utf8") };
  }

  async function ofCommandLine(namespace: string): Promise<Record<string, string>> {
    const lines = ["get", "get -o yaml", "get bearer", "get chatty -o yaml --resolved", "explain bearer", "explain basic", "explain chatty", "history bearer", "history -o json", "doctor chatty", "resume bearer --timeout 1s"];
    const said: Record<string, string> = {};
    for (const line of lines) {
      const { out, err } = await weir(line.split(" "), { kubeconfig: api.kubeconfigFor("admin"), namespace });
      said[`weir ${line}`] = `${out}\n${err}`;
    }
    return said;
  }

  async function ofRedis(): Promise<string> {
    const client = new Redis(redis!.url);
    const keys = await client.keys("*");
    const texts = await Promise.all(keys.map(async (key) => `${key} ${JSON.stringify(await contentOf(client, key))}`));
    client.disconnect();
    return texts.join("\n");
  }
});

async function contentOf(client: Redis, key: string): Promise<unknown> {
  const readers: Readonly<Record<string, () => Promise<unknown>>> = {
    string: () => client.get(key),
    hash: () => client.hgetall(key),
    list: () => client.lrange(key, 0, -1),
    set: () => client.smembers(key),
    zset: () => client.zrange(key, "0", "-1"),
    stream: () => client.xrange(key, "-", "+"),
  };
  return readers[await client.type(key)]?.();
}
