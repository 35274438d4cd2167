/** Ever smaller forms of a status, for a server that refuses the whole one: evidence can never block a rollback (law 13). */
import type { Check, Run, RolloutStatus } from "../rollout/status.ts";

const MOST_CHARS = 200;

/** From whole to least; each keeps phase, reason, stable, refused, and the run's outcome, weight and reason. */
export function statusForms(status: RolloutStatus): readonly RolloutStatus[] {
  return [status, withoutEvidence(status), withoutPast(withoutEvidence(status))];
}

/** Rows of verdicts stay, so that what was counted still counts. */
function withoutEvidence(status: RolloutStatus): RolloutStatus {
  const bare = { ...status, message: shortened(status.message) };
  return status.run ? { ...bare, run: { ...status.run, ...shortTexts(status.run), checks: status.run.checks.map(rowOf), announcements: [] } } : bare;
}

function withoutPast(status: RolloutStatus): RolloutStatus {
  const bare: RolloutStatus = { ...status, conditions: [], history: [] };
  return status.run ? { ...bare, run: { ...status.run, checks: [], notified: [] } } : bare;
}

function rowOf({ name, verdict, failuresInARow, passes, minRequests, definition, at, since }: Check): Check {
  return { name, verdict, failuresInARow, passes, ...(minRequests !== undefined && { minRequests }), definition, at, ...(since !== undefined && { since }) };
}

function shortTexts({ reason, pausedMessage }: Run): Pick<Run, "reason" | "pausedMessage"> {
  return {
    ...(reason !== undefined && { reason: shortened(reason) }),
    ...(pausedMessage !== undefined && { pausedMessage: shortened(pausedMessage) }),
  };
}

function shortened(text: string): string {
  return text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS - 1)}…` : text;
}
