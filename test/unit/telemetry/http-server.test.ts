/** The daemon's endpoints over real HTTP. */
import { connect } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { startHttpServer, type HttpServer, type HttpServerOptions } from "../../../src/telemetry/http-server.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";

let server: HttpServer | undefined;
afterEach(() => server?.close());

async function serving(options: Partial<HttpServerOptions> = {}): Promise<string> {
  server = await startHttpServer({
    host: "127.0.0.1", port: 0, unhealthy: () => [], unready: () => [],
    metrics: { contentType: "text/plain; version=0.0.4", text: async () => "weir_up 1\n" },
    doctor: async () => ({ redis: "ok" }),
    logger: createLogger({ level: "silent" }),
    ...options,
  });
  return `http://127.0.0.1:${server.address.port}`;
}

describe("the HTTP endpoints", () => {
  it("say ok while there is no reason against it, and the reasons otherwise", async () => {
    const reasons: string[] = [];
    const url = await serving({ unready: () => reasons });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    reasons.push("the cache of pods is not filled yet");
    const answer = await fetch(`${url}/readyz`);
    expect([answer.status, await answer.text()]).toEqual([503, "the cache of pods is not filled yet\n"]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("serve the metrics and the doctor's findings", async () => {
    const url = await serving();
    expect(await (await fetch(`${url}/metrics?x=1`)).text()).toBe("weir_up 1\n");
    expect(await (await fetch(`${url}/doctor`)).json()).toEqual({ redis: "ok" });
  });

  it("ask the doctor once for those who ask at the same time", async () => {
    let asked = 0;
    let finish = () => {};
    const examined = new Promise<void>((resolve) => (finish = resolve));
    const url = await serving({ doctor: async () => { asked += 1; await examined; return { asked }; } });
    const answers = [fetch(`${url}/doctor`), fetch(`${url}/doctor`)];
    await fetch(`${url}/healthz`);
    finish();
    await Promise.all(answers);
    expect(asked).toBe(1);
  });

  it.each([["/nothing", "GET", 404], ["/metrics", "POST", 405], ["/metrics", "HEAD", 200]])("answer %s by %s with %i", async (path, method, status) => {
    expect((await fetch(`${await serving()}${path}`, { method })).status).toBe(status);
  });

  it("answer 500 without the error's text when an endpoint fails", async () => {
    const url = await serving({ doctor: async () => { throw new Error("token abc"); } });
    const answer = await fetch(`${url}/doctor`);
    expect([answer.status, await answer.text()]).toEqual([500, "/doctor failed; the daemon's log says more\n"]);
  });

  it("close although a client holds its connection and an answer is under way", async () => {
    const url = await serving({ doctor: () => new Promise(() => {}) });
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    client.on("error", () => {});
    await once(client, "connect");
    client.write("GET /doctor HTTP/1.1\r\nhost: x\r\n\r\n");
    await fetch(`${url}/healthz`);
    const closed = once(client, "close");
    await server!.close();
    await closed;
  });
});
