/** The custom resources that the playground's API serves: Weir's own, as deployed, and as much of Istio's and the Gateway API's as users of the samples need. */
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { GivenObject } from "./kubernetes-api/objects.ts";

/** Weir's CustomResourceDefinitions as `deploy/` has them, and the kinds of routes. */
export function customResourceDefinitions(): readonly GivenObject[] {
  const ours = parseAllDocuments(readFileSync(new URL("../../deploy/crd.yaml", import.meta.url), "utf8")).map((each) => each.toJS() as GivenObject);
  return [...ours, ...definitionsOf(ISTIO), ...definitionsOf(GATEWAY_API)];
}

interface ForeignKind {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  /** Name and JSONPath. */
  readonly columns: readonly (readonly [name: string, path: string])[];
  /** Of `spec`; what the owner of the kind knows and we do not is kept as it is. */
  readonly spec?: object;
}

interface ForeignGroup {
  readonly group: string;
  readonly categories: readonly string[];
  /** The first is stored. */
  readonly versions: readonly string[];
  readonly kinds: readonly ForeignKind[];
}

const preserved = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

const ISTIO: ForeignGroup = {
  group: "networking.istio.io",
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1", "v1beta1"],
  kinds: [
    { kind: "VirtualService", plural: "virtualservices", shortNames: ["vs"], columns: [["Gateways", ".spec.gateways"], ["Hosts", ".spec.hosts"]] },
    { kind: "DestinationRule", plural: "destinationrules", shortNames: ["dr"], columns: [["Host", ".spec.host"]] },
    { kind: "ServiceEntry", plural: "serviceentries", shortNames: ["se"], columns: [["Hosts", ".spec.hosts"], ["Location", ".spec.location"], ["Resolution", ".spec.resolution"]] },
    { kind: "Gateway", plural: "gateways", shortNames: ["gw"], columns: [] },
  ],
};

/** The defaults by which a reference that names a Service alone is a whole one. */
const backendRef = { ...preserved, properties: { group: { type: "string", default: "" }, kind: { type: "string", default: "Service" }, name: { type: "string" }, weight: { type: "integer", minimum: 0, maximum: 1_000_000, default: 1 } }, required: ["name"] };
const atomic = (items: object): object => ({ type: "array", "x-kubernetes-list-type": "atomic", maxItems: 16, items });
const routeSpec = { ...preserved, properties: { rules: atomic({ ...preserved, properties: { name: { type: "string" }, backendRefs: atomic(backendRef) } }) } };

const GATEWAY_API: ForeignGroup = {
  group: "gateway.networking.k8s.io",
  categories: ["gateway-api"],
  versions: ["v1"],
  kinds: [
    { kind: "HTTPRoute", plural: "httproutes", shortNames: [], columns: [["Hostnames", ".spec.hostnames"]], spec: routeSpec },
    { kind: "GRPCRoute", plural: "grpcroutes", shortNames: [], columns: [["Hostnames", ".spec.hostnames"]], spec: routeSpec },
  ],
};

function definitionsOf({ group, categories, versions, kinds }: ForeignGroup): readonly GivenObject[] {
  return kinds.map(({ kind, plural, shortNames, columns, spec = preserved }) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List`, shortNames, categories },
      versions: versions.map((name, index) => ({ ...servedAs(columns, spec), name, storage: index === 0 })),
    },
  }));
}

function servedAs(columns: ForeignKind["columns"], spec: object): object {
  const additionalPrinterColumns = [
    ...columns.map(([name, jsonPath]) => ({ name, jsonPath, type: "string" })),
    { name: "Age", jsonPath: ".metadata.creationTimestamp", type: "date" },
  ];
  const openAPIV3Schema = { type: "object", properties: { spec, status: preserved } };
  return { additionalPrinterColumns, schema: { openAPIV3Schema }, served: true, subresources: { status: {} } };
}
