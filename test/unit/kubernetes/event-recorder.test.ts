/** Events: sent beside the work, never in its way. */
import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { createEventRecorder } from "../../../src/kubernetes/event-recorder.ts";
import { settled } from "../../support/fake-time.ts";
import { createSilentLog } from "../../support/silent-log.ts";

const rollout = { namespace: "shop", name: "reviews", uid: "u" };

interface Sent {
  readonly namespace: string | undefined;
  readonly event: { readonly reason: string; readonly message: string };
  readonly answer: () => void;
  readonly refuse: (error: Error) => void;
}

function recorder() {
  const sent: Sent[] = [];
  const log = createSilentLog();
  const create = (_: unknown, namespace: string | undefined, object: unknown): Promise<never> =>
    new Promise<never>((resolve, reject) => sent.push({ namespace, event: object as Sent["event"], answer: () => resolve({} as never), refuse: reject }));
  const events = createEventRecorder({ client: { create }, logger: log, nowMs: () => Date.parse("2026-01-01T00:00:00.789Z") });
  return { events, sent, log };
}

describe("an Event", () => {
  test("says which Rollout it is about, since when, and from whom", () => {
    const { events, sent } = recorder();
    events.record(rollout, "Warning", "RolledBack", "5.1% of 300 requests failed");
    expect(sent[0]?.namespace).toBe("shop");
    expect(sent[0]?.event).toMatchObject({
      metadata: { generateName: "reviews.", namespace: "shop" },
      involvedObject: { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", namespace: "shop", name: "reviews", uid: "u" },
      type: "Warning",
      reason: "RolledBack",
      message: "5.1% of 300 requests failed",
      source: { component: "weir" },
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
    });
  });

  test("is cut to what the server takes", () => {
    const { events, sent } = recorder();
    events.record(rollout, "Normal", "Started", "m".repeat(5_000));
    expect(sent[0]?.event.message).toHaveLength(1_024);
  });

  test("that is refused is logged, and the next one is sent", async () => {
    const { events, sent, log } = recorder();
    for (let count = 1; count <= 5; count++) events.record(rollout, "Normal", `R${count}`, "m");
    sent[0]?.refuse(new ApiError("no", 403, "Forbidden"));
    await settled();
    expect(log.lines).toMatchObject([{ level: "warn" }]);
    expect(sent.map(({ event }) => event.reason)).toEqual(["R1", "R2", "R3", "R4", "R5"]);
  });

  test("waits while four are under way; beyond a hundred the oldest is given up", async () => {
    const { events, sent, log } = recorder();
    for (let count = 1; count <= 110; count++) events.record(rollout, "Normal", `R${count}`, "m");
    expect(sent).toHaveLength(4);
    expect(log.lines).toHaveLength(6);
    for (let index = 0; index < sent.length; index++) {
      sent[index]?.answer();
      await settled();
    }
    expect(sent).toHaveLength(104);
    expect(sent[4]?.event.reason).toBe("R11");
    expect(sent.at(-1)?.event.reason).toBe("R110");
  });
});
