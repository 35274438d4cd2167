/** A Gateway API HTTPRoute, read as the VirtualService that routes alike. */
import { z } from "zod";
import { gatewayRoute, literally, Named, namedOf, virtualServicesBy } from "./gateway-route.ts";
import type { HttpMatch, StringMatch, VirtualService } from "./mesh-objects.ts";

const PathMatch = z.object({ type: z.enum(["Exact", "PathPrefix", "RegularExpression"]).default("PathPrefix"), value: z.string().default("/") });
type PathMatch = z.output<typeof PathMatch>;

/** Strict: a condition that this mesh does not know must not be passed over. */
const RouteMatch = z.strictObject({ path: PathMatch.prefault({}), headers: z.array(Named).default([]), queryParams: z.array(Named).default([]), method: z.string().optional() });
type RouteMatch = z.output<typeof RouteMatch>;

export const HttpRouteObject = gatewayRoute(RouteMatch, RouteMatch.parse({}));

export function virtualServicesOfHttp(route: z.output<typeof HttpRouteObject>): readonly VirtualService[] {
  return virtualServicesBy(route, { httpMatch, ranks });
}

/** As the Gateway API says: an exact path, then the longer prefix, the method, more headers, and more query parameters. */
function ranks({ path, method, headers, queryParams }: RouteMatch): readonly number[] {
  return [path.type === "Exact" ? Infinity : path.value.length, method ? 1 : 0, headers.length, queryParams.length];
}

function httpMatch({ path, headers, queryParams, method }: RouteMatch): HttpMatch {
  return { uri: pathOf(path), headers: namedOf(headers), queryParams: namedOf(queryParams), ...(method === undefined ? {} : { method: { exact: method } }) };
}

/** Prefixes match whole elements: `/a` is no prefix of `/ab`. */
function pathOf({ type, value }: PathMatch): StringMatch {
  if (type === "Exact") return { exact: value };
  if (type === "RegularExpression") return { regex: value };
  const elements = value.replace(/\/+$/, "");
  return elements === "" ? { prefix: "/" } : { regex: `${literally(elements)}(/.*)?` };
}
