/** `npm run playground` beyond its scenarios: it goes on with what people do, and leaves nothing behind. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, vi } from "vitest";
import { turnSample } from "../../src/playground/samples/control.ts";
import { readState } from "../../src/playground/state-folder.ts";
import { runPlayground, stepsIn, type RunningPlayground } from "../support/playground.ts";
import { isAlive } from "../support/processes.ts";
import { shortened } from "../support/whole-run.ts";

/** Processes below this one, as Linux lists them. */
function descendantsOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Settles when the first share other than 100/0 has been told. */
async function underWay({ output, child }: RunningPlayground): Promise<void> {
  await vi.waitFor(() => expect(output(), `exit code ${child.exitCode}`).toMatch(/100\/0/), { timeout: 60_000, interval: 100 });
}

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
    const playground = runPlayground("--scenario", "bad", "--stay");
    await vi.waitFor(() => expect(playground.output()).toContain("It all goes on until Ctrl-C"), { timeout: 120_000, interval: 200 });
    expect(await recordsIn(playground.folder)).toEqual([expect.objectContaining({ rollout: expect.objectContaining({ name: "reviews" }), number: 1, outcome: "RolledBack", checks: expect.arrayContaining([expect.objectContaining({ name: "errors", verdict: "Fail" })]) })]);
    const { control } = readState(path.join(playground.folder, ".weir/playground"));
    await turnSample(control, { app: "reviews", version: "v3", errorRate: 0 });
    await patched(playground.folder, { metadata: { annotations: { "weir.dev/command": "retry" } } });
    await vi.waitFor(() => expect(playground.output()).toContain("Somebody asked for v3, in place of v1"), { timeout: 60_000, interval: 200 });
    // A settled 90/10 line: v3 was found good at 10 %, or it would stand there still. (The last verdict there comes with the next step.)
    await vi.waitFor(() => expect(playground.output().split("Somebody asked")[1]).toMatch(/90\/10 .*errors 0% /), { timeout: 60_000, interval: 200 });
    await turnSample(control, { app: "reviews", version: "v3", latencyMs: 1_600 });
    await vi.waitFor(() => expect(stepsIn(playground.output().split("Somebody asked")[1]!).map(([route]) => route)).toContain("75/25"), { timeout: 60_000, interval: 200 });
    expect(playground.output()).toMatch(/75\/25 .*latency \d+ms ✗/);
    playground.child.kill("SIGINT");
    expect(await playground.exitCode).toBe(130);
  });
});

describe.runIf(process.platform === "linux")("nothing is left behind", { timeout: 120_000 }, () => {
  it.each(
    shortened([
      ["SIGINT", 130],
      ["SIGTERM", 143],
      ["SIGKILL", null],
    ] as const),
  )("after %s", async (signal, code) => {
    const playground = runPlayground("--scenario", "good");
    await underWay(playground);
    const pids = descendantsOf(playground.child.pid!);
    expect(pids.length).toBeGreaterThanOrEqual(3); // redis-server, prometheus, the daemon
    playground.child.kill(signal);
    expect(await playground.exitCode).toBe(code);
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 10_000 });
    await vi.waitFor(() => expect(existsSync(path.join(playground.folder, ".weir", "playground"))).toBe(false), { timeout: 5_000 });
  });
});
