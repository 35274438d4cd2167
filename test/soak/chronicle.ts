/** What two watches have seen of one Rollout and of the route that it steers: tells who waits for something, and judges every version. */
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { Outcome, RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { CANARY, PRIMARY, STABLE } from "../support/deliveries.ts";
import { createRouteRecorder } from "../support/route-recorder.ts";
import { brokenOrder, forgetting, isOfRun, type OrderRecord, type RouteWrite } from "./order-laws.ts";

/** How it stands. */
export interface Standing {
  /** Absent: there is no such Rollout. */
  readonly uid?: string;
  readonly generation: number;
  readonly status?: RolloutStatus;
  /** By version, in percent. */
  readonly shares: Readonly<Record<string, number>>;
}

export interface Chronicle {
  seeRollout(version: ApiObject, type: string): void;
  seeRoute(version: ApiObject): void;
  now(): Standing;
  /** Settles when it stands like this, if only for a moment. */
  reached(isThere: (standing: Standing) => boolean): Promise<void>;
  /** A hand will write this share of `CANARY`, in percent. */
  allow(share: number): void;
  /** A sentence for each breach of a law so far. */
  violations(): readonly string[];
  /** Since when nothing has happened for which somebody waits; undefined: nobody waits. */
  waitingSinceMs(): number | undefined;
  counts(): Counts;
}

export interface Counts {
  readonly statuses: number;
  readonly routes: number;
  readonly ended: Readonly<Partial<Record<Outcome, number>>>;
}

interface Waiting {
  readonly isThere: (standing: Standing) => boolean;
  readonly resolve: () => void;
  readonly sinceMs: number;
}

/** `ladder`: canary shares; each version is now the canary, now stable. */
export function createChronicle(name: string, ladder: readonly number[], onShares: (shares: Standing["shares"]) => void): Chronicle {
  const laws = createLawBook(name, ladder);
  const waiting = new Set<Waiting>();
  let standing: Standing = { generation: 0, shares: {} };
  const become = (next: Standing): void => {
    standing = next;
    for (const one of [...waiting].filter(({ isThere }) => isThere(standing))) {
      waiting.delete(one);
      one.resolve();
    }
  };
  return {
    seeRollout(version, type) {
      const { uid, generation } = version.metadata as unknown as { readonly uid: string; readonly generation: number };
      const status = version["status"] as RolloutStatus | undefined;
      if (status) laws.seeStatus(uid, revisionOf(version), status);
      const { uid: _uid, status: _status, ...rest } = standing;
      become(type === "DELETED" ? rest : { ...rest, uid, generation, ...(status && { status }) });
    },
    seeRoute(version) {
      const shares = sharesIn(version);
      laws.seeRoute(version, shares);
      onShares(shares);
      become({ ...standing, shares });
    },
    now: () => standing,
    reached: (isThere) =>
      new Promise((resolve) => {
        if (isThere(standing)) resolve();
        else waiting.add({ isThere, resolve, sinceMs: performance.now() });
      }),
    allow: laws.allow,
    violations: laws.violations,
    waitingSinceMs: () => [...waiting][0]?.sinceMs,
    counts: laws.counts,
  };
}

function createLawBook(name: string, ladder: readonly number[]) {
  const broken = new Set<string>();
  const ended: Partial<Record<Outcome, number>> = {};
  const judged = createVersionJudge(name, ladder);
  let record: OrderRecord = { commits: [], ends: [], writes: [] };
  let statuses = 0;
  let routes = 0;

  function noteEnd(uid: string, revision: number, { run }: RolloutStatus): void {
    if (!run?.outcome || record.ends.some((end) => isOfRun(end, { uid, run: run.number }))) return;
    record = { ...record, ends: [...record.ends, { uid, run: run.number, to: run.to.version, outcome: run.outcome, revision }] };
    ended[run.outcome] = (ended[run.outcome] ?? 0) + 1;
    judgeOrder();
    record = forgetting(record);
  }

  const judgeOrder = (): void => brokenOrder(record).forEach((sentence) => broken.add(`${name}: ${sentence}`));
  return {
    allow: judged.allow,
    seeStatus(uid: string, revision: number, status: RolloutStatus): void {
      statuses += 1;
      const { run } = status;
      if (run && !record.commits.some((commit) => isOfRun(commit, { uid, run: run.number }) && commit.epoch === run.epoch)) {
        record = { ...record, commits: [...record.commits, { uid, run: run.number, epoch: run.epoch, revision }] };
      }
      noteEnd(uid, revision, status);
    },
    seeRoute(version: ApiObject, shares: Standing["shares"]): void {
      routes += 1;
      judged.see(version).forEach((sentence) => broken.add(sentence));
      const stamp = stampOf(version);
      record = { ...record, writes: [...record.writes, { revision: revisionOf(version), shares, ...(stamp && { stamp }) }] };
    },
    violations: (): readonly string[] => {
      judgeOrder();
      return [...broken];
    },
    counts: (): Counts => ({ statuses, routes, ended }),
  };
}

/** The route recorder over the first version and the newest alone, so that days of versions need no memory. */
function createVersionJudge(name: string, ladder: readonly number[]) {
  const seen: ApiObject[] = [];
  const bothWays = ladder.flatMap((share) => [share, 100 - share]);
  const recorder = createRouteRecorder({ of: () => seen }, { name, route: PRIMARY, host: name, stable: STABLE, canary: CANARY, ladder: bothWays });
  return {
    allow: recorder.allow,
    see(version: ApiObject): readonly string[] {
      seen.splice(seen.length === 0 ? 0 : 1, 1, version);
      return recorder.violations();
    },
  };
}

interface Destination {
  readonly destination: { readonly subset: string };
  readonly weight?: number;
}

function sharesIn(version: ApiObject): Standing["shares"] {
  const { http } = version["spec"] as { readonly http: readonly { readonly name: string; readonly route: readonly Destination[] }[] };
  const route = http.find((one) => one.name === PRIMARY)?.route ?? [];
  return Object.fromEntries(route.map(({ destination, weight }) => [destination.subset, weight ?? (route.length === 1 ? 100 : 0)]));
}

function stampOf({ metadata }: ApiObject): RouteWrite["stamp"] {
  const stamp = (metadata["annotations"] as Readonly<Record<string, string>> | undefined)?.[EPOCH_ANNOTATION];
  const [, uid, run, epoch] = /^(.+)\/(\d+)\.(\d+)$/.exec(stamp ?? "") ?? [];
  return uid === undefined ? undefined : { uid, run: Number(run), epoch: Number(epoch) };
}

function revisionOf({ metadata }: ApiObject): number {
  return Number(metadata["resourceVersion"]);
}
