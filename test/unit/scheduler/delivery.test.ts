/** Laws of one delivery: in order, tried again as the receiver asks, given up in the end, and always told. */
import { describe, expect, it } from "vitest";
import { DeliveryError, type Delivered } from "../../../src/notify/notifier.ts";
import type { Notice } from "../../../src/rollout/notice.ts";
import type { Notified } from "../../../src/rollout/status.ts";
import { ATTEMPTS, createTakeTurn } from "../../../src/scheduler/delivery.ts";
import { createLocalDeliveries } from "../../../src/scheduler/local-deliveries.ts";
import type { OutboxRecord } from "../../../src/scheduler/outbox-record.ts";
import { newer, type Mailbox, type Owed } from "../../../src/scheduler/stored-notice.ts";
import { createKeptLog } from "../../support/fake-scheduling.ts";
import { createFakeTime } from "../../support/fake-time.ts";
import { aNotice } from "../../support/notices.ts";

const mailbox: Mailbox = { namespace: "shop", name: "reviews", uid: "uid-reviews", run: 7, target: "slack/#deploys" };

/** A record in memory, of one mailbox. */
function createFakeRecord(...notices: readonly Notice[]): OutboxRecord & { last: Notified | undefined } {
  let owed: Owed[] = notices.map((notice) => ({ notice, notification: { slack: { channel: "#deploys" }, events: [] } }));
  return {
    last: undefined,
    async owe() { return true; },
    async read() { return { owed, ...(this.last && { last: this.last }) }; },
    async settle(_mailbox, last) {
      this.last = last;
      owed = owed.filter(({ notice }) => notice.seq > last.seq);
    },
    known() { return this.last; },
    async delivered() { return []; },
  };
}

type Deliver = (notice: Notice, previous: string | undefined, signal: AbortSignal) => Promise<Delivered>;

function anOutbox(record: OutboxRecord, deliver: Deliver) {
  const time = createFakeTime();
  const [told, counted]: [string[], string[]] = [[], []];
  const takeTurn = createTakeTurn({
    record, time, random: () => 1, logger: createKeptLog(),
    notifierFor: () => ({ deliver }),
    onDelivered: ({ name }) => told.push(name),
    metrics: { notification: (...labels) => counted.push(labels.join(" ")) },
  });
  return { time, takeTurn, told, counted };
}

const refusing = (error: Error): Deliver => async () => { throw error; };

describe("a delivery", () => {
  it("hands the run's message on to the next notice, and has the Rollout ticked", async () => {
    const previous: (string | undefined)[] = [];
    const record = createFakeRecord(aNotice({ seq: 1 }), aNotice({ seq: 3, event: "Succeeded" }));
    const { takeTurn, told, counted } = anOutbox(record, async (notice, message) => { previous.push(message); return { message: `C1/${notice.seq}` }; });
    expect(await takeTurn(mailbox, 1)).toEqual({ kind: "settled", more: true });
    expect(await takeTurn(mailbox, 1)).toEqual({ kind: "settled", more: false });
    expect(await takeTurn(mailbox, 1)).toEqual({ kind: "empty" });
    expect(previous).toEqual([undefined, "C1/1"]);
    expect(record.last).toEqual({ target: "slack/#deploys", seq: 3, event: "Succeeded", message: "C1/3" });
    expect(told).toEqual(["reviews", "reviews"]);
    expect(counted).toEqual(["slack Started delivered", "slack Succeeded delivered"]);
  });

  it("waits longer from attempt to attempt, and gives the notice up after the last", async () => {
    const record = createFakeRecord(aNotice(), aNotice({ seq: 2 }));
    const { takeTurn } = anOutbox(record, refusing(new DeliveryError("the receiver is in trouble (500)")));
    const waits: number[] = [];
    for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
      const turn = await takeTurn(mailbox, attempt);
      if (turn.kind === "again") waits.push(turn.inMs);
    }
    expect(waits).toEqual([1_000, 3_000, 9_000, 27_000, 81_000, 243_000, 300_000]);
    expect(await takeTurn(mailbox, ATTEMPTS)).toEqual({ kind: "settled", more: true });
    expect(record.last).toEqual({ target: "slack/#deploys", seq: 1, event: "Started", failing: "the receiver is in trouble (500); given up" });
  });

  it("says that it keeps failing from the second attempt on, once, without passing for delivered", async () => {
    const record = createFakeRecord(aNotice());
    const { takeTurn, told } = anOutbox(record, refusing(new DeliveryError("no connection to the receiver")));
    await takeTurn(mailbox, 1);
    expect([record.last, told]).toEqual([undefined, []]);
    await takeTurn(mailbox, 2);
    await takeTurn(mailbox, 3);
    expect(record.last).toEqual({ target: "slack/#deploys", seq: 0, event: "Started", failing: "no connection to the receiver" });
    expect(told).toEqual(["reviews"]);
  });

  it("says nothing of failing any more once a notice got through", async () => {
    const record = createFakeRecord(aNotice());
    record.last = { target: "slack/#deploys", seq: 0, event: "Started", failing: "no connection" };
    await anOutbox(record, async () => ({})).takeTurn(mailbox, 3);
    expect(record.last).toEqual({ target: "slack/#deploys", seq: 1, event: "Started" });
  });

  it.each([[7_000, 7_000], [86_400_000, 900_000], [0, 0]])("waits as long as the receiver asks (%i ms), within bounds", async (retryAfterMs, inMs) => {
    const { takeTurn } = anOutbox(createFakeRecord(aNotice()), refusing(new DeliveryError("fewer", retryAfterMs)));
    expect(await takeTurn(mailbox, 1)).toEqual({ kind: "again", inMs });
  });

  it("gives up at once where no retry helps, and goes on with the next notice", async () => {
    const record = createFakeRecord(aNotice({ seq: 1 }), aNotice({ seq: 2 }));
    const { takeTurn, told } = anOutbox(record, async (notice) => { if (notice.seq === 1) throw new DeliveryError("refused", null); return {}; });
    expect(await takeTurn(mailbox, 1)).toEqual({ kind: "settled", more: true });
    expect(await takeTurn(mailbox, 1)).toEqual({ kind: "settled", more: false });
    expect([record.last?.seq, record.last?.failing, told.length]).toEqual([2, undefined, 2]);
  });

  it("copies no word of an unexpected error", async () => {
    const record = createFakeRecord(aNotice());
    const { takeTurn } = anOutbox(record, refusing(new Error("token xoxb-1")));
    await takeTurn(mailbox, 2);
    expect(record.last?.failing).toBe("the notifier failed in a way that only the daemon's log tells");
  });

  it("is given up to the next attempt where the notifier does not end", async () => {
    let signal: AbortSignal | undefined;
    const { takeTurn, time } = anOutbox(createFakeRecord(aNotice()), (_notice, _previous, given) => { signal = given; return new Promise(() => {}); });
    const turn = takeTurn(mailbox, 1);
    await time.advance(15_000);
    expect(await turn).toMatchObject({ kind: "again" });
    expect([signal?.aborted, time.pending()]).toEqual([true, 0]);
  });

  it("never runs twice at once for one mailbox", async () => {
    let [running, most, count] = [0, 0, 0];
    const record = createFakeRecord(aNotice({ seq: 1 }), aNotice({ seq: 2 }), aNotice({ seq: 3 }));
    const { takeTurn } = anOutbox(record, async () => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      count += 1;
      return {};
    });
    await Promise.all([1, 2, 3, 4].map(() => takeTurn(mailbox, 1)));
    expect([most, count]).toEqual([1, 3]);
  });
});

describe("deliveries without Redis", () => {
  it("empty a mailbox in order, with the same waits", async () => {
    const delivered: string[] = [];
    let refusals = 2;
    const record = createFakeRecord(aNotice({ seq: 1 }), aNotice({ seq: 2 }));
    const startMs = createFakeTime().nowMs();
    const { takeTurn, time } = anOutbox(record, async ({ seq }) => {
      if (seq === 1 && refusals-- > 0) throw new DeliveryError("in trouble");
      delivered.push(`${seq} at ${time.nowMs() - startMs}`);
      return {};
    });
    const local = createLocalDeliveries(takeTurn, time, () => {});
    local.begin(mailbox);
    local.begin(mailbox);
    await time.advance(10_000);
    expect(delivered).toEqual(["1 at 4000", "2 at 4000"]);
    expect(time.pending()).toBe(0);
  });

  it("stop when told", async () => {
    const { takeTurn, time } = anOutbox(createFakeRecord(aNotice()), refusing(new DeliveryError("in trouble")));
    const local = createLocalDeliveries(takeTurn, time, () => {});
    local.begin(mailbox);
    await time.advance(1);
    local.stop();
    expect(time.pending()).toBe(0);
  });
});

describe("two reports about one target", () => {
  const report = (seq: number, failing?: string): Notified => ({ target: "t", seq, event: "Started", ...(failing && { failing }) });
  it.each([
    ["the later notice wins", report(2), report(1, "x"), report(2)],
    ["at the same notice the failure wins", report(1, "x"), report(1), report(1, "x")],
    ["one is better than none", undefined, report(1), report(1)],
  ])("%s", (_rule, one, other, expected) => {
    expect(newer(one, other)).toEqual(expected);
    expect(newer(other, one)).toEqual(expected);
  });
});
