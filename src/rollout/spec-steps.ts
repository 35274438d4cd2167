/** The steps of a ladder as users write them. */
import { z } from "zod";
import { DEFAULT_HOLD } from "./spec-defaults.ts";
import { Duration, lasting, Weight } from "./spec-fields.ts";
import { withRules } from "./spec-rule.ts";
import * as rules from "./spec-rules.ts";

export const WeightStep = z.object({ weight: Weight, hold: Duration.default(DEFAULT_HOLD) });
export type WeightStep = z.output<typeof WeightStep>;

export const PauseStep = z.object({ pause: z.object({ duration: lasting("1s").optional() }) });
export type PauseStep = z.output<typeof PauseStep>;

/** The CRD needs one shape for both kinds of step; the union tells them apart again. */
const AnyStep = withRules(
  z.object({
    weight: Weight.optional().describe("Share of the traffic that the new version gets in this step, in percent: a whole number from 1 to 100."),
    hold: Duration.optional().describe("How long to stay at this weight, measured from when it is in force. Default 1m."),
    pause: z
      .object({ duration: lasting("1s").optional().describe("How long to wait. Default: until somebody says `weir promote`.") })
      .optional()
      .describe("Waits at the weight of the step before: {} until somebody promotes, {duration: 10m} for a while. Judging goes on."),
  }),
  rules.exactlyOne(["weight", "pause"], "write {weight: 10, hold: 1m} or {pause: {}}"),
  rules.onlyWith("hold", "weight", "write {pause: {duration: 10m}} for a pause that ends by itself"),
);

export const Step = AnyStep.pipe(z.union([WeightStep, PauseStep]));
export type Step = z.output<typeof Step>;
