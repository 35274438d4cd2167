/** The rules of VirtualServices of which one follows another, as far as their list alone tells. */
import type { Rule } from "./spec-rule.ts";

/** As much of a VirtualService that is named as rules ask about. */
export interface RoutesNamed {
  readonly name: string;
  readonly follow?: string | undefined;
  readonly routes?: readonly string[] | undefined;
  readonly tlsRoutes?: readonly unknown[] | undefined;
  readonly tcpRoutes?: readonly unknown[] | undefined;
}

const strays = (one: string) => `(has(${one}.follow) && (!self.exists(other, other.name == ${one}.follow && !has(other.follow)) || !self.exists_one(other, other.name == ${one}.name)))`;
const strayIn = (all: readonly RoutesNamed[]) =>
  all.find(({ name, follow }) => follow !== undefined && (!all.some((other) => other.name === follow && other.follow === undefined) || all.filter((other) => other.name === name).length > 1));

/** Whose pods call it must be known, and by its name it is told apart in metrics. */
export const followsALeader: Rule<readonly RoutesNamed[]> = {
  cel: `!self.exists(one, ${strays("one")})`,
  holds: (all) => strayIn(all) === undefined,
  sentence: "expected a VirtualService with follow to have a name of its own in this list, and to name one of the others that follows none itself, got {came} with follow: {came}; name the one whose pods call it",
  came: [
    { cel: `self.filter(one, ${strays("one")})[0].name`, of: (all) => strayIn(all)?.name ?? "" },
    { cel: `self.filter(one, ${strays("one")})[0].follow`, of: (all) => strayIn(all)?.follow ?? "" },
  ],
};

const isManifold = (one: string) => `(has(${one}.follow) && ((has(${one}.routes) && size(${one}.routes) > 1) || (has(${one}.tlsRoutes) && size(${one}.tlsRoutes) > 0) || (has(${one}.tcpRoutes) && size(${one}.tcpRoutes) > 0)))`;
const manifoldIn = (all: readonly RoutesNamed[]) =>
  all.find(({ follow, routes = [], tlsRoutes = [], tcpRoutes = [] }) => follow !== undefined && (routes.length > 1 || tlsRoutes.length + tcpRoutes.length > 0));

/** Our own route stands before one of the user's. */
export const followsByOneRoute: Rule<readonly RoutesNamed[]> = {
  cel: `!self.exists(one, ${isManifold("one")})`,
  holds: (all) => manifoldIn(all) === undefined,
  sentence: "expected one http route of a VirtualService with follow, got several, or those of connections, of {came}; name one in routes",
  came: [{ cel: `self.filter(one, ${isManifold("one")})[0].name`, of: (all) => manifoldIn(all)?.name ?? "" }],
};
