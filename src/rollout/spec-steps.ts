/** The steps of a ladder as users write them, and which requests a step picks out. */
import { z } from "zod";
import { DEFAULT_HOLD, DEFAULT_KEEP_OLD } from "./spec-defaults.ts";
import { Duration, LAST_WORD, lasting, text, Weight } from "./spec-fields.ts";
import { withRules } from "./spec-rule.ts";
import * as rules from "./spec-rules.ts";
import { exponentialStartsBelowItsEnd, holdsNoPause, isStepOrPause, keepsAtTheEnd, linearHasStepsEnough, linearStartsBelowItsEnd, mirrorStandsAlone, oneCookieHeader, saysSomething } from "./spec-rules-of-steps.ts";
import { msOf } from "./units.ts";

const LONGEST_NAME = 64;
const LONGEST_TEXT = 256;

/** How a text must be; one of the three. */
const wording = {
  exact: text(LONGEST_TEXT).optional().describe("The whole text."),
  prefix: withRules(text(LONGEST_TEXT), rules.isNotBlank).optional().describe("What the text begins with."),
  regex: withRules(text(LONGEST_TEXT), rules.isNotBlank).optional().describe("A regular expression (RE2) for the whole text."),
};

const Condition = (name: z.ZodType<string, string>, what: string) =>
  withRules(z.object({ name: name.describe(`Name of the ${what}.`), ...wording }), rules.exactlyOne(["exact", "prefix", "regex"], 'write {name: x-tester, exact: "true"}'));
export type Condition = z.output<ReturnType<typeof Condition>>;

const Conditions = (name: z.ZodType<string, string>, what: string, most: number) =>
  withRules(
    z.array(Condition(name, what)).max(8, LAST_WORD),
    rules.holdsFrom(1, most, `expected from 1 to ${most}, got {came}; write an alternative of its own for each other one`),
    rules.distinct(what, "self.map(one, one.name)", (all) => all.map((one) => one.name)),
  ).optional();

export const RouteMatch = withRules(
  z.object({
    headers: Conditions(withRules(text(LONGEST_NAME), rules.isHeaderName), "header", 8).describe("Headers that the request must have."),
    cookies: Conditions(withRules(text(LONGEST_NAME), rules.isCookieName), "cookie", 1).describe("A cookie that the request must have."),
    query: Conditions(withRules(text(LONGEST_NAME), rules.isNotBlank), "query parameter", 8).describe("Parameters that its query must have."),
    sourceLabels: z.record(z.string(), text(63)).meta({ maxProperties: 8 }).optional().describe("Labels of the pod that calls. Istio alone."),
    gateways: withRules(z.array(withRules(text(253), rules.isNotBlank)).max(8, LAST_WORD), rules.holdsFrom(1, 8, "expected from 1 to 8 gateways, got {came}"))
      .optional()
      .describe("Gateways through which it must come; mesh stands for callers within the mesh. Istio alone."),
  }),
  saysSomething,
  oneCookieHeader,
);
/** All of its conditions must hold. */
export type RouteMatch = z.output<typeof RouteMatch>;

const Matches = withRules(z.array(RouteMatch).max(8, LAST_WORD), rules.holdsFrom(1, 8, "expected from 1 to 8 alternatives, got {came}; leave match out where no request is to be picked out"));

const Mirror = withRules(z.int(), rules.within(1, 100));

const Host = withRules(text(253), rules.isHost);

/** Without a weight only matched requests go to the new version, those for the preview's host, or shadows: copies of the requests that others answer. */
export const WeightStep = z.object({
  weight: Weight.optional(),
  match: z.array(RouteMatch).optional(),
  mirror: Mirror.optional(),
  preview: Host.optional(),
  hold: Duration.default(DEFAULT_HOLD),
  keepOld: Duration.optional(),
});
export type WeightStep = z.output<typeof WeightStep>;

export const PauseStep = z.object({ pause: z.object({ duration: lasting("1s").optional() }), preview: Host.optional() });
export type PauseStep = z.output<typeof PauseStep>;

/** The CRD needs one shape for every kind of step; the union tells them apart again. */
const AnyStep = withRules(
  z.object({
    weight: Weight.optional().describe("Share of the traffic that the new version gets in this step, in percent: a whole number from 1 to 100."),
    match: Matches.optional().describe(
      "Requests that go to the new version whatever the weight, while this step lasts: those that one of the alternatives describes. Without weight they are all that it gets.",
    ),
    mirror: Mirror.optional().describe(
      "Share of the requests, in percent, that the new version gets a copy of while this step lasts: a whole number from 1 to 100. Its answers are thrown away. Before any weight.",
    ),
    preview: Host.optional().describe(
      "Host for which all requests go to the new version while this step lasts, such as reviews-preview.example: one that the VirtualService is for as well. Alone, or beside weight, match or pause. Istio alone.",
    ),
    hold: Duration.optional().describe("How long to stay at this step, measured from when it is in force. Default 1m."),
    keepOld: Duration.optional().describe("With weight 100: how long the run goes on after hold, with the old version still there to go back to. Default: not at all."),
    pause: z
      .object({ duration: lasting("1s").optional().describe("How long to wait. Default: until somebody says `weir promote`.") })
      .optional()
      .describe("Waits as the step before it left things, a preview beside it apart: {} until somebody promotes, {duration: 10m} for a while. Judging goes on."),
  }),
  isStepOrPause,
  mirrorStandsAlone,
  holdsNoPause,
  keepsAtTheEnd,
);

const Share = withRules(z.int(), rules.within(1, 100));
const presetFields = {
  to: Share.default(100).describe("Last share before 100, in percent: 1 to 100, default 100."),
  every: Duration.default(DEFAULT_HOLD).describe("How long each step is held. Default 1m."),
};

export const Linear = withRules(
  z.object({
    from: Share.optional().describe("First share, in percent: 1 to 100, default by."),
    by: withRules(z.int(), rules.within(1, 100)).default(10).describe("How much more each step gives, in percent points: 1 to 100, default 10."),
    ...presetFields,
  }),
  linearStartsBelowItsEnd,
  linearHasStepsEnough,
);

/** With this growth at least 100 is reached within the steps that a ladder may have. */
const LEAST_GROWTH = 1.1;

export const Exponential = withRules(
  z.object({
    from: Share.default(1).describe("First share, in percent: 1 to 100, default 1."),
    by: withRules(z.number(), rules.isGrowth(LEAST_GROWTH)).default(2).describe("How many times as much each step gives: 1.1 to 100, default 2."),
    ...presetFields,
  }),
  exponentialStartsBelowItsEnd,
);

export const BlueGreen = z.object({
  preview: Host.optional().describe("Host for which all requests go to the new version before the switch, such as reviews-preview.example: one that the VirtualService is for as well. Default: none."),
  autoPromote: Duration.optional().describe("How long the new version waits, and with preview is judged, before the switch. 0s: not at all. Default: until somebody says `weir promote`."),
  hold: Duration.default(DEFAULT_HOLD).describe("How long it is judged with all the traffic. Default 1m."),
  keepOld: Duration.default(DEFAULT_KEEP_OLD).describe("How long after that the old version is still there to go back to. Default 10m."),
});

const DEFAULT_STEPS: readonly WeightStep[] = [10, 25, 50, 100].map((weight) => ({ weight, hold: DEFAULT_HOLD }));

interface Preset {
  readonly to: number;
  readonly every: string;
}

interface Presets {
  readonly linear?: z.output<typeof Linear> | undefined;
  readonly exponential?: z.output<typeof Exponential> | undefined;
  readonly blueGreen?: z.output<typeof BlueGreen> | undefined;
}

/** The ladder that a preset stands for. */
export function stepsOfPreset({ linear, exponential, blueGreen }: Presets): Step[] {
  if (blueGreen) return [...beforeTheSwitch(blueGreen), { weight: 100, hold: blueGreen.hold, ...(isNothing(blueGreen.keepOld) ? {} : { keepOld: blueGreen.keepOld }) }];
  if (linear) return ladderOf(linear, linear.from ?? linear.by, (weight) => weight + linear.by);
  if (exponential) return ladderOf(exponential, exponential.from, (weight) => Math.max(weight + 1, Math.floor(weight * exponential.by)));
  return [...DEFAULT_STEPS];
}

/** A preview that is promoted by itself is a step like others: requests for it have to show that it is good. */
function beforeTheSwitch({ preview, autoPromote }: z.output<typeof BlueGreen>): Step[] {
  const shown = preview === undefined ? {} : { preview };
  if (autoPromote === undefined) return [{ pause: {}, ...shown }];
  if (preview !== undefined) return [{ preview, hold: autoPromote }];
  return isNothing(autoPromote) ? [] : [{ pause: { duration: autoPromote } }];
}

function isNothing(duration: string): boolean {
  return msOf(duration) === 0;
}

function ladderOf({ to, every }: Preset, from: number, next: (weight: number) => number): Step[] {
  const weights: number[] = [];
  for (let weight = from; weight <= to && weight < 100; weight = next(weight)) weights.push(weight);
  return [...weights, 100].map((weight) => ({ weight, hold: every }));
}

export const Step = AnyStep.pipe(z.union([PauseStep, WeightStep]));
export type Step = z.output<typeof Step>;
