/** Requests that a step picks out: what is asked about them. */
import type { Condition, RouteMatch } from "./spec-steps.ts";

/** Of which a route can ask each once, in the words of sentences: `header x-tester`. A cookie is a part of the header `cookie`. */
export function conditionsOf({ headers, cookies, query, sourceLabels, gateways }: RouteMatch): readonly string[] {
  const named = (what: string, conditions: readonly Condition[] = []): readonly string[] => conditions.map(({ name }) => `${what} ${name}`);
  return [
    ...named("header", headers),
    ...(cookies ? ["header cookie"] : []),
    ...named("query parameter", query),
    ...Object.keys(sourceLabels ?? {}).map((name) => `source label ${name}`),
    ...(gateways ? ["gateways"] : []),
  ];
}

/** `header x-tester is true`; alternatives are joined by `or`. */
export function matchSaid(alternatives: readonly RouteMatch[]): string {
  return alternatives.map(alternativeSaid).join(", or ");
}

function alternativeSaid({ headers = [], cookies = [], query = [], sourceLabels = {}, gateways }: RouteMatch): string {
  const said = (what: string, { name, exact, prefix, regex }: Condition): string => `${what} ${name} ${exact !== undefined ? `is ${exact}` : prefix !== undefined ? `begins with ${prefix}` : `matches ${regex}`}`;
  return [
    ...headers.map((one) => said("header", one)),
    ...cookies.map((one) => said("cookie", one)),
    ...query.map((one) => said("query parameter", one)),
    ...Object.entries(sourceLabels).map(([name, value]) => `source label ${name} is ${value}`),
    ...(gateways ? [`through ${gateways.join(" or ")}`] : []),
  ].join(" and ");
}

/** The condition on the header `cookie` that a condition on one cookie is. RE2, for the whole header. */
export function cookieRegex({ name, exact, prefix, regex }: Condition): string {
  const value = exact !== undefined ? escaped(exact) : prefix !== undefined ? `${escaped(prefix)}[^;]*` : `(?:${regex})`;
  return `^(?:.*; *)?${escaped(name)}=${value}(?:;.*)?$`;
}

/** As a text within a regular expression. */
export function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
