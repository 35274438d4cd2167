/** What the soak may be told, and what it says to anything else. */
import { describe, expect, it } from "vitest";
import { soakArguments } from "../../soak/arguments.ts";

describe("the soak's arguments", () => {
  it("have defaults", () => {
    expect(soakArguments([])).toEqual({ minutes: 5, rollouts: 200, seed: 1, real: false });
    expect(soakArguments(["--minutes", "0.75", "--rollouts=20", "--seed", "7", "--real"])).toEqual({ minutes: 0.75, rollouts: 20, seed: 7, real: true });
  });

  it.each([
    [["--minutes", "soon"], '--minutes: expected a number from 0.1 to 10080, got "soon"'],
    [["--rollouts", "0"], '--rollouts: expected a number from 1 to 2000, got "0"'],
    [["--seed", ""], '--seed: expected a number from 0 to 2147483648, got ""'],
    [["--hours", "2"], "Unknown option '--hours'"],
  ])("%s are refused with a sentence", (args, sentence) => {
    expect(() => soakArguments(args)).toThrow(sentence);
  });
});
