/** A Prometheus that misbehaves in every way that we know: the answer is a sentence in time, and it gives nothing away. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createMetricProvider } from "../../src/metrics/registry.ts";
import type { PrometheusOptions } from "../../src/metrics/prometheus/prometheus-provider.ts";
import { listenOnLoopback, type LoopbackServer } from "../../src/playground/loopback.ts";
import type { Measurement, Question } from "../../src/rollout/analysis/measurement.ts";
import { aQuestion, queryMetric } from "../support/a-question.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../support/loopback-tls.ts";
import { until } from "../support/until.ts";

const SECRET = "s3cr3t-token";
const BODY_TEXT = "internal-body-text";
const FOREVER = new AbortController().signal;

const servers: LoopbackServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

type Listener = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function serve(listener: Listener): Promise<LoopbackServer> {
  const server = await listenOnLoopback((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => listener(request, response, body));
  });
  servers.push(server);
  return server;
}

function json(status: number, body: unknown): Listener {
  return (_request, response) => void response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function vector(...values: readonly string[]): Listener {
  return json(200, { status: "success", data: { resultType: "vector", result: values.map((value, index) => ({ metric: { i: String(index) }, value: [1, value] })) } });
}

function provider(url: string, options: Partial<PrometheusOptions> = {}) {
  return createMetricProvider({
    prometheus: { own: { url }, readSecret: () => Promise.resolve(SECRET), isAllowedHost: () => true, deadlineMs: 5_000, ...options },
  });
}

/** One custom query, sent with a bearer token from a Secret. */
function ask(url: string, options: Partial<PrometheusOptions> = {}, question: Partial<Question> = {}): Promise<Measurement> {
  const prometheus = { url, auth: { bearer: { secretRef: { name: "prom", key: "token" } } } };
  return provider(url, options).measure(aQuestion({ metric: queryMetric("up"), prometheus, ...question }), FOREVER);
}

async function sentenceOf(measuring: Promise<Measurement>): Promise<string> {
  const measurement = await measuring;
  if (measurement.kind !== "error") throw new Error(`expected an error, got ${JSON.stringify(measurement)}`);
  expect(measurement.message).not.toMatch(new RegExp(`${SECRET}|${BODY_TEXT}|127\\.0\\.0\\.1|https?://\\w|\n`));
  expect(measurement.query).toBe("up");
  return measurement.message;
}

describe("an answer that is none", () => {
  const html: Listener = (_request, response) => void response.writeHead(200, { "Content-Type": "text/html" }).end(`<html>${BODY_TEXT}</html>`);
  const bare = (status: number): Listener => (_request, response) => void response.writeHead(status).end(BODY_TEXT);

  it.each<[string, Listener, RegExp]>([
    ["500 with a text", bare(500), /there and cannot answer now \(HTTP 500\)/],
    ["503 with a text", bare(503), /cannot answer now \(HTTP 503\)/],
    ["429", bare(429), /cannot answer now \(HTTP 429\)/],
    ["401", bare(401), /refused the credentials: check analysis\.prometheus\.auth \(HTTP 401\)/],
    ["403", bare(403), /refused the credentials/],
    ["404", bare(404), /not Prometheus'.*\(HTTP 404\)/],
    ["200 with HTML", html, /not Prometheus': a login page/],
    ["200 with nothing", bare(200), /not Prometheus'/],
    ["200 with other JSON", json(200, { status: "success", data: [BODY_TEXT] }), /not Prometheus'/],
    ["200 with status error", json(200, { status: "error", errorType: "bad_data", error: BODY_TEXT }), /could not parse the query.*\(bad_data\)/],
    ["200 with an error of no known type", json(200, { status: "error", errorType: BODY_TEXT, error: BODY_TEXT }), /not Prometheus'/],
    ["400 bad_data", json(400, { status: "error", errorType: "bad_data", error: BODY_TEXT }), /could not parse the query/],
    ["422 execution", json(422, { status: "error", errorType: "execution", error: BODY_TEXT }), /could not execute the query/],
    ["503 timeout", json(503, { status: "error", errorType: "timeout", error: BODY_TEXT }), /cannot answer now \(timeout\)/],
    ["a partial answer", json(200, { status: "success", warnings: [BODY_TEXT], data: { resultType: "vector", result: [] } }), /incomplete/],
  ])("%s", async (_name, listener, expected) => {
    expect(await sentenceOf(ask((await serve(listener)).url))).toMatch(expected);
  });

  it("remarks on the query do not spoil the answer", async () => {
    const remark = "PromQL info: metric might not be a counter";
    const { url } = await serve(json(200, { status: "success", warnings: [remark], data: { resultType: "scalar", result: [1, "2"] } }));
    expect(await ask(url)).toMatchObject({ kind: "value", value: 2 });
  });

  it("a redirect is not followed", async () => {
    let followed = false;
    const elsewhere = await serve((_request, response) => {
      followed = true;
      response.end();
    });
    const { url } = await serve((_request, response) => void response.writeHead(302, { Location: elsewhere.url }).end());
    expect(await sentenceOf(ask(url))).toMatch(/redirect, which is not followed.*\(HTTP 302\)/);
    expect(followed).toBe(false);
  });

  it("a refused connection", async () => {
    const { url, close } = await serve(() => undefined);
    await close();
    expect(await sentenceOf(ask(url))).toMatch(/could not be reached.*\(ECONNREFUSED\)/);
  });

  it("a connection that breaks in the middle", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "Content-Length": "1000" }).write("{");
      response.destroy();
    });
    expect(await sentenceOf(ask(url))).toMatch(/could not be reached/);
  });

  it("a body larger than is read", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200);
      const megabytes = Buffer.alloc(4 * 1024 * 1024, " ");
      const more = (): void => {
        while (!response.destroyed && response.write(megabytes));
      };
      response.on("drain", more);
      more();
    });
    expect(await sentenceOf(ask(url, { deadlineMs: 30_000 }))).toMatch(/larger than is read/);
  });
});

describe("an answer that does not come", () => {
  it("ends at the deadline when nothing is sent", async () => {
    const { url } = await serve(() => undefined);
    expect(await sentenceOf(ask(url, { deadlineMs: 200 }))).toMatch(/no whole answer before the deadline/);
  });

  it("ends at the deadline when the body drips", async () => {
    const drips: NodeJS.Timeout[] = [];
    const { url } = await serve((_request, response) => {
      response.writeHead(200);
      drips.push(setInterval(() => response.write(" "), 10));
    });
    const startMs = Date.now();
    expect(await sentenceOf(ask(url, { deadlineMs: 300 }))).toMatch(/no whole answer before the deadline/);
    expect(Date.now() - startMs).toBeLessThan(3_000);
    drips.forEach(clearInterval);
  });

  it("counts waiting for a turn towards the deadline", async () => {
    const { url } = await serve(() => undefined);
    const { measure } = provider(url, { deadlineMs: 300, maxConcurrency: 1 });
    const startMs = Date.now();
    const answers = await Promise.all([1, 2, 3, 4, 5].map((uid) => measure(aQuestion({ metric: queryMetric(`up > ${uid}`) }), FOREVER)));
    expect(answers.map(({ kind }) => kind)).toEqual(Array(5).fill("error"));
    expect(Date.now() - startMs, "five deadlines one after the other are 1500 ms").toBeLessThan(1_200);
  });

  it.each([["a custom query", queryMetric("up")], ["a built-in", undefined]])("%s ends as soon as the signal aborts", async (_name, metric) => {
    let arrived = 0;
    let closed = 0;
    const { url } = await serve((request) => {
      arrived += 1;
      request.socket.once("close", () => (closed += 1));
    });
    const controller = new AbortController();
    const measuring = provider(url, { deadlineMs: 60_000 }).measure(aQuestion(metric ? { metric } : {}), controller.signal);
    await until(() => arrived === 1);
    const startMs = performance.now();
    controller.abort(new Error("abort was commanded"));
    await expect(measuring).rejects.toThrow("abort was commanded");
    expect(performance.now() - startMs).toBeLessThan(50);
    await until(() => closed === 1);
  });

  it("does not even begin when the signal has aborted", async () => {
    let arrived = 0;
    const { url } = await serve(() => (arrived += 1));
    await expect(provider(url).measure(aQuestion({ metric: queryMetric("up") }), AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    expect(arrived).toBe(0);
  });

  it("does not wait for a Secret that does not come", async () => {
    const { url } = await serve(() => undefined);
    const controller = new AbortController();
    const { measure } = provider(url, { readSecret: () => new Promise(() => undefined) });
    const measuring = measure(aQuestion({ prometheus: { url, auth: { bearer: { secretRef: { name: "a", key: "b" } } } } }), controller.signal);
    controller.abort(new Error("gone"));
    await expect(measuring).rejects.toThrow("gone");
  });
});

describe("one number", () => {
  it.each([
    ["+Inf", { kind: "value", value: Infinity }],
    ["-Inf", { kind: "value", value: -Infinity }],
    ["NaN", { kind: "noData" }],
    ["0.25", { kind: "value", value: 0.25 }],
  ])("%s is %j", async (text, expected) => {
    expect(await ask((await serve(vector(text))).url)).toMatchObject(expected);
  });

  it("an empty vector is no data", async () => {
    expect(await ask((await serve(vector())).url)).toMatchObject({ kind: "noData" });
  });

  it("several are an error that says what to do", async () => {
    expect(await ask((await serve(vector("1", "2", "3"))).url)).toMatchObject({ kind: "error", message: "expected one value, got 3: aggregate with sum()" });
  });

  it("a range is an error that says what to do", async () => {
    const { url } = await serve(json(200, { status: "success", data: { resultType: "matrix", result: [] } }));
    expect(await ask(url)).toMatchObject({ kind: "error", message: "expected one number, got a matrix: ask for an instant vector or a scalar" });
  });

  it("is not asked for where a variable stands for nothing", async () => {
    let arrived = 0;
    const { url } = await serve(() => (arrived += 1));
    const metric = queryMetric('sum(x{pod=~"$(canary.pods)"})');
    expect(await ask(url, {}, { metric, canary: { namespace: "bookinfo", version: "v3", workloads: [], pods: [] } })).toMatchObject({ kind: "noData", query: 'sum(x{pod=~""})' });
    expect(arrived).toBe(0);
  });
});

it("a past that Prometheus cannot tell is an error, whatever it says of the present", async () => {
  const present = vector("1");
  const { url } = await serve((request, response, body) => (request.url?.endsWith("/query_range") ? json(503, {}) : present)(request, response, body));
  const measured = await provider(url).measure(aQuestion({ evidenceSinceMs: 50_000, wantsHistory: true }), FOREVER);
  expect(measured).toMatchObject({ kind: "error", message: expect.stringContaining("cannot answer now (HTTP 503)") });
});

describe("the same number about stable", () => {
  const ratio = (query: string) => ({ ...queryMetric(query), ratio: 2 });
  const QUERY = 'sum(x{pod=~"$(canary.pods)",workload="$(canary.workload)",version="$(canary.version)",other="$(stable.workload)"})';

  /** Answers what is told for stable's pods, 7 for the canary's. */
  async function about(stable: string | undefined) {
    const sent: string[] = [];
    const { url } = await serve((request, response, body) => {
      const query = new URLSearchParams(body).get("query") ?? "";
      sent.push(`${query} ${new URLSearchParams(body).get("time")}`);
      vector(...(query.includes("reviews-v3") ? ["7"] : stable === undefined ? [] : stable.split(",")))(request, response, body);
    });
    return { sent, measured: await ask(url, {}, { metric: ratio(QUERY) }) };
  }

  it("is asked at the same instant, with stable in the canary's place", async () => {
    const { sent, measured } = await about("3");
    expect(measured).toMatchObject({ kind: "value", value: 7, stableValue: 3, query: expect.stringContaining("reviews-v3-a") });
    expect(sent.toSorted()).toEqual(['sum(x{pod=~"reviews-v2-a",workload="reviews-v2",version="v2",other="reviews-v2"}) 60', 'sum(x{pod=~"reviews-v3-a",workload="reviews-v3",version="v3",other="reviews-v2"}) 60']);
  });

  it.each([["no sample", undefined], ["NaN", "NaN"]])("is left out where there is %s", async (_name, stable) => {
    const { measured } = await about(stable);
    expect(measured).toMatchObject({ kind: "value", value: 7 });
    expect(measured).not.toHaveProperty("stableValue");
  });

  it("is an error of its own", async () => {
    expect((await about("1,2")).measured).toMatchObject({ kind: "error", message: "about stable: expected one value, got 2: aggregate with sum()" });
  });

  it("is not asked for without a ratio", async () => {
    let arrived = 0;
    const { url } = await serve((request, response, body) => (arrived++, vector("1")(request, response, body)));
    await ask(url, {}, { metric: queryMetric(QUERY) });
    expect(arrived).toBe(1);
  });
});

describe("what is sent", () => {
  interface Sent {
    readonly headers: IncomingMessage["headers"];
    readonly form: URLSearchParams;
    readonly path: string | undefined;
    readonly method: string | undefined;
    readonly socket: unknown;
  }

  async function recorder() {
    const sent: Sent[] = [];
    const server = await serve((request, response, body) => {
      sent.push({ headers: request.headers, form: new URLSearchParams(body), path: request.url, method: request.method, socket: request.socket });
      vector("1")(request, response, body);
    });
    return { sent, url: server.url };
  }

  it("is a POST with query, instant and the server's own timeout", async () => {
    const { sent, url } = await recorder();
    await ask(`${url}/prom/`, {}, { instantMs: 1_700_000_000_123 });
    expect(sent[0]).toMatchObject({ method: "POST", path: "/prom/api/v1/query" });
    expect(Object.fromEntries(sent[0]!.form)).toEqual({ query: "up", time: "1700000000.123", timeout: "5000ms" });
  });

  it("is a bearer token and a tenant, or a user and a password", async () => {
    const { sent, url } = await recorder();
    const secretRef = { name: "prom", key: "token" };
    await ask(url, {}, { prometheus: { url, auth: { bearer: { secretRef }, tenant: "team-a" } } });
    await ask(url, {}, { prometheus: { url, auth: { basic: { username: "weir", password: { secretRef } } } } });
    await ask(url, {}, { prometheus: { url } });
    expect(sent.map(({ headers }) => [headers.authorization, headers["x-scope-orgid"]])).toEqual([
      [`Bearer ${SECRET}`, "team-a"],
      [`Basic ${Buffer.from(`weir:${SECRET}`).toString("base64")}`, undefined],
      [undefined, undefined],
    ]);
  });

  it("uses one connection for one query after the other", async () => {
    const { sent, url } = await recorder();
    const { measure } = provider(url);
    for (let i = 0; i < 5; i++) await measure(aQuestion({ metric: queryMetric("up") }), FOREVER);
    expect(new Set(sent.map(({ socket }) => socket)).size).toBe(1);
  });

  it("is the new token once the Secret has changed", async () => {
    const { sent, url } = await recorder();
    let token = "old";
    const { measure } = provider(url, { readSecret: () => Promise.resolve(token) });
    const question = aQuestion({ metric: queryMetric("up"), prometheus: { url, auth: { bearer: { secretRef: { name: "a", key: "b" } } } } });
    await measure(question, FOREVER);
    token = "new\n";
    await measure(question, FOREVER);
    expect(sent.map(({ headers }) => headers.authorization)).toEqual(["Bearer old", "Bearer new"]);
  });

  it("goes past a proxy that the environment names", async () => {
    const { sent, url } = await recorder();
    const before = process.env.http_proxy;
    process.env.http_proxy = "http://127.0.0.1:9";
    try {
      expect(await ask(url)).toMatchObject({ kind: "value" });
    } finally {
      if (before === undefined) delete process.env.http_proxy;
      else process.env.http_proxy = before;
    }
    expect(sent).toHaveLength(1);
  });
});

describe("over TLS", () => {
  async function tlsServer(): Promise<string> {
    const server = createServer({ key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE }, (request, response) => vector("1")(request, response, ""));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const close = (): Promise<void> => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    servers.push({ port: 0, url, close });
    return url;
  }

  it("a certificate of an unknown CA is not accepted", async () => {
    expect(await sentenceOf(ask(await tlsServer()))).toMatch(/certificate was not accepted: name the CA.*\(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
  });

  it("one of the CA in the Secret is", async () => {
    const url = await tlsServer();
    const auth = { bearer: { secretRef: { name: "prom", key: "token" } }, ca: { secretRef: { name: "prom", key: "ca" } } };
    const readSecret: PrometheusOptions["readSecret"] = (_namespace, { key }) => Promise.resolve(key === "ca" ? LOOPBACK_CERTIFICATE : SECRET);
    expect(await ask(url, { readSecret }, { prometheus: { url, auth } })).toMatchObject({ kind: "value", value: 1 });
  });
});

describe("where nothing is sent", () => {
  it.each([
    ["a host that is not admitted", "http://metrics.example", /not one that this daemon admits/],
    ["another protocol", "file:///etc/passwd", /expected to begin with http/],
    ["no URL at all", "prometheus", /expected to begin with http/],
    ["a password in the URL", `http://weir:${SECRET}@127.0.0.1`, /holds a user or a password/],
    ["a query in the URL", `http://127.0.0.1/?token=${SECRET}`, /holds a query or a fragment/],
  ])("%s", async (_name, url, expected) => {
    const isAllowedHost = ({ hostname }: URL): boolean => hostname === "127.0.0.1";
    expect(await sentenceOf(ask("http://127.0.0.1:9", { isAllowedHost }, { prometheus: { url } }))).toMatch(expected);
  });

  it("a Secret that may not be read: the reader's sentence is passed on", async () => {
    const readSecret = () => Promise.reject(new Error("There is no Secret bookinfo/prom: create it, or correct the reference"));
    expect(await sentenceOf(ask("http://127.0.0.1:9", { readSecret }))).toBe("There is no Secret bookinfo/prom: create it, or correct the reference");
  });

  it.each(["", "two words", "line\nbreak"])("a token that is none: %j", async (token) => {
    expect(await sentenceOf(ask("http://127.0.0.1:9", { readSecret: () => Promise.resolve(token) }))).toMatch(/expected to hold a token/);
  });
});
