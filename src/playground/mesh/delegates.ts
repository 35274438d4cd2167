/** VirtualServices whose http routes are written in others: what delegates, and what is delegated to, read as one list. */
import type { HttpMatch, VirtualService } from "./mesh-objects.ts";

type Route = VirtualService["spec"]["http"][number];

/** In the place of a route that delegates stand the other VirtualService's, each asking for what both ask for. Where there is no such one nothing does, as in Istio. */
export function withDelegates(all: readonly VirtualService[]): readonly VirtualService[] {
  return all.map((virtualService) => ({ ...virtualService, spec: { ...virtualService.spec, http: virtualService.spec.http.flatMap((route) => led(all, route, virtualService.metadata.namespace)) } }));
}

function led(all: readonly VirtualService[], route: Route, ownNamespace: string): readonly Route[] {
  const { delegate } = route;
  if (!delegate) return [route];
  const { namespace = ownNamespace } = delegate;
  const other = all.find(({ metadata, spec }) => metadata.name === delegate.name && metadata.namespace === namespace && spec.hosts.length === 0);
  return (other?.spec.http ?? []).filter((each) => !each.delegate).map((each) => ({ ...inFull(each, namespace), match: both(route.match, each.match) }));
}

/** Short hosts are of the namespace in which they are written. */
function inFull(route: Route, namespace: string): Route {
  const hostOf = (host: string): string => (host.includes(".") ? host : `${host}.${namespace}.svc.cluster.local`);
  return { ...route, route: route.route.map((each) => ({ ...each, destination: { ...each.destination, host: hostOf(each.destination.host) } })) };
}

function both(outer: readonly HttpMatch[] | undefined, inner: readonly HttpMatch[] | undefined): HttpMatch[] | undefined {
  if (!outer?.length || !inner?.length) return [...(outer ?? []), ...(inner ?? [])];
  return outer.flatMap((one) => inner.map((other) => ({ ...one, ...other, headers: { ...one.headers, ...other.headers }, queryParams: { ...one.queryParams, ...other.queryParams }, sourceLabels: { ...one.sourceLabels, ...other.sourceLabels } })));
}
