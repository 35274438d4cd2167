/** `npm run playground` as a newcomer runs it: it tells what really happens, says so with its exit code, and leaves nothing behind. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { turnSample } from "../../src/playground/samples/control.ts";
import { readState } from "../../src/playground/state-folder.ts";
import { isAlive } from "../support/processes.ts";

const start = path.resolve("src/playground/start.mjs");
const cleanUps: (() => void)[] = [];
afterEach(() => cleanUps.splice(0).forEach((cleanUp) => cleanUp()));

interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Where it was started. */
  readonly folder: string;
  output(): string;
  readonly exitCode: Promise<number | null>;
}

function run(...args: string[]): Running {
  const folder = mkdtempSync(path.join(tmpdir(), "weir-playground-test-"));
  const child = spawn(process.execPath, [start, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  cleanUps.push(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const exitCode = once(child, "exit").then(([code]) => code as number | null);
  return { child, folder, output: () => output, exitCode };
}

/** Processes below this one, as Linux lists them. */
function descendantsOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Settles when the first share other than 100/0 has been told. */
async function underWay({ output, child }: Running): Promise<void> {
  await vi.waitFor(() => expect(output(), `exit code ${child.exitCode}`).toMatch(/100\/0/), { timeout: 60_000, interval: 100 });
}

/** Route and share of each step told, e.g. `["90/10", 9.8]`. */
function stepsIn(output: string): readonly (readonly [route: string, sharePercent: number])[] {
  return [...output.matchAll(/^ {2}\d+:\d\d {2}(\d+\/\d+) .* (\d+\.\d) % of [\d,]+/gm)].map(([, route, share]) => [route!, Number(share)]);
}

describe("a scenario", () => {
  it("that is good ends with everything on the new version, step by step", { timeout: 240_000 }, async () => {
    const playground = run("--scenario", "good", "--exit");
    expect(await playground.exitCode, playground.output()).toBe(0);
    const steps = stepsIn(playground.output());
    expect(steps.map(([route]) => route)).toEqual(["100/0", "90/10", "75/25", "50/50", "0/100"]);
    for (const [route, share] of steps) expect(Math.abs(share - Number(route.split("/")[1]))).toBeLessThan(5);
    expect(existsSync(path.join(playground.folder, ".weir"))).toBe(false);
  });

  it.each(["bad", "slow"])("that is %s ends with everything back on the old version", { timeout: 240_000 }, async (name) => {
    const playground = run("--scenario", name, "--exit");
    expect(await playground.exitCode, playground.output()).toBe(0);
    expect(stepsIn(playground.output()).map(([route]) => route)).toEqual(["100/0", "90/10", "100/0"]);
    expect(stepsIn(playground.output()).at(-1)![1]).toBe(0);
    expect(playground.output()).toContain("Taken back");
  });
});

describe("a playground that stays", () => {
  /** Asks its API server as kubectl would. */
  async function asked(folder: string, resource: string, request: RequestInit = {}): Promise<string> {
    const { clusters } = JSON.parse(readFileSync(path.join(folder, ".weir/playground/kubeconfig"), "utf8")) as { clusters: { cluster: { server: string } }[] };
    const answer = await fetch(`${clusters[0]!.cluster.server}/apis/weir.dev/v1alpha1/namespaces/bookinfo/${resource}`, request);
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    return text;
  }
  const patched = (folder: string, body: unknown): Promise<string> => asked(folder, "rollouts/reviews", { method: "PATCH", headers: { "content-type": "application/merge-patch+json" }, body: JSON.stringify(body) });

  async function recordsIn(folder: string): Promise<readonly unknown[]> {
    const { items } = JSON.parse(await asked(folder, "rolloutruns")) as { items: { spec: unknown }[] };
    return items.map(({ spec }) => spec);
  }

  it("goes on with what somebody else does: a version is mended, tried again, and turned slow on its way", { timeout: 240_000 }, async () => {
    const playground = run("--scenario", "bad", "--stay");
    await vi.waitFor(() => expect(playground.output()).toContain("It all goes on until Ctrl-C"), { timeout: 120_000, interval: 200 });
    expect(await recordsIn(playground.folder)).toEqual([expect.objectContaining({ rollout: expect.objectContaining({ name: "reviews" }), number: 1, outcome: "RolledBack", checks: expect.arrayContaining([expect.objectContaining({ name: "errors", verdict: "Fail" })]) })]);
    const { control } = readState(path.join(playground.folder, ".weir/playground"));
    await turnSample(control, { app: "reviews", version: "v3", errorRate: 0 });
    await patched(playground.folder, { metadata: { annotations: { "weir.dev/command": "retry" } } });
    await vi.waitFor(() => expect(playground.output()).toContain("Somebody asked for v3, in place of v1"), { timeout: 60_000, interval: 200 });
    // A settled 90/10 line: v3 was found good at 10 %.
    await vi.waitFor(() => expect(playground.output().split("Somebody asked")[1]).toMatch(/90\/10 .*errors 0% ✓/), { timeout: 60_000, interval: 200 });
    await turnSample(control, { app: "reviews", version: "v3", latencyMs: 1_600 });
    await vi.waitFor(() => expect(stepsIn(playground.output().split("Somebody asked")[1]!).map(([route]) => route)).toContain("75/25"), { timeout: 60_000, interval: 200 });
    expect(playground.output()).toMatch(/75\/25 .*latency \d+ms ✗/);
    playground.child.kill("SIGINT");
    expect(await playground.exitCode).toBe(130);
  });
});

describe.runIf(process.platform === "linux")("nothing is left behind", { timeout: 120_000 }, () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const)("after %s", async (signal, code) => {
    const playground = run("--scenario", "good");
    await underWay(playground);
    const pids = descendantsOf(playground.child.pid!);
    expect(pids.length).toBeGreaterThanOrEqual(3); // redis-server, prometheus, the daemon
    playground.child.kill(signal);
    expect(await playground.exitCode).toBe(code);
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 10_000 });
    await vi.waitFor(() => expect(existsSync(path.join(playground.folder, ".weir", "playground"))).toBe(false), { timeout: 5_000 });
  });
});
