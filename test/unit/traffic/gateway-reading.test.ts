/** What is read of HTTPRoutes and GRPCRoutes beyond the contract: weights as they are at rest, which rule is meant, whose the route is, and what gateways say of it. */
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { RouteSeen } from "../../../src/rollout/observation.ts";
import type { RouteName } from "../../../src/rollout/route-names.ts";
import type { Traffic } from "../../../src/rollout/spec-traffic.ts";
import { createTrafficRouter } from "../../../src/traffic/registry.ts";
import { aKubernetesService } from "../../support/istio-objects.ts";
import { createMemoryCluster } from "../../support/memory-cluster.ts";

const NAMESPACE = "bookinfo";
const services = ["v1", "v2", "v3"].map((version) => aKubernetesService({ name: version, selector: { app: "reviews", version } }));

interface Given {
  readonly rules?: readonly object[];
  readonly metadata?: Partial<KubernetesObject["metadata"]>;
  readonly status?: object;
  readonly ref?: { readonly rule?: string; readonly ruleIndex?: number; readonly namespace?: string };
  readonly beside?: readonly KubernetesObject[];
  readonly versions?: readonly string[];
  readonly ownerOf?: (route: RouteName) => { namespace: string; name: string } | undefined;
}

function read({ rules = [refs({ v2: 1 })], metadata, status, ref, beside = services, versions = ["v3", "v2"], ownerOf }: Given): RouteSeen {
  const cluster = createMemoryCluster({ nowMs: () => 0 });
  beside.forEach((service) => cluster.put("services", service));
  cluster.put("httpRoutes", { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata: { name: "reviews", namespace: NAMESPACE, ...metadata }, spec: { rules }, ...(status ? { status } : {}) });
  const target: Traffic = { gatewayApi: { httpRoutes: [{ name: "reviews", ...ref }] } };
  return createTrafficRouter({ ...cluster, ownerOf }).read({ namespace: NAMESPACE, name: "reviews" }, target, versions);
}

function refs(weights: Readonly<Record<string, number | undefined>>, rest: object = {}): object {
  return { ...rest, backendRefs: Object.entries(weights).map(([name, weight]) => ({ name, port: 9080, ...(weight === undefined ? {} : { weight }) })) };
}

function destinationsOf(seen: RouteSeen): readonly (readonly [string, number, boolean])[] {
  const route = seen.kind === "found" ? seen : seen.mendable;
  return (route?.destinations ?? []).map(({ version, points, weighted }) => [version, points, weighted]);
}

describe("weights", () => {
  it.each<[string, Record<string, number | undefined>, readonly (readonly [string, number, boolean])[]]>([
    ["an only reference has everything, without a share", { v2: 1 }, [["v2", 100, false]]],
    ["a missing weight is 1", { v2: undefined }, [["v2", 100, false]]],
    ["an only reference that was given a share has everything", { v2: 100 }, [["v2", 100, true]]],
    ["one that has all of the weight has everything, whatever the sum", { v2: 1, v3: 0 }, [["v2", 100, true], ["v3", 0, true]]],
    ["points of 100", { v2: 90, v3: 10 }, [["v2", 90, true], ["v3", 10, true]]],
  ])("%s", (_, weights, expected) => {
    const seen = read({ rules: [refs(weights)] });
    expect(seen.kind).toBe("found");
    expect(destinationsOf(seen)).toEqual(expected);
  });

  it("that share anything but 100 are refused with a sentence", () => {
    expect(read({ rules: [refs({ v2: 9, v3: 1 })] })).toMatchObject({ kind: "unusable", message: "the weights of HTTPRoute bookinfo/reviews must add up to 100, and they are v2 9, v3 1: 10" });
  });
});

describe("the rule", () => {
  const several = [refs({ v1: 1 }, { name: "beta" }), refs({ v2: 1 })];
  it.each<[string, Given, string]>([
    ["several and none meant", { rules: several }, "HTTPRoute bookinfo/reviews has 2 rules (beta, one without name): say with rule or ruleIndex in traffic.gatewayApi which one to weigh"],
    ["a name that is not there", { rules: several, ref: { rule: "main" } }, "HTTPRoute bookinfo/reviews has no rule named main; it has beta, one without name"],
    ["a name that is there twice", { rules: [several[0]!, several[0]!], ref: { rule: "beta" } }, "HTTPRoute bookinfo/reviews has 2 rules named beta: give each its own name"],
    ["a place that is not there", { rules: several, ref: { ruleIndex: 2 } }, "HTTPRoute bookinfo/reviews has no rule 2; it has 2, counted from 0"],
    ["one that is counted although it has a name", { rules: several, ref: { ruleIndex: 0 } }, "rule 0 of HTTPRoute bookinfo/reviews is named beta: write rule: beta in place of ruleIndex"],
    ["one that leads nowhere", { rules: [{ filters: [{ type: "RequestRedirect" }] }] }, "HTTPRoute bookinfo/reviews has no backendRefs to weigh"],
    ["no rules", { rules: [] }, "HTTPRoute bookinfo/reviews has no rules"],
    ["rules that cannot be read", { rules: [{ backendRefs: [{ name: 5 }] }] }, "HTTPRoute bookinfo/reviews cannot be read: spec.rules[0].backendRefs[0].name: expected a text, got 5; add the unit (1m, 1%), or put a name made of digits in quotes"],
    ["another namespace's", { ref: { namespace: "mesh" } }, "there is no HTTPRoute mesh/reviews"],
  ])("is refused: %s", (_, given, message) => {
    expect(read(given)).toMatchObject({ message });
  });

  it("is found by its place", () => {
    expect(destinationsOf(read({ rules: several, ref: { ruleIndex: 1 } }))).toEqual([["v2", 100, false]]);
  });
});

describe("versions", () => {
  it("are Services beside the route; what else it leads to is none", () => {
    const references = [{ name: "v2", weight: 80 }, { name: "v2", namespace: "elsewhere", weight: 10 }, { name: "v3", kind: "ServiceImport", group: "multicluster.x-k8s.io", weight: 10 }];
    const seen = read({ rules: [{ backendRefs: references }], versions: ["v2"] });
    expect(seen).toMatchObject({ kind: "unusable", message: "HTTPRoute bookinfo/reviews leads to v2 twice (v2 80, v2 10, v3 10): make it one destination" });
    expect(destinationsOf(seen)).toEqual([["v2", 80, true], ["Service elsewhere/v2", 10, true], ["v3", 10, true]]);
  });

  it("may live in another namespace, where all of them do", () => {
    const beside = services.map((service) => ({ ...service, metadata: { ...service.metadata, namespace: "apps" } }));
    const seen = read({ rules: [{ backendRefs: [{ name: "v2", namespace: "apps", weight: 1 }] }], beside });
    expect(seen).toMatchObject({ kind: "found", backends: { v3: { kind: "found", namespace: "apps", selector: { app: "reviews", version: "v3" } } } });
  });

  it("without a Service are missing", () => {
    expect(read({ versions: ["v9", "v2"] })).toMatchObject({ backends: { v9: { kind: "missing", message: "no Service v9 in namespace bookinfo" } } });
  });
});

describe("whose the route is", () => {
  it("is told by Flagger's ownership and by the Rollout that names it first", () => {
    expect(read({ metadata: { ownerReferences: [{ kind: "Canary", name: "reviews", uid: "1" }] } })).toMatchObject({ managedBy: "Flagger" });
    const ownerOf = ({ kind, name }: RouteName) => (kind === "httpRoutes" && name === "reviews" ? { namespace: NAMESPACE, name: "first" } : undefined);
    expect(read({ ownerOf })).toMatchObject({ managedBy: "Rollout bookinfo/first" });
  });

  it("is asked for the rule alone, by its name or its place", () => {
    const asked: (string | undefined)[] = [];
    const ownerOf = ({ part }: RouteName): undefined => void asked.push(part);
    read({ rules: [refs({ v2: 1 }, { name: "beta" }), refs({ v2: 1 })], ref: { rule: "beta" }, ownerOf });
    read({ rules: [refs({ v2: 1 }), refs({ v2: 1 })], ref: { ruleIndex: 1 }, ownerOf });
    expect(asked).toEqual(["beta", "1"]);
  });
});

describe("what gateways say", () => {
  const parent = (name: string, conditions: readonly object[]): object => ({ parentRef: { name }, controllerName: "example.com/c", conditions });
  const condition = (type: string, status: string, observedGeneration = 3): object => ({ type, status, reason: "R", message: `${type} is ${status}`, observedGeneration });
  const said = (...parents: readonly object[]): RouteSeen => read({ metadata: { generation: 3 }, status: { parents } });

  it.each<[string, readonly object[], string]>([
    ["no parent takes it", [parent("a", [condition("Accepted", "False")]), parent("b", [condition("Accepted", "False")])], "HTTPRoute bookinfo/reviews is accepted by none of its parents: a: Accepted is False; b: Accepted is False"],
    ["one that takes it cannot find what it leads to", [parent("a", [condition("Accepted", "False")]), parent("b", [condition("Accepted", "True"), condition("ResolvedRefs", "False")])], "HTTPRoute bookinfo/reviews refers to what cannot be found: b: ResolvedRefs is False"],
  ])("stops a Rollout where %s", (_, parents, message) => {
    expect(said(...parents)).toMatchObject({ kind: "unusable", message, mendable: { kind: "found" } });
  });

  it.each<[string, readonly object[]]>([
    ["nobody has said anything", []],
    ["one of two takes it", [parent("a", [condition("Accepted", "False")]), parent("b", [condition("Accepted", "True")])]],
    ["it was said of an older generation", [parent("a", [condition("Accepted", "False", 2)])]],
  ])("does not where %s", (_, parents) => {
    expect(said(...parents).kind).toBe("found");
  });
});
