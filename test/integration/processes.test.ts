/** The child processes of the playground and of the tests: ready when we are told so, gone when we go. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { EndedEarly, freePort, onFreePort, startChild, untilReady } from "../../src/playground/processes/child-process.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { startPrometheus } from "../../src/playground/processes/prometheus.ts";
import { startRedis } from "../../src/playground/processes/redis.ts";
import { isAlive } from "../support/processes.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** One command over a connection of its own. Rejects if nobody answers within half a second. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.setTimeout(500, () => socket.destroy(new Error("no answer")));
    socket.on("error", reject);
    socket.once("data", (answer) => resolve(answer.toString().trim())).once("data", () => socket.destroy());
    socket.write(`${command}\r\n`);
  });
}

describe("a child process", () => {
  it.each(["SIGKILL", "SIGTERM"] as const)("is gone, and its folder with it, after its parent got %s", async (signal) => {
    const parent = spawn(process.execPath, ["--import", "tsx", "test/support/leaving-things-behind.ts"], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const left = JSON.parse(line.toString()) as { folder: string; pid: number; ports: readonly number[] };
    expect(isAlive(left.pid) && existsSync(left.folder)).toBe(true);
    parent.kill(signal);
    await vi.waitFor(
      async () => {
        expect(isAlive(left.pid)).toBe(false);
        expect(existsSync(left.folder)).toBe(false);
        for (const port of left.ports) await expect(ask(port, "PING")).rejects.toThrow(/ECONNREFUSED/);
      },
      { timeout: 5_000 },
    );
  });

  it("that ends before it is ready says why", async () => {
    const folder = createTemporaryFolder("weir-test");
    cleanUps.push(folder.remove);
    const child = await startChild("sh", ["-c", "echo the disk is full; exit 3"], `${folder.path}/log`);
    await expect(untilReady(child, "the program", async () => false)).rejects.toThrow(/the program ended before it was ready.*\nthe disk is full/);
    expect(await child.ended).toBe("sh ended with exit code 3");
  });

  it("that is not there is named", async () => {
    const folder = createTemporaryFolder("weir-test");
    cleanUps.push(folder.remove);
    await expect(startChild("no-such-program", [], `${folder.path}/log`)).rejects.toThrow(/could not start no-such-program: .*ENOENT/);
  });

  it("that does not listen to SIGTERM is killed", async () => {
    const folder = createTemporaryFolder("weir-test");
    cleanUps.push(folder.remove);
    const child = await startChild("sh", ["-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], `${folder.path}/log`);
    await untilReady(child, "the program", async () => child.lastLines() === "deaf");
    await child.stop(50);
    expect(await child.ended).toBe("sh ended by SIGKILL");
  });

  it("gets another port when somebody was faster", async () => {
    const ports: number[] = [];
    const port = await onFreePort(async (candidate) => {
      ports.push(candidate);
      if (ports.length === 1) throw new EndedEarly("bind: Address already in use");
      return candidate;
    });
    expect(ports).toHaveLength(2);
    expect(port).toBe(ports[1]);
  });
});

describe("Redis", () => {
  it("keeps its port and its data over a stop, and is silent while paused", async () => {
    const redis = await startRedis({ durable: true });
    cleanUps.push(redis.close);
    expect(await ask(redis.port, "SET step 25")).toBe("+OK");
    await redis.stop();
    await expect(ask(redis.port, "GET step")).rejects.toThrow(/ECONNREFUSED/);
    await redis.start();
    expect(await ask(redis.port, "GET step")).toBe("$2\r\n25");
    redis.pause();
    await expect(ask(redis.port, "GET step")).rejects.toThrow("no answer");
    redis.resume();
    expect(await ask(redis.port, "GET step")).toBe("$2\r\n25");
  });

  it("that is killed comes back on its port, with nothing", async () => {
    const redis = await startRedis();
    cleanUps.push(redis.close);
    expect(await ask(redis.port, "SET step 25")).toBe("+OK");
    await redis.kill();
    await expect(ask(redis.port, "GET step")).rejects.toThrow(/ECONNREFUSED/);
    await redis.start();
    expect(await ask(redis.port, "GET step")).toBe("$-1");
  });
});

describe("Prometheus", () => {
  it("scrapes what it is told to", { timeout: 30_000 }, async () => {
    const target = await listen((_, response) => response.end("sentences_total 42\n"));
    const prometheus = await startPrometheus({ scrapeIntervalMs: 200, targets: [{ job: "mesh", address: target }] });
    cleanUps.push(prometheus.close);
    await vi.waitFor(
      async () => {
        const answer = await fetch(`${prometheus.url}/api/v1/query?query=sentences_total`);
        const { data } = (await answer.json()) as { data: { result: readonly unknown[] } };
        expect(data.result).toMatchObject([{ metric: { job: "mesh", instance: target }, value: [expect.any(Number), "42"] }]);
      },
      { timeout: 10_000 },
    );
  });
});

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(await freePort(), "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(async () => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
