/** The next status: the only place where state changes. */
import { announced, withFolded } from "./announcements.ts";
import { type Case, inForceAtMs, isOlder, present, routeOf, splitOfRun, versionSeen, wantedPoints } from "./case.ts";
import { applied } from "./change.ts";
import { conditionsOf } from "./conditions.ts";
import type { Decision } from "./decision.ts";
import { isWeightStep } from "./ladder.ts";
import { nextLookMs } from "./next-look.ts";
import { stepOf } from "./notice.ts";
import type { Observation } from "./observation.ts";
import { caseOf } from "./read-case.ts";
import type { ValidRollout } from "./rollout.ts";
import { movesConnections, targetsIn } from "./route-names.ts";
import { DEPLOYMENT_STATUS_VERSION, type LastCommand, MIRROR_STATUS_VERSION, PLAIN_STATUS_VERSION, SESSION_STATUS_VERSION, type RolloutStatus, type Run, STATUS_VERSION } from "./status.ts";
import { timeOf } from "./units.ts";

/** How many earlier commands are known by their ids; those of an earlier run are refused by its number. */
const ANSWERED_LIMIT = 10;

/** Pure: what status will say after a decision. */
export function nextStatus(rollout: ValidRollout, seen: Observation, decision: Decision): RolloutStatus {
  const it = caseOf(rollout, seen);
  const learnt = withLearnt(it, { ...it.status, ...(it.run ? { run: it.run } : {}) });
  const changed = applied(it, learnt, decision);
  const said = { ...changed, phase: decision.phase, reason: decision.reason, message: decision.message };
  const answered = decision.answer ? { ...said, ...answeredBefore(it.status), lastCommand: answerOf(it, decision) } : said;
  const told = withFolded(it, announced(it, answered, decision));
  const conditioned = { ...told, version: versionOf(it, told), conditions: conditionsOf(it, told) };
  return withColumns(it, withNextLook(it, conditioned));
}

/** A daemon that knows not several objects that move together, no Deployment by the Gateway API, no sessions, no routes of connections, no previews (or keeps no old version), no mirrors, or no Deployments, would drop what status says of one: it leaves such a status alone (law 15). */
function versionOf({ spec }: Case, { run }: RolloutStatus): number {
  const targets = [spec.traffic, ...(run ? [run.target] : [])];
  const isOfDeployment = spec.deployment !== undefined || run?.deployment !== undefined;
  if (targets.some((target) => targetsIn(target).length > 1 || (isOfDeployment && target.gatewayApi !== undefined))) return STATUS_VERSION;
  if (spec.strategy.sessionAffinity !== undefined || run?.sessions !== undefined || targets.some(movesConnections)) return SESSION_STATUS_VERSION;
  if (run?.previewed !== undefined || run?.keptSince !== undefined || run?.ladder.some((step) => step.preview !== undefined || (isWeightStep(step) && step.keepOld !== undefined))) return SESSION_STATUS_VERSION;
  if (run?.mirrored !== undefined || run?.ladder.some((step) => isWeightStep(step) && step.mirror !== undefined)) return MIRROR_STATUS_VERSION;
  return isOfDeployment ? DEPLOYMENT_STATUS_VERSION : PLAIN_STATUS_VERSION;
}

/** What the world shows without anybody's decision: revisions, and since when a weight is in force. */
function withLearnt(it: Case, status: RolloutStatus): RolloutStatus {
  const { run, stable } = status;
  const serving = stable && versionSeen(it, stable.version).revision;
  return {
    ...status,
    ...(stable && serving ? { stable: { ...stable, revision: serving } } : {}),
    ...(run && it.run ? { run: withLearntRun(it, run) } : {}),
  };
}

function withLearntRun(it: Case, run: Run): Run {
  const inForce = inForceAtMs(it, run);
  const split = it.observing ? undefined : splitOfRun(it, run);
  const revision = run.to.revision || versionSeen(it, run.to.version).revision;
  return {
    ...run,
    to: { ...run.to, revision },
    points: split ? wantedPoints(run, split) : run.points,
    ...(inForce === undefined ? {} : { inForceAt: timeOf(inForce), ...shownIn(it, run) }),
  };
}

/** It never goes back. */
function shownIn(it: Case, run: Run): Pick<Run, "shownAt"> {
  const { resourceVersion } = routeOf(it) ?? {};
  return resourceVersion === undefined || (run.shownAt !== undefined && isOlder(resourceVersion, run.shownAt)) ? {} : { shownAt: resourceVersion };
}

function answeredBefore({ lastCommand, answered = [] }: RolloutStatus): Pick<RolloutStatus, "answered"> {
  return lastCommand ? { answered: [lastCommand.id, ...answered].slice(0, ANSWERED_LIMIT) } : {};
}

function answerOf(it: Case, { answer }: Decision): LastCommand {
  const { command, result, message } = answer!;
  const { id, verb, run, actor, reason } = command;
  return { id, verb, run, actor, ...(reason ? { reason } : {}), result, message, at: timeOf(it.nowMs) };
}

function withNextLook(it: Case, status: RolloutStatus): RolloutStatus {
  if (!status.run) return status;
  const { nextLookAt: _, ...run } = status.run;
  const look = nextLookMs(it, status);
  return { ...status, run: { ...run, ...(look === undefined ? {} : { nextLookAt: timeOf(look) }) } };
}

/** What the printer columns show. */
function withColumns(it: Case, status: RolloutStatus): RolloutStatus {
  const { step: _step, weight: _weight, ...rest } = status;
  const run = status.run && !status.run.outcome ? status.run : undefined;
  const weight = run ? run.weight : routeShare(it, status);
  return {
    ...rest,
    ...(run ? { step: stepOf(run) } : {}),
    ...(weight === undefined ? {} : { weight: `${Number(weight.toFixed(1))}%` }),
    observedGeneration: it.rollout.metadata.generation,
    observedRevision: present(it, it.spec.release),
  };
}

/** At rest: what the release gets; in the tick that ends a run, what it is about to get. */
function routeShare(it: Case, status: RolloutStatus): number | undefined {
  const { release } = it.spec;
  const endsNow = it.run && status.run?.outcome ? status.run : undefined;
  if (endsNow?.to.version === release) return endsNow.points;
  if (endsNow?.from.version === release) return (splitOfRun(it, endsNow)?.total ?? 100) - endsNow.points;
  return routeOf(it)?.destinations.find(({ version }) => version === release)?.points;
}
