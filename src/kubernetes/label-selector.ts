/** Which objects the selector of a workload takes. */
import { z } from "zod";

const Expression = z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() });
type Expression = z.infer<typeof Expression>;

export const LabelSelector = z.looseObject({ matchLabels: z.record(z.string(), z.string()).optional(), matchExpressions: z.array(Expression).optional() });
export type LabelSelector = z.infer<typeof LabelSelector>;

type Labels = Readonly<Record<string, string>>;

/** One that asks for nothing takes nothing: no workload may own whatever there is. */
export function isSelected(labels: Labels, { matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  const pairs = Object.entries(matchLabels);
  if (pairs.length + matchExpressions.length === 0) return false;
  return pairs.every(([key, value]) => labels[key] === value) && matchExpressions.every((expression) => isMet(expression, labels));
}

function isMet({ key, operator, values = [] }: Expression, labels: Labels): boolean {
  const label = labels[key];
  if (operator === "Exists") return label !== undefined;
  if (operator === "DoesNotExist") return label === undefined;
  const isAmong = label !== undefined && values.includes(label);
  return operator === "In" ? isAmong : operator === "NotIn" && !isAmong;
}
