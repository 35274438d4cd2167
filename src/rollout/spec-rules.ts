/** The rules of single fields, objects and lists of a spec that a type cannot say; each is enforced by zod, by the API server and by `weir lint` alike. */
import { given, itself, itselfNumber, matches, matching, ms } from "./spec-cel.ts";
import { DEFAULT_INTERVAL, DEFAULT_SETTLE } from "./spec-defaults.ts";
import type { Rule } from "./spec-rule.ts";
import { COMPARISON_PATTERN, DURATION_PATTERN, fractionOf, msOf, PERCENTAGE_PATTERN } from "./units.ts";

// ── scalars ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export const isDuration = matching(DURATION_PATTERN, "expected whole numbers with a unit, the largest unit first, such as 30s, 500ms or 1h30m, got {came}");

export const isPercentage = matching(PERCENTAGE_PATTERN, "expected a percentage from 0% to 100% such as 1% or 0.5%, got {came}");

/** Both ends are in: below 0.01 % no canary could ever be taken back in time, above 20 % it would be a coin. */
export const isFalseRollbackRate: Rule<string> = {
  cel: `!${matches("self", PERCENTAGE_PATTERN)} || (double(self.replace("%", "")) >= 0.01 && double(self.replace("%", "")) <= 20.0)`,
  holds: (rate) => !PERCENTAGE_PATTERN.test(rate) || (fractionOf(rate) >= 0.0001 && fractionOf(rate) <= 0.2),
  sentence: "expected from 0.01% to 20%, got {came}; 1% is usual",
  came: [itself],
};

export const isComparison = matching(
  COMPARISON_PATTERN,
  "expected strict, normal, lenient, none, or numbers such as 1.25x+0.05% (1x to 10x, below 10%), got {came}",
);

/** A subset's or a Service's name. */
export const isVersionName = matching(
  /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/,
  "expected the name of a DestinationRule subset or of a Service (letters, digits and dashes, such as v3), got {came}",
);

export const isObjectName = matching(
  /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/,
  "expected the name of a Kubernetes object (lower case letters, digits, dashes and dots), got {came}",
);

export const isNamespaceName = matching(
  /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/,
  "expected the name of a namespace (lower case letters, digits and dashes), got {came}",
);

export const isCheckName = matching(
  /^[a-zA-Z0-9](?:[-_.a-zA-Z0-9]*[a-zA-Z0-9])?$/,
  "expected a short name of letters, digits, dashes, dots and underscores, such as errors, got {came}",
);

export const isSecretKey = matching(/^[-._a-zA-Z0-9]+$/, "expected a key of the Secret's data (letters, digits, dashes, dots and underscores), got {came}");

/** The text itself is not shown: addresses may carry credentials (law 14). */
export const isServerUrl = matching(
  /^https?:\/\/[^ \t\r\n\f\v/?#@]+(?:\/[^ \t\r\n\f\v?#]*)?$/,
  "expected an http:// or https:// address without user, password, query or fragment, such as http://prometheus.istio-system:9090; put credentials into auth",
);

export const isWebhookUrl = matching(
  /^https?:\/\/[^ \t\r\n\f\v/?#@]+(?:[/?][^ \t\r\n\f\v#]*)?$/,
  "expected an http:// or https:// address without user and password, such as https://hooks.example/weir; name a Secret in secretRef to have requests signed",
);

export const isLinkUrl = matching(
  /^https?:\/\/[^ \t\r\n\f\v/?#@]+(?:[/?#][^ \t\r\n\f\v]*)?$/,
  "expected an http:// or https:// address without user, password and spaces, such as https://grafana.example/d/x?var-ns=$(namespace)",
);

export const isHeaderName = matching(/^[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/, "expected the name of a header in lower case (letters, digits, dashes and underscores, such as x-tester), got {came}");

export const isCookieName = matching(/^[-_.a-zA-Z0-9]+$/, "expected the name of a cookie (letters, digits, dashes, dots and underscores, such as beta), got {came}");

export const isCookiePath = matching(/^\/[!-:<-~]*$/, "expected a path such as / or /shop, without spaces and semicolons, got {came}");

export const isCookieDomain = matching(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/, "expected a domain in lower case such as example.com, got {came}");

interface CookieSent {
  readonly sameSite?: string | undefined;
  readonly secure: boolean;
}

/** Agents throw such a cookie away. */
export const noneIsSecure: Rule<CookieSent> = {
  cel: '!has(self.sameSite) || self.sameSite != "None" || (has(self.secure) && self.secure)',
  holds: ({ sameSite, secure }) => sameSite !== "None" || secure,
  sentence: "expected secure: true beside sameSite: None, without which agents do not keep the cookie, got secure: false; set it, or take sameSite out",
  field: "sameSite",
};

export const isHost = matching(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:[.][a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/, "expected a host in lower case, without port and wildcard, such as reviews-preview.example, got {came}");

export const namesVersion = matching(/[$][(]version[)]/, "expected $(version) in it, by which the clusters of the two versions differ, got {came}; where one cluster holds both (as in Envoy Gateway) write a query instead");

export const isChannel = matching(/^[^ \t\r\n\f\v]+$/, 'expected a Slack channel such as "#deploys" or its id, without spaces, got {came}');

export const isUsername = matching(/^[^:\t\r\n\f\v]+$/, "expected a user name without colon, got {came}");

export const isTenant = matching(/^[!-~]+$/, "expected a tenant (printable characters without spaces), got {came}");

export const isNotBlank = matching(/[^ \t\r\n\f\v]/, "expected a text, got none");

/** A duration of at least `least`. */
export function lasts(least: string): Rule<string> {
  return {
    cel: `!${matches("self", DURATION_PATTERN)} || ${ms("self")} >= ${msOf(least)}`,
    holds: (duration) => !DURATION_PATTERN.test(duration) || msOf(duration) >= msOf(least),
    sentence: `expected at least ${least}, got {came}`,
    came: [itself],
  };
}

/** A whole number within bounds, both included. */
export function within(least: number, most: number, advice = ""): Rule<number> {
  return {
    cel: `self >= ${least} && self <= ${most}`,
    holds: (count) => count >= least && count <= most,
    sentence: `expected a whole number from ${least} to ${most}, got {came}${advice}`,
    came: [itselfNumber],
  };
}

/** How many times as much. */
export function isGrowth(least: number): Rule<number> {
  return {
    cel: `self >= ${least} && self <= 100.0`,
    holds: (factor) => factor >= least && factor <= 100,
    sentence: `expected a number from ${least} to 100, got {came}; 2 doubles the share with each step`,
    came: [itselfNumber],
  };
}

export const isPercentile: Rule<number> = {
  cel: "self >= 1.0 && self < 100.0",
  holds: (percentile) => percentile >= 1 && percentile < 100,
  sentence: "expected a percentile from 1 to below 100 such as 99 or 99.9, got {came}; write 99 where other tools write 0.99",
  came: [itselfNumber],
};

/** What links may ask for. */
export const LINK_VARIABLES = ["namespace", "name", "canary.version", "canary.workload", "stable.version", "stable.workload"] as const;

/** Only these variables, and none in the notation of another tool. */
export function usesOnly(variables: readonly string[]): readonly Rule<string>[] {
  const names = variables.map((name) => name.replace(".", "[.]")).join("|");
  const known = variables.map((name) => `$(${name})`).join(" ");
  return [
    matching(
      new RegExp(`^(?:[^$]|[$]+[^$(]|[$]*[$][(](?:${names})[)])*[$]*$`),
      `expected no other variables than ${known}; correct the name, or take the $(...) out`,
    ),
    {
      cel: '!self.contains("{{")',
      holds: (text) => !text.includes("{{"),
      sentence: `expected variables as $(name), got {{ }}, which another tool would fill in; write one of ${known}`,
    },
  ];
}

// ── fields of one object ─────────────────────────────────────────────────────────────────────────────────────────────

type Fields = Readonly<Record<string, unknown>>;

/** Just one of the fields is given. */
export function exactlyOne(fields: readonly string[], advice: string): Rule<Fields> {
  const given = `[${fields.map((field) => `has(self.${field})`).join(", ")}]`;
  const count = (value: Fields) => fields.filter((field) => value[field] !== undefined).length;
  return {
    cel: `${given}.exists_one(given, given)`,
    holds: (value) => count(value) === 1,
    sentence: `expected exactly one of ${fields.join(", ")}, got {came}; ${advice}`,
    came: [{ cel: `${given}.exists(given, given) ? "several" : "none"`, of: (value) => (count(value) > 0 ? "several" : "none") }],
  };
}

/** At most one of two fields is given. */
export function notBoth(one: string, other: string, advice: string): Rule<Fields> {
  return {
    cel: `!has(self.${one}) || !has(self.${other})`,
    holds: (value) => value[one] === undefined || value[other] === undefined,
    sentence: `expected ${one} or ${other}, got both; ${advice}`,
  };
}

/** At most one of several fields is given. */
export function atMostOne(fields: readonly string[], advice: string): Rule<Fields> {
  const given = `[${fields.map((field) => `has(self.${field})`).join(", ")}].filter(given, given)`;
  return {
    cel: `size(${given}) <= 1`,
    holds: (value) => fields.filter((field) => value[field] !== undefined).length <= 1,
    sentence: `expected one of ${fields.join(", ")} at most, got several; ${advice}`,
  };
}

/** A field that has a meaning beside another one only. */
export function onlyWith(field: string, other: string, advice: string): Rule<Fields> {
  return {
    cel: `!has(self.${field}) || has(self.${other})`,
    holds: (value) => value[field] === undefined || value[other] !== undefined,
    sentence: `expected ${field} only together with ${other}, got it without; ${advice}`,
    field,
  };
}

/** With neither there is nothing to judge by. */
export const isLimitedOrCompared: Rule<{ readonly max?: string | undefined; readonly compare: string }> = {
  cel: '!has(self.compare) || self.compare != "none" || has(self.max)',
  holds: ({ max, compare }) => max !== undefined || compare !== "none",
  sentence: "expected max or a comparison, got compare: none without max; give a max, or leave compare out",
  field: "compare",
};

export const queryHasLimit: Rule<Fields> = {
  cel: "!has(self.query) || has(self.min) || has(self.max) || has(self.ratio)",
  holds: ({ query, min, max, ratio }) => query === undefined || min !== undefined || max !== undefined || ratio !== undefined,
  sentence: "expected min, max or ratio beside query, got none; say from which value on the query's answer is bad",
};

export const minBelowMax: Rule<{ readonly min?: number | undefined; readonly max?: number | undefined }> = {
  cel: "!has(self.min) || !has(self.max) || self.min <= self.max",
  holds: ({ min, max }) => min === undefined || max === undefined || min <= max,
  sentence: "expected min to be at most max, got a min above it, which no value can pass; exchange them",
  field: "min",
};

interface Told {
  readonly source: string;
  readonly envoyCluster?: string | undefined;
}

const isFromEnvoy = '(has(self.source) && self.source == "envoy")';

export const envoyNamesClusters: Rule<Told> = {
  cel: `!${isFromEnvoy} || has(self.envoyCluster)`,
  holds: ({ source, envoyCluster }) => source !== "envoy" || envoyCluster !== undefined,
  sentence: "expected envoyCluster beside source envoy, got none; write what Envoy calls the cluster of a version, such as $(namespace)_$(version)_80",
  field: "envoyCluster",
};

export const clustersAreEnvoys: Rule<Told> = {
  cel: `!has(self.envoyCluster) || ${isFromEnvoy}`,
  holds: ({ source, envoyCluster }) => envoyCluster === undefined || source === "envoy",
  sentence: "expected envoyCluster only together with source envoy, got another source; write source: envoy, or take it out",
  field: "envoyCluster",
};

interface Timing {
  readonly interval: string;
  readonly settle: string;
}

export const settlesWithinInterval: Rule<Timing> = {
  cel: (() => {
    const interval = given("self.interval", DEFAULT_INTERVAL);
    const settle = given("self.settle", DEFAULT_SETTLE);
    return `!${matches(interval, DURATION_PATTERN)} || !${matches(settle, DURATION_PATTERN)} || ${ms(settle)} <= ${ms(interval)}`;
  })(),
  holds: ({ interval, settle }) => ![interval, settle].every((each) => DURATION_PATTERN.test(each)) || msOf(settle) <= msOf(interval),
  sentence: "expected settle to be at most the interval ({came}), got {came}; the answer must come before the next question",
  came: [
    { cel: given("self.interval", DEFAULT_INTERVAL), of: ({ interval }) => interval },
    { cel: given("self.settle", DEFAULT_SETTLE), of: ({ settle }) => settle },
  ],
  field: "settle",
};

// ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** As many items as that. */
export function holdsFrom(least: number, most: number, sentence: string): Rule<readonly unknown[]> {
  return {
    cel: `size(self) >= ${least} && size(self) <= ${most}`,
    holds: (items) => items.length >= least && items.length <= most,
    sentence,
    came: [{ cel: "string(size(self))", of: (items) => String(items.length) }],
  };
}

/** No object twice; that the Rollout's own namespace may be named or left out is not known here. (`namespace` is a word of CEL's, and so written otherwise.) */
export function eachOnce(kind: string): Rule<readonly { readonly name: string; readonly namespace?: string | undefined }[]> {
  return distinct(kind, 'self.map(ref, has(ref.__namespace__) ? ref.__namespace__ + "/" + ref.name : ref.name)', (refs) => refs.map(({ namespace, name }) => (namespace === undefined ? name : `${namespace}/${name}`)));
}

/** No two items with the same text; `cel` and `of` give the texts of the list. */
export function distinct<T>(what: string, cel: string, of: (items: readonly T[]) => readonly string[]): Rule<readonly T[]> {
  const twice = (items: readonly T[]) => of(items).find((text, _, all) => all.filter((other) => other === text).length > 1);
  return {
    cel: `${cel}.all(one, ${cel}.exists_one(other, other == one))`,
    holds: (items) => twice(items) === undefined,
    sentence: `expected every ${what} once, got {came} twice; take one of them out, or rename it`,
    came: [{ cel: `${cel}.filter(one, !${cel}.exists_one(other, other == one))[0]`, of: (items) => twice(items) ?? "" }],
  };
}
