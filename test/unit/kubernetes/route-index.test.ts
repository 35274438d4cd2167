/** Which Rollout a route belongs to where several name it. */
import { expect, it } from "vitest";
import { createRouteIndex, type RouteIndex } from "../../../src/kubernetes/route-index.ts";
import type { InformerCache } from "../../../src/kubernetes/informer-cache.ts";
import { NAMESPACE } from "../../support/istio-objects.ts";

type Listener = Parameters<InformerCache["onChange"]>[0];

/** The first of them is the oldest. */
function indexOf(routesByName: Readonly<Record<string, readonly string[] | undefined>>): RouteIndex {
  let tell: Listener = () => undefined;
  const index = createRouteIndex({ onChange: (listener) => ((tell = listener), () => undefined) });
  Object.entries(routesByName).forEach(([name, routes], minute) =>
    tell({ kind: "added", object: { metadata: { namespace: NAMESPACE, name, creationTimestamp: `2026-11-27T12:0${minute}:00Z` }, spec: { release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews", ...(routes ? { routes } : {}) }] } } } } }),
  );
  return index;
}
const owner = (index: RouteIndex, part?: string): string | undefined => index.ownerOf({ kind: "virtualServices", namespace: NAMESPACE, name: "reviews", ...(part === undefined ? {} : { part }) })?.name;

it("each of the routes that move together belongs to the oldest Rollout that names it", () => {
  const index = indexOf({ both: ["api", "pages"], late: ["pages", "admin"] });
  expect(["api", "pages", "admin", "beta"].map((part) => owner(index, part))).toEqual(["both", "both", "late", undefined]);
});

it("who names no route names the only one, whatever it is called", () => {
  const index = indexOf({ any: undefined, late: ["pages"] });
  expect([owner(index), owner(index, "pages")]).toEqual(["any", "any"]);
});
