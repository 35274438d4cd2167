/** The transport against a server that misbehaves. */
import { afterEach, describe, expect, test } from "vitest";
import { Unreachable } from "../../../src/kubernetes/errors.ts";
import { createTransport, type Transport, type TransportOptions } from "../../../src/kubernetes/transport.ts";
import type { RequestSeen, TransportRequest } from "../../../src/kubernetes/wire.ts";
import { createFakeTime } from "../../support/fake-time.ts";
import { answerJson, connectionTo, refuse, startScriptedServer, type Asked, type ScriptedServer } from "../../support/scripted-server.ts";
import { until } from "../../support/until.ts";

const READ: TransportRequest = { method: "GET", path: "/api/v1/pods", verb: "list", resource: "pods" };
const WRITE: TransportRequest = { method: "PATCH", path: "/api/v1/namespaces/a/pods/b", contentType: "application/merge-patch+json", body: "{}", verb: "patch", resource: "pods" };

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function serve(answer: (asked: Asked, index: number) => void): Promise<ScriptedServer> {
  const server = await startScriptedServer(answer);
  ended.push(server.close);
  return server;
}

function transportTo(server: ScriptedServer, options: Partial<TransportOptions> = {}): Transport {
  const transport = createTransport(server.connection, { userAgent: "weir/test", ...options });
  ended.push(transport.close);
  return transport;
}

/** Time in which no back-off is waited for; the deadlines (in these tests never below five seconds) stay out of reach. */
function hurriedTime() {
  const time = createFakeTime(Date.now());
  const slept: number[] = [];
  const after = (delayMs: number, act: () => void): (() => void) => {
    if (delayMs > 5_000) return time.after(delayMs, act);
    slept.push(delayMs);
    setImmediate(() => void time.advance(delayMs));
    return time.after(delayMs, act);
  };
  return { ...time, after, slept };
}

describe("a call", () => {
  test("reuses its connection, and says who it is", async () => {
    const server = await serve((asked) => answerJson(asked, 200, {}));
    const transport = createTransport(connectionTo(server.url, { Authorization: "Bearer t" }), { userAgent: "weir/1.2.3" });
    ended.push(transport.close);
    for (let count = 0; count < 50; count++) await transport.send(READ);
    expect(server.opened()).toBe(1);
    expect(server.asked[49]?.headers).toMatchObject({ "user-agent": "weir/1.2.3", authorization: "Bearer t", accept: "application/json" });
  });

  test("shares a bounded number of connections with hundreds of others", async () => {
    const server = await serve((asked) => answerJson(asked, 200, {}));
    const transport = transportTo(server);
    await Promise.all(Array.from({ length: 300 }, () => transport.send(READ)));
    expect(server.asked).toHaveLength(300);
    expect(server.opened()).toBeLessThanOrEqual(32);
  });

  test("is given up after its deadline by a server that does not answer, and its connection with it", async () => {
    const server = await serve(() => undefined);
    const time = createFakeTime();
    const answer = transportTo(server, { time }).send(READ);
    answer.catch(() => undefined);
    await until(() => server.asked.length === 1);
    await time.advance(9_999);
    expect(server.open()).toBe(1);
    await time.advance(1);
    await expect(answer).rejects.toThrow(/No answer from the API server at .* to list pods: no answer within 10000 ms/);
    await expect(answer).rejects.toBeInstanceOf(Unreachable);
    await until(() => server.open() === 0);
    expect(time.pending()).toBe(0);
  });

  test("is given up after its deadline by a server whose body never ends", async () => {
    const server = await serve(({ response }) => response.writeHead(200).write("{"));
    const time = createFakeTime();
    const seen: RequestSeen[] = [];
    const answer = transportTo(server, { time, onRequest: (one) => seen.push(one) }).send(READ);
    answer.catch(() => undefined);
    await until(() => seen.length === 1);
    await time.advance(10_000);
    await expect(answer).rejects.toBeInstanceOf(Unreachable);
    await until(() => server.open() === 0);
  });

  test("is given up after its deadline by credentials that never come", async () => {
    const time = createFakeTime();
    const never = { ...connectionTo("http://127.0.0.1:9"), credentials: () => new Promise<never>(() => undefined) };
    const answer = createTransport(never, { userAgent: "weir/test", time }).send(READ);
    answer.catch(() => undefined);
    await time.advance(10_000);
    await expect(answer).rejects.toThrow("no answer within 10000 ms");
  });

  test("does not swallow an endless answer", async () => {
    const server = await serve(({ response }) => response.writeHead(200).end("x".repeat(5_000)));
    await expect(transportTo(server, { mostBodyBytes: 4_999 }).send(READ)).rejects.toThrow("the answer is larger than the 4999 bytes");
    expect((await transportTo(server, { mostBodyBytes: 5_000 }).send(READ)).body).toHaveLength(5_000);
  });

  test("asks who it is again after a 401", async () => {
    const server = await serve((asked) => (asked.headers.authorization === "Bearer 2" ? answerJson(asked, 200, {}) : refuse(asked, 401, "Unauthorized")));
    let reads = 0;
    const connection = { ...connectionTo(server.url), credentials: async () => ({ headers: { Authorization: `Bearer ${++reads}` }, tls: {} }) };
    const transport = createTransport(connection, { userAgent: "weir/test" });
    ended.push(transport.close);
    expect((await transport.send(READ)).status).toBe(401);
    expect((await transport.send(READ)).status).toBe(200);
    expect((await transport.send(READ)).status).toBe(200);
    expect(reads).toBe(2);
  });

  test("asks who it is again after that failed", async () => {
    const server = await serve((asked) => answerJson(asked, 200, {}));
    let reads = 0;
    const connection = {
      ...connectionTo(server.url),
      credentials: async () => {
        if (++reads === 1) throw new Error("the exec plugin failed");
        return { headers: {}, tls: {} };
      },
    };
    const transport = createTransport(connection, { userAgent: "weir/test" });
    ended.push(transport.close);
    await expect(transport.send(READ)).rejects.toThrow("the exec plugin failed");
    expect((await transport.send(READ)).status).toBe(200);
  });
});

describe("a read", () => {
  test("is repeated until the server has recovered", async () => {
    const server = await serve((asked, index) => (index < 2 ? refuse(asked, 503, "ServiceUnavailable") : answerJson(asked, 200, { ok: true })));
    const time = hurriedTime();
    expect(await transportTo(server, { time, random: () => 0 }).send(READ)).toEqual({ status: 200, body: '{"ok":true}' });
    expect(time.slept).toEqual([100, 200]);
  });

  test("is repeated after a reset connection", async () => {
    const server = await serve((asked, index) => (index === 0 ? asked.response.socket?.resetAndDestroy() : answerJson(asked, 200, {})));
    expect((await transportTo(server, { time: hurriedTime() }).send(READ)).status).toBe(200);
    expect(server.asked).toHaveLength(2);
  });

  test("is repeated after a body that broke off", async () => {
    const server = await serve((asked, index) => {
      if (index > 0) answerJson(asked, 200, {});
      else asked.response.writeHead(200, { "Content-Length": "10" }).write("abc", () => asked.response.destroy());
    });
    expect((await transportTo(server, { time: hurriedTime() }).send(READ)).status).toBe(200);
  });

  test("gives the fifth refusal to the caller", async () => {
    const server = await serve((asked) => refuse(asked, 500, "InternalError"));
    expect((await transportTo(server, { time: hurriedTime(), random: () => 0 }).send(READ)).status).toBe(500);
    expect(server.asked).toHaveLength(5);
  });
});

describe("a write", () => {
  test("is not repeated after a reset connection: whether it took effect is unknown", async () => {
    const server = await serve(({ response }) => response.socket?.resetAndDestroy());
    await expect(transportTo(server, { time: hurriedTime() }).send(WRITE)).rejects.toBeInstanceOf(Unreachable);
    expect(server.asked).toHaveLength(1);
  });

  test("is not repeated after a server's error", async () => {
    const server = await serve((asked) => refuse(asked, 503, "ServiceUnavailable"));
    expect((await transportTo(server, { time: hurriedTime() }).send(WRITE)).status).toBe(503);
    expect(server.asked).toHaveLength(1);
  });

  test("is repeated after 429, no sooner than Retry-After says", async () => {
    const server = await serve((asked, index) => (index === 0 ? refuse(asked, 429, "TooManyRequests", "later", { "Retry-After": "3" }) : answerJson(asked, 200, {})));
    const time = hurriedTime();
    expect((await transportTo(server, { time }).send(WRITE)).status).toBe(200);
    expect(time.slept).toEqual([3_000]);
  });

  test("gives a 429 to the caller when the wait would outlast the deadline", async () => {
    const server = await serve((asked) => refuse(asked, 429, "TooManyRequests", "later", { "Retry-After": "10" }));
    expect((await transportTo(server, { time: hurriedTime() }).send(WRITE)).status).toBe(429);
    expect(server.asked).toHaveLength(1);
  });

  test("is repeated while nothing listens, and each try is seen", async () => {
    const gone = await startScriptedServer(() => undefined);
    await gone.close();
    const seen: RequestSeen[] = [];
    const transport = createTransport(gone.connection, { userAgent: "weir/test", time: hurriedTime(), onRequest: (one) => seen.push(one) });
    await expect(transport.send(WRITE)).rejects.toThrow(/No answer from the API server at http:.* to patch pods: connect ECONNREFUSED/);
    expect(seen.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe("every request", () => {
  test("is seen with verb, resource, status and duration", async () => {
    const server = await serve((asked, index) => (index === 0 ? refuse(asked, 503, "x") : answerJson(asked, 200, {})));
    const seen: RequestSeen[] = [];
    await transportTo(server, { time: hurriedTime(), onRequest: (one) => seen.push(one) }).send(READ);
    expect(seen).toMatchObject([{ verb: "list", resource: "pods", status: 503 }, { verb: "list", resource: "pods", status: 200 }]);
    expect(seen.every(({ durationMs }) => durationMs >= 0)).toBe(true);
  });

  test("tells the server's clock", async () => {
    const server = await serve((asked) => {
      asked.response.setHeader("Date", new Date(Date.now() - 60_000).toUTCString());
      answerJson(asked, 200, {});
    });
    const transport = transportTo(server);
    expect(transport.skewMs()).toBeUndefined();
    await transport.send(READ);
    expect(Math.abs((transport.skewMs() ?? 0) - 60_000)).toBeLessThanOrEqual(600);
  });
});

describe("a stream", () => {
  const WATCH: TransportRequest = { ...READ, verb: "watch" };

  test("lives on past the deadline once its head has come, and ends with its signal", async () => {
    const server = await serve(({ response }) => response.writeHead(200).write("one\n"));
    const time = createFakeTime();
    const controller = new AbortController();
    const answer = await transportTo(server, { time }).open(WATCH, controller.signal);
    await time.advance(60_000);
    expect(server.open()).toBe(1);
    controller.abort(new Error("enough"));
    await expect(answer.toArray()).rejects.toThrow("enough");
    await until(() => server.open() === 0);
  });

  test("is given up when its head does not come in time", async () => {
    const server = await serve(() => undefined);
    const time = createFakeTime();
    const opened = transportTo(server, { time }).open(WATCH, new AbortController().signal);
    opened.catch(() => undefined);
    await until(() => server.asked.length === 1);
    await time.advance(10_000);
    await expect(opened).rejects.toBeInstanceOf(Unreachable);
    await until(() => server.open() === 0);
  });

  test("has a connection of its own beside the calls'", async () => {
    const server = await serve((asked) => (asked.query.has("watch") ? asked.response.writeHead(200).write("\n") : answerJson(asked, 200, {})));
    const transport = transportTo(server);
    const controllers = Array.from({ length: 40 }, () => new AbortController());
    await Promise.all(controllers.map(({ signal }) => transport.open({ ...WATCH, path: "/api/v1/pods?watch=true" }, signal)));
    expect((await transport.send(READ)).status).toBe(200);
    controllers.forEach((controller) => controller.abort());
  });
});
