/** A gauge that grows is told from one that only shakes. */
import { describe, expect, it } from "vitest";
import { createNamedRandom, normalFrom } from "../../../src/playground/random.ts";
import { isFlat, slopeOf, type Sample } from "../../soak/slope.ts";

const MINUTE_MS = 60_000;

/** Twenty samples a minute apart: 100, growing by so much an hour, with noise. */
function gaugeThatGrows(perHour: number, noise: number): readonly Sample[] {
  const random = createNamedRandom(3, `${perHour}/${noise}`);
  return Array.from({ length: 20 }, (_, minute) => ({ atMs: minute * MINUTE_MS, value: 100 + (perHour * minute) / 60 + noise * normalFrom(random) }));
}

describe("a slope", () => {
  it("is that of the line, without error where there is no noise", () => {
    const slope = slopeOf(gaugeThatGrows(60, 0));
    expect(slope.perHour).toBeCloseTo(60);
    expect(slope.error).toBeCloseTo(0);
    expect(slope.mean).toBeCloseTo(109.5);
  });

  it.each([
    { perHour: 0, noise: 2, flat: true },
    { perHour: 4, noise: 0, flat: true }, // below what counts
    { perHour: -80, noise: 2, flat: true }, // what is let go of is no leak
    { perHour: 20, noise: 0, flat: false },
    { perHour: 60, noise: 2, flat: false },
  ])("of $perHour an hour with noise of $noise is flat: $flat", ({ perHour, noise, flat }) => {
    expect(isFlat(slopeOf(gaugeThatGrows(perHour, noise)))).toBe(flat);
  });
});
