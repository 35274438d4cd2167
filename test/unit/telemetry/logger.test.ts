/** Laws of the log: a static message plus metadata, and no secret in any line. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogger, type Logger } from "../../../src/telemetry/logger.ts";

function aLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: createLogger({ level: "debug", destination: { write: (line) => void lines.push(line) } }), lines };
}

const secret = fc.string({ minLength: 12, maxLength: 40, unit: fc.constantFrom(..."abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") });

const hidingPlaces: readonly [string, (secret: string) => Record<string, unknown>][] = [
  ["a field named after it", (value) => ({ token: value, Authorization: `Bearer ${value}`, nested: { clientSecret: value, list: [{ password: value }] } })],
  ["a URL's user and password", (value) => ({ url: `https://user:${value}@prometheus:9090/x` })],
  ["an incoming webhook's URL", (value) => ({ message: `POST https://hooks.slack.com/services/T0/B0/${value} failed` })],
  ["a Slack token in an error's message", (value) => ({ error: new Error(`bad token xoxb-1-${value}`) })],
  ["the cause of an error", (value) => ({ error: new Error("outer", { cause: new Error(`Bearer ${value}`) }) })],
  ["the fields that a library hangs on its error", (value) => ({ error: Object.assign(new Error("refused"), { config: { headers: { authorization: value } } }) })],
];

describe("the log", () => {
  it.each(hidingPlaces)("hides a secret in %s", (_place, fieldsFor) => {
    fc.assert(
      fc.property(secret, (value) => {
        const { log, lines } = aLog();
        log.warn(fieldsFor(value), "something happened");
        log.child(fieldsFor(value)).info({}, "again");
        expect(lines).toHaveLength(2);
        for (const line of lines) expect(line).not.toContain(value);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps what is no secret, and carries a child's fields on every line", () => {
    const { log, lines } = aLog();
    log.child({ rollout: "shop/reviews", run: 7 }).info({ weight: 25, secretRef: { name: "slack", key: "t" } }, "traffic moved");
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: "info", msg: "traffic moved", rollout: "shop/reviews", run: 7, weight: 25, secretRef: { name: "slack" } });
  });

  it("says what went wrong and why", () => {
    const { log, lines } = aLog();
    log.error({ error: new TypeError("expected a weight", { cause: new Error("it was null") }) }, "a tick failed");
    expect(JSON.parse(lines[0]!)).toMatchObject({ error: { type: "TypeError", message: "expected a weight", cause: { message: "it was null" } } });
  });

  it("bounds a line, whatever it is given", () => {
    const { log, lines } = aLog();
    const loop: Record<string, unknown> = { items: Array.from({ length: 10_000 }, (_, index) => index), text: "x".repeat(1_000_000) };
    loop["self"] = loop;
    log.info(loop, "large");
    expect(lines[0]!.length).toBeLessThan(100_000);
  });
});
