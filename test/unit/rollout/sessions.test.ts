/** Whose cookie counts when the share of users changes, and what is wanted of the route for it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide } from "../../../src/rollout/decide.ts";
import { effectsOf } from "../../../src/rollout/effects.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import type { ValidRollout } from "../../../src/rollout/rollout.ts";
import { pinnedAt, sessionsWanted } from "../../../src/rollout/sessions.ts";
import { SESSION_STATUS_VERSION, type RolloutStatus, type Run } from "../../../src/rollout/status.ts";
import { anObservation, aRollout, at, aRun, aStatus, type ObservationChange, type RolloutChange } from "../../support/rollouts.ts";

const LADDER = [{ weight: 10, hold: "1m" }, { weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];
const strategy = { steps: LADDER, sessionAffinity: { cookieName: "side" } };
const PINS = { cookie: "side", attributes: "Max-Age=86400; Path=/; HttpOnly", since: 1, shares: [10] };
const PINNED = { versions: ["v3", "v2"], isIntact: true, isCurrent: true };
const pinned = (change: Partial<Run> = {}, rest: RolloutChange = {}): ValidRollout => aRollout({ spec: { strategy }, status: aStatus({ run: aRun({ ladder: LADDER, sessions: PINS, ...change }) }), ...rest });
const seen = (change: ObservationChange = {}): ReturnType<typeof anObservation> => anObservation({ ...change, route: { sessions: PINNED, ...change.route } });

function tick(rollout: ValidRollout, observation: ReturnType<typeof anObservation>): { readonly status: RolloutStatus; readonly write: unknown } {
  const decision = decide(rollout, observation);
  const status = nextStatus(rollout, observation, decision);
  return { status, write: effectsOf({ ...rollout, status }, status, observation, decision).find(({ kind }) => kind === "writeRoute") };
}

describe("pins", () => {
  const rollout = aRollout({ spec: { strategy } });

  test("begin with the first share, and are those of the run, the Rollout and the intent", () => {
    const { sessions } = pinnedAt(rollout, { epoch: 4 }, 10);
    expect(sessions).toEqual({ ...PINS, since: 4 });
    expect(sessionsWanted(rollout, aRun({ number: 7, sessions }))).toEqual({ stable: "v2", canary: "v3", cookie: "side", attributes: PINS.attributes, token: "uid.7.4", shares: [10] });
  });

  test("are called after the Rollout where nobody has named the cookie, with every attribute that is asked for", () => {
    const sessionAffinity = { maxAge: "1500ms", path: "/shop", domain: "example.com", sameSite: "None" as const, secure: true, httpOnly: false };
    expect(pinnedAt(aRollout({ spec: { strategy: { steps: LADDER, sessionAffinity } } }), { epoch: 1 }, 10).sessions).toMatchObject({
      cookie: "weir-session.bookinfo.reviews", attributes: "Max-Age=2; Path=/shop; Domain=example.com; SameSite=None; Secure",
    });
  });

  test.each([
    ["more", 25, { ...PINS, shares: [10, 25] }],
    ["the same", 10, PINS],
    ["less", 5, { ...PINS, since: 9, shares: [5] }],
    ["everything", 100, undefined],
    ["nothing", 0, undefined],
  ])("where the canary gets %s", (_label, points, sessions) => {
    expect(pinnedAt(rollout, { sessions: PINS, epoch: 9 }, points).sessions).toEqual(sessions);
  });

  test("begin anew with another cookie", () => {
    expect(pinnedAt(rollout, { sessions: { ...PINS, attributes: "Path=/" }, epoch: 9 }, 25).sessions).toEqual({ ...PINS, since: 9, shares: [25] });
  });

  test("make every user's chance of the canary the share in force, whichever shares they have drawn at", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 10 }).map((shares) => shares.toSorted((one, other) => one - other)), fc.infiniteStream(fc.boolean()), (shares, isThere) => {
        let [stable, last] = [1, 0];
        for (const share of shares) {
          if (!isThere.next().value && share !== shares.at(-1)) continue; // who does not ask meanwhile keeps an older cookie
          stable *= 1 - (share - last) / (100 - last);
          last = share;
        }
        expect(1 - stable).toBeCloseTo(shares.at(-1)! / 100, 10);
      }),
    );
  });
});

describe("a run", () => {
  test("draws for the difference at the next step, in the write of its weight", () => {
    const { status, write } = tick(pinned({}, { command: "promote id=c1 run=1 actor=alice" }), seen());
    expect(status).toMatchObject({ version: SESSION_STATUS_VERSION, run: { weight: 50, sessions: { since: 1, shares: [10, 50] } } });
    expect(write).toMatchObject({ wanted: [{ version: "v2", points: 50 }, { version: "v3", points: 50 }], sessions: { shares: [10, 50], token: "uid.1.1" }, stamp: "uid-1/1.2" });
  });

  test.each([
    ["reaches 100", { command: "promote id=c1 run=1 actor=alice full=true" }, undefined],
    ["is aborted", { command: "abort id=c1 run=1 actor=alice" }, "Aborted"],
  ])("takes all of them away in the write of its weight when it %s", (_label, change, outcome) => {
    const { status, write } = tick(pinned({}, change), seen());
    expect(status.run?.outcome).toBe(outcome);
    expect(status.run).not.toHaveProperty("sessions");
    expect(write).toMatchObject({ seen: { sessions: PINNED }, matched: null });
    expect(write).not.toHaveProperty("sessions");
  });

  test("has users draw anew where a hand lowers it, by a write of its own", () => {
    const { status, write } = tick(pinned(), seen({ split: { v2: 95, v3: 5 } }));
    expect(status).toMatchObject({ reason: "RouteEditedByHand", run: { weight: 5, points: 5, epoch: 2, pausedBy: "RouteEditedByHand", sessions: { since: 2, shares: [5] } } });
    expect(status.run).not.toHaveProperty("inForceAt");
    expect(write).toMatchObject({ wanted: [{ version: "v2", points: 95 }, { version: "v3", points: 5 }], sessions: { token: "uid.1.2", shares: [5] }, stamp: "uid-1/1.2" });
  });

  test("frees its users where a hand leaves the canary nothing, and writes nothing where the hand took our routes along", () => {
    const freed = tick(pinned(), seen({ split: { v2: 100, v3: 0 } }));
    expect(freed.status.run).toMatchObject({ weight: 0, epoch: 2 });
    expect(freed.status.run).not.toHaveProperty("sessions");
    expect(freed.write).not.toHaveProperty("sessions");
    expect(freed.write).toMatchObject({ stamp: "uid-1/1.2" });
    const put = tick(pinned(), anObservation({ split: { v2: 100, v3: 0 } }));
    expect(put.status.run).toMatchObject({ weight: 0, epoch: 1 });
    expect(put.write).toBeUndefined();
  });

  test("has our routes do as the user's does once its owner has edited that, without an intent of its own", () => {
    const { status, write } = tick(pinned(), seen({ route: { sessions: { ...PINNED, isCurrent: false } } }));
    expect(status.run).toMatchObject({ epoch: 1, raises: [], sessions: PINS });
    expect(write).toMatchObject({ sessions: { shares: [10] }, stamp: "uid-1/1.1" });
    expect(tick(pinned(), seen()).write).toBeUndefined();
  });

  test("does not count requests against a weight that is of users", () => {
    const growth = { sinceMs: Date.parse(at(10)), reporter: "source" as const, inStep: true, canary: { requests: 0, bad: 0 }, stable: { requests: 5_000, bad: 0 } };
    const looked = (sessions?: typeof PINNED): ReturnType<typeof anObservation> =>
      anObservation({ route: sessions ? { sessions } : {}, measurements: [{ kind: "base", name: "errors", instantMs: Date.parse(at(30)), query: "q", growth }] });
    expect(tick(aRollout(), looked()).status).toMatchObject({ run: { share: { canary: 0, stable: 5_000 } } });
    const { status } = tick(pinned(), looked(PINNED));
    expect(status.phase).toBe("Progressing");
    expect(status.run).not.toHaveProperty("share");
  });
});
