/** The fields that a spec is made of: texts, numbers and names, each with its rules. */
import { z } from "zod";
import { withRules } from "./spec-rule.ts";
import * as rules from "./spec-rules.ts";

/** What is too long is said once: no rule looks at it. */
export const LAST_WORD = { abort: true };
export const text = (most: number) => z.string().max(most, LAST_WORD);

export const Duration = withRules(text(24), rules.isDuration);
export type Duration = z.infer<typeof Duration>;

/** A duration that must take some time. */
export const lasting = (least: string) => withRules(text(24), rules.isDuration, rules.lasts(least));

export const Percentage = withRules(text(12), rules.isPercentage);
export type Percentage = z.infer<typeof Percentage>;

export const Weight = withRules(
  z.int(),
  rules.within(1, 100, "; begin with the first share that the new version should get, since a step of 0 would do nothing"),
);
export const Count = (least: number, most: number) => withRules(z.int(), rules.within(least, most));
export const ObjectName = withRules(text(253), rules.isObjectName);
export const NamespaceName = withRules(text(63), rules.isNamespaceName);
export const VersionName = withRules(text(63), rules.isVersionName);
