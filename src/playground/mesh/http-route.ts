/** A Gateway API HTTPRoute, read as the VirtualService that routes alike. */
import { z } from "zod";
import type { HttpMatch, HttpMirror, StringMatch, VirtualService } from "./mesh-objects.ts";

const Named = z.object({ type: z.enum(["Exact", "RegularExpression"]).default("Exact"), name: z.string(), value: z.string() });
type Named = z.output<typeof Named>;

const PathMatch = z.object({ type: z.enum(["Exact", "PathPrefix", "RegularExpression"]).default("PathPrefix"), value: z.string().default("/") });
type PathMatch = z.output<typeof PathMatch>;

/** Strict: a condition that this mesh does not know must not be passed over. */
const RouteMatch = z.strictObject({ path: PathMatch.prefault({}), headers: z.array(Named).default([]), queryParams: z.array(Named).default([]), method: z.string().optional() });
type RouteMatch = z.output<typeof RouteMatch>;

const BackendRef = z.object({ name: z.string(), namespace: z.string().optional(), kind: z.literal("Service").default("Service"), weight: z.int().min(0).default(1) });
type BackendRef = z.output<typeof BackendRef>;

const Fraction = z.object({ numerator: z.int(), denominator: z.int().default(100) });

/** Of the filters only mirrors change where requests go. */
const Filter = z.object({ requestMirror: z.object({ backendRef: BackendRef, percent: z.int().optional(), fraction: Fraction.optional() }).optional() });
type Filter = z.output<typeof Filter>;

export const HttpRouteObject = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string(), creationTimestamp: z.string().optional() }),
  spec: z.object({
    hostnames: z.array(z.string()).optional(),
    parentRefs: z.array(z.object({ kind: z.string().default("Gateway"), name: z.string(), namespace: z.string().optional() })).default([]),
    rules: z.array(z.object({ matches: z.array(RouteMatch).prefault([{}]), filters: z.array(Filter).default([]), backendRefs: z.array(BackendRef).default([]) })).default([]),
  }),
});
export type HttpRouteObject = z.output<typeof HttpRouteObject>;

/** One for each parent: a Service's callers, or what comes in by a Gateway. */
export function virtualServicesOf({ metadata, spec }: HttpRouteObject): readonly VirtualService[] {
  const http = inOrderOfPrecedence(spec).map(({ match, filters, backendRefs }) => ({
    match: [asHttpMatch(match)],
    route: backendRefs.map((each) => destinationOf(each, metadata.namespace)),
    mirrors: filters.flatMap((each) => mirrorOf(each, metadata.namespace)),
  }));
  const routes = { http, tls: [], tcp: [] };
  return spec.parentRefs.map(({ kind, name, namespace = metadata.namespace }) =>
    kind === "Service" ? { metadata, spec: { hosts: [`${name}.${namespace}.svc.cluster.local`], gateways: ["mesh"], ...routes } } : { metadata, spec: { hosts: spec.hostnames ?? ["*"], gateways: [name], ...routes } },
  );
}

interface Ranked {
  readonly match: RouteMatch;
  readonly filters: readonly Filter[];
  readonly backendRefs: readonly BackendRef[];
}

/** As the Gateway API says: an exact path, then the longer prefix, the method, more headers, more query parameters, and the order of the rules. */
function inOrderOfPrecedence({ rules }: HttpRouteObject["spec"]): readonly Ranked[] {
  const all = rules.flatMap(({ matches, ...rest }) => matches.map((match) => ({ match, ...rest })));
  const ranks = ({ match: { path, method, headers, queryParams } }: Ranked): readonly number[] => [path.type === "Exact" ? Infinity : path.value.length, method ? 1 : 0, headers.length, queryParams.length];
  return all.sort((one, other) => {
    const [mine, theirs] = [ranks(one), ranks(other)];
    const first = mine.findIndex((rank, index) => rank !== theirs[index]);
    return first < 0 ? 0 : theirs[first]! > mine[first]! ? 1 : -1;
  });
}

function asHttpMatch({ path, headers, queryParams, method }: RouteMatch): HttpMatch {
  return { uri: pathOf(path), headers: namedOf(headers), queryParams: namedOf(queryParams), ...(method === undefined ? {} : { method: { exact: method } }) };
}

/** Prefixes match whole elements: `/a` is no prefix of `/ab`. */
function pathOf({ type, value }: PathMatch): StringMatch {
  if (type === "Exact") return { exact: value };
  if (type === "RegularExpression") return { regex: value };
  const elements = value.replace(/\/+$/, "");
  return elements === "" ? { prefix: "/" } : { regex: `${elements.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}(/.*)?` };
}

function namedOf(conditions: readonly Named[]): Record<string, StringMatch> {
  return Object.fromEntries(conditions.map(({ type, name, value }) => [name, type === "Exact" ? { exact: value } : { regex: value }]));
}

function destinationOf({ name, namespace, weight }: BackendRef, ownNamespace: string): VirtualService["spec"]["http"][number]["route"][number] {
  return { destination: { host: `${name}.${namespace ?? ownNamespace}.svc.cluster.local` }, weight };
}

function mirrorOf({ requestMirror }: Filter, ownNamespace: string): readonly HttpMirror[] {
  if (!requestMirror) return [];
  const { backendRef, percent, fraction } = requestMirror;
  const value = percent ?? (fraction ? (100 * fraction.numerator) / fraction.denominator : 100);
  return [{ destination: destinationOf(backendRef, ownNamespace).destination, percentage: { value } }];
}
