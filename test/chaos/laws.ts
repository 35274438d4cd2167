/** Judges what was seen of one Rollout and its route, version by version, by the laws that no fault may break. */
import { EPOCH_ANNOTATION, ROUTE_MANAGER } from "../../src/rollout/rollout.ts";
import { isPauseStep } from "../../src/rollout/ladder.ts";
import type { RolloutStatus, Run } from "../../src/rollout/status.ts";
import { msOf } from "../../src/rollout/units.ts";
import type { ApiObject } from "../support/api-request.ts";
import type { RouteRecorder } from "../support/route-recorder.ts";

/** Everything that was seen of one delivery. */
export interface Recorded {
  readonly name: string;
  /** Every version of the Rollout, oldest first. */
  readonly rollouts: readonly ApiObject[];
  /** Every version of its VirtualService, oldest first. */
  readonly routes: readonly ApiObject[];
  readonly recorder: Pick<RouteRecorder, "violations" | "shareOf">;
  /** `spec.strategy.propagation`, whole seconds. */
  readonly propagation: string;
}

/** A version's number: the server counts all its writes in their order. */
export function revisionOf({ metadata }: ApiObject): number {
  return Number(metadata["resourceVersion"]);
}

export function runOf({ status }: ApiObject): Run | undefined {
  return (status as RolloutStatus | undefined)?.run;
}

/** One sentence for each breach. Faults in which the server's clock lies cannot be held to `holds`. */
export function brokenLaws(recorded: Recorded, { holds = true } = {}): readonly string[] {
  const found = [
    ...recorded.recorder.violations(),
    ...[...uncommitted(recorded), ...raisedAgain(recorded), ...shakyRuns(recorded), ...(holds ? shortenedHolds(recorded) : [])].map((sentence) => `${recorded.name}: ${sentence}`),
  ];
  return [...new Set(found)];
}

/** Law 2: what the route shows was committed before, by an intent of the run or by its ending. */
function uncommitted({ rollouts, routes, recorder }: Recorded): string[] {
  return changesOf(routes, recorder).flatMap(({ version, share }) => {
    const before = rollouts.filter((rollout) => revisionOf(rollout) < revisionOf(version)).flatMap((rollout) => runOf(rollout) ?? []);
    const [number, epoch] = intentOf(version);
    const isCommitted = before.some((run) => (number === undefined ? run.outcome !== undefined : run.number === number && run.epoch === epoch) && shareCommitted(run) === share);
    return isCommitted ? [] : [`the route has ${share}% at ${revisionOf(version)} (${stampOf(version) ?? "no stamp"}), and no status before it says so`];
  });
}

/** Whichever template of a Deployment has won, in the end its own pods have everything. */
function shareCommitted({ deployment, outcome, weight }: Run): number {
  return deployment !== undefined && outcome !== undefined ? 0 : weight;
}

interface RouteChange {
  readonly version: ApiObject;
  readonly share: number;
}

/** Versions of the route in which its share or its stamp is another one than before. */
function changesOf(routes: readonly ApiObject[], { shareOf }: Recorded["recorder"]): readonly RouteChange[] {
  const all = routes.map((version) => ({ version, share: shareOf(version) }));
  return all.filter(({ version, share }, index) => {
    const before = all[index - 1];
    return before !== undefined && (before.share !== share || stampOf(before.version) !== stampOf(version));
  });
}

function stampOf({ metadata }: ApiObject): string | undefined {
  return (metadata["annotations"] as Readonly<Record<string, string>> | undefined)?.[EPOCH_ANNOTATION];
}

/** Run and intent of the stamp `uid/run.intent`; undefined: the run's last write took it away. */
function intentOf(version: ApiObject): readonly (number | undefined)[] {
  return /\/(\d+)\.(\d+)$/.exec(stampOf(version) ?? "")?.slice(1).map(Number) ?? [undefined, undefined];
}

/** Law 3: once it is committed that a run was taken back, its share grows no more. */
function raisedAgain({ rollouts, routes, recorder }: Recorded): string[] {
  return changesOf(routes, recorder).flatMap(({ version, share }, index, all) => {
    const before = all[index - 1]?.share ?? recorder.shareOf(routes[0]!);
    const now = rollouts.filter((rollout) => revisionOf(rollout) < revisionOf(version)).map(runOf).at(-1);
    const isTakenBack = now?.outcome === "Aborted" || now?.outcome === "RolledBack";
    return isTakenBack && share > before ? [`the route goes from ${before}% to ${share}% at ${revisionOf(version)}, and run ${now.number} had been ${now.outcome} before`] : [];
  });
}

/** What a run has been through is not taken back: its intents are numbered upwards, in force since one time each, and it ends once. */
function shakyRuns({ rollouts }: Recorded): string[] {
  const runs = rollouts.flatMap((rollout) => runOf(rollout) ?? []);
  return runs.slice(1).flatMap((run, index) => {
    const before = runs[index]!;
    if (run.number !== before.number) return run.number === before.number + 1 ? [] : [`run ${run.number} follows run ${before.number}`];
    return [
      ...(run.epoch >= before.epoch ? [] : [`intent ${run.epoch} of run ${run.number} follows intent ${before.epoch}`]),
      ...(before.outcome === undefined || run.outcome === before.outcome ? [] : [`run ${run.number} was ${before.outcome}, and then ${run.outcome ?? "going on"}`]),
      ...(isSameTime(before, run) ? [] : [`intent ${run.epoch} of run ${run.number} was in force since ${before.inForceAt}, and then since ${run.inForceAt ?? "never"}`]),
    ];
  });
}

function isSameTime(before: Run, run: Run): boolean {
  return run.epoch !== before.epoch || before.inForceAt === undefined || run.inForceAt === before.inForceAt;
}

/**
 * Law 9, by the server's own times of the route's writes, which are whole seconds rounded down: a weight is in force a
 * second later, then it takes to propagate, and then it is held.
 */
function shortenedHolds({ rollouts, routes, recorder, propagation }: Recorded): string[] {
  const intents = changesOf(routes, recorder).filter(({ version }) => intentOf(version)[0] !== undefined);
  return intents.slice(1).flatMap(({ version, share }, index) => {
    const before = intents[index]!;
    const [number, epoch] = intentOf(before.version);
    const run = rollouts.flatMap((rollout) => runOf(rollout) ?? []).findLast((one) => one.number === number && one.epoch === epoch);
    const step = run?.ladder[run.step];
    if (!run || !step || isPauseStep(step) || intentOf(version)[0] !== number || share <= before.share) return [];
    const [tookMs, neededMs] = [writtenAtMs(version) - writtenAtMs(before.version), 1_000 + msOf(propagation) + msOf(step.hold)];
    return tookMs >= neededMs ? [] : [`${before.share}% was left for ${share}% after ${tookMs} ms, and ${neededMs} ms were to be held`];
  });
}

function writtenAtMs({ metadata }: ApiObject): number {
  const entries = metadata["managedFields"] as readonly { readonly manager: string; readonly time: string }[];
  return Date.parse(entries.findLast(({ manager }) => manager === ROUTE_MANAGER)!.time);
}
