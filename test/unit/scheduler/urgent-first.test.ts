/** Which status writes wait for which. */
import { describe, expect, it } from "vitest";
import type { Rollouts } from "../../../src/reconciler/ports.ts";
import { withUrgentFirst } from "../../../src/scheduler/urgent-first.ts";
import { aStatus } from "../../support/a-status.ts";
import { aRollout } from "../../support/rollouts.ts";

describe("status writes of a fleet", () => {
  it("let one that moves traffic pass, however many others wait", async () => {
    const server = aSlowServer();
    const told = Array.from({ length: 100 }, () => server.write(false));
    const urgent = server.write(true);
    await settled();
    expect(server.inFlight()).toBe(4 + 1);
    server.answer(4); // the urgent one, whatever the four before it do
    await expect(urgent).resolves.toBeDefined();
    while (server.inFlight() > 0) {
      server.answer(0);
      await settled();
    }
    await expect(Promise.all(told)).resolves.toHaveLength(100);
  });

  it("go on after one that fails", async () => {
    const server = aSlowServer();
    const told = Array.from({ length: 5 }, () => server.write(false).then(() => "written", () => "failed"));
    await settled();
    for (let turn = 0; turn < 4; turn++) server.refuse(0);
    await settled();
    server.answer(0);
    await expect(Promise.all(told)).resolves.toEqual(["failed", "failed", "failed", "failed", "written"]);
  });
});

describe("status writes of those who look at the same time", () => {
  it("wait until the last of them has decided, and one that moves traffic waits for nobody", async () => {
    const turns: (() => void)[] = [];
    const turn = async (): Promise<void> => {
      turns.splice(0).forEach((next) => next());
      await settled();
    };
    const server = aSlowServer(() => new Promise((resolve) => turns.push(resolve)));
    for (let decided = 0; decided < 6; decided++) {
      void server.write(false);
      await turn();
    }
    expect(server.inFlight()).toBe(0);
    void server.write(true);
    await settled();
    expect(server.inFlight(), "the urgent one").toBe(1);
    for (let quiet = 0; quiet < 3; quiet++) await turn();
    expect(server.inFlight()).toBe(1 + 4);
  });

  it("do not wait for ever for others who go on deciding", async () => {
    let decided = 0;
    const server: ReturnType<typeof aSlowServer> = aSlowServer(async () => {
      decided += 1;
      void server.write(true);
    });
    void server.write(false);
    await settled();
    expect(server.inFlight()).toBe(decided + 1);
  });
});

/** Answers nothing until it is told to. */
function aSlowServer(turn?: () => Promise<void>) {
  const waiting: { readonly resolve: () => void; readonly reject: () => void }[] = [];
  const rollout = aRollout();
  const updateStatus: Rollouts["updateStatus"] = () => new Promise((resolve, reject) => waiting.push({ resolve: () => resolve(rollout), reject: () => reject(new Error("409")) }));
  const rollouts = withUrgentFirst({ updateStatus } as Rollouts, turn);
  return {
    write: (isUrgent: boolean) => rollouts.updateStatus(rollout, aStatus(), isUrgent),
    inFlight: () => waiting.length,
    answer: (index: number) => waiting.splice(index, 1)[0]!.resolve(),
    refuse: (index: number) => waiting.splice(index, 1)[0]!.reject(),
  };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
