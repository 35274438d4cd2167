/** A Gateway API GRPCRoute, read as the VirtualService that routes calls alike. */
import { z } from "zod";
import { gatewayRoute, literally, Named, namedOf, virtualServicesBy } from "./gateway-route.ts";
import { CALLS } from "./grpc.ts";
import type { HttpMatch, StringMatch, VirtualService } from "./mesh-objects.ts";

const MethodMatch = z.object({ type: z.enum(["Exact", "RegularExpression"]).default("Exact"), service: z.string().optional(), method: z.string().optional() });
type MethodMatch = z.output<typeof MethodMatch>;

/** Strict: a condition that this mesh does not know must not be passed over. */
const CallMatch = z.strictObject({ method: MethodMatch.prefault({}), headers: z.array(Named).default([]) });
type CallMatch = z.output<typeof CallMatch>;

export const GrpcRouteObject = gatewayRoute(CallMatch, CallMatch.parse({}));

export function virtualServicesOfGrpc(route: z.output<typeof GrpcRouteObject>): readonly VirtualService[] {
  return virtualServicesBy(route, { httpMatch, ranks });
}

/** As the Gateway API says: more characters of the service, then of the method, and more headers. */
function ranks({ method: { service = "", method = "" }, headers }: CallMatch): readonly number[] {
  return [service.length, method.length, headers.length];
}

/** Nothing but calls. */
function httpMatch({ method, headers }: CallMatch): HttpMatch {
  return { method: { exact: "POST" }, uri: pathOf(method), headers: { "content-type": CALLS, ...namedOf(headers) } };
}

/** `/SERVICE/METHOD`; what is not said may be anything. */
function pathOf({ type, service, method }: MethodMatch): StringMatch {
  const element = (text: string | undefined): string => (text === undefined ? "[^/]+" : `(?:${type === "Exact" ? literally(text) : text})`);
  return { regex: `/${element(service)}/${element(method)}` };
}
