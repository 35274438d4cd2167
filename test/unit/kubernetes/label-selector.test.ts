/** Which labels a workload's selector takes. */
import { expect, it } from "vitest";
import { isSelected } from "../../../src/kubernetes/label-selector.ts";

const LABELS = { app: "web", tier: "front" };
const one = (key: string, operator: string, values?: string[]) => ({ matchExpressions: [{ key, operator, ...(values && { values }) }] });

it.each([
  [{ matchLabels: { app: "web" } }, true],
  [{ matchLabels: { app: "web", tier: "back" } }, false],
  [one("tier", "In", ["front", "back"]), true],
  [one("tier", "NotIn", ["back"]), true],
  [one("track", "NotIn", ["canary"]), true],
  [one("tier", "NotIn", ["front"]), false],
  [one("tier", "Exists"), true],
  [one("track", "DoesNotExist"), true],
  [one("track", "Exists"), false],
  [one("tier", "Like", ["front"]), false],
  [{ matchLabels: { app: "web" }, ...one("tier", "In", ["back"]) }, false],
  [{}, false],
])("%j takes app=web,tier=front: %s", (selector, isTaken) => {
  expect(isSelected(LABELS, selector)).toBe(isTaken);
});
