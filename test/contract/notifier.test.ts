/** What every notifier keeps, whatever its receiver does: it ends, it says whether to try again, and it tells no secret. */
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Notification } from "../../src/rollout/spec.ts";
import { DeliveryError, type Notifier } from "../../src/notify/notifier.ts";
import { createNotifierFor } from "../../src/notify/registry.ts";
import { aNotice } from "../support/notices.ts";
import { answering, likeSlack, saying, startReceiver, type Behaviour, type Receiver } from "../support/receiver.ts";

const SECRET = "xoxb-s3cr3t-0123456789";
const events: Notification["events"] = ["Started"];

interface Subject {
  readonly name: string;
  readonly well: () => Behaviour;
  /** The notifier for a receiver at `url`; `secret` is what the Secret holds. */
  build(url: string, options?: { readonly allowed?: boolean; readonly readSecret?: () => Promise<string> }): Notifier;
}

const subjects: readonly Subject[] = [
  {
    name: "slack by bot token",
    well: likeSlack,
    build: (url, { allowed = true, readSecret = async () => SECRET } = {}) =>
      createNotifierFor({ readSecret, isAllowedHost: () => allowed, slackApiUrl: `${url}/api/` })({ slack: { channel: "#deploys", secretRef: { name: "slack", key: "token" } }, events }, "shop"),
  },
  {
    name: "slack by incoming webhook",
    well: () => answering(200, "ok"),
    build: (url, { allowed = true, readSecret } = {}) =>
      createNotifierFor({ readSecret: readSecret ?? (async () => `${url}/services/${SECRET}`), isAllowedHost: () => allowed })({ slack: { webhook: { secretRef: { name: "slack", key: "url" } } }, events }, "shop"),
  },
  {
    name: "webhook",
    well: () => answering(202, "thanks"),
    build: (url, { allowed = true, readSecret = async () => SECRET } = {}) =>
      createNotifierFor({ readSecret, isAllowedHost: () => allowed })({ webhook: { url: `${url}/hook`, secretRef: { name: "ci", key: "hmac" } }, events }, "shop"),
  },
];

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.close();
  receiver = undefined;
});

async function deliver(subject: Subject, behave: Behaviour, signal = new AbortController().signal) {
  receiver = await startReceiver(behave);
  return subject.build(receiver.url).deliver(aNotice(), undefined, signal);
}

async function failureOf(delivery: Promise<unknown>): Promise<DeliveryError> {
  const error = await delivery.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(DeliveryError);
  return error as DeliveryError;
}

async function aClosedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Text of a receiver that must not come back in an error. */
const GOSSIP = "internal-host-10-1-2-3 says no";
const neverAnswers: Behaviour = () => {};

const answers: readonly [string, Behaviour, number | null | undefined][] = [
  ["429 with Retry-After", answering(429, GOSSIP, { "retry-after": "7" }), 7_000],
  ["429 without it", answering(429, GOSSIP), undefined],
  ["500", answering(500, GOSSIP), undefined],
  ["503 with a page of HTML", answering(503, `<html>${GOSSIP}</html>`, { "content-type": "text/html" }), undefined],
  ["403", answering(403, GOSSIP), null],
  ["404", answering(404, GOSSIP), null],
  ["a redirect", answering(302, GOSSIP, { location: "http://127.0.0.1:1/elsewhere" }), null],
];

describe.each(subjects)("$name", (subject) => {
  it("delivers", async () => {
    await deliver(subject, subject.well());
    expect(receiver!.received.length).toBe(1);
  });

  it.each(answers)("answered with %s, says whether to try again, and repeats no word of it", async (_name, behave, retryAfterMs) => {
    const error = await failureOf(deliver(subject, behave));
    expect(error.retryAfterMs).toBe(retryAfterMs);
    expect(error.message).not.toMatch(/internal-host|s3cr3t|xoxb/);
    expect(receiver!.received).toHaveLength(1);
  });

  it("tries again later where nobody listens", async () => {
    const error = await failureOf(subject.build(`http://127.0.0.1:${await aClosedPort()}`).deliver(aNotice(), undefined, new AbortController().signal));
    expect(error.retryAfterMs).toBeUndefined();
    expect(error.message).toMatch(/no connection to the receiver \(ECONNREFUSED\)/);
  });

  it("ends with its signal where the receiver answers nothing", async () => {
    const controller = new AbortController();
    const delivery = deliver(subject, () => controller.abort(), controller.signal);
    expect((await failureOf(delivery)).retryAfterMs).toBeUndefined();
  });

  it("does not begin where its signal has aborted already", async () => {
    await failureOf(deliver(subject, neverAnswers, AbortSignal.abort()));
    expect(receiver!.received).toEqual([]);
  });

  it("takes in no more than it needs of an answer without end", async () => {
    let sent = 0;
    const endless: Behaviour = (_request, response) => {
      response.writeHead(500);
      const chunk = Buffer.alloc(16_384, "x");
      const more = (): void => { while (!response.destroyed && response.write(chunk)) sent += chunk.byteLength; };
      response.on("drain", more);
      response.on("error", () => {});
      more();
    };
    await failureOf(deliver(subject, endless));
    expect(sent).toBeLessThan(50_000_000);
  });

  it("sends nothing to a host that is not admitted", async () => {
    receiver = await startReceiver(subject.well());
    const error = await failureOf(subject.build(receiver.url, { allowed: false }).deliver(aNotice(), undefined, new AbortController().signal));
    expect([error.retryAfterMs, receiver.received]).toEqual([null, []]);
    expect(error.message).toContain("--allow-hosts does not admit 127.0.0.1");
  });

  it.each([
    ["cannot be read", async (): Promise<string> => { throw new Error(`forbidden: ${SECRET}`); }, undefined],
    ["is empty", async (): Promise<string> => " \n", null],
  ])("says which Secret %s", async (_what, readSecret, retryAfterMs) => {
    receiver = await startReceiver(subject.well());
    const error = await failureOf(subject.build(receiver.url, { readSecret }).deliver(aNotice(), undefined, new AbortController().signal));
    expect(error.retryAfterMs).toBe(retryAfterMs);
    expect(error.message).toMatch(/Secret shop\/(slack|ci)/);
    expect(error.message).not.toContain(SECRET);
  });
});

describe("slack by bot token", () => {
  const slack = subjects[0]!;

  it("posts one message for the run, edits it from then on, and tells each later event in its thread", async () => {
    receiver = await startReceiver(likeSlack());
    const notifier = slack.build(receiver.url);
    const { signal } = new AbortController();
    const first = await notifier.deliver(aNotice(), undefined, signal);
    const second = await notifier.deliver(aNotice({ seq: 2, event: "RolledBack", weightPercent: 0, message: "errors: 4% of 310 requests failed" }), first.message, signal);
    expect([first.message, second.message]).toEqual(["C1/17.1", "C1/17.1"]);
    const calls = receiver.received.map(({ path, body }) => ({ path, form: Object.fromEntries(new URLSearchParams(body)) }));
    expect(calls.map(({ path }) => path)).toEqual(["/api/chat.postMessage", "/api/chat.update", "/api/chat.postMessage"]);
    expect(calls[0]!.form).toMatchObject({ channel: "#deploys" });
    expect(calls[1]!.form).toMatchObject({ channel: "C1", ts: "17.1" });
    expect(calls[2]!.form).toMatchObject({ channel: "C1", thread_ts: "17.1" });
    expect(calls[2]!.form.text).toContain("4% of 310 requests");
    expect(receiver.received[0]!.headers.authorization).toBe(`Bearer ${SECRET}`);
  });

  it("posts anew when somebody deleted the run's message", async () => {
    const well = likeSlack();
    receiver = await startReceiver((request, response) => (request.path.endsWith("chat.update") ? saying("message_not_found") : well)(request, response));
    expect(await slack.build(receiver.url).deliver(aNotice({ seq: 2 }), "C1/1.1", new AbortController().signal)).toEqual({ message: "C1/17.1" });
  });

  it.each([
    ["channel_not_found", null, /invite the bot/],
    ["invalid_auth", null, /xoxb-…/],
    ["missing_scope", null, /chat:write/],
    ["internal_error", undefined, /not known here/],
    [GOSSIP, undefined, /not known here/],
  ])("knows what %s means", async (refusal, retryAfterMs, sentence) => {
    const error = await failureOf(deliver(slack, saying(refusal)));
    expect(error.retryAfterMs).toBe(retryAfterMs);
    expect(error.message).toMatch(sentence);
    expect(error.message).not.toContain(GOSSIP);
  });

  it("uses the daemon's token for a Rollout that names only a channel, and says so where there is none", async () => {
    receiver = await startReceiver(likeSlack());
    const options = { readSecret: async () => { throw new Error("not asked"); }, isAllowedHost: () => true, slackApiUrl: `${receiver.url}/api/` };
    const notification: Notification = { slack: { channel: "#deploys" }, events };
    const { signal } = new AbortController();
    await createNotifierFor({ ...options, slackToken: "xoxb-daemon" })(notification, "shop").deliver(aNotice(), undefined, signal);
    expect(receiver.received[0]!.headers.authorization).toBe("Bearer xoxb-daemon");
    expect((await failureOf(createNotifierFor(options)(notification, "shop").deliver(aNotice(), undefined, signal))).message).toContain("WEIR_SLACK_TOKEN");
  });
});
