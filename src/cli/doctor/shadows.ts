/** Other VirtualServices for the same host: Istio goes by the oldest for callers in the mesh, and merges those of a gateway in an order that nobody promises. */
import { z } from "zod";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import { canonicalHost } from "../../traffic/istio/host.ts";
import { bad, note, type Finding } from "./finding.ts";

const MESH = "mesh";

const Spec = z.object({ hosts: z.array(z.string()).default([]), gateways: z.array(z.string()).default([MESH]), exportTo: z.array(z.string()).default(["*"]) });

export function shadowsOf(route: KubernetesObject, all: readonly KubernetesObject[], subject: string): readonly Finding[] {
  return all.filter(({ metadata }) => metadata.uid !== route.metadata.uid).flatMap((other) => shadowBy(other, route, subject));
}

function shadowBy(other: KubernetesObject, route: KubernetesObject, subject: string): readonly Finding[] {
  const [theirs, ours] = [placesOf(other), placesOf(route)];
  const shared = ours.places.filter(({ host, gateway }) => theirs.places.some((one) => one.host === host && one.gateway === gateway));
  const inMesh = shared.find(({ gateway }) => gateway === MESH);
  const atGateway = shared.find(({ gateway }) => gateway !== MESH);
  const who = `VirtualService ${other.metadata.namespace}/${other.metadata.name}`;
  const where = theirs.exportTo.includes("*") ? "callers in the mesh" : "callers in the namespaces that it is exported to";
  return [
    ...(inMesh ? [meshFinding(isOlder(other, route), { who, where, subject, host: inMesh.host })] : []),
    ...(atGateway ? [note(subject, `${who} names host ${atGateway.host} at gateway ${atGateway.gateway} as well, and Istio merges the two in an order that nobody promises: put their routes into one`)] : []),
  ];
}

interface Shadow {
  readonly who: string;
  readonly where: string;
  readonly subject: string;
  readonly host: string;
}

function meshFinding(isShadowed: boolean, { who, where, subject, host }: Shadow): Finding {
  const same = `${who} names host ${host} as well`;
  if (!isShadowed) return note(subject, `${same}; it is younger, so Istio passes it over for ${where}: delete it, or take the host out of it`);
  return bad(subject, `${same} and is older, so for ${where} Istio goes by it alone, and no weight set here is in force: delete it, or take the host out of it`);
}

/** Hosts and gateways in one spelling each. */
function placesOf({ metadata: { namespace = "" }, spec }: KubernetesObject): { readonly places: readonly { readonly host: string; readonly gateway: string }[]; readonly exportTo: readonly string[] } {
  const { hosts, gateways, exportTo } = Spec.safeParse(spec).data ?? { hosts: [], gateways: [], exportTo: ["*"] };
  const gatewayOf = (name: string): string => (name === MESH || name.includes("/") ? name : `${namespace}/${name}`);
  return { places: hosts.flatMap((host) => gateways.map((gateway) => ({ host: canonicalHost(host, namespace), gateway: gatewayOf(gateway) }))), exportTo };
}

/** As istiod sorts them: by age, then by name. */
function isOlder(one: KubernetesObject, other: KubernetesObject): boolean {
  const key = ({ metadata: { creationTimestamp = "", name, namespace = "" } }: KubernetesObject): string => `${creationTimestamp} ${name}.${namespace}`;
  return key(one) < key(other);
}
