/** The conditions of a Deployment: setting one keeps its times where nothing about it has changed. */
import type { Condition } from "./workloads.ts";

export interface Statement {
  readonly type: "Available" | "Progressing";
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

export function conditionOf(conditions: readonly Condition[], type: Statement["type"]): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** With the same status and reason it stays as it is, message and all. */
export function withCondition(conditions: readonly Condition[], statement: Statement, now: string): readonly Condition[] {
  const present = conditionOf(conditions, statement.type);
  if (present?.status === statement.status && present.reason === statement.reason) return conditions;
  return renewedCondition(conditions, statement, now);
}

/** The same, but something has happened: it was updated now in any case. */
export function renewedCondition(conditions: readonly Condition[], statement: Statement, now: string): readonly Condition[] {
  const present = conditionOf(conditions, statement.type);
  const since = present?.status === statement.status ? (present.lastTransitionTime ?? now) : now;
  return [...withoutCondition(conditions, statement.type), { ...statement, lastUpdateTime: now, lastTransitionTime: since }];
}

export function withoutCondition(conditions: readonly Condition[], type: Statement["type"]): readonly Condition[] {
  return conditions.filter((condition) => condition.type !== type);
}
