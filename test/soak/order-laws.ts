/** The laws about the order of writes: first committed, then done; and nothing goes up again after it was taken back. */
import type { Outcome } from "../../src/rollout/status.ts";

/** What is known of one Rollout's statuses and of the route that it steers; revisions are the server's own, so that two watches can be compared. */
export interface OrderRecord {
  readonly commits: readonly Commit[];
  readonly ends: readonly End[];
  readonly writes: readonly RouteWrite[];
}

export interface RunName {
  /** Of the Rollout. */
  readonly uid: string;
  readonly run: number;
}

/** The first status that held this intent. */
export interface Commit extends RunName {
  readonly epoch: number;
  readonly revision: number;
}

/** The first status in which this run was over. */
export interface End extends RunName {
  /** The version that it was about. */
  readonly to: string;
  readonly outcome: Outcome;
  readonly revision: number;
}

export interface RouteWrite {
  readonly revision: number;
  readonly stamp?: RunName & { readonly epoch: number };
  /** By version, in percent. */
  readonly shares: Readonly<Record<string, number>>;
}

/** A sentence for each breach. */
export function brokenOrder(record: OrderRecord): readonly string[] {
  const last = record.ends.at(-1);
  if (!last) return [];
  const settled = record.writes.filter(({ revision }) => revision < last.revision); // of what came later, the other watch may not have told yet
  return [...settled.flatMap((write) => uncommitted(write, record.commits)), ...record.ends.flatMap((end) => raisedAfter(end, record.writes))];
}

function uncommitted({ stamp, revision }: RouteWrite, commits: readonly Commit[]): readonly string[] {
  if (!stamp) return [];
  const commit = commits.find((one) => isOfRun(one, stamp) && one.epoch === stamp.epoch);
  if (commit && commit.revision < revision) return [];
  return [`the route at ${revision} shows intent ${stamp.run}.${stamp.epoch}, which was committed ${commit ? `only at ${commit.revision}` : "never"}`];
}

/**
 * Until a later run writes the route. One write of an intent that was committed before may land after the end, where it was under way when the end was
 * committed and nothing has been written since: the first write after an end refuses all older ones.
 */
function raisedAfter(end: End, writes: readonly RouteWrite[]): readonly string[] {
  if (end.outcome === "Succeeded") return [];
  const later = writes.findIndex(({ stamp, revision }) => revision > end.revision && stamp !== undefined && (stamp.uid !== end.uid || stamp.run > end.run));
  const own = later < 0 ? writes : writes.slice(0, later);
  return own.flatMap(({ revision, shares, stamp }, index) => {
    const previous = own[index - 1];
    const before = previous?.shares[end.to] ?? 0;
    const now = shares[end.to] ?? 0;
    if (!previous || revision < end.revision || now <= before) return [];
    if (previous.revision < end.revision && stamp && isOfRun(stamp, end)) return [];
    return [`run ${end.run} had ended (${end.outcome}) at ${end.revision}, and at ${revision} the route gave ${end.to} ${now}% after ${before}%`];
  });
}

/** Without what no law asks for any more: everything before the end of the last run but one. */
export function forgetting({ commits, ends, writes }: OrderRecord): OrderRecord {
  const from = ends.at(-2);
  if (!from) return { commits, ends, writes };
  const before = writes.findLast(({ revision }) => revision < from.revision);
  const kept = writes.filter(({ revision }) => revision >= from.revision);
  return {
    commits: commits.filter((commit) => commit.revision >= from.revision || kept.some(({ stamp }) => stamp && isOfRun(stamp, commit))),
    ends: ends.slice(-2),
    writes: [...(before ? [{ revision: before.revision, shares: before.shares }] : []), ...kept],
  };
}

export function isOfRun(one: RunName, other: RunName): boolean {
  return one.uid === other.uid && one.run === other.run;
}
