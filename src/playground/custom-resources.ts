/** The custom resources that the playground's API serves: Weir's own, as deployed, and as much of Istio's as users of the samples need. */
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { GivenObject } from "./kubernetes-api/objects.ts";

/** Weir's CustomResourceDefinitions as `deploy/` has them, and Istio's kinds. */
export function customResourceDefinitions(): readonly GivenObject[] {
  const ours = parseAllDocuments(readFileSync(new URL("../../deploy/crd.yaml", import.meta.url), "utf8")).map((each) => each.toJS() as GivenObject);
  return [...ours, ...istioKinds.map(istioDefinition)];
}

interface IstioKind {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  /** Name and JSONPath. */
  readonly columns: readonly (readonly [name: string, path: string])[];
}

const istioKinds: readonly IstioKind[] = [
  { kind: "VirtualService", plural: "virtualservices", shortName: "vs", columns: [["Gateways", ".spec.gateways"], ["Hosts", ".spec.hosts"]] },
  { kind: "DestinationRule", plural: "destinationrules", shortName: "dr", columns: [["Host", ".spec.host"]] },
  { kind: "Gateway", plural: "gateways", shortName: "gw", columns: [] },
];

const group = "networking.istio.io";

function istioDefinition({ kind, plural, shortName, columns }: IstioKind): GivenObject {
  const schema = { type: "object", properties: { spec: preserved, status: preserved } };
  const additionalPrinterColumns = [
    ...columns.map(([name, jsonPath]) => ({ name, jsonPath, type: "string" })),
    { name: "Age", jsonPath: ".metadata.creationTimestamp", type: "date" },
  ];
  const version = { additionalPrinterColumns, schema: { openAPIV3Schema: schema }, served: true, subresources: { status: {} } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List`, shortNames: [shortName], categories: ["istio-io", "networking-istio-io"] },
      versions: [
        { ...version, name: "v1", storage: true },
        { ...version, name: "v1beta1", storage: false },
      ],
    },
  };
}

/** What Istio knows and we do not is kept as it is. */
const preserved = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
