/** The rules of a Rollout's spec that a type cannot say; each is enforced by zod, by the API server and by `weir lint` alike. */
import { DEFAULT_HOLD, DEFAULT_INTERVAL, DEFAULT_MAX_HOLD, DEFAULT_MIN_VERDICTS, DEFAULT_PROPAGATION, DEFAULT_SETTLE } from "./spec-defaults.ts";
import { celText, type Came, type Rule } from "./spec-rule.ts";
import { COMPARISON_PATTERN, DURATION_PATTERN, fractionOf, msOf, PERCENTAGE_PATTERN } from "./units.ts";

/** Most steps that a ladder may have. */
export const MAX_STEPS = 50;

const itself: Came<string> = { cel: "self", of: (text) => text };
const itselfNumber: Came<number> = { cel: "string(self)", of: String };

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

const MATCHED_BY = ["headers", "cookies", "query", "sourceLabels", "gateways"] as const;

/** An alternative without conditions would be every request. */
export const saysSomething: Rule<Fields> = {
  cel: MATCHED_BY.map((field) => `has(self.${field})`).join(" || "),
  holds: (match) => MATCHED_BY.some((field) => match[field] !== undefined),
  sentence: `expected one of ${MATCHED_BY.join(", ")}, got none, which would be every request; give a weight for a share of them`,
};

interface Cookied {
  readonly headers?: readonly { readonly name: string }[] | undefined;
  readonly cookies?: unknown;
}

/** A cookie is a part of that header, and one header can be asked about once. */
export const oneCookieHeader: Rule<Cookied> = {
  cel: '!has(self.cookies) || !has(self.headers) || !self.headers.exists(one, one.name == "cookie")',
  holds: ({ headers = [], cookies }) => cookies === undefined || !headers.some(({ name }) => name === "cookie"),
  sentence: "expected cookies or the header cookie, got both; keep one of them",
};

/** Something that the new version gets, or a pause. */
export const isStepOrPause: Rule<Fields> = {
  cel: "(has(self.weight) || has(self.match)) != has(self.pause)",
  holds: ({ weight, match, pause }) => (weight !== undefined || match !== undefined) !== (pause !== undefined),
  sentence: "expected weight, match or both, or else a pause, got {came}; write {weight: 10, hold: 1m} or {pause: {}}",
  came: [{ cel: 'has(self.pause) ? "a pause beside them" : "neither"', of: ({ pause }) => (pause === undefined ? "neither" : "a pause beside them") }],
};

export const holdsNoPause: Rule<Fields> = {
  cel: "!has(self.hold) || has(self.weight) || has(self.match)",
  holds: ({ hold, weight, match }) => hold === undefined || weight !== undefined || match !== undefined,
  sentence: "expected hold only together with weight or match, got it without; write {pause: {duration: 10m}} for a pause that ends by itself",
  field: "hold",
};

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

/** A step as written or as parsed: one with a weight, a match or both, or a pause. */
interface AnyStep {
  readonly weight?: number | undefined;
  readonly match?: readonly Matching[] | undefined;
  readonly hold?: string | undefined;
  readonly pause?: unknown;
}

type Matching = Readonly<Partial<Record<(typeof MATCHED_BY)[number], unknown>>>;

const weights = "self.filter(step, has(step.weight)).map(step, step.weight)";
const weightsOf = (steps: readonly AnyStep[]) => steps.flatMap(({ weight }) => (weight === undefined ? [] : [weight]));
const pairsIn = (list: string) => `[${[...Array(MAX_STEPS - 1).keys()].join(", ")}].all(at, at + 1 >= size(${list}) || `;

export const ladderIsNotEmpty: Rule<readonly AnyStep[]> = {
  cel: "size(self) > 0",
  holds: (steps) => steps.length > 0,
  sentence: "expected at least one step, got none; leave steps out for 10, 25, 50, 100, or write [{weight: 100}] for a single one",
};

export const ladderRises: Rule<readonly AnyStep[]> = {
  cel: `${pairsIn(weights)}${weights}[at] < ${weights}[at + 1])`,
  holds: (steps) => weightsOf(steps).every((weight, at, all) => at === 0 || weight > all[at - 1]!),
  sentence: "expected weights that rise from step to step, got {came}; put them in order, each one once",
  came: [{ cel: `"%s".format([${weights}])`, of: (steps) => `[${weightsOf(steps).join(", ")}]` }],
};

interface Linear {
  readonly from?: number | undefined;
  readonly by: number;
  readonly to: number;
}

const linearFrom = "(has(self.from) ? self.from : has(self.by) ? self.by : 10)";
const linearBy = "(has(self.by) ? self.by : 10)";
const presetTo = "(has(self.to) ? self.to : 100)";

const startsBelowItsEnd = (from: string): Rule<Linear> => ({
  cel: `${from} <= ${presetTo}`,
  holds: (preset) => firstOf(preset) <= preset.to,
  sentence: "expected from to be at most to, got from {came} and to {came}; exchange them",
  came: [{ cel: `string(${from})`, of: (preset) => String(firstOf(preset)) }, { cel: `string(${presetTo})`, of: ({ to }) => String(to) }],
  field: "from",
});

const firstOf = ({ from, by }: Linear) => from ?? by;

export const linearStartsBelowItsEnd = startsBelowItsEnd(linearFrom);
export const exponentialStartsBelowItsEnd = startsBelowItsEnd("(has(self.from) ? self.from : 1)");

const linearSteps = `((${presetTo} - ${linearFrom}) / (${linearBy} < 1 ? 1 : ${linearBy}) + 2)`;

const countOf = (linear: Linear) => Math.trunc((linear.to - firstOf(linear)) / Math.max(1, linear.by)) + 2;

/** 100 is a step of its own. */
export const linearHasStepsEnough: Rule<Linear> = {
  cel: `${linearSteps} <= ${MAX_STEPS}`,
  holds: (linear) => countOf(linear) <= MAX_STEPS,
  sentence: `expected at most ${MAX_STEPS} steps, got {came}; raise by`,
  came: [{ cel: `string(${linearSteps})`, of: (linear) => String(countOf(linear)) }],
  field: "by",
};

const haveWeights = "self.filter(step, !has(step.pause)).map(step, has(step.weight))";

/** A step says all that the new version gets: no match alone may take a share away again. */
export const matchesComeFirst: Rule<readonly AnyStep[]> = {
  cel: `${pairsIn(haveWeights)}!${haveWeights}[at] || ${haveWeights}[at + 1])`,
  holds: (steps) => steps.filter(({ pause }) => pause === undefined).every(({ weight }, at, all) => weight !== undefined || all[at - 1]?.weight === undefined),
  sentence: "expected a weight beside each match that comes after a weight, got a match alone, which would take the share away again; write {weight: 25, match: [...]}",
};

const last = "self[size(self) - 1]";

export const ladderEndsAtAll: Rule<readonly AnyStep[]> = {
  cel: `size(self) == 0 || [${last}].all(step, has(step.weight) && step.weight == 100)`,
  holds: (steps) => steps.length === 0 || steps.at(-1)!.weight === 100,
  sentence: "expected the last step to be {weight: 100}, got {came}; add - {weight: 100}",
  came: [
    {
      cel: `[${last}].all(step, has(step.weight)) ? "weight %s".format([string(${last}.weight)]) : "a pause"`,
      of: (steps) => (steps.at(-1)?.weight === undefined ? "a pause" : `weight ${steps.at(-1)!.weight}`),
    },
  ],
};

// ── the whole spec ───────────────────────────────────────────────────────────────────────────────────────────────────

interface Named {
  readonly release: string;
  readonly stable?: string | undefined;
}

export const stableIsAnother: Rule<Named> = {
  cel: "!has(self.stable) || self.stable != self.release",
  holds: ({ release, stable }) => stable !== release,
  sentence: "expected stable to name another version than release, got {came} for both; name the version that serves now, or leave stable out",
  came: [{ cel: "self.release", of: ({ release }) => release }],
  field: "stable",
};

/** As written: by steps or a preset, or neither. */
interface Climbing {
  readonly steps?: readonly AnyStep[] | undefined;
  readonly linear?: { readonly every: string } | undefined;
  readonly exponential?: { readonly every: string } | undefined;
}

interface Paced {
  readonly strategy: Climbing & { readonly pace: string; readonly maxHold: string; readonly propagation: string };
  readonly analysis: { readonly interval: string; readonly minVerdicts: number; readonly metrics: readonly unknown[] };
}

const propagation = given("self.strategy.propagation", DEFAULT_PROPAGATION);
const interval = given("self.analysis.interval", DEFAULT_INTERVAL);
const minVerdicts = `(has(self.analysis) && has(self.analysis.minVerdicts) ? self.analysis.minVerdicts : ${DEFAULT_MIN_VERDICTS})`;
const needed = `(${ms(propagation)} + (${minVerdicts} + 1) * ${ms(interval)})`;
const stepHold = `(has(step.hold) ? step.hold : ${celText(DEFAULT_HOLD)})`;
const stepsAreGiven = "has(self.strategy) && has(self.strategy.steps)";
const everyOf = (preset: string) => `has(self.strategy) && has(self.strategy.${preset}) ? [has(self.strategy.${preset}.every) ? self.strategy.${preset}.every : ${celText(DEFAULT_HOLD)}]`;
/** Of every step that is no pause, as a list of CEL. */
const holds = `(${stepsAreGiven} ? self.strategy.steps.filter(step, !has(step.pause)).map(step, ${stepHold}) : ${everyOf("linear")} : ${everyOf("exponential")} : [${celText(DEFAULT_HOLD)}])`;
const isJudged = "(has(self.analysis) && has(self.analysis.metrics) ? size(self.analysis.metrics) > 0 : true)";
const goesByEvidence = '(has(self.strategy) && has(self.strategy.pace) && self.strategy.pace == "evidence")';
const isTooShort = (hold: string) => `${matches(hold, DURATION_PATTERN)} && ${ms(hold)} < ${needed}`;

const neededMs = ({ strategy, analysis }: Paced) => msOf(strategy.propagation) + (analysis.minVerdicts + 1) * msOf(analysis.interval);
const holdsOf = ({ strategy: { steps, linear, exponential } }: { readonly strategy: Climbing }) =>
  steps ? steps.flatMap(({ pause, hold }) => (pause === undefined ? [hold ?? DEFAULT_HOLD] : [])) : [(linear ?? exponential)?.every ?? DEFAULT_HOLD];
const shortHold = (spec: Paced) =>
  holdsOf(spec).find((hold) => DURATION_PATTERN.test(hold) && msOf(hold) < neededMs(spec));

/** A step that is left at the end of its hold must have had time for `minVerdicts` verdicts, the first window included; one that is left by evidence waits for them. */
export const holdsGatherVerdicts: Rule<Paced> = {
  cel:
    `${goesByEvidence} || !${isJudged} || !${matches(propagation, DURATION_PATTERN)} || !${matches(interval, DURATION_PATTERN)} || ` + `!${holds}.exists(hold, ${isTooShort("hold")})`,
  holds: (spec) =>
    spec.strategy.pace === "evidence" ||
    spec.analysis.metrics.length === 0 ||
    ![spec.strategy.propagation, spec.analysis.interval].every((each) => DURATION_PATTERN.test(each)) ||
    shortHold(spec) === undefined,
  sentence: "expected each hold to be at least {came}, which is propagation {came} + (minVerdicts {came} + 1) x interval {came}, got {came}; hold longer, or ask more often",
  came: [
    {
      cel: `${needed} % 1000 == 0 ? "%ss".format([string(${needed} / 1000)]) : "%sms".format([string(${needed})])`,
      of: (spec) => (neededMs(spec) % 1000 === 0 ? `${neededMs(spec) / 1000}s` : `${neededMs(spec)}ms`),
    },
    { cel: propagation, of: ({ strategy }) => strategy.propagation },
    { cel: `string(${minVerdicts})`, of: ({ analysis }) => String(analysis.minVerdicts) },
    { cel: interval, of: ({ analysis }) => analysis.interval },
    {
      cel: `${holds}.filter(hold, ${isTooShort("hold")})[0]`,
      of: (spec) => shortHold(spec) ?? "",
    },
  ],
  field: "strategy.steps",
};

interface Picking {
  readonly traffic: { readonly gatewayApi?: { readonly grpcRoutes?: unknown } | undefined };
  readonly strategy: Climbing;
  readonly analysis: { readonly metrics: readonly LimitedMetric[] };
}

interface LimitedMetric {
  readonly name: string;
  readonly errorRate?: { readonly max?: string | undefined } | undefined;
  readonly latency?: { readonly max?: string | undefined } | undefined;
}

const alternatives = (condition: string) => `self.strategy.steps.exists(step, has(step.match) && step.match.exists(one, ${condition}))`;
const alternativesOf = ({ strategy: { steps = [] } }: Picking) => steps.flatMap(({ match = [] }) => match);

/** The Gateway API knows no callers, and its GRPCRoutes no query. */
export const routerCanMatch: Rule<Picking> = {
  cel:
    `!(${stepsAreGiven}) || !has(self.traffic.gatewayApi) || ` +
    `(!${alternatives("has(one.sourceLabels) || has(one.gateways)")} && (!has(self.traffic.gatewayApi.grpcRoutes) || !${alternatives("has(one.query)")}))`,
  holds: (spec) => {
    const { gatewayApi } = spec.traffic;
    const isUsed = (field: (typeof MATCHED_BY)[number]) => alternativesOf(spec).some((one) => one[field] !== undefined);
    return !gatewayApi || (!isUsed("sourceLabels") && !isUsed("gateways") && (!gatewayApi.grpcRoutes || !isUsed("query")));
  },
  sentence: "expected matches by headers and cookies (and by query, of an HTTPRoute), which are what the Gateway API can tell apart, got another one; take it out, or use traffic.istio",
  field: "strategy.steps",
};

const lacksLimit = "(has(metric.errorRate) && !has(metric.errorRate.max)) || (has(metric.latency) && !has(metric.latency.max))";
const unlimited = ({ analysis: { metrics } }: Picking) => metrics.find(({ errorRate, latency }) => [errorRate, latency].some((one) => one !== undefined && one.max === undefined));

/** Requests that were picked out are no sample of all of them: stable's are no measure for them. */
export const matchedAreLimited: Rule<Picking> = {
  cel: `!(${stepsAreGiven}) || !self.strategy.steps.exists(step, has(step.match)) || !has(self.analysis) || !has(self.analysis.metrics) || !self.analysis.metrics.exists(metric, ${lacksLimit})`,
  holds: (spec) => !(spec.strategy.steps ?? []).some(({ match }) => match !== undefined) || unlimited(spec) === undefined,
  sentence: "expected a max for {came}, since a step has a match, and requests that were picked out cannot be compared with all the others; give it one, or take the match out",
  came: [{ cel: `self.analysis.metrics.filter(metric, ${lacksLimit})[0].name`, of: (spec) => unlimited(spec)?.name ?? "" }],
  field: "analysis.metrics",
};

const maxHold = given("self.strategy.maxHold", DEFAULT_MAX_HOLD);
const isTooLong = (hold: string) => `${matches(hold, DURATION_PATTERN)} && ${ms(hold)} > ${ms(maxHold)}`;
const longHold = (spec: Paced) => holdsOf(spec).find((hold) => DURATION_PATTERN.test(hold) && msOf(hold) > msOf(spec.strategy.maxHold));

/** With `pace: evidence` a hold is the least time at a step, and `maxHold` the longest. */
export const holdsEndInTime: Rule<Paced> = {
  cel:
    `!${goesByEvidence} || !${matches(maxHold, DURATION_PATTERN)} || ` + `!${holds}.exists(hold, ${isTooLong("hold")})`,
  holds: (spec) => spec.strategy.pace !== "evidence" || !DURATION_PATTERN.test(spec.strategy.maxHold) || longHold(spec) === undefined,
  sentence: "expected maxHold to be at least each step's hold, got {came} and a hold of {came}; raise maxHold, or hold shorter",
  came: [
    { cel: maxHold, of: ({ strategy }) => strategy.maxHold },
    {
      cel: `${holds}.filter(hold, ${isTooLong("hold")})[0]`,
      of: (spec) => longHold(spec) ?? "",
    },
  ],
  field: "strategy.maxHold",
};

// ── CEL in small ─────────────────────────────────────────────────────────────────────────────────────────────────────

function matching(pattern: RegExp, sentence: string): Rule<string> {
  return {
    cel: matches("self", pattern),
    holds: (text) => pattern.test(text),
    sentence,
    ...(sentence.includes("{came}") && { came: [itself] }),
  };
}

function matches(cel: string, pattern: RegExp): string {
  return `${cel}.matches(${celText(pattern.source)})`;
}

function ms(cel: string): string {
  return `duration(${cel}).getMilliseconds()`;
}

/** The text at `path`, or its default where it or anything above it is absent. */
function given(path: string, fallback: string): string {
  const parts = path.split(".");
  const present = parts.slice(1).map((_, at) => `has(${parts.slice(0, at + 2).join(".")})`);
  return `(${present.join(" && ")} ? ${path} : ${celText(fallback)})`;
}
