/** Whether a request fulfils the conditions of a VirtualService's http route, or a connection those of a tls or tcp route. */
import type { ConnectionMatch, HttpMatch, StringMatch } from "./mesh-objects.ts";

export interface MeshRequest {
  /** The Host header, with or without port. */
  readonly host: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Where a request enters the mesh: through a gateway, or through the proxy beside a pod. */
export type Entrance = "gateway" | "sidecar";

/** Who sends: the namespace resolves short host names. */
export interface Sender {
  readonly namespace: string;
  readonly entrance: Entrance;
  /** Of the pod; none where it is not in the mesh. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A route without conditions takes everything; else one of its matches must hold. */
export function routeMatches(matches: readonly HttpMatch[] | undefined, request: MeshRequest, sender: Sender): boolean {
  return !matches?.length || matches.some((match) => matchHolds(match, request, sender));
}

/** `mesh` names the sidecars; any other name a gateway. */
export function entranceIsIn(gateways: readonly string[], entrance: Entrance): boolean {
  return gateways.some((gateway) => (gateway === "mesh") === (entrance === "sidecar"));
}

/** What is known of a connection before anything is sent by it. */
export interface MeshConnection {
  /** With or without its namespace. */
  readonly host: string;
  readonly port: number;
  /** That its client's TLS asks for. */
  readonly serverName: string | undefined;
}

/** The same of a tls or a tcp route. A server name may be asked for by a suffix, such as `*.example`. */
export function connectionMatches(matches: readonly ConnectionMatch[] | undefined, { port, serverName = "" }: MeshConnection, sender: Sender): boolean {
  const isNamed = (host: string): boolean => host === serverName || (host.startsWith("*") && serverName.endsWith(host.slice(1)));
  return !matches?.length || matches.some((match) => senderFits(match, sender) && (match.port ?? port) === port && (match.sniHosts?.some(isNamed) ?? true));
}

function senderFits({ gateways, sourceLabels = {} }: Pick<HttpMatch, "gateways" | "sourceLabels">, { entrance, labels }: Sender): boolean {
  return (gateways === undefined || entranceIsIn(gateways, entrance)) && Object.entries(sourceLabels).every(([name, value]) => labels[name] === value);
}

function matchHolds(match: HttpMatch, request: MeshRequest, sender: Sender): boolean {
  return (
    senderFits(match, sender) &&
    uriMatches(match, request) &&
    textMatches(match.method, request.method) &&
    textMatches(match.authority, request.host) &&
    headersMatch(match, request) &&
    queryMatches(match, request)
  );
}

function uriMatches(match: HttpMatch, request: MeshRequest): boolean {
  const [path = ""] = request.target.split("?", 1);
  return textMatches(match.uri, path, match.ignoreUriCase ?? false);
}

function headersMatch(match: HttpMatch, request: MeshRequest): boolean {
  const wanted = Object.entries(match.headers ?? {});
  const unwanted = Object.entries(match.withoutHeaders ?? {});
  return (
    wanted.every(([name, condition]) => headerMatches(condition, request, name)) &&
    unwanted.every(([name, condition]) => !headerMatches(condition, request, name))
  );
}

function headerMatches(condition: StringMatch, request: MeshRequest, name: string): boolean {
  const value = request.headers[name.toLowerCase()];
  return value !== undefined && textMatches(condition, typeof value === "string" ? value : value.join(","));
}

function queryMatches(match: HttpMatch, request: MeshRequest): boolean {
  if (!match.queryParams) return true;
  const given = new URL(request.target, "http://mesh").searchParams;
  return Object.entries(match.queryParams).every(([name, condition]) => {
    const value = given.get(name);
    return value !== null && textMatches(condition, value);
  });
}

function textMatches(condition: StringMatch | undefined, text: string, ignoreCase = false): boolean {
  if (!condition) return true;
  if ("regex" in condition) return regexOf(condition.regex).test(text);
  const plain = (value: string) => (ignoreCase ? value.toLowerCase() : value);
  if ("exact" in condition) return plain(text) === plain(condition.exact);
  if ("prefix" in condition) return plain(text).startsWith(plain(condition.prefix));
  return true;
}

const nothing = /(?!)/;

/** Istio's expressions match the whole text; one that does not compile matches nothing. */
function regexOf(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`);
  } catch {
    return nothing;
  }
}
