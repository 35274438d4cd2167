/** Which requests are sent again, and when. */
import { describe, expect, test } from "vitest";
import { backOffMs } from "../../../src/kubernetes/back-off.ts";
import { retryPauseMs, type Attempt } from "../../../src/kubernetes/retry.ts";

const nowMs = Date.parse("2026-01-01T00:00:00Z");
const certain = { nowMs, random: () => 0 };

const answered = (status: number, retryAfter?: string): Attempt => ({ kind: "answered", status, body: "", retryAfter });
const failed = (code: string, syscall = "read"): Attempt => ({ kind: "failed", error: Object.assign(new Error(code), { code, syscall }) });

describe("a repeated request", () => {
  const cases: readonly [string, Attempt, { readonly read: boolean; readonly write: boolean }][] = [
    ["an answer of success", answered(200), { read: false, write: false }],
    ["404", answered(404), { read: false, write: false }],
    ["409", answered(409), { read: false, write: false }],
    ["422", answered(422), { read: false, write: false }],
    ["429", answered(429), { read: true, write: true }],
    ["500", answered(500), { read: true, write: false }],
    ["501", answered(501), { read: false, write: false }],
    ["502", answered(502), { read: true, write: false }],
    ["503", answered(503), { read: true, write: false }],
    ["504", answered(504), { read: true, write: false }],
    ["a refused connection", failed("ECONNREFUSED", "connect"), { read: true, write: true }],
    ["an unknown name", failed("ENOTFOUND", "getaddrinfo"), { read: true, write: true }],
    ["no way to the host", failed("EHOSTUNREACH", "connect"), { read: true, write: true }],
    ["a host that is lost with the request under way", failed("EHOSTUNREACH", "read"), { read: true, write: false }],
    ["a reset connection", failed("ECONNRESET"), { read: true, write: false }],
    ["a broken pipe", failed("EPIPE", "write"), { read: true, write: false }],
    ["a certificate that does not verify", failed("DEPTH_ZERO_SELF_SIGNED_CERT"), { read: false, write: false }],
    ["a failure without a code", { kind: "failed", error: new Error("no answer within 10000 ms") }, { read: false, write: false }],
    ["something thrown that is no error", { kind: "failed", error: undefined }, { read: false, write: false }],
  ];

  test.each(cases)("after %s: only where it cannot do a thing twice", (_, attempt, expected) => {
    const repeats = (isRead: boolean): boolean => retryPauseMs(isRead, attempt, 1, certain) !== undefined;
    expect({ read: repeats(true), write: repeats(false) }).toEqual(expected);
  });

  test("is the fifth at most", () => {
    expect(retryPauseMs(true, answered(503), 4, certain)).toBeDefined();
    expect(retryPauseMs(true, answered(503), 5, certain)).toBeUndefined();
  });

  test("waits longer each time", () => {
    expect([1, 2, 3, 4].map((attempts) => retryPauseMs(true, answered(503), attempts, certain))).toEqual([100, 200, 400, 800]);
  });

  test.each([
    ["3", 3_000],
    ["Thu, 01 Jan 2026 00:00:07 GMT", 7_000],
    ["Wed, 31 Dec 2025 00:00:00 GMT", 100],
    ["soon", 100],
    ["-5", 100],
  ])("waits at least as long as Retry-After %j asks", (retryAfter, expected) => {
    expect(retryPauseMs(false, answered(429, retryAfter), 1, certain)).toBe(expected);
  });
});

describe("a back-off", () => {
  test("doubles up to its bound, half of it by chance", () => {
    const span = { firstMs: 1_000, mostMs: 30_000 };
    expect([0, 1, 4, 5, 1_000].map((failures) => backOffMs(span, failures, () => 0))).toEqual([500, 1_000, 8_000, 15_000, 15_000]);
    expect(backOffMs(span, 0, () => 0.999_999)).toBeCloseTo(1_000, 0);
    expect(backOffMs(span, 1_000, () => 0.999_999)).toBeLessThanOrEqual(30_000);
  });
});
