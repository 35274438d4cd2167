/** Amounts as the Kubernetes API writes them. */
import { expect, it } from "vitest";
import { Quantity, quantityOf } from "../../../src/kubernetes/quantity.ts";

it.each([
  ["250m", 0.25], ["1", 1], ["1.5", 1.5], ["-2", -2], ["0", 0], ["2k", 2_000], ["3M", 3e6], ["1G", 1e9], ["1T", 1e12], ["1P", 1e15], ["1E", 1e18],
  ["4u", 4e-6], ["7n", 7e-9], ["512Mi", 512 * 1024 ** 2], ["1Ki", 1024], ["1.5Gi", 1.5 * 1024 ** 3], ["1e3", 1_000], ["12E2", 1_200],
])("%s is %d", (text, amount) => {
  expect(quantityOf(text)).toBeCloseTo(amount, 12);
});

it.each(["", "m", "many", "1mi", "1.2.3", "1 k"])("%j is no amount", (text) => {
  expect(quantityOf(text)).toBeUndefined();
});

it("may be written as a number", () => {
  expect(Quantity.parse(3)).toBe(3);
});
