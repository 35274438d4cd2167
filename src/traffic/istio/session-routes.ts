/** Our own http routes before a user's, by which users stay with the version that has answered them: while they stand there the user's route is asked by nobody. */
import type { RolloutRef } from "../../rollout/rollout.ts";
import { isSessionRoute, sessionName } from "../../rollout/route-names.ts";
import type { SessionsWanted } from "../../rollout/sessions.ts";
import type { Condition } from "../../rollout/spec-steps.ts";
import type { Pinning, Sides } from "../route-form.ts";
import { matchesOf } from "./own-route.ts";
import type { Headers, HttpRoute, RouteDestination } from "./virtual-service.ts";

const SET_COOKIE = "set-cookie";

export function pinningOf(routes: readonly HttpRoute[], index: number, rollout: RolloutRef): Pinning<RouteDestination> {
  const present = [...routes.keys()].filter((at) => isSessionRoute(routes[at]!, rollout));
  const users = routes[index]!;
  return {
    list: "/spec/http",
    index,
    present: present.map((at) => ({ index: at, path: `/spec/http/${at}`, route: routes[at]!, destinations: routes[at]!.route ?? [] })),
    nameOf: (own) => (own as HttpRoute).name,
    obstacle: obstacleIn(users),
    build: (sides, wanted) => built(users, sessionName(rollout), sides, wanted),
    essenceOf: (own) => [(own as HttpRoute).name, (own as HttpRoute).match, (own as HttpRoute).route],
  };
}

/** A cookie that is replaced, or taken out, never reaches the user; and a destination can add one such header. */
function obstacleIn({ headers, route = [] }: HttpRoute): string | undefined {
  const written = [headers, ...route.map((each) => each.headers)];
  const isReplaced = written.some((each) => names(each?.response?.set).includes(SET_COOKIE) || (each?.response?.remove ?? []).some((name) => name.toLowerCase() === SET_COOKIE));
  const isAdded = route.some((each) => names(each.headers?.response?.add).includes(SET_COOKIE));
  return isReplaced || isAdded ? "writes the header set-cookie itself, which leaves no room for ours: take that out of it, or sessionAffinity out of the strategy" : undefined;
}

function names(headers: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.keys(headers).map((name) => name.toLowerCase());
}

/** The first that matches takes a request: whoever has a cookie that counts, and then all the others. */
function built(users: HttpRoute, name: string, { stable, canary }: Sides<RouteDestination>, wanted: SessionsWanted): readonly HttpRoute[] {
  const { cookie, token, shares } = wanted;
  const now = shares.at(-1)!;
  const withCookie = (destination: RouteDestination, side: string, weight: number): RouteDestination => pinning(destination, weight, `${cookie}=${token}.${side}.${now}; ${wanted.attributes}`);
  const drawing = (share: number): readonly RouteDestination[] => [withCookie(stable, "stable", 100 - now), withCookie(canary, "canary", now - share)];
  const holding = (part: string, value: Omit<Condition, "name">, route: readonly RouteDestination[]): HttpRoute => ({ ...users, name: `${name}.${part}`, match: [...matchesOf(users.match, { alternatives: [{ cookies: [{ name: cookie, ...value }] }] })], route: [...route] });
  const before = (share: number): HttpRoute => holding(`stable-${share}`, { exact: `${token}.stable.${share}` }, drawing(share));
  return [
    holding("canary", { prefix: `${token}.canary.` }, [canary]),
    holding("stable", { exact: `${token}.stable.${now}` }, [stable]),
    ...shares.slice(0, -1).map(before),
    { ...users, name: `${name}.newcomers`, route: [...drawing(0)] },
  ];
}

/** Weights are relative: of those who drew stable at 10, as many go over at 25 as 15 of 90 are. */
function pinning(destination: RouteDestination, weight: number, setCookie: string): RouteDestination {
  const { response, ...headers }: Headers = destination.headers ?? {};
  return { ...destination, weight, headers: { ...headers, response: { ...response, add: { ...response?.add, [SET_COOKIE]: setCookie } } } };
}
