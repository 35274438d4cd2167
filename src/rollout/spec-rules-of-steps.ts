/** The rules of single steps, of the ladder that they make, and of the presets that stand in place of one. */
import type { Rule } from "./spec-rule.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Most steps that a ladder may have. */
export const MAX_STEPS = 50;

export const MATCHED_BY = ["headers", "cookies", "query", "sourceLabels", "gateways"] as const;

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

/** A step as written or as parsed: one with a weight, a match or both, or a pause. */
export interface AnyStep {
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
