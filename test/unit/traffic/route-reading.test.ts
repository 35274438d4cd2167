/** What the Istio router makes of VirtualServices, DestinationRules, Services and ServiceEntries. */
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { RouteFound, RouteSeen } from "../../../src/rollout/observation.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import { createIstioRouter, type IstioRouterOptions } from "../../../src/traffic/istio/istio-router.ts";
import { aDestinationRule, aKubernetesService, aServiceEntry, aTarget, aVirtualService, hosts, subsets, type KubernetesRoute } from "../../support/istio-objects.ts";
import { createMemoryCluster } from "../../support/memory-cluster.ts";

const ROLLOUT = { namespace: "bookinfo", name: "reviews" };
const NOON = Date.parse("2026-11-21T12:00:00Z");

type Kind = "virtualServices" | "destinationRules" | "services" | "serviceEntries";
type Objects = readonly (readonly [Kind, KubernetesObject])[];

interface Question {
  readonly objects: Objects;
  readonly target?: Traffic;
  readonly versions?: readonly string[];
  readonly ownerOf?: IstioRouterOptions["ownerOf"];
}

function read({ objects, target = aTarget(), versions = ["v3", "v2"], ownerOf }: Question): RouteSeen {
  const { put, caches, client } = createMemoryCluster({ nowMs: () => NOON });
  for (const [kind, object] of objects) put(kind, object);
  return createIstioRouter({ caches, client, ownerOf }).read(ROLLOUT, target, versions);
}

function found(question: Question): RouteFound {
  const seen = read(question);
  if (seen.kind !== "found") throw new Error(seen.message);
  return seen;
}

function withRoutes(...http: readonly KubernetesRoute[]): Objects {
  return [["virtualServices", aVirtualService({ http })], ["destinationRules", aDestinationRule()], ["services", aKubernetesService()]];
}

const tutorial = withRoutes({ route: subsets({ v2: 90, v3: 10 }) });

describe("callers", () => {
  it.each<[string, readonly string[] | undefined, string | undefined]>([
    ["are told apart by their labels where a VirtualService names no gateway", undefined, undefined],
    ["likewise where sidecars are among its gateways", ["edge", "mesh"], undefined],
    ["are not where it is for gateways alone", ["edge", "other"], "is for edge, other alone, which know no labels of callers: add mesh to its gateways"],
  ])("%s", (_, gateways, obstacle) => {
    const [[, virtualService], ...others] = tutorial as readonly [Objects[number], ...Objects];
    const object = { ...virtualService, spec: { ...(virtualService["spec"] as object), ...(gateways ? { gateways } : {}) } };
    expect(found({ objects: [["virtualServices", object], ...others] }).callerObstacle).toBe(obstacle);
  });
});

describe("the destinations of a route", () => {
  it("are read in order, with points and what may be a version of the release", () => {
    const route = [...subsets({ v2: 60, v3: 10 })!, ...hosts({ shadow: 30 })!];
    expect(found({ objects: withRoutes({ route }) }).destinations).toEqual([
      { version: "v2", points: 60, weighted: true, candidate: true },
      { version: "v3", points: 10, weighted: true, candidate: true },
      { version: "shadow", points: 30, weighted: true, candidate: false },
    ]);
  });

  it("have everything where there is one without weight", () => {
    const seen = found({ objects: withRoutes({ route: subsets({ v2: null }) }) });
    expect(seen.destinations).toEqual([{ version: "v2", points: 100, weighted: false, candidate: true }]);
  });

  it("count a missing weight beside others as 0, as Istio does", () => {
    const seen = found({ objects: withRoutes({ route: subsets({ v2: 100, v3: null }) }) });
    expect(seen.destinations.map(({ points }) => points)).toEqual([100, 0]);
  });

  it.each([
    ["reviews", "reviews.bookinfo.svc.cluster.local"],
    ["reviews.bookinfo.svc.cluster.local", "reviews"],
    ["reviews.bookinfo.svc.cluster.local", "*.bookinfo.svc.cluster.local"],
    ["reviews.bookinfo.svc.my.domain", "reviews.bookinfo.svc.cluster.local"],
    ["reviews", "*.local"],
    ["reviews", "*.svc.cluster.local"],
    ["reviews", "*.svc.my.domain"],
  ])("are of the same host however it is spelled: %s in the route, %s in the rule", (inRoute, inRule) => {
    const objects: Objects = [
      ["virtualServices", aVirtualService({ http: [{ route: subsets({ v2: 90, v3: 10 }, inRoute) }] })],
      ["destinationRules", aDestinationRule({ host: inRule })],
      ["services", aKubernetesService()],
    ];
    const seen = found({ objects });
    expect(seen.destinations.map(({ candidate }) => candidate)).toEqual([true, true]);
    expect(seen.backends.v3).toMatchObject({ kind: "found", selector: { app: "reviews", version: "v3" } });
  });

  it("that are Services are candidates when release is one, wherever they are", () => {
    const route = [...hosts({ "website-v1": 70, "website-v2": 20 })!, ...subsets({ old: 10 })!];
    const objects: Objects = [
      ["virtualServices", aVirtualService({ http: [{ route }] })],
      ["services", aKubernetesService({ name: "website-v1", selector: { app: "website", version: "v1" } })],
      ["services", aKubernetesService({ name: "website-v3", selector: { app: "website", version: "v3" } })],
    ];
    const seen = found({ objects, versions: ["website-v3", "website-v1"] });
    expect(seen.destinations.map(({ candidate }) => candidate)).toEqual([true, true, false]);
    expect(seen.backends["website-v3"]).toEqual({ kind: "found", namespace: "bookinfo", selector: { app: "website", version: "v3" }, definedAtMs: NOON });
  });

  it("stay candidates while the subset of release is gone from its rule, so that traffic can be taken back", () => {
    const objects: Objects = [...tutorial.slice(0, 1), ["destinationRules", aDestinationRule({ versions: ["v1"] })], ["services", aKubernetesService()]];
    const seen = found({ objects });
    expect(seen.destinations.map(({ candidate }) => candidate)).toEqual([true, true]);
    expect(seen.backends.v3).toEqual({ kind: "missing", message: "no subset v3 in DestinationRule bookinfo/reviews and no Service v3 in namespace bookinfo" });
  });
});

describe("the route that is meant", () => {
  const primary = { name: "primary", route: subsets({ v2: 90, v3: 10 }) };
  const beta = { name: "beta", match: [{ headers: { user: { exact: "beta" } } }], route: subsets({ v1: null }) };
  const unnamed = { route: primary.route };

  it.each([
    ["the one that is named", [beta, primary], "primary", "VirtualService bookinfo/reviews, route primary"],
    ["the only one, although it has a name", [primary], undefined, "VirtualService bookinfo/reviews, route primary"],
    ["the only one without name", [beta, unnamed], undefined, "VirtualService bookinfo/reviews"],
  ])("is %s", (_, routes, named, expected) => {
    const seen = found({ objects: withRoutes(...routes), target: aTarget("reviews", named) });
    expect(seen.name).toBe(expected);
    expect(seen.destinations.map(({ version }) => version)).toEqual(["v2", "v3"]);
  });

  it("is found behind a gateway and for every host", () => {
    const website = aVirtualService({ name: "website", http: [{ route: subsets({ "version-1": null }, "website") }] });
    const objects: Objects = [
      ["virtualServices", { ...website, spec: { ...(website.spec as object), hosts: ["*"], gateways: ["website-gateway"] } }],
      ["destinationRules", aDestinationRule({ name: "website", host: "website", versions: ["version-1", "version-2"] })],
      ["services", aKubernetesService({ name: "website", selector: { app: "website" } })],
    ];
    const seen = found({ objects, target: aTarget("website"), versions: ["version-2", "version-1"] });
    expect(seen.destinations).toEqual([{ version: "version-1", points: 100, weighted: false, candidate: true }]);
    expect(seen.backends["version-2"]).toMatchObject({ kind: "found", selector: { app: "website", version: "version-2" } });
  });

  it.each<[string, Question, RouteSeen]>([
    ["there is no VirtualService", { objects: [] }, { kind: "absent", message: "there is no VirtualService bookinfo/reviews" }],
    ["it has no route of that name", { objects: withRoutes(primary, beta), target: aTarget("reviews", "main") }, { kind: "absent", message: "VirtualService bookinfo/reviews has no http route named main; it has primary, beta" }],
    ["it has no http routes", { objects: withRoutes() }, { kind: "absent", message: "VirtualService bookinfo/reviews has no http routes" }],
    ["several and none named", { objects: withRoutes(primary, beta) }, { kind: "unusable", message: "VirtualService bookinfo/reviews has 2 http routes (primary, beta): say under traffic.istio.virtualServices, in routes, which one to weigh" }],
    ["two without name", { objects: withRoutes(unnamed, unnamed) }, { kind: "unusable", message: "VirtualService bookinfo/reviews has 2 http routes (one without name, one without name): say under traffic.istio.virtualServices, in routes, which one to weigh" }],
    ["two of one name", { objects: withRoutes(primary, primary), target: aTarget("reviews", "primary") }, { kind: "unusable", message: "VirtualService bookinfo/reviews has 2 http routes named primary: give each its own name" }],
    ["weights that do not add up", { objects: withRoutes({ route: subsets({ v2: 90, v3: 20 }) }) }, { kind: "unusable", message: "the weights of VirtualService bookinfo/reviews must add up to 100, and they are v2 90, v3 20: 110" }],
    ["no weight at all", { objects: withRoutes({ route: subsets({ v2: null, v3: null }) }) }, { kind: "unusable", message: "the weights of VirtualService bookinfo/reviews must add up to 100, and they are v2 without weight, v3 without weight: 0" }],
    ["a redirect", { objects: withRoutes({ redirect: { uri: "/new" } }) }, { kind: "unusable", message: "VirtualService bookinfo/reviews has no destinations to weigh" }],
    ["a delegate", { objects: withRoutes({ delegate: { name: "team" } }) }, { kind: "unusable", message: "VirtualService bookinfo/reviews has no destinations to weigh: it delegates to VirtualService bookinfo/team; name that one instead" }],
    ["one version twice", { objects: withRoutes({ route: [...subsets({ v2: 50 })!, ...subsets({ v2: 50 })!] }) }, { kind: "unusable", message: "VirtualService bookinfo/reviews leads to v2 twice (v2 50, v2 50): make it one destination" }],
    ["somebody else's subset of the same name", { objects: withRoutes({ route: [...subsets({ v2: 90 })!, ...subsets({ v3: 10 }, "ratings")!] }) }, { kind: "unusable", message: "VirtualService bookinfo/reviews leads to ratings, which bears the name v3 and is not a subset of reviews.bookinfo.svc: rename one of them" }],
    ["a weight that is no number", { objects: withRoutes({ route: [{ destination: { host: "reviews" }, weight: "10" as unknown as number }] }) }, { kind: "unusable", message: 'VirtualService bookinfo/reviews cannot be read: spec.http[0].route[0].weight: expected a number, got the text "10"; write a plain number, without quotes, unit or percent sign' }],
    ["weights that are no whole numbers", { objects: withRoutes({ route: subsets({ v2: 90.5, v3: 9.5 }) }) }, { kind: "unusable", message: "the weights of VirtualService bookinfo/reviews must be whole numbers from 0 to 100, and they are v2 90.5, v3 9.5" }],
    ["a weight below 0", { objects: withRoutes({ route: subsets({ v2: 110, v3: -10 }) }) }, { kind: "unusable", message: "the weights of VirtualService bookinfo/reviews must be whole numbers from 0 to 100, and they are v2 110, v3 -10" }],
  ])("is refused with a sentence: %s", (_, question, expected) => {
    const seen = read(question);
    expect({ kind: seen.kind, message: seen.kind === "found" ? "" : seen.message }).toEqual(expected);
  });
});

describe("a reference into another namespace", () => {
  const target: Traffic = { istio: { virtualServices: [{ name: "reviews", namespace: "mesh" }] } };
  const objects = (allowFrom?: string): Objects => [
    ["virtualServices", aVirtualService({ namespace: "mesh", http: [{ route: subsets({ v2: 90, v3: 10 }, "reviews.bookinfo.svc.cluster.local") }], metadata: { annotations: allowFrom === undefined ? {} : { "weir.dev/allow-from": allowFrom } } })],
    ["destinationRules", aDestinationRule()],
    ["services", aKubernetesService()],
  ];

  it.each(["bookinfo", "*", "other, bookinfo"])("is allowed by %s, and the rule is found in the Service's namespace", (allowFrom) => {
    expect(found({ objects: objects(allowFrom), target }).backends.v3).toMatchObject({ kind: "found", namespace: "bookinfo" });
  });

  it.each([undefined, "other"])("is refused by %s", (allowFrom) => {
    expect(read({ objects: objects(allowFrom), target })).toEqual({
      kind: "unusable",
      message: "VirtualService mesh/reviews is in another namespace and does not allow Rollouts of bookinfo: its owner may annotate it with weir.dev/allow-from=bookinfo",
    });
  });

  it("is refused for a DestinationRule too", () => {
    const rule = { istio: { ...aTarget().istio!, destinationRule: { name: "reviews", namespace: "mesh" } } };
    const seen = read({ objects: [...tutorial, ["destinationRules", aDestinationRule({ namespace: "mesh" })]], target: rule });
    const message = "DestinationRule mesh/reviews is in another namespace and does not allow Rollouts of bookinfo: its owner may annotate it with weir.dev/allow-from=bookinfo";
    expect(seen).toEqual({ kind: "unusable", message });
  });
});

describe("the backend of a version", () => {
  const service: Objects[number] = ["services", aKubernetesService()];
  const route = tutorial[0]!;
  const named: Traffic = { istio: { ...aTarget().istio!, destinationRule: { name: "versions" } } };

  it.each<[string, Objects, Traffic, string]>([
    ["no rule for the host", [route, service], aTarget(), "no subset v3 in a DestinationRule for reviews.bookinfo.svc (there is none) and no Service v3 in namespace bookinfo"],
    ["the named rule is not there", [route, service, ["destinationRules", aDestinationRule()]], named, "no subset v3 in DestinationRule bookinfo/versions (which does not exist) and no Service v3 in namespace bookinfo"],
    ["the named rule lacks the subset", [route, service, ["destinationRules", aDestinationRule({ name: "versions", versions: ["v2"] })]], named, "no subset v3 in DestinationRule bookinfo/versions and no Service v3 in namespace bookinfo"],
    ["no Service for the host", [route, ["destinationRules", aDestinationRule()]], aTarget(), "no Service reviews in namespace bookinfo and no ServiceEntry for reviews.bookinfo.svc, which is the host of subset v3 in DestinationRule bookinfo/reviews"],
    ["a Service without selector", [route, ["destinationRules", aDestinationRule()], ["services", aKubernetesService({ selector: {} })]], aTarget(), "Service bookinfo/reviews has no selector, so its pods cannot be told"],
  ])("is missing with a sentence that names what and where: %s", (_, objects, target, message) => {
    expect(found({ objects, target }).backends.v3).toEqual({ kind: "missing", message });
  });

  it("is defined when its rule was last written, where that is later than the Service", () => {
    const { put, edit, caches, client } = createMemoryCluster({ nowMs: () => now });
    let now = NOON;
    for (const [kind, object] of tutorial) put(kind, object);
    now += 60_700;
    edit("destinationRules", "bookinfo", "reviews", "kubectl", (rule) => ({ ...rule, spec: (aDestinationRule({ versions: ["v2", "v3"] })).spec }));
    const seen = createIstioRouter({ caches, client }).read(ROLLOUT, aTarget(), ["v3"]);
    expect(seen).toMatchObject({ backends: { v3: { definedAtMs: NOON + 60_000 } } });
  });

  it("is looked for in every rule of the host, since Istio merges them", () => {
    const objects: Objects = [...withRoutes({ route: subsets({ v2: 100 }) }).slice(0, 1), service, ["destinationRules", aDestinationRule({ versions: ["v2"] })], ["destinationRules", aDestinationRule({ name: "more", versions: ["v3"] })]];
    const { v2, v3, v4 } = found({ objects, versions: ["v3", "v2", "v4"] }).backends;
    expect([v2?.kind, v3?.kind]).toEqual(["found", "found"]);
    expect(v4).toEqual({ kind: "missing", message: "no subset v4 in DestinationRule bookinfo/reviews and DestinationRule bookinfo/more and no Service v4 in namespace bookinfo" });
  });
});

describe("a host that is no Service", () => {
  const HOST = "reviews.internal";
  const route: Objects[number] = ["virtualServices", aVirtualService({ http: [{ route: subsets({ v2: 90, v3: 10 }, HOST) }] })];
  const rule: Objects[number] = ["destinationRules", aDestinationRule({ host: HOST })];
  const entry = (options: Parameters<typeof aServiceEntry>[0] = {}): Objects[number] => ["serviceEntries", aServiceEntry(options)];
  const v3In = (objects: Objects, target?: Traffic) => found({ objects, ...(target && { target }) }).backends.v3;
  const pods = (namespace = "bookinfo", app = "reviews") => ({ kind: "found", namespace, selector: { app, version: "v3" }, definedAtMs: NOON });

  it("is of the pods that its ServiceEntry and the subset select, and its subsets are candidates", () => {
    const seen = found({ objects: [route, rule, entry()] });
    expect(seen.destinations).toMatchObject([{ version: "v2", points: 90, candidate: true }, { version: "v3", points: 10, candidate: true }]);
    expect(seen.backends).toMatchObject({ v3: pods(), v2: { kind: "found", selector: { app: "reviews", version: "v2" } } });
  });

  it("is spelled as the ServiceEntry does, also where a wildcard rule covers it", () => {
    expect(v3In([route, ["destinationRules", aDestinationRule({ host: "*.internal" })], entry()])).toEqual(pods());
    expect(v3In([route, rule, entry({ host: "*.internal" })])).toMatchObject({ kind: "missing" });
  });

  it("is defined when the later of rule and ServiceEntry was last written", () => {
    let now = NOON;
    const { put, edit, caches, client } = createMemoryCluster({ nowMs: () => now });
    for (const [kind, object] of [route, rule, entry()]) put(kind, object);
    const definedAfter = (kind: Kind, spec: object): unknown => {
      now += 60_700;
      edit(kind, "bookinfo", "reviews", "kubectl", (object) => ({ ...object, spec: { ...(object.spec as object), ...spec } }));
      return createIstioRouter({ caches, client }).read(ROLLOUT, aTarget(), ["v3"]);
    };
    expect(definedAfter("serviceEntries", { workloadSelector: { labels: { app: "other" } } })).toMatchObject({ backends: { v3: { selector: { app: "other", version: "v3" }, definedAtMs: NOON + 60_000 } } });
    expect(definedAfter("destinationRules", { trafficPolicy: {} })).toMatchObject({ backends: { v3: { definedAtMs: NOON + 121_000 } } });
  });

  it("is a Service's first, where there is one of that host", () => {
    const objects: Objects = [...tutorial.slice(0, 2), entry({ host: "reviews.bookinfo.svc.cluster.local", selector: { app: "entry" } })];
    expect(v3In(objects)).toEqual(pods("bookinfo", "entry"));
    expect(v3In([...objects, ["services", aKubernetesService()]])).toEqual(pods());
  });

  it.each<[string, Objects, string | undefined]>([
    ["in the route's namespace before any other", [entry({ namespace: "elsewhere", selector: { app: "far" } }), entry()], "bookinfo"],
    ["elsewhere, exported to all by default", [entry({ namespace: "elsewhere" })], "elsewhere"],
    ["elsewhere, exported to all", [entry({ namespace: "elsewhere", exportTo: ["*"] })], "elsewhere"],
    ["elsewhere, exported to the route's namespace", [entry({ namespace: "elsewhere", exportTo: ["other", "bookinfo"] })], "elsewhere"],
    ["in the route's namespace, exported to nobody else", [entry({ exportTo: ["."] })], "bookinfo"],
    ["elsewhere, exported to nobody", [entry({ namespace: "elsewhere", exportTo: ["."] })], undefined],
  ])("is looked for %s", (_, entries, namespace) => {
    expect(v3In([route, rule, ...entries])).toMatchObject(namespace === undefined ? { kind: "missing" } : pods(namespace));
  });

  it("is looked for in the rule's namespace, too, and a rule beside the ServiceEntry", () => {
    const allowed = { annotations: { "weir.dev/allow-from": "bookinfo" } };
    const named: Traffic = { istio: { ...aTarget().istio!, destinationRule: { name: "reviews", namespace: "mesh" } } };
    const ruleThere: Objects[number] = ["destinationRules", aDestinationRule({ host: HOST, namespace: "mesh", metadata: allowed })];
    expect(v3In([route, ruleThere, entry({ namespace: "mesh", exportTo: ["."] })], named)).toEqual(pods("mesh"));
    expect(v3In([route, ruleThere, entry({ namespace: "mesh" })])).toEqual(pods("mesh"));
  });

  it.each<[string, Objects, string]>([
    ["neither Service nor ServiceEntry", [], "subset v3 of DestinationRule bookinfo/reviews is of host reviews.internal, which is no Service of this cluster (expected NAME or NAME.NAMESPACE.svc.cluster.local), and namespace bookinfo sees no ServiceEntry for it (expected one with a workloadSelector)"],
    ["a ServiceEntry of endpoints", [entry({ selector: null })], "ServiceEntry bookinfo/reviews is for reviews.internal and has no workloadSelector, but endpoints or DNS alone, so the pods that answer cannot be told: give it workloadSelector.labels that they all have"],
    ["a ServiceEntry that selects by nothing", [entry({ selector: {} })], "ServiceEntry bookinfo/reviews is for reviews.internal and has no workloadSelector, but endpoints or DNS alone, so the pods that answer cannot be told: give it workloadSelector.labels that they all have"],
    ["a ServiceEntry that Istio would not take", [["serviceEntries", { ...aServiceEntry(), spec: { hosts: HOST } }]], "subset v3 of DestinationRule bookinfo/reviews is of host reviews.internal, which is no Service of this cluster (expected NAME or NAME.NAMESPACE.svc.cluster.local), and namespace bookinfo sees no ServiceEntry for it (expected one with a workloadSelector)"],
    ["a ServiceEntry of a short name, which nobody can mean", [entry({ host: "reviews" })], "subset v3 of DestinationRule bookinfo/reviews is of host reviews.internal, which is no Service of this cluster (expected NAME or NAME.NAMESPACE.svc.cluster.local), and namespace bookinfo sees no ServiceEntry for it (expected one with a workloadSelector)"],
  ])("has no pods, and a sentence says why: %s", (_, entries, message) => {
    expect(v3In([route, rule, ...entries])).toEqual({ kind: "missing", message });
  });

  describe("for each version", () => {
    const versions = ["reviews-v3", "reviews-v2"];
    const served: Objects[number] = ["virtualServices", aVirtualService({ http: [{ route: hosts({ "reviews-v2.internal": null }) }] })];
    const entryOf = (version: string): Objects[number] => entry({ name: version, host: `reviews-${version}.internal`, selector: { app: "reviews", version } });

    it("is a version by its first label, before a Service that merely bears the name, and before the route leads there", () => {
      const namesake: Objects[number] = ["services", aKubernetesService({ name: "reviews-v3", selector: { app: "namesake" } })];
      const seen = found({ objects: [served, entryOf("v2"), entryOf("v3"), namesake], versions });
      expect(seen.destinations).toEqual([{ version: "reviews-v2", points: 100, weighted: false, candidate: true }]);
      expect(seen.backends).toEqual({ "reviews-v3": pods(), "reviews-v2": { ...pods(), selector: { app: "reviews", version: "v2" } } });
    });

    it("is missing with a sentence that names all that was looked for", () => {
      const message = "no subset reviews-v3 in a DestinationRule for reviews-v2.internal (there is none) and no Service reviews-v3 in namespace bookinfo, and no ServiceEntry for reviews-v3.internal";
      expect(found({ objects: [served, entryOf("v2")], versions }).backends["reviews-v3"]).toEqual({ kind: "missing", message });
    });
  });
});

describe("who writes and owns the route", () => {
  const entry = (manager: string, time: string, fields: object) => ({ manager, operation: "Update", time, fieldsV1: fields });
  const withEntries = (...managedFields: readonly ReturnType<typeof entry>[]): RouteFound => {
    const object = aVirtualService({ metadata: { resourceVersion: "7", managedFields } });
    const { caches, client } = createMemoryCluster({ nowMs: () => NOON });
    const seen = createIstioRouter({ caches: { ...caches, virtualServices: { get: () => object, list: () => [object], all: () => [object] } }, client }).read(ROLLOUT, aTarget(), ["v3"]);
    if (seen.kind !== "found") throw new Error(seen.message);
    return seen;
  };

  it("is told newest first, by those who own the http routes or the whole spec, and by nobody else", () => {
    const { writers } = withEntries(
      entry("kubectl", "2026-11-21T12:00:00Z", { "f:spec": {} }),
      entry("weir", "2026-11-21T12:05:00Z", { "f:spec": { "f:http": {} } }),
      entry("labeller", "2026-11-21T12:06:00Z", { "f:metadata": { "f:labels": {} } }),
      entry("hosts", "2026-11-21T12:07:00Z", { "f:spec": { ".": {}, "f:hosts": {} } }),
    );
    expect(writers).toEqual([
      { manager: "weir", atMs: Date.parse("2026-11-21T12:05:00Z") },
      { manager: "kubectl", atMs: NOON },
    ]);
  });

  it.each([
    ["flagger", "Flagger"],
    ["argo-rollouts", "Argo Rollouts"],
    ["rollouts-controller", "Argo Rollouts"],
    ["kubectl", undefined],
  ])("is %s's where it wrote last: %s", (manager, managedBy) => {
    const older = entry("weir", "2026-11-21T11:00:00Z", { "f:spec": { "f:http": {} } });
    expect(withEntries(older, entry(manager, "2026-11-21T12:00:00Z", { "f:spec": { "f:http": {} } })).managedBy).toBe(managedBy);
  });

  it("is no longer a peer's once somebody else has written the routes", () => {
    const peer = entry("argo-rollouts", "2026-11-21T11:00:00Z", { "f:spec": { "f:http": {} } });
    expect(withEntries(peer, entry("kubectl-edit", "2026-11-21T12:00:00Z", { "f:spec": { "f:http": {} } })).managedBy).toBeUndefined();
  });

  it.each<[string, Objects, string]>([
    ["an owner of kind Canary", [["virtualServices", aVirtualService({ metadata: { ownerReferences: [{ kind: "Canary", name: "reviews", uid: "1" }] } })]], "Flagger"],
    ["Flagger's copy of the old routes", [["virtualServices", aVirtualService({ metadata: { annotations: { "flagger.kubernetes.io/original-configuration": "{}" } } })]], "Flagger"],
    ["Argo's mark on the DestinationRule", [["virtualServices", aVirtualService()], ["destinationRules", aDestinationRule({ metadata: { annotations: { "argo-rollouts.argoproj.io/managed-by-rollouts": "reviews" } } })]], "Argo Rollouts"],
  ])("is told by %s", (_, objects, managedBy) => {
    expect(found({ objects }).managedBy).toBe(managedBy);
  });

  it("is another Rollout of ours where that one owns the route, and nobody where it is the asking one", () => {
    const ownerOf = (name: string): IstioRouterOptions["ownerOf"] => (route) => (route.kind === "virtualServices" && route.name === "reviews" ? { namespace: "bookinfo", name } : undefined);
    expect(found({ objects: tutorial, ownerOf: ownerOf("first") }).managedBy).toBe("Rollout bookinfo/first");
    expect(found({ objects: tutorial, ownerOf: ownerOf("reviews") }).managedBy).toBeUndefined();
  });
});
