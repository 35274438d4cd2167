/** Which destination a request goes to, by the VirtualServices, HTTPRoutes, GRPCRoutes, DestinationRules, Services and ServiceEntries of one moment. */
import type { z } from "zod";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import { withDelegates } from "./delegates.ts";
import { GrpcRouteObject, virtualServicesOfGrpc } from "./grpc-route.ts";
import { HttpRouteObject, virtualServicesOfHttp } from "./http-route.ts";
import { connectionMatches, entranceIsIn, routeMatches, type Entrance, type MeshConnection, type MeshRequest, type Sender } from "./http-match.ts";
import { DestinationRule, ServiceEntry, ServiceObject, VirtualService, type HeaderEdit, type HttpDestination } from "./mesh-objects.ts";

export interface MeshObjects {
  readonly virtualServices: readonly KubernetesObject[];
  readonly destinationRules: readonly KubernetesObject[];
  readonly services: readonly KubernetesObject[];
  /** Default: none. */
  readonly serviceEntries?: readonly KubernetesObject[];
  readonly httpRoutes?: readonly KubernetesObject[];
  readonly grpcRoutes?: readonly KubernetesObject[];
}

export interface ServiceName {
  /** Of what a ServiceEntry serves it is the host, as Istio's metrics have it. */
  readonly name: string;
  readonly namespace: string;
  /** `NAME.NAMESPACE.svc.cluster.local`, or a host of a ServiceEntry. */
  readonly host: string;
}

export interface PodsTarget {
  readonly kind: "pods";
  readonly service: ServiceName;
  readonly selector: Readonly<Record<string, string>>;
}

/** Where copies of requests go. */
export interface Shadow {
  readonly pods: PodsTarget;
  /** Share of the requests, 0 to 1. */
  readonly share: number;
}

export type Target =
  /** `answered`: what is done to the headers of its answer, one after the other. */
  | (PodsTarget & { readonly shadows: readonly Shadow[]; readonly answered: readonly HeaderEdit[] })
  /** Envoy's answer where there is nowhere to go: NR no route, NC no such cluster. */
  | { readonly kind: "nowhere"; readonly code: 404 | 503; readonly flags: "NR" | "NC"; readonly service: ServiceName | undefined };

export interface RoutingTable {
  /** `draw` in [0, 1) decides between weighted destinations. */
  targetOf(request: MeshRequest, sender: Sender, draw: number): Target;
  /** The same of a connection. */
  connectionTo(connection: MeshConnection, sender: Sender, draw: number): Target;
  /** Whether connections to that host are told apart by the server name that they ask for. */
  readsServerName(host: string, sender: Sender): boolean;
  /** Objects that could not be read, one sentence each; routing goes on without them. */
  readonly rejected: readonly string[];
}

type Route = VirtualService["spec"]["http"][number];

interface Served {
  readonly service: ServiceName;
  readonly selector: Readonly<Record<string, string>>;
}

interface Parsed {
  readonly virtualServices: readonly VirtualService[];
  readonly destinationRules: readonly DestinationRule[];
  /** What answers, by its host. */
  readonly served: ReadonlyMap<string, Served>;
}

/** Reads the objects once; the table stays as it is when they change. */
export function createRoutingTable(objects: MeshObjects): RoutingTable {
  const rejected: string[] = [];
  const parsed: Parsed = {
    virtualServices: [
      ...withDelegates(parsedAs(VirtualService, "VirtualService", objects.virtualServices, rejected)).toSorted(byAge),
      ...gatewayRoutes(objects, rejected).toSorted(byAge),
    ],
    destinationRules: parsedAs(DestinationRule, "DestinationRule", objects.destinationRules, rejected),
    served: servedIn(objects, rejected),
  };
  return {
    rejected,
    targetOf: (request, sender, draw) => targetOf(parsed, request, sender, draw),
    connectionTo: (connection, sender, draw) => connectionTo(parsed, connection, sender, draw),
    readsServerName: (host, sender) => (routedBy(parsed, host, sender).virtualService?.spec.tls.length ?? 0) > 0,
  };
}

/** A Service comes before a ServiceEntry for its host. */
function servedIn({ services, serviceEntries = [] }: MeshObjects, rejected: string[]): ReadonlyMap<string, Served> {
  const all = [...parsedAs(ServiceEntry, "ServiceEntry", serviceEntries, rejected).flatMap(servedByEntry), ...parsedAs(ServiceObject, "Service", services, rejected).map(servedByService)];
  return new Map(all.map((served) => [served.service.host, served]));
}

/** Without a selector its endpoints are elsewhere, where this mesh does not reach. */
function servedByEntry({ metadata: { namespace }, spec: { hosts, workloadSelector } }: ServiceEntry): readonly Served[] {
  return workloadSelector ? hosts.map((host) => ({ service: { name: host, namespace, host }, selector: workloadSelector.labels })) : [];
}

function servedByService({ metadata: { name, namespace }, spec: { selector } }: ServiceObject): Served {
  return { service: { name, namespace, host: `${name}.${namespace}.svc.cluster.local` }, selector };
}

/** Of two kinds for one host the older route has it, and the other one is not accepted. */
function gatewayRoutes({ httpRoutes = [], grpcRoutes = [] }: MeshObjects, rejected: string[]): readonly VirtualService[] {
  return [...parsedAs(HttpRouteObject, "HTTPRoute", httpRoutes, rejected).flatMap(virtualServicesOfHttp), ...parsedAs(GrpcRouteObject, "GRPCRoute", grpcRoutes, rejected).flatMap(virtualServicesOfGrpc)];
}

/** The VirtualService that says where whatever asks for a host goes, and what that host is called in full. */
function routedBy(parsed: Parsed, named: string, sender: Sender): { readonly host: string; readonly virtualService: VirtualService | undefined } {
  const asked = named.toLowerCase().replace(/:\d+$/, "");
  const host = sender.entrance === "gateway" ? asked : fullHost(parsed, asked, sender.namespace);
  return { host, virtualService: virtualServiceFor(parsed, [asked, host], sender.entrance) };
}

/** By a tls route where a server name is asked for and one takes it, else by a tcp route; straight to the host's pods where there is neither. */
function connectionTo(parsed: Parsed, connection: MeshConnection, sender: Sender, draw: number): Target {
  const { host, virtualService } = routedBy(parsed, connection.host, sender);
  const { tls = [], tcp = [] } = virtualService?.spec ?? {};
  if (!virtualService || tls.length + tcp.length === 0) return plainTarget(parsed, host);
  const route = [...(connection.serverName === undefined ? [] : tls), ...tcp].find(({ match }) => connectionMatches(match, connection, sender));
  const chosen = route && weighted(route.route, draw);
  const pods = chosen && podsOf(parsed, chosen.destination, virtualService.metadata.namespace);
  if (pods) return { ...pods, shadows: [], answered: [] };
  return { kind: "nowhere", code: 503, flags: route ? "NC" : "NR", service: nameFor(parsed, host) };
}

function targetOf(parsed: Parsed, request: MeshRequest, sender: Sender, draw: number): Target {
  const { host, virtualService } = routedBy(parsed, request.host, sender);
  if (!virtualService) return plainTarget(parsed, host);
  const route = virtualService.spec.http.find(({ match }) => routeMatches(match, request, sender));
  if (!route) return { kind: "nowhere", code: 404, flags: "NR", service: nameFor(parsed, host) };
  const chosen = weighted(route.route, draw);
  return chosen ? targetIn(parsed, chosen, route, virtualService.metadata.namespace) : { kind: "nowhere", code: 503, flags: "NC", service: nameFor(parsed, host) };
}

/** Exact hosts before wildcards, longer wildcards before shorter ones; of equals the oldest. */
function virtualServiceFor(parsed: Parsed, names: readonly string[], entrance: Entrance): VirtualService | undefined {
  const rated = parsed.virtualServices
    .filter(({ spec }) => entranceIsIn(spec.gateways, entrance))
    .map((virtualService) => ({ virtualService, rank: Math.max(...hostsOf(virtualService).map((host) => rankOf(host, names))) }))
    .filter(({ rank }) => rank > 0);
  return rated.sort((a, b) => b.rank - a.rank)[0]?.virtualService;
}

/** Short names belong to the VirtualService's own namespace. */
function hostsOf({ metadata, spec }: VirtualService): readonly string[] {
  return spec.hosts.map((host) => (host.includes(".") || host === "*" ? host : `${host}.${metadata.namespace}.svc.cluster.local`));
}

function rankOf(host: string, names: readonly string[]): number {
  if (names.includes(host)) return Infinity;
  const isWildcard = host.startsWith("*") && names.some((name) => name.endsWith(host.slice(1)));
  return isWildcard ? host.length : 0;
}

/** A destination by its share of the weights; undefined where all weights are 0. An only destination needs no weight. */
function weighted<Destination extends Pick<HttpDestination, "weight">>(destinations: readonly Destination[], draw: number): Destination | undefined {
  if (destinations.length === 1) return destinations[0];
  const sum = destinations.reduce((total, { weight = 0 }) => total + weight, 0);
  let left = draw * sum;
  return destinations.find(({ weight = 0 }) => (left -= weight) < 0);
}

/** Of the answer Envoy edits the headers as the destination says, and then as the route does. */
function targetIn(parsed: Parsed, { destination, headers }: HttpDestination, route: Route, namespace: string): Target {
  const pods = podsOf(parsed, destination, namespace);
  if (!pods) return { kind: "nowhere", code: 503, flags: "NC", service: nameFor(parsed, fullHost(parsed, destination.host, namespace)) };
  return { ...pods, shadows: shadowsOf(parsed, route, namespace), answered: [headers, route.headers].flatMap((each) => each?.response ?? []) };
}

/** A mirror to nowhere is passed over, as Envoy does it. */
function shadowsOf(parsed: Parsed, { mirror, mirrorPercentage, mirrors }: Route, namespace: string): readonly Shadow[] {
  const all = [...(mirror ? [{ destination: mirror, percentage: mirrorPercentage }] : []), ...mirrors];
  return all.flatMap(({ destination, percentage = { value: 100 } }) => {
    const pods = podsOf(parsed, destination, namespace);
    return pods ? [{ pods, share: percentage.value / 100 }] : [];
  });
}

function podsOf(parsed: Parsed, destination: HttpDestination["destination"], namespace: string): PodsTarget | undefined {
  const host = fullHost(parsed, destination.host, namespace);
  const served = parsed.served.get(host);
  const subset = destination.subset === undefined ? {} : subsetLabels(parsed, host, destination.subset);
  return served && subset ? { kind: "pods", service: served.service, selector: { ...served.selector, ...subset } } : undefined;
}

/** Rules for one host add up, as istiod merges them. */
function subsetLabels(parsed: Parsed, host: string, name: string): Readonly<Record<string, string>> | undefined {
  return parsed.destinationRules
    .filter(({ metadata, spec }) => fullHost(parsed, spec.host, metadata.namespace) === host)
    .flatMap(({ spec }) => spec.subsets)
    .find((subset) => subset.name === name)?.labels;
}

function plainTarget(parsed: Parsed, host: string): Target {
  const served = parsed.served.get(host);
  if (!served) return { kind: "nowhere", code: 404, flags: "NR", service: undefined };
  return { kind: "pods", ...served, shadows: [], answered: [] };
}

/** The full name of the host that a short one means in a namespace; a name that means none stays as it is. */
function fullHost(parsed: Parsed, host: string, namespace: string): string {
  const meanings = [host, `${host}.${namespace}.svc.cluster.local`, `${host}.svc.cluster.local`, `${host}.cluster.local`];
  return meanings.find((meaning) => parsed.served.has(meaning)) ?? host;
}

function nameFor(parsed: Parsed, host: string): ServiceName | undefined {
  return parsed.served.get(host)?.service;
}

function byAge(a: VirtualService, b: VirtualService): number {
  return (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? "") || a.metadata.name.localeCompare(b.metadata.name);
}

function parsedAs<Schema extends z.ZodType>(
  schema: Schema,
  kind: string,
  objects: readonly KubernetesObject[],
  rejected: string[],
): z.output<Schema>[] {
  return objects.flatMap((object) => {
    const result = schema.safeParse(object);
    if (result.success) return [result.data];
    const where = `${kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`;
    rejected.push(`${where}: ${result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ")}`);
    return [];
  });
}
