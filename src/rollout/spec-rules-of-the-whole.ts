/** The rules that hold between the parts of a spec. */
import { DEFAULT_HOLD, DEFAULT_INTERVAL, DEFAULT_MAX_HOLD, DEFAULT_MIN_VERDICTS, DEFAULT_PROPAGATION } from "./spec-defaults.ts";
import { given, matches, ms } from "./spec-cel.ts";
import { celText, type Rule } from "./spec-rule.ts";
import type { AnyStep, MATCHED_BY } from "./spec-rules-of-steps.ts";
import { DURATION_PATTERN, msOf } from "./units.ts";

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
