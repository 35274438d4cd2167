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

/** Something that the new version gets, or a pause; a preview goes with either. */
export const isStepOrPause: Rule<Fields> = {
  cel: "(has(self.weight) || has(self.match) || has(self.mirror)) ? !has(self.pause) : (has(self.pause) || has(self.preview))",
  holds: ({ weight, match, mirror, preview, pause }) => (weight !== undefined || match !== undefined || mirror !== undefined ? pause === undefined : pause !== undefined || preview !== undefined),
  sentence: "expected weight, match or both, a mirror, a preview, or else a pause, got {came}; write {weight: 10, hold: 1m} or {pause: {}}",
  came: [{ cel: 'has(self.pause) ? "a pause beside them" : "none of them"', of: ({ pause }) => (pause === undefined ? "none of them" : "a pause beside them") }],
};

/** Shadows answer nobody, so a step either serves or mirrors. */
export const mirrorStandsAlone: Rule<Fields> = {
  cel: "!has(self.mirror) || !(has(self.weight) || has(self.match) || has(self.preview))",
  holds: ({ mirror, weight, match, preview }) => mirror === undefined || (weight === undefined && match === undefined && preview === undefined),
  sentence: "expected mirror in a step of its own, got it beside weight, match or preview; write {mirror: 20, hold: 5m} and the other step after it",
};

export const holdsNoPause: Rule<Fields> = {
  cel: "!has(self.hold) || has(self.weight) || has(self.match) || has(self.mirror) || (has(self.preview) && !has(self.pause))",
  holds: ({ hold, weight, match, mirror, preview, pause }) => hold === undefined || weight !== undefined || match !== undefined || mirror !== undefined || (preview !== undefined && pause === undefined),
  sentence: "expected hold only together with weight, match, mirror or a preview that does not pause, got it without; write {pause: {duration: 10m}} for a pause that ends by itself",
  field: "hold",
};

/** The run ends after the last step: only there is anything kept. */
export const keepsAtTheEnd: Rule<Fields> = {
  cel: "!has(self.keepOld) || (has(self.weight) && self.weight == 100)",
  holds: ({ keepOld, weight }) => keepOld === undefined || weight === 100,
  sentence: "expected keepOld only together with weight 100, where the run would end, got it without; write {weight: 100, keepOld: 10m}",
  field: "keepOld",
};

/** A step as written or as parsed: one with a weight, a match or both, one with a mirror, or a pause; a preview goes with all but mirrors. */
export interface AnyStep {
  readonly weight?: number | undefined;
  readonly match?: readonly Matching[] | undefined;
  readonly mirror?: number | undefined;
  readonly preview?: string | undefined;
  readonly hold?: string | undefined;
  readonly pause?: unknown;
}

type Matching = Readonly<Partial<Record<(typeof MATCHED_BY)[number], unknown>>>;

const weights = "self.filter(step, has(step.weight)).map(step, step.weight)";
const weightsOf = (steps: readonly AnyStep[]) => steps.flatMap(({ weight }) => (weight === undefined ? [] : [weight]));
/** CEL knows neither indexes nor names for values: the list is computed once, as the only item of another one, for the API server evaluates rules with every write of a status, too. */
const allPairsIn = (list: string, holds: string) => `[${list}].all(each, [${[...Array(MAX_STEPS - 1).keys()].join(", ")}].all(at, at + 1 >= size(each) || ${holds}))`;

export const ladderIsNotEmpty: Rule<readonly AnyStep[]> = {
  cel: "size(self) > 0",
  holds: (steps) => steps.length > 0,
  sentence: "expected at least one step, got none; leave steps out for 10, 25, 50, 100, or write [{weight: 100}] for a single one",
};

export const ladderRises: Rule<readonly AnyStep[]> = {
  cel: allPairsIn(weights, "each[at] < each[at + 1]"),
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

/** What a step without a weight may give; a preview beside a pause leaves the weight as it is. */
type Weightless = "match" | "mirror" | "preview";

/** Of the steps with a weight and of those of one other kind, in their order: which have a weight. */
const haveWeights = (field: Weightless) => `self.filter(step, !has(step.pause) && (has(step.weight) || has(step.${field}))).map(step, has(step.weight))`;

/** True where none of that kind without a weight comes after a weight. */
const comesFirst = (field: Weightless): Pick<Rule<readonly AnyStep[]>, "cel" | "holds"> => ({
  cel: allPairsIn(haveWeights(field), "!each[at] || each[at + 1]"),
  holds: (steps) => steps.filter((step) => step.pause === undefined && (step.weight !== undefined || step[field] !== undefined)).every(({ weight }, at, all) => weight !== undefined || all[at - 1]?.weight === undefined),
});

/** A step says all that the new version gets: no match alone may take a share away again. */
export const matchesComeFirst: Rule<readonly AnyStep[]> = {
  ...comesFirst("match"),
  sentence: "expected a weight beside each match that comes after a weight, got a match alone, which would take the share away again; write {weight: 25, match: [...]}",
};

/** Nor may a preview. */
export const previewsComeFirst: Rule<readonly AnyStep[]> = {
  ...comesFirst("preview"),
  sentence: "expected a weight or a pause beside each preview that comes after a weight, got a preview alone, which would take the share away again; write {weight: 25, preview: reviews-preview.example}",
};

/** Whoever has a share of the requests needs no copies of them. */
export const mirrorsComeFirst: Rule<readonly AnyStep[]> = {
  ...comesFirst("mirror"),
  sentence: "expected each mirror before the first weight, got one after it; put {mirror: 20, hold: 5m} first, where no user is answered by the new version yet",
};

const last = "self[size(self) - 1]";

export const ladderEndsAtAll: Rule<readonly AnyStep[]> = {
  cel: `size(self) == 0 || [${last}].all(step, has(step.weight) && step.weight == 100)`,
  holds: (steps) => steps.length === 0 || steps.at(-1)!.weight === 100,
  sentence: "expected the last step to be {weight: 100}, got {came}; add - {weight: 100}",
  came: [
    {
      cel: `[${last}].all(step, has(step.weight)) ? "weight %s".format([string(${last}.weight)]) : [${last}].all(step, has(step.pause)) ? "a pause" : "a step without weight"`,
      of: (steps) => endSaid(steps.at(-1)!),
    },
  ],
};

function endSaid({ weight, pause }: AnyStep): string {
  if (weight !== undefined) return `weight ${weight}`;
  return pause === undefined ? "a step without weight" : "a pause";
}
