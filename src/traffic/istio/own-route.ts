/** Our own http route beside a user's, for requests that are picked out: placed before it, since the first that matches takes a request. */
import { cookieRegex, escaped } from "../../rollout/route-match.ts";
import type { Picked } from "../../rollout/route-write.ts";
import type { Condition, RouteMatch } from "../../rollout/spec-steps.ts";
import type { Beside } from "../route-form.ts";
import { withoutMirrorsTo } from "./mirroring.ts";
import type { HttpMatch, HttpRoute, RouteDestination } from "./virtual-service.ts";

export function besideOf(routes: readonly HttpRoute[], index: number, name: string): Beside<RouteDestination> {
  const at = routes.findIndex((route) => route.name === name);
  const present = routes[at];
  const users = routes[index]!;
  return {
    path: `/spec/http/${index}`,
    name,
    present: present && { index: at, path: `/spec/http/${at}`, route: present, destinations: present.route ?? [] },
    build: (destination, picked) => ({ ...withoutMirrorsTo(users, destination), name, match: matchesOf(users.match, picked), route: [destination] }),
    essenceOf: (own) => [(own as HttpRoute).match, (own as HttpRoute).route],
    conditions: [...new Set((users.match ?? []).flatMap(conditionsOf))],
  };
}

/** What a user's route asks stays asked: each of its matches with each of our alternatives, and for the preview with that host in place of its own. */
export function matchesOf(users: readonly HttpMatch[] | undefined, { alternatives, preview }: Picked): readonly HttpMatch[] {
  const authority = preview === undefined ? [] : [{ authority: { regex: `${escaped(preview)}(?::[0-9]+)?` } }];
  return (users?.length ? users : [{}]).flatMap((match) => [...alternatives.map((one) => both(match, one)), ...authority.map((host) => ({ ...match, ...host }))]);
}

function both(match: HttpMatch, { headers, cookies, query, sourceLabels, gateways }: RouteMatch): HttpMatch {
  const cookie = cookies?.map((one) => ({ name: "cookie", regex: cookieRegex(one) }));
  return {
    ...match,
    ...(headers || cookie ? { headers: { ...match.headers, ...worded(headers), ...worded(cookie) } } : {}),
    ...(query ? { queryParams: { ...match.queryParams, ...worded(query) } } : {}),
    ...(sourceLabels ? { sourceLabels: { ...match.sourceLabels, ...sourceLabels } } : {}),
    ...(gateways ? { gateways } : {}),
  };
}

function worded(conditions: readonly Condition[] = []): Record<string, unknown> {
  return Object.fromEntries(conditions.map(({ name, ...wording }) => [name, wording]));
}

function conditionsOf({ headers, queryParams, sourceLabels, gateways }: HttpMatch): readonly string[] {
  const named = (what: string, conditions: object = {}): readonly string[] => Object.keys(conditions).map((name) => `${what} ${name.toLowerCase()}`);
  return [...named("header", headers), ...named("query parameter", queryParams), ...named("source label", sourceLabels), ...(gateways ? ["gateways"] : [])];
}
