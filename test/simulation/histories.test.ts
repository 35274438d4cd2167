/** The short form of `npm run simulate`: random histories, planted bugs, and every history that once broke a law. */
import { describe, expect, test } from "vitest";
import { keptHistories } from "./kept-histories.ts";
import { PLANTED_BUGS } from "./planted/all-bugs.ts";
import { anyHistory } from "./world/any-history.ts";
import type { History } from "./world/history.ts";
import { play } from "./world/play.ts";
import { shorten } from "./world/shorten.ts";
import { transcriptOf } from "./world/transcript.ts";

/** On a busy machine. */
const PATIENCE_MS = 180_000;
const HISTORIES_EACH = 20;

/** What it led to if a law was broken; undefined otherwise. */
async function brokenBy(history: History): Promise<string | undefined> {
  const { violation } = await play(history);
  return violation && transcriptOf(history, await play(history, { tells: true }));
}

describe("random histories keep every law", () => {
  test.each(Array.from({ length: 8 }, (_, index) => 1 + index * HISTORIES_EACH))("from seed %i on", async (first) => {
    for (let seed = first; seed < first + HISTORIES_EACH; seed++) expect(await brokenBy(anyHistory(seed)), `seed ${seed}`).toBeUndefined();
  }, PATIENCE_MS);
});

describe("histories that once broke a law keep it now", () => {
  test.each(keptHistories())("$file", async ({ history }) => expect(await brokenBy(history)).toBeUndefined(), PATIENCE_MS);
});

describe("a planted bug is caught", () => {
  test.each(Object.values(PLANTED_BUGS))("a daemon that $does breaks $breaks", async ({ plant, breaks, caughtAt }) => {
    const { violation } = await play(anyHistory(caughtAt), { tampering: plant() });
    expect(violation?.law).toBe(breaks);
    expect(await brokenBy(anyHistory(caughtAt)), "without the bug").toBeUndefined();
  }, PATIENCE_MS);

  test("in a history from which nothing can be left out", async () => {
    const { plant, breaks, caughtAt } = PLANTED_BUGS["leavesRaises"]!;
    const history = anyHistory(caughtAt);
    const isBroken = async (candidate: History): Promise<boolean> => (await play(candidate, { tampering: plant() })).violation?.law === breaks;
    const shortest = await shorten(history, isBroken);
    expect(shortest.deeds.length).toBeLessThan(4);
    for (const left of shortest.deeds) expect(await isBroken({ ...shortest, deeds: shortest.deeds.filter((deed) => deed !== left) }), `without ${left.does}`).toBe(false);
    expect(transcriptOf(shortest, await play(shortest, { tampering: plant(), tells: true }))).toMatch(/law 12 is broken[^]*deed +hand share=/);
  }, PATIENCE_MS);
});

test("the same history always ends the same", async () => {
  const told = async (): Promise<string> => JSON.stringify(await play(anyHistory(7), { tells: true }));
  expect(await told()).toBe(await told());
}, PATIENCE_MS);
