/** Our own rule beside a user's, for requests that are picked out: placed last, since the one that asks for more headers takes a request, wherever it stands. */
import { cookieRegex, escaped } from "../../rollout/route-match.ts";
import type { Condition as Wanted, RouteMatch } from "../../rollout/spec-steps.ts";
import type { Beside } from "../route-form.ts";
import { withoutMirrorsTo } from "./mirroring.ts";
import type { BackendRef, Condition, RouteRule, RuleMatch } from "./route-object.ts";
import type { GatewayRouteKind } from "./target.ts";

/** As the API server writes the match of a rule that has none. */
const EVERYTHING: Readonly<Record<GatewayRouteKind, RuleMatch>> = { httpRoutes: { path: { type: "PathPrefix", value: "/" } }, grpcRoutes: {} };

export function besideOf(kind: GatewayRouteKind, rules: readonly RouteRule[], index: number, name: string): Beside<BackendRef> {
  const at = rules.findIndex((rule) => rule.name === name);
  const present = rules[at];
  const users = rules[index]!;
  const usersMatches = users.matches?.length ? users.matches : [EVERYTHING[kind]];
  return {
    path: "/spec/rules/-",
    name,
    present: present && { index: at, path: `/spec/rules/${at}`, route: present, destinations: present.backendRefs ?? [] },
    build: (reference, { alternatives }) => ({ ...withoutMirrorsTo(users, reference), name, matches: usersMatches.flatMap((match) => alternatives.map((one) => both(match, one))), backendRefs: [reference] }),
    essenceOf: (own) => [(own as RouteRule).matches, (own as RouteRule).backendRefs],
    conditions: [...new Set(usersMatches.flatMap(conditionsOf))],
  };
}

function both(match: RuleMatch, { headers = [], cookies = [], query = [] }: RouteMatch): RuleMatch {
  const ours = [...headers.map(conditionOf), ...cookies.map((one) => ({ type: "RegularExpression", name: "cookie", value: cookieRegex(one) }))];
  return {
    ...match,
    ...(ours.length > 0 ? { headers: [...(match.headers ?? []), ...ours] } : {}),
    ...(query.length > 0 ? { queryParams: [...(match.queryParams ?? []), ...query.map(conditionOf)] } : {}),
  };
}

/** The Gateway API knows no prefix of a header. */
function conditionOf({ name, exact, prefix, regex }: Wanted): Condition {
  if (exact !== undefined) return { type: "Exact", name, value: exact };
  return { type: "RegularExpression", name, value: prefix === undefined ? regex : `^${escaped(prefix)}.*$` };
}

function conditionsOf({ headers = [], queryParams = [] }: RuleMatch): readonly string[] {
  return [...headers.map(({ name }) => `header ${name.toLowerCase()}`), ...queryParams.map(({ name }) => `query parameter ${name}`)];
}
