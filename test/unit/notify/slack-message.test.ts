/** How a notice reads in Slack. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detailsOf, messageOf } from "../../../src/notify/slack/message.ts";
import type { Notice } from "../../../src/rollout/notice.ts";
import { aNotice } from "../../support/notices.ts";

function textsOf(notice: Notice): string[] {
  return messageOf(notice).blocks.map((block) => (block.type === "section" ? (block.text?.text ?? "") : ""));
}

describe("a Slack message", () => {
  it("shows what moves where, how far it is, the checks, the links, and the command to copy", () => {
    expect(textsOf(aNotice({ weightPercent: 25 }))).toEqual([
      ":rocket: *reviews* in shop: v2 → *v3* (run 7)\n`█████░░░░░░░░░░░░░░░` 25% · step 1/4 · Progressing\nv3 gets 10% of the requests for 1m",
      "• errors: *Pass* (0.2%, limit 1%)",
      "<https://grafana.example/d/x?var-ns=shop|Grafana>",
      "```weir abort reviews -n shop --run 7```",
    ]);
  });

  it("names the revisions where only they differ, and the outcome once there is one", () => {
    const [title] = textsOf(aNotice({ from: { version: "v3", revision: "v3-a" }, to: { version: "v3", revision: "v3-b" }, outcome: "Succeeded", event: "Succeeded", weightPercent: 100 }));
    expect(title).toContain("v3-a → *v3-b*");
    expect(title).toContain("`████████████████████` 100% · step 1/4 · Succeeded");
  });

  it("leaves out what there is none of", () => {
    expect(textsOf(aNotice({ checks: [], links: [], command: "" }))).toHaveLength(1);
  });

  it("tells one event in the thread", () => {
    expect(detailsOf(aNotice({ event: "RolledBack", weightPercent: 0, message: "4% failed" }))).toBe(":rewind: *RolledBack* at 0%, step 1/4\n4% failed\n• errors: *Pass* (0.2%, limit 1%)");
  });

  it("lets no text mention anybody or break out of its place, and stays within Slack's limits", () => {
    const nasty = fc.oneof(fc.string(), fc.constantFrom("<!channel>", "<@U1>", "&lt;!here>", "x".repeat(5_000)));
    fc.assert(
      fc.property(nasty, nasty, nasty, fc.double({ min: -10, max: 200, noNaN: true }), (message, name, value, weightPercent) => {
        const notice = aNotice({ message, weightPercent, checks: Array.from({ length: 30 }, () => ({ name, verdict: "Fail", value })), links: [] });
        for (const text of [...textsOf(notice), messageOf(notice).text, detailsOf(notice)]) {
          expect(text).not.toMatch(/<[!@#]/);
          expect(text.length).toBeLessThanOrEqual(3_000);
        }
      }),
    );
  });
});
