/** What receivers of the generic webhook rely on. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { retryAfterMs } from "../../../src/notify/http-post.ts";
import { createNotifierFor } from "../../../src/notify/registry.ts";
import { cloudEventOf } from "../../../src/notify/webhook/cloud-event.ts";
import { signatureOf } from "../../../src/notify/webhook/signature.ts";
import { NotificationEvent, type Notification } from "../../../src/rollout/spec.ts";
import { aNotice } from "../../support/notices.ts";
import { answering, startReceiver, type Receiver } from "../../support/receiver.ts";

let receiver: Receiver | undefined;
afterEach(() => receiver?.close());

async function received(webhook: NonNullable<Notification["webhook"]>, key = "k3y\n") {
  receiver = await startReceiver(answering(204));
  const notifierFor = createNotifierFor({ readSecret: async () => key, isAllowedHost: () => true });
  await notifierFor({ webhook: { ...webhook, url: `${receiver.url}${webhook.url}` }, events: ["Started"] }, "shop").deliver(aNotice(), undefined, new AbortController().signal);
  return receiver.received[0]!;
}

describe("the webhook", () => {
  it("sends a CloudEvent 1.0 in structured mode", async () => {
    const { path, headers, body } = await received({ url: "/hook?x=1" });
    expect(path).toBe("/hook?x=1");
    expect(headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
    expect(headers["weir-signature"]).toBeUndefined();
    expect(JSON.parse(body)).toMatchObject({
      specversion: "1.0",
      id: "uid-reviews/7/1",
      source: "/apis/weir.dev/v1alpha1/namespaces/shop/rollouts/reviews",
      type: "dev.weir.rollout.Started.v1",
      subject: "run/7",
      time: "2026-01-01T00:00:00.000Z",
      data: { event: "Started", weightPercent: 10, command: "weir abort reviews -n shop --run 7" },
    });
  });

  it("signs the time and the very bytes of the body", async () => {
    const { headers, body } = await received({ url: "/hook", secretRef: { name: "ci", key: "hmac" } });
    const [, t, v1] = /^t=(\d+),v1=([\da-f]{64})$/.exec(String(headers["weir-signature"]))!;
    expect(v1).toBe(createHmac("sha256", "k3y").update(`${t}.${body}`).digest("hex"));
    expect(Math.abs(Date.now() / 1_000 - Number(t))).toBeLessThan(10);
  });

  it("has a signature that a vector of openssl fixes", () => {
    expect(signatureOf("{}", "key", 1_000)).toBe("t=1000,v1=c32de42341dece79a1511c9e7f74a2734112edcfcf48943c976faf07047065db");
  });

  it("gives each notice of a run an id of its own, and the same one each time", () => {
    const ids = [aNotice(), aNotice({ seq: 2 }), aNotice({ run: 8 }), aNotice()].map((notice) => cloudEventOf(notice).id);
    expect(ids).toEqual(["uid-reviews/7/1", "uid-reviews/7/2", "uid-reviews/8/1", "uid-reviews/7/1"]);
  });

  it("documents every event type, and no other", () => {
    const documented = readFileSync(new URL("../../../src/notify/webhook/readme.md", import.meta.url), "utf8").match(/^\| `dev\.weir\.rollout\.\w+\.v1`/gm);
    expect(documented).toEqual(NotificationEvent.options.map((event) => `| \`dev.weir.rollout.${event}.v1\``));
  });
});

describe("Retry-After", () => {
  it.each([[null, undefined], ["7", 7_000], ["0", 0], ["1e9", undefined], ["999999999", 86_400_000], ["soon", undefined], ["-5", undefined]])("%s means %s ms", (header, expected) => {
    expect(retryAfterMs(header, 0)).toBe(expected);
  });

  it("may be a date, also one that has passed", () => {
    const nowMs = Date.parse("2026-01-01T00:00:00Z");
    expect(retryAfterMs("Thu, 01 Jan 2026 00:00:30 GMT", nowMs)).toBe(30_000);
    expect(retryAfterMs("Wed, 31 Dec 2025 00:00:30 GMT", nowMs)).toBe(0);
  });
});
