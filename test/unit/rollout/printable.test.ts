/** What people wrote, as it stands in a sentence. */
import { expect, test } from "vitest";
import { printable } from "../../../src/rollout/printable.ts";

test.each([
  ["v3", "v3"],
  ["Grüße, 日本 🜁", "Grüße, 日本 🜁"],
  ["v3\nstatus: x\r", "v3\\u{a}status: x\\u{d}"],
  ["\u001b[31mred", "\\u{1b}[31mred"],
  ["\u202Eevil\u200B\uFEFF", "\\u{202e}evil\\u{200b}\\u{feff}"],
  ["one\u2028two", "one\\u{2028}two"],
  ["half \uD800 pair", "half \\u{d800} pair"],
])("%j is shown as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("what is longer than may be ends in an ellipsis, and not in half a character", () => {
  expect(printable("a".repeat(254))).toBe(`${"a".repeat(253)}…`);
  expect(printable("a🜁b", 2)).toBe("a…");
});
