/** What `weir doctor` says of a second VirtualService for the same host. */
import { expect, test } from "vitest";
import { shadowsOf } from "../../../src/cli/doctor/shadows.ts";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";

const NOON = "2026-11-27T12:00:00Z";

function route(name: string, spec: object, metadata: Partial<KubernetesObject["metadata"]> = {}): KubernetesObject {
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name, namespace: "bookinfo", uid: name, creationTimestamp: NOON, ...metadata }, spec };
}

const OURS = route("reviews", { hosts: ["reviews"] });
const AT_A_GATEWAY = route("reviews", { hosts: ["shop.example"], gateways: ["front"] });
const said = (ours: KubernetesObject, other: KubernetesObject): readonly string[] => shadowsOf(ours, [ours, other], "bookinfo/reviews").map(({ level, message }) => `${level}: ${message}`);
const SAME = "VirtualService bookinfo/legacy names host reviews.bookinfo.svc as well";

test.each<[what: string, ours: KubernetesObject, other: KubernetesObject, findings: readonly string[]]>([
  ["itself alone", OURS, OURS, []],
  ["another host", OURS, route("legacy", { hosts: ["ratings"] }), []],
  ["an older one, spelled otherwise", OURS, route("legacy", { hosts: ["reviews.bookinfo.svc.cluster.local"] }, { creationTimestamp: "2026-11-20T12:00:00Z" }), [
    `bad: ${SAME} and is older, so for callers in the mesh Istio goes by it alone, and no weight set here is in force: delete it, or take the host out of it`,
  ]],
  ["one of the same second, whose name comes first", OURS, route("legacy", { hosts: ["reviews"] }), [
    `bad: ${SAME} and is older, so for callers in the mesh Istio goes by it alone, and no weight set here is in force: delete it, or take the host out of it`,
  ]],
  ["a younger one", OURS, route("legacy", { hosts: ["reviews"] }, { creationTimestamp: "2026-11-28T12:00:00Z" }), [
    `note: ${SAME}; it is younger, so Istio passes it over for callers in the mesh: delete it, or take the host out of it`,
  ]],
  ["one that is not exported to all", OURS, route("legacy", { hosts: ["reviews"], exportTo: ["."] }), [
    `bad: ${SAME} and is older, so for callers in the namespaces that it is exported to Istio goes by it alone, and no weight set here is in force: delete it, or take the host out of it`,
  ]],
  ["a short name in another namespace, which is another host", OURS, route("legacy", { hosts: ["reviews"] }, { namespace: "shop" }), []],
  ["the same host at a gateway only", OURS, route("legacy", { hosts: ["reviews"], gateways: ["front"] }), []],
  ["one at the same gateway, spelled otherwise", AT_A_GATEWAY, route("legacy", { hosts: ["shop.example"], gateways: ["bookinfo/front"] }), [
    "note: VirtualService bookinfo/legacy names host shop.example at gateway bookinfo/front as well, and Istio merges the two in an order that nobody promises: put their routes into one",
  ]],
  ["a delegate, which has no hosts", OURS, route("legacy", { http: [] }), []],
  ["one that cannot be read", OURS, route("legacy", { hosts: "reviews" }), []],
])("%s", (_, ours, other, findings) => expect(said(ours, other)).toEqual(findings));
