/** A rule of the spec, declared once: zod asks `holds`, the CRD carries `cel`, and both say the same sentence. */
import type { z } from "zod";
import { printable } from "./printable.ts";

export interface Rule<T> {
  /** True where the rule holds. `self` is the value as written: absent fields are absent, so a default stands in the expression. */
  readonly cel: string;
  /** The same of the parsed value, which has its defaults. */
  readonly holds: (value: T) => boolean;
  /** What was expected, what came, what to do; each `{came}` is filled from `came`, in order. */
  readonly sentence: string;
  readonly came?: readonly Came<T>[];
  /** The path of the field that is blamed, such as `strategy.steps`; absent: the value itself. */
  readonly field?: string;
}

/** A text within a sentence: as a CEL expression of type string, and from the parsed value. */
export interface Came<T> {
  readonly cel: string;
  readonly of: (value: T) => string;
}

/** One entry of `x-kubernetes-validations`. */
export interface CelValidation {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
}

const CAME = "{came}";

export const VALIDATIONS = "x-kubernetes-validations";

/** The schema with these rules; call it once per schema. */
export function withRules<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  return schema
    .superRefine((value, issues) => {
      for (const rule of rules.filter((each) => !each.holds(value))) {
        issues.addIssue({ code: "custom", message: sentenceFor(rule, value), path: rule.field?.split(".") ?? [] });
      }
    })
    .meta({ [VALIDATIONS]: rules.map(celOf) });
}

/** A text as a CEL string literal. */
export function celText(text: string): string {
  return JSON.stringify(text);
}

function sentenceFor<T>(rule: Rule<T>, value: T): string {
  const [first = "", ...rest] = rule.sentence.split(CAME);
  return rest.reduce((said, part, index) => said + printable(rule.came?.[index]?.of(value) ?? "") + part, first);
}

function celOf<T>(rule: Rule<T>): CelValidation {
  return {
    rule: rule.cel,
    ...(rule.came === undefined ? { message: rule.sentence } : { messageExpression: expressionOf(rule.sentence, rule.came) }),
    ...(rule.field !== undefined && { fieldPath: `.${rule.field}` }),
  };
}

/** By `format`, because the API server reckons with texts without end where numbers are joined by `+`. */
function expressionOf<T>(sentence: string, came: readonly Came<T>[]): string {
  return `${celText(sentence.replaceAll("%", "%%").replaceAll(CAME, "%s"))}.format([${came.map(({ cel }) => cel).join(", ")}])`;
}
