/** Hosts of Istio objects: whose Service a host names, and when two hosts are the same. */

const IN_CLUSTER = /^([^.]+)\.([^.]+)\.svc(?:\..+)?$/;

const IN_ANY_NAMESPACE = /^\.svc\..+$/;
/** Unless somebody has chosen another one. */
const CLUSTER_DOMAIN = "cluster.local";

/** The Service behind a host; no namespace for a host outside the cluster. */
export interface HostName {
  readonly name: string;
  readonly namespace?: string;
}

/** As Istio does, a short name belongs to the namespace of the object that holds it, and anything with a dot is taken as it is. */
export function hostNameOf(host: string, namespace: string): HostName {
  if (!host.includes(".")) return { name: host, namespace };
  const [, name, itsNamespace] = IN_CLUSTER.exec(host) ?? [];
  return name === undefined ? { name: firstLabelOf(host) } : { name, namespace: itsNamespace! };
}

/** One spelling for every way to write a host: `reviews.bookinfo.svc` without the cluster's domain. */
export function canonicalHost(host: string, namespace: string): string {
  const { name, namespace: itsNamespace } = hostNameOf(host, namespace);
  return itsNamespace === undefined ? host : `${name}.${itsNamespace}.svc`;
}

/** Whether a rule's host, which may begin with `*`, covers a canonical host. */
export function coversHost(ruleHost: string, ruleNamespace: string, canonical: string): boolean {
  if (ruleHost === "*") return true;
  if (!ruleHost.startsWith("*")) return canonicalHost(ruleHost, ruleNamespace) === canonical;
  const suffix = canonicalHost(`x${ruleHost.slice(1)}`, ruleNamespace).slice(1).replace(IN_ANY_NAMESPACE, ".svc");
  return [canonical, `${canonical}.${CLUSTER_DOMAIN}`].some((spelling) => spelling.endsWith(suffix)); // `*.local` covers every Service
}

/** Every way to ask for a host, as Istio takes it; a wildcard, and a host outside the cluster, have one. */
export function spellingsOf(host: string, namespace: string): readonly string[] {
  const { name, namespace: itsNamespace } = hostNameOf(host, namespace);
  if (host.startsWith("*") || itsNamespace === undefined) return [host];
  const inAny = [`${name}.${itsNamespace}`, `${name}.${itsNamespace}.svc`, `${name}.${itsNamespace}.svc.${CLUSTER_DOMAIN}`];
  return [...new Set([host, name, ...inAny])];
}

export function firstLabelOf(host: string): string {
  return host.split(".", 1)[0]!;
}
