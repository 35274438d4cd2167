/** What HTTPRoutes and GRPCRoutes of the Gateway API have in common, read as the VirtualServices that route alike. */
import { z } from "zod";
import type { HttpMatch, HttpMirror, StringMatch, VirtualService } from "./mesh-objects.ts";

export const Named = z.object({ type: z.enum(["Exact", "RegularExpression"]).default("Exact"), name: z.string(), value: z.string() });
type Named = z.output<typeof Named>;

const BackendRef = z.object({ name: z.string(), namespace: z.string().optional(), kind: z.literal("Service").default("Service"), weight: z.int().min(0).default(1) });
type BackendRef = z.output<typeof BackendRef>;

const Fraction = z.object({ numerator: z.int(), denominator: z.int().default(100) });

/** Of the filters only mirrors change where requests go. */
const Filter = z.object({ requestMirror: z.object({ backendRef: BackendRef, percent: z.int().optional(), fraction: Fraction.optional() }).optional() });
type Filter = z.output<typeof Filter>;

const Parents = z.array(z.object({ kind: z.string().default("Gateway"), name: z.string(), namespace: z.string().optional() })).default([]);

/** A route whose rules have matches of this kind; one that says none has `everything`. */
export function gatewayRoute<Match extends z.ZodType>(match: Match, everything: z.output<Match>) {
  const matches = z.array(match).transform((all) => (all.length > 0 ? all : [everything])).default([everything]);
  return z.object({
    metadata: z.object({ name: z.string(), namespace: z.string(), creationTimestamp: z.string().optional() }),
    spec: z.object({
      hostnames: z.array(z.string()).optional(),
      parentRefs: Parents,
      rules: z.array(z.object({ matches, filters: z.array(Filter).default([]), backendRefs: z.array(BackendRef).default([]) })).default([]),
    }),
  });
}

interface GatewayRoute<Match> {
  readonly metadata: VirtualService["metadata"];
  readonly spec: {
    readonly hostnames?: string[] | undefined;
    readonly parentRefs: z.output<typeof Parents>;
    readonly rules: readonly { readonly matches: readonly Match[]; readonly filters: readonly Filter[]; readonly backendRefs: readonly BackendRef[] }[];
  };
}

/** How a kind of route is matched. */
interface Matching<Match> {
  readonly httpMatch: (match: Match) => HttpMatch;
  /** The more, the sooner: the first number counts most. */
  readonly ranks: (match: Match) => readonly number[];
}

/** One for each parent: a Service's callers, or what comes in by a Gateway. */
export function virtualServicesBy<Match>({ metadata, spec }: GatewayRoute<Match>, { httpMatch, ranks }: Matching<Match>): readonly VirtualService[] {
  const all = spec.rules.flatMap(({ matches, ...rest }) => matches.map((match) => ({ match, ...rest })));
  const http = all.sort((one, other) => byRank(ranks(one.match), ranks(other.match))).map(({ match, filters, backendRefs }) => ({
    match: [httpMatch(match)],
    route: backendRefs.map((each) => destinationOf(each, metadata.namespace)),
    mirrors: filters.flatMap((each) => mirrorOf(each, metadata.namespace)),
  }));
  const routes = { http, tls: [], tcp: [] };
  return spec.parentRefs.map(({ kind, name, namespace = metadata.namespace }) =>
    kind === "Service" ? { metadata, spec: { hosts: [`${name}.${namespace}.svc.cluster.local`], gateways: ["mesh"], ...routes } } : { metadata, spec: { hosts: spec.hostnames ?? ["*"], gateways: [name], ...routes } },
  );
}

/** Of equals the order of the rules decides. */
function byRank(mine: readonly number[], theirs: readonly number[]): number {
  const first = mine.findIndex((rank, index) => rank !== theirs[index]);
  return first < 0 ? 0 : theirs[first]! > mine[first]! ? 1 : -1;
}

export function namedOf(conditions: readonly Named[]): Record<string, StringMatch> {
  return Object.fromEntries(conditions.map(({ type, name, value }) => [name, type === "Exact" ? { exact: value } : { regex: value }]));
}

/** Text as it is, in a regular expression. */
export function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
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
