/** One notification, complete: a notifier asks nobody for more. */
import type { Case } from "./case.ts";
import { substituteLink } from "./links.ts";
import { isWeightStep } from "./ladder.ts";
import type { NotificationEvent } from "./spec.ts";
import type { Announcement, Outcome, Phase, RolloutStatus, Run, VersionRevision } from "./status.ts";

export interface Notice {
  readonly rollout: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly run: number;
  readonly seq: number;
  readonly event: NotificationEvent;
  /** RFC 3339. */
  readonly at: string;
  readonly phase: Phase;
  readonly from: VersionRevision;
  readonly to: VersionRevision;
  readonly weightPercent: number;
  /** `2/4`. */
  readonly step: string;
  readonly outcome?: Outcome;
  /** One sentence that a person can act on. */
  readonly message: string;
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly value?: string; readonly limit?: string }[];
  /** Links with their variables resolved. */
  readonly links: readonly { readonly title: string; readonly url: string }[];
  /** The exact command to type next, e.g. `weir promote reviews -n bookinfo --run 7`; empty: nothing to do. */
  readonly command: string;
}

export function noticeOf(it: Case, status: RolloutStatus, { seq, event, at, weight, message }: Announcement): Notice {
  const { namespace, name, uid } = it.rollout.metadata;
  const run = status.run!;
  return {
    rollout: { namespace, name, uid },
    run: run.number,
    seq,
    event,
    at,
    phase: status.phase,
    from: run.from,
    to: run.to,
    weightPercent: weight,
    step: stepOf(run),
    ...(run.outcome ? { outcome: run.outcome } : {}),
    message,
    checks: run.checks.map(({ name: check, verdict, value, limit }) => ({ name: check, verdict, ...(value ? { value } : {}), ...(limit ? { limit } : {}) })),
    links: it.spec.links.map(({ title, url }) => ({ title, url: substituteLink(url, it, run) })),
    command: commandFor(run, event, `${name} -n ${namespace} --run ${run.number}`),
  };
}

/** `2/4`: weight steps reached, of all. */
export function stepOf(run: Run): string {
  const reached = run.ladder.slice(0, run.step + 1).filter(isWeightStep).length;
  return `${reached}/${run.ladder.filter(isWeightStep).length}`;
}

function commandFor(run: Run, event: NotificationEvent, args: string): string {
  if (event === "RolledBack" || event === "Aborted" || (event === "Stalled" && run.outcome)) return `weir retry ${args}`;
  if (event === "Succeeded") return `weir undo ${args}`;
  if (event === "Superseded") return "";
  if (event !== "Paused") return `weir abort ${args}`;
  return run.pausedBy === "Step" || run.pausedBy === "MetricFailed" || run.pausedBy === "HoldLimit" ? `weir promote ${args}` : `weir resume ${args}`;
}
