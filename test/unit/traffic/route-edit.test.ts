/** The laws of a route edit, over VirtualServices of every shape. */
import fc from "fast-check";
import fastJsonPatch from "fast-json-patch";
import { describe, expect, it } from "vitest";
import type { JsonPatchOperation, KubernetesObject } from "../../../src/kubernetes/client.ts";
import { EPOCH_ANNOTATION } from "../../../src/rollout/rollout.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import { operationsFor, type RouteEdit } from "../../../src/traffic/route-edit.ts";
import { FORM, type RouteDestination } from "../../../src/traffic/istio/virtual-service.ts";
import { placeIn, type RoutePlace } from "../../../src/traffic/istio/route-place.ts";
import { aTarget, aVirtualService, subsets, type KubernetesRoute } from "../../support/istio-objects.ts";

const STABLE = "v2";
const CANARY = "v3";
const OURS = [STABLE, CANARY];
const ROLLOUT = { namespace: "bookinfo", name: "reviews" };

const anyFields = fc.dictionary(fc.constantFrom("timeout", "retries", "x-unknown", "fault", "corsPolicy"), fc.jsonValue({ maxDepth: 2 }));
const extraRoute = fc.record({
  match: fc.array(fc.record({ headers: fc.dictionary(fc.string(), fc.record({ exact: fc.string() })) }), { maxLength: 2 }),
  route: fc.constant([{ destination: { host: "reviews", subset: STABLE } }]),
  fields: anyFields,
});

/** Splits `total` into `count` whole parts. */
function parts(total: number, count: number): fc.Arbitrary<readonly number[]> {
  return fc.array(fc.nat(total), { minLength: count - 1, maxLength: count - 1 }).map((cuts) => {
    const bounds = [0, ...[...cuts].sort((one, other) => one - other), total];
    return bounds.slice(1).map((bound, index) => bound - bounds[index]!);
  });
}

interface Start {
  readonly object: KubernetesObject;
  readonly target: Traffic;
  readonly shared: number;
  readonly hasCanary: boolean;
  readonly isUnweighted: boolean;
}

const start: fc.Arbitrary<Start> = fc
  .record({
    foreign: fc.uniqueArray(fc.constantFrom("v1", "v8", "v9"), { maxLength: 3 }),
    hasCanary: fc.boolean(),
    omitsWeight: fc.boolean(),
    before: fc.array(extraRoute, { maxLength: 3 }),
    after: fc.array(extraRoute, { maxLength: 2 }),
    isNamed: fc.boolean(),
    fields: anyFields,
    destinationFields: anyFields,
    annotations: fc.option(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string(), { minKeys: 1 }), { nil: undefined }),
  })
  .chain((shape) => {
    const versions = [...shape.foreign, STABLE, ...(shape.hasCanary ? [CANARY] : [])];
    return fc.tuple(parts(100, versions.length), fc.shuffledSubarray(versions, { minLength: versions.length })).map(([weights, order]) => startOf(shape, order, weights));
  });

interface Shape {
  readonly hasCanary: boolean;
  readonly omitsWeight: boolean;
  readonly before: readonly { readonly fields: object }[];
  readonly after: readonly { readonly fields: object }[];
  readonly isNamed: boolean;
  readonly fields: object;
  readonly destinationFields: object;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

function startOf(shape: Shape, order: readonly string[], weights: readonly number[]): Start {
  const isUnweighted = order.length === 1 && shape.omitsWeight;
  const route = order.map((subset, index) => ({
    ...shape.destinationFields,
    destination: { host: "reviews", subset, port: { number: 9080 } },
    ...(!isUnweighted && { weight: weights[index]! }),
    headers: { response: { set: { "x-version": subset } } },
  }));
  const others = (routes: Shape["before"], prefix: string): KubernetesRoute[] => routes.map(({ fields, ...each }, index) => ({ ...fields, ...each, name: `${prefix}${index}` }));
  const ours = { ...shape.fields, mirror: { host: "shadow" }, ...(shape.isNamed && { name: "primary" }), route };
  const http = [...others(shape.before, "before"), ours, ...others(shape.after, "after")];
  return {
    object: aVirtualService({ http, metadata: { resourceVersion: "7", annotations: shape.annotations } }),
    target: aTarget("reviews", shape.isNamed ? "primary" : undefined),
    shared: order.reduce((sum, version, index) => (OURS.includes(version) ? sum + weights[index]! : sum), 0),
    hasCanary: shape.hasCanary,
    isUnweighted,
  };
}

function placeOf(object: KubernetesObject, target: Traffic): RoutePlace {
  const place = placeIn(object, { rollout: ROLLOUT, target });
  if (place.kind !== "place") throw new Error(place.message);
  return place;
}

function apply(object: KubernetesObject, operations: readonly JsonPatchOperation[]): KubernetesObject {
  const patched = fastJsonPatch.applyPatch(structuredClone(object), structuredClone(operations) as fastJsonPatch.Operation[], true).newDocument;
  const { annotations, ...metadata } = patched.metadata;
  // As the API server does, which stores no empty map.
  return { ...patched, metadata: Object.keys(annotations ?? {}).length > 0 ? patched.metadata : metadata };
}

function edited(object: KubernetesObject, target: Traffic, edit: Edit): KubernetesObject {
  return apply(object, patchFor(placeOf(object, target), edit));
}

function destinationsOf(object: KubernetesObject, target: Traffic): RoutePlace["destinations"] {
  return placeOf(object, target).destinations;
}

/** The bytes of everything that is not ours. */
function foreignBytes(object: KubernetesObject, target: Traffic): string {
  const copy = structuredClone(object) as unknown as { metadata: { annotations?: Record<string, string> }; spec: { http: { route: { destination: { subset: string } }[] }[] } };
  delete copy.metadata.annotations?.[EPOCH_ANNOTATION];
  if (Object.keys(copy.metadata.annotations ?? {}).length === 0) delete copy.metadata.annotations;
  const route = copy.spec.http[indexOf(object, target)]!;
  route.route = route.route.filter(({ destination }) => !OURS.includes(destination.subset));
  return JSON.stringify(copy);
}

function split(shared: number, canary: number, stamp: string | null = "uid/1.1"): Edit {
  return { ours: OURS, matched: null, stamp, wanted: [{ version: STABLE, points: shared - canary }, { version: CANARY, points: canary }] };
}

/** The last write of a run: the winner has it all, and what was not there before goes. */
function ending({ shared, hasCanary, isUnweighted }: Start, winner: string): Edit {
  const points = isUnweighted ? null : shared;
  const loser = winner === STABLE ? CANARY : STABLE;
  return { ours: OURS, matched: null, stamp: null, wanted: hasCanary ? [{ version: winner, points }, { version: loser, points: 0 }] : [{ version: winner, points }] };
}

type Edit = Omit<RouteEdit<RouteDestination>, "form">;

function patchFor(place: RoutePlace, edit: Edit): readonly JsonPatchOperation[] {
  return operationsFor(place, { ...edit, form: FORM });
}

/** Of the edited route in spec.http. */
function indexOf(object: KubernetesObject, target: Traffic): number {
  return Number(placeOf(object, target).path.split("/")[3]);
}

const startAndShares = start.chain((each) => fc.tuple(fc.constant(each), fc.array(fc.nat(each.shared), { minLength: 1, maxLength: 5 })));

describe("the operations of an edit", () => {
  it("change nothing that is not ours, and keep the sum of the weights", () => {
    fc.assert(
      fc.property(startAndShares, ([{ object, target, shared }, [canary]]) => {
        const after = edited(object, target, split(shared, canary!));
        expect(foreignBytes(after, target)).toBe(foreignBytes(object, target));
        expect(destinationsOf(after, target).reduce((sum, { weight = 0 }) => sum + weight, 0)).toBe(100);
        expect(weightOf(after, target, CANARY)).toBe(canary);
        expect(after.metadata.annotations?.[EPOCH_ANNOTATION]).toBe("uid/1.1");
      }),
    );
  });

  it("keep every destination where it was, and add the missing one directly after its sibling, as a copy", () => {
    fc.assert(
      fc.property(startAndShares, ([{ object, target, shared, hasCanary }, [canary]]) => {
        const versionsOf = (of: KubernetesObject) => destinationsOf(of, target).map(({ destination }) => destination.subset);
        const after = edited(object, target, split(shared, canary!));
        expect(versionsOf(after)).toEqual(hasCanary ? versionsOf(object) : versionsOf(object).flatMap((version) => (version === STABLE ? OURS : [version])));
        const [stable, added] = OURS.map((version) => destinationsOf(after, target).find(({ destination }) => destination.subset === version)!);
        if (!hasCanary) expect({ ...added, weight: 0, destination: { ...added!.destination, subset: STABLE } }).toEqual({ ...stable, weight: 0 });
      }),
    );
  });

  it("are none when they were applied before", () => {
    fc.assert(
      fc.property(startAndShares, ([{ object, target, shared }, [canary]]) => {
        const edit = split(shared, canary!);
        expect(patchFor(placeOf(edited(object, target, edit), target), edit)).toEqual([]);
      }),
    );
  });

  it("test the resourceVersion first, so that a stale one changes nothing", () => {
    fc.assert(
      fc.property(startAndShares, ([{ object, target, shared }, [canary]]) => {
        const operations = patchFor(placeOf(object, target), split(shared, canary!));
        const newer = { ...object, metadata: { ...object.metadata, resourceVersion: "8" } };
        expect(operations[0]).toEqual({ op: "test", path: "/metadata/resourceVersion", value: "7" });
        expect(() => apply(newer, operations)).toThrow(fastJsonPatch.JsonPatchError);
      }),
    );
  });

  it("also test the places themselves: a route whose destinations have moved is refused even at the same resourceVersion", () => {
    const object = aVirtualService({ http: [{ name: "a", route: subsets({ v2: 100 }) }, { name: "primary", route: subsets({ v2: 90, v3: 10 }) }], metadata: { resourceVersion: "7" } });
    const operations = patchFor(placeOf(object, aTarget("reviews", "primary")), split(100, 25));
    const [first, second] = (object.spec as { http: KubernetesRoute[] }).http;
    expect(() => apply({ ...object, spec: { http: [second, first] } }, operations)).toThrow(fastJsonPatch.JsonPatchError);
    const contested = aVirtualService({ http: [first!, { name: "primary", route: subsets({ v2: 50, v3: 50 }) }], metadata: { resourceVersion: "7" } });
    expect(() => apply(contested, operations)).toThrow(fastJsonPatch.JsonPatchError);
  });

  it("let a whole run end in the shape that it found, with the winner in place", () => {
    fc.assert(
      fc.property(startAndShares, fc.constantFrom(STABLE, CANARY), ([begin, shares], winner) => {
        const { object, target, shared, hasCanary, isUnweighted } = begin;
        const inRun = shares.reduce((each, canary, index) => edited(each, target, split(shared, canary, `uid/1.${index}`)), object);
        const end = edited(inRun, target, ending(begin, winner));
        expect(foreignBytes(end, target)).toBe(foreignBytes(object, target));
        expect(end.metadata).toEqual(object.metadata);
        expect(weightOf(end, target, winner)).toBe(isUnweighted ? undefined : shared);
        expect(destinationsOf(end, target)).toHaveLength(destinationsOf(object, target).length);
        if (!hasCanary && winner === STABLE) expect(JSON.stringify(end.spec)).toBe(JSON.stringify(sortedAs(object, target, shared, isUnweighted)));
      }),
    );
  });
});

describe("an edit of destinations that are Services", () => {
  it.each([
    ["reviews-v2", "reviews-v3"],
    ["reviews-v2.bookinfo.svc.cluster.local", "reviews-v3.bookinfo.svc.cluster.local"],
  ])("spells the added host as its sibling %s", (host, added) => {
    const object = aVirtualService({ http: [{ route: [{ destination: { host } }] }], metadata: { resourceVersion: "7" } });
    const wanted = [{ version: "reviews-v2", points: 90 }, { version: "reviews-v3", points: 10 }];
    const after = edited(object, aTarget(), { ours: ["reviews-v2", "reviews-v3"], matched: null, wanted, stamp: "uid/1.1" });
    expect(destinationsOf(after, aTarget())).toEqual([{ destination: { host }, weight: 90 }, { destination: { host: added }, weight: 10 }]);
  });
});

describe("an edit that removes several", () => {
  it("removes them and nothing in between", () => {
    const object = aVirtualService({ http: [{ route: subsets({ v1: 10, v2: 30, v8: 40, v3: 20 }) }], metadata: { resourceVersion: "7" } });
    const after = edited(object, aTarget(), { ours: ["v1", "v2", "v3"], matched: null, wanted: [{ version: "v3", points: 60 }], stamp: null });
    expect(destinationsOf(after, aTarget())).toEqual(subsets({ v8: 40, v3: 60 }));
  });
});

describe("an edit that is broken", () => {
  it("is refused when the weights would not add up to 100", () => {
    const object = aVirtualService({ metadata: { resourceVersion: "7" } });
    const edit = { ours: OURS, matched: null, stamp: null, wanted: [{ version: STABLE, points: 90 }, { version: CANARY, points: 20 }] };
    expect(() => patchFor(placeOf(object, aTarget()), edit)).toThrow("expected weights that add up to 100 for VirtualService bookinfo/reviews, got v2 90, v3 20");
  });

  it("is refused when the route leads to neither of ours", () => {
    const object = aVirtualService({ http: [{ route: subsets({ v1: 100 }) }], metadata: { resourceVersion: "7" } });
    expect(() => patchFor(placeOf(object, aTarget()), split(100, 10))).toThrow("expected the route to have v2 or v3, to copy it; it has v1 100");
  });
});

describe("an edit that changes nothing in effect", () => {
  it("does not write a weight of 0 where a missing one means the same", () => {
    const object = aVirtualService({ http: [{ route: subsets({ v2: 100, v3: null }) }], metadata: { resourceVersion: "7" } });
    expect(patchFor(placeOf(object, aTarget()), split(100, 0, null))).toEqual([]);
  });

  it("writes the stamp alone where only the stamp differs", () => {
    const object = aVirtualService({ metadata: { resourceVersion: "7", annotations: { team: "reviews" } } });
    const changes = patchFor(placeOf(object, aTarget()), split(100, 10, "uid/1.2")).filter(({ op }) => op !== "test");
    expect(changes).toEqual([{ op: "add", path: "/metadata/annotations/weir.dev~1epoch", value: "uid/1.2" }]);
  });

  it("takes only its own key away, since annotations that caches leave out may be beside it", () => {
    const object = aVirtualService({ metadata: { resourceVersion: "7", annotations: { [EPOCH_ANNOTATION]: "uid/1.2" } } });
    const changes = patchFor(placeOf(object, aTarget()), split(100, 10, null)).filter(({ op }) => op !== "test");
    expect(changes).toEqual([{ op: "remove", path: "/metadata/annotations/weir.dev~1epoch" }]);
  });
});

function weightOf(object: KubernetesObject, target: Traffic, version: string): number | undefined {
  return destinationsOf(object, target).find(({ destination }) => destination.subset === version)?.weight;
}

/** The VirtualService as it was, but for stable's weight, which is what the two shared. */
function sortedAs(object: KubernetesObject, target: Traffic, shared: number, isUnweighted: boolean): unknown {
  const copy = structuredClone(object) as unknown as { spec: { http: { route: { destination: { subset: string }; weight?: number }[] }[] } };
  const stable = copy.spec.http[indexOf(object, target)]!.route.find(({ destination }) => destination.subset === STABLE)!;
  if (!isUnweighted) stable.weight = shared;
  return copy.spec;
}
