/** The fields of an HTTPRoute or GRPCRoute that Weir reads; all others are kept as they are. */
import { z } from "zod";
import { sumOf, type RouteForm } from "../route-form.ts";

export const BackendRef = z.looseObject({
  group: z.string().optional(),
  kind: z.string().optional(),
  name: z.string(),
  namespace: z.string().optional(),
  weight: z.number().optional(),
});
export type BackendRef = z.infer<typeof BackendRef>;

const Condition = z.looseObject({ name: z.string() });
export type Condition = z.infer<typeof Condition>;

export const RuleMatch = z.looseObject({ headers: z.array(Condition).optional(), queryParams: z.array(Condition).optional() });
export type RuleMatch = z.infer<typeof RuleMatch>;

const Fraction = z.looseObject({ numerator: z.number(), denominator: z.number().default(100) });

/** Of the filters only mirrors are read. */
const RuleFilter = z.looseObject({
  requestMirror: z.looseObject({ backendRef: BackendRef, percent: z.number().optional(), fraction: Fraction.optional() }).optional(),
});
export type RuleFilter = z.infer<typeof RuleFilter>;

export const RouteRule = z.looseObject({
  name: z.string().optional(),
  matches: z.array(RuleMatch).optional(),
  filters: z.array(RuleFilter).optional(),
  backendRefs: z.array(BackendRef).optional(),
});
export type RouteRule = z.infer<typeof RouteRule>;

export const RouteSpec = z.looseObject({ rules: z.array(RouteRule).optional() });

const StatusCondition = z.looseObject({ type: z.string(), status: z.string(), message: z.string().default(""), observedGeneration: z.number().default(0) });
const Parent = z.looseObject({ parentRef: z.looseObject({ name: z.string() }), conditions: z.array(StatusCondition).default([]) });
export type Parent = z.infer<typeof Parent>;

export const RouteStatus = z.looseObject({ parents: z.array(Parent).default([]) });

/** A missing weight is 1, as the Gateway API says. */
export const FORM: RouteForm<BackendRef> = {
  versionOf: ({ name }) => name,
  pointsOf,
  isUnweighted,
  alone: (reference) => ({ ...reference, weight: 1 }),
  siblingOf: (sibling, version) => ({ ...structuredClone(sibling), name: version }),
};

function isUnweighted(references: readonly BackendRef[]): boolean {
  return references.length === 1 && weightOf(references[0]!) === 1;
}

/** Weights are shares of their sum; where one reference has them all, it is no matter what the sum is. */
function pointsOf(references: readonly BackendRef[]): readonly number[] {
  const weights = references.map(weightOf);
  const isOneForAll = weights.filter((weight) => weight > 0).length === 1;
  return isOneForAll && sumOf(weights) > 0 ? weights.map((weight) => (weight > 0 ? 100 : weight)) : weights;
}

function weightOf({ weight = 1 }: BackendRef): number {
  return weight;
}

/** A Service of the cluster, as references are unless they say otherwise. */
export function isService({ group = "", kind = "Service" }: BackendRef): boolean {
  return group === "" && kind === "Service";
}
