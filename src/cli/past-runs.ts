/** The runs of Rollouts: those that ended from their records, and from status what has none: the one that goes on, and what was before there were records. */
import { RESOURCES, type KubernetesObject, type ListOptions } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { rolloutOf } from "../kubernetes/rollout-object.ts";
import type { Rollout } from "../rollout/rollout.ts";
import { RolloutRunSpec, RUN_LABELS, runLabelOf } from "../rollout/rollout-run.ts";
import { endedSaid } from "../rollout/rules/ending.ts";
import type { Run } from "../rollout/status.ts";
import type { Cluster } from "./cluster.ts";
import { EXIT, Failure } from "./failure.ts";
import { getRollout, listRollouts, plainName } from "./targets.ts";

/** What its record says, as far as there is one. */
export type RunSeen = Partial<RolloutRunSpec> &
  Pick<RolloutRunSpec, "rollout" | "number" | "from" | "to" | "startedAt" | "peak"> & {
    readonly namespace: string;
    /** The RolloutRun's name; absent: status alone remembers the run. */
    readonly record?: string;
  };

export interface RunsAsked {
  /** Of one Rollout; absent: of all. */
  readonly name?: string | undefined;
  readonly allNamespaces?: boolean | undefined;
  /** Runs that ended before are left out. */
  readonly sinceMs?: number | undefined;
}

export interface RunsFound {
  /** Newest first. */
  readonly runs: readonly RunSeen[];
  /** Sentences about what could not be read. */
  readonly notes: readonly string[];
}

const PAGE = 200;

/** Also of Rollouts that are gone. Throws a `Failure` where neither the Rollout nor a record of it is there. */
export async function runsFor(cluster: Cluster, asked: RunsAsked): Promise<RunsFound> {
  const name = asked.name === undefined ? undefined : plainName(asked.name);
  const [records, rollouts] = await Promise.all([recordsFor(cluster, name, asked), rolloutsFor(cluster, name, asked)]);
  if (rollouts instanceof Failure && records.runs.length === 0) throw rollouts;
  const known = new Set(records.runs.map(keyOf));
  const remembered = (rollouts instanceof Failure ? [] : rollouts).flatMap((object) => runsInStatus(rolloutOf(object))).filter((run) => !known.has(keyOf(run)));
  const { sinceMs = 0 } = asked;
  const runs = [...records.runs, ...remembered].filter(({ endedAt }) => endedAt === undefined || Date.parse(endedAt) >= sinceMs);
  return { runs: runs.toSorted((one, other) => Date.parse(other.startedAt) - Date.parse(one.startedAt)), notes: records.notes };
}

function keyOf({ namespace, rollout, number }: RunSeen): string {
  return `${namespace}/${rollout.uid}/${number}`;
}

/** Where there is none of that name: the sentence that says so. */
async function rolloutsFor(cluster: Cluster, name: string | undefined, { allNamespaces = false }: RunsAsked): Promise<readonly KubernetesObject[] | Failure> {
  if (name === undefined) return listRollouts(cluster, { allNamespaces });
  try {
    return [await getRollout(cluster, name)];
  } catch (error) {
    if (error instanceof Failure && error.exitCode === EXIT.notFound) return error;
    throw error;
  }
}

/** The run that goes on, then those that ended, as status has them. */
export function runsInStatus({ metadata: { namespace, name, uid }, spec, status }: Rollout): readonly RunSeen[] {
  if (!status) return [];
  const common = { namespace, rollout: { name, uid } };
  const { run, history } = status;
  const past = history.map(({ weight, ...each }): RunSeen => ({ ...common, ...each, peak: weight }));
  if (!run) return past;
  const whole = "invalid" in spec ? {} : { resolved: spec };
  const { number, from, to, peak, ladder, startedAt, endedAt, outcome, actor, reason, checks, evidence, share, wouldRollBack } = run;
  const message = outcome === undefined ? status.message : endedSaid({ status }, run).message;
  const present: RunSeen = { ...common, number, from, to, outcome, actor, reason, message, startedAt, endedAt, peak, ladder, wouldRollBack, checks, evidence, share, ...whole };
  return [present, ...past.filter((each) => each.number !== number)];
}

async function recordsFor(cluster: Cluster, name: string | undefined, { allNamespaces = false }: RunsAsked): Promise<RunsFound> {
  const options = name === undefined ? {} : { labelSelector: `${RUN_LABELS.rollout}=${runLabelOf(name)}` };
  try {
    return readRecords(await listRecords(cluster, allNamespaces ? undefined : cluster.namespace, options), name);
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 403 && error.status !== 404)) throw error;
    const why = error.status === 403 ? "you may not list rolloutruns" : "the API server knows no RolloutRun";
    return { runs: [], notes: [`no records are seen, because ${why}; status remembers the last ten runs of each Rollout`] };
  }
}

async function listRecords({ client }: Cluster, namespace: string | undefined, options: ListOptions): Promise<readonly KubernetesObject[]> {
  const items: KubernetesObject[] = [];
  let next: string | undefined;
  do {
    const page = await client.list(RESOURCES.rolloutRuns, namespace, { ...options, limit: PAGE, ...(next !== undefined && { continue: next }) });
    items.push(...page.items);
    next = page.metadata.continue || undefined;
  } while (next !== undefined);
  return items;
}

/** What another Weir has written of evidence may have another shape: the rest of the record is read nevertheless. */
const RunRead = RolloutRunSpec.extend({
  ladder: RolloutRunSpec.shape.ladder.catch([]),
  checks: RolloutRunSpec.shape.checks.catch([]),
  evidence: RolloutRunSpec.shape.evidence.catch(undefined),
  share: RolloutRunSpec.shape.share.catch(undefined),
  told: RolloutRunSpec.shape.told.catch([]),
});

function readRecords(objects: readonly KubernetesObject[], name: string | undefined): RunsFound {
  const runs = objects.flatMap(({ metadata, spec }): readonly RunSeen[] => {
    const read = RunRead.safeParse(spec);
    return read.success ? [{ namespace: metadata.namespace ?? "", record: metadata.name, ...read.data }] : [];
  });
  const unread = objects.length - runs.length;
  const notes = unread === 0 ? [] : [`${unread} ${unread === 1 ? "record was" : "records were"} not written by a Weir that this one knows; kubectl get weirruns -o yaml shows them`];
  return { runs: runs.filter(({ rollout }) => name === undefined || rollout.name === name), notes };
}

/** A run that has ended, as far as its record tells; what only served it while it went on is left at nothing. */
export function endedRun(seen: RunSeen): Run {
  const { number, from, to, peak, startedAt, endedAt, outcome, actor, reason, wouldRollBack, evidence, share, ladder = [], checks = [] } = seen;
  const known = { number, from, to, ladder, peak, startedAt, checks, actor, reason, outcome, endedAt, wouldRollBack, evidence, share };
  const gone = { step: ladder.length - 1, weight: peak, points: 0, epoch: 0, shape: { added: false, unweighted: false }, raises: [], announcements: [], notified: [], announced: 0 };
  return { ...known, ...gone, release: to.version, target: { istio: { virtualServices: [] } } };
}
