/** The test messages of `weir doctor --send-test`. */
import { describe, expect, it } from "vitest";
import type { Notice } from "../../../src/rollout/notice.ts";
import { createTestMessages } from "../../../src/notify/test-messages.ts";
import { aRollout } from "../../support/rollouts.ts";

const notifications = [{ slack: { channel: "#deploys" } }, { webhook: { url: "https://hooks.example/x" } }];

describe("a test message", () => {
  it("goes to every target, and says for each whether it got there", async () => {
    const notices: Notice[] = [];
    const send = createTestMessages({
      rollouts: { get: () => aRollout({ spec: { notifications } }) },
      notifierFor: ({ slack }) => ({
        deliver: async (notice) => {
          if (slack) throw new Error("Slack does not know the channel");
          notices.push(notice);
          return {};
        },
      }),
    });
    expect(await send("bookinfo/reviews")).toEqual([
      { ok: false, message: "not delivered to slack/#deploys: Slack does not know the channel" },
      { ok: true, message: "delivered to webhook/2" },
    ]);
    expect(notices).toMatchObject([{ rollout: { name: "reviews" }, run: 0, message: "This is a test of weir doctor: nothing has happened to reviews." }]);
  });

  it("has nobody to go to where nobody is named, or the Rollout is not known", async () => {
    const notifierFor = () => ({ deliver: () => Promise.reject(new Error("nobody should be told")) });
    expect(await createTestMessages({ rollouts: { get: () => aRollout() }, notifierFor })("bookinfo/reviews")).toEqual([{ ok: false, message: expect.stringContaining("no spec.notifications") }]);
    expect(await createTestMessages({ rollouts: { get: () => undefined }, notifierFor })("a/b")).toEqual([{ ok: false, message: expect.stringContaining("knows no Rollout a/b") }]);
  });
});
