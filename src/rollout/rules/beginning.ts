/** Rules at rest: first sight, what serves, and when a run begins. */
import { type Case, editableOf, isOlder, notReadyFor, present, routeOf, seenShare, splitOf, versionSeen } from "../case.ts";
import type { Beginning, Decision, Said } from "../decision.ts";
import { type Given, givenAt, isChange, isGiven, isPauseStep, loadAt, standingAt } from "../ladder.ts";
import type { Command } from "../command.ts";
import { deploymentSeen, waitingTemplateSaid } from "../deployment.ts";
import type { DeploymentSeen, DestinationSeen, RouteFound } from "../observation.ts";
import { portionSaid, standingSaid } from "../portion.ts";
import { askedTwice, cannotMirror, cannotPreview, noRoomFor, restorableFor } from "../route-obstacles.ts";
import { cannotPinAt } from "../sessions.ts";
import type { Step } from "../spec-steps.ts";
import type { Refused, Run, VersionRevision } from "../status.ts";
import { wayBackObstacle } from "../way-back.ts";
import { failure, leftBehind, takenBackSaid } from "./ending.ts";
import { pauseSaid } from "./pausing.ts";
import { accepted, byWhom, percent, type Rule, say, splitSaid, stay } from "./rule.ts";

/** The route is not there, or cannot be read: nothing else can be said. */
export const unrouted: Rule = (it) => (editableOf(it) ? undefined : (leftBehind(it) ?? routeSaid(it)));

/** Somebody mangled the route: what had to be taken back was taken back above, and nothing goes on until it is put right. */
export const mangled: Rule = (it) => leftBehind(it) ?? routeSaid(it);

function routeSaid(it: Case): Decision | undefined {
  const { route } = it.seen;
  if (route.kind === "found") return undefined;
  const message = it.run ? `${route.message}; ${waitingOn(it, it.run)}` : route.message;
  return route.kind === "absent" ? stay("Pending", "RouteMissing", message) : stay("Degraded", "InvalidSpec", message);
}

/** What becomes of a run whose route is not as it must be. */
function waitingOn(it: Case, run: Run): string {
  const { number, to, from } = run;
  const stands = `run ${number} of ${to.version} waits ${standingSaid(run)}`;
  if (restorableFor(it, [from.version, to.version])) return `${stands}, and abort gives everything to ${from.version}`;
  const why = failure(it, run);
  return why ? `${stands} and hurts (${why}), and cannot be taken back: put the route right, or give ${from.version} everything by hand` : `${stands}, and abort ends it`;
}

export const begun: Rule = (it) => {
  const route = routeOf(it);
  if (!route || it.run || it.status.stable) return undefined;
  if (route.managedBy) return managed(route.managedBy, route);
  const { release } = it.spec;
  const serving = route.destinations.filter(({ candidate, points }) => candidate && points > 0);
  const others = serving.filter(({ version }) => version !== release);
  if (others.length === 0 && serving.length > 0) return mixed(it) ?? { kind: "adopt", stable: present(it, release), ...say("Healthy", "NothingToDo", `${release} serves alone`) };
  const stable = stableAmong(it, others);
  if (!stable) return stay("Degraded", "StableUnknown", stableUnknown(it, route, others));
  return beginOrWait(it, route, { from: present(it, stable), direct: it.spec.strategy.firstRun === "direct" });
};

/** A Deployment in the middle of a roll serves two templates, and neither of them is proven: what comes of that is seen when it is over. */
function mixed(it: Case): Decision | undefined {
  const deployment = deploymentSeen(it);
  if (!deployment || deployment.otherPods === 0) return undefined;
  const { label, template, isPaused } = deployment;
  if (!isPaused) return stay("Pending", "FirstSight", `${label} rolls to ${template.version}: it is looked at as soon as all of its pods are of it`);
  return stay("Degraded", "StableUnknown", `${label} is paused in the middle of a roll to ${template.version}, so two templates serve: let it roll (kubectl rollout resume), or apply the other template again`);
}

function stableAmong(it: Case, others: readonly DestinationSeen[]): string | undefined {
  const { stable } = it.spec;
  if (stable) return others.some(({ version }) => version === stable) ? stable : undefined;
  return others.length === 1 ? others[0]!.version : undefined;
}

function stableUnknown(it: Case, route: RouteFound, others: readonly DestinationSeen[]): string {
  const serves = splitSaid(route);
  if (it.spec.stable) return `spec.stable names ${it.spec.stable}, but ${route.name} serves ${serves}: name a version that has weight there`;
  if (others.length === 0) return `${route.name} gives weight to nothing that ${it.spec.release} could be a version of (it serves ${serves}): send traffic to one version first`;
  return `${route.name} serves ${serves}: say in spec.stable which of ${others.map(({ version }) => version).join(", ")} is the stable one`;
}

function managed(by: string, route: RouteFound): Decision {
  return stay("Degraded", "ManagedByAnother", `${route.name} is managed by ${by}: take it away there first, or set analysis.mode to observe to look on beside it`);
}

interface Wish {
  readonly from: VersionRevision;
  readonly to?: VersionRevision;
  readonly direct: boolean;
  readonly refuse?: Beginning["refuse"];
  readonly actor?: string;
  readonly why?: string;
}

/** A run from stable to the release, from whatever share the route gives it now; or a sentence about what it needs. */
function beginOrWait(it: Case, route: RouteFound, wish: Wish): Decision {
  const to = wish.to ?? present(it, it.spec.release);
  const { backend } = versionSeen(it, to.version);
  if (backend.kind === "missing" && !it.spec.deployment) return stay("Pending", "TargetMissing", backend.message);
  const run = beginning(it, route, { ...wish, to });
  const number = it.status.runs + 1;
  const ladder = ladderOf(it, run.direct);
  if (run.enter !== undefined) return { kind: "begin", run, ...enteringSaid(it, `run ${number}: ${to.version}`, ladder, run.enter, wish.from) };
  const next = standingAt(ladder, run.weight) + 1;
  if (ladder[next] === undefined) return { kind: "begin", run, ...say("Progressing", "Stepping", `run ${number}: ${to.version} has ${percent(run.weight)} already, as the route's owner set it`) };
  return { kind: "begin", run, ...waitingSaid(run, cannotEnter(it, run, ladder, next) ?? "") };
}

/** A run whose ladder begins with a pause waits from the beginning. */
function enteringSaid(it: Case, subject: string, ladder: readonly Step[], step: number, from: VersionRevision): Said {
  const [given, first] = [givenAt(ladder, step), ladder[step]];
  if (isPauseStep(first)) return say("Paused", "Step", `${subject} ${pauseSaid(it, given, first)}`);
  return say("Progressing", "Stepping", `${subject} begins with ${portionSaid(given)}, ${from.version} is stable`);
}

/** A run that would go on if its next step could be entered. */
export function waitingSaid(run: { readonly to: VersionRevision } & Given, lacking: string): Said {
  const [phase, reason] = !isGiven(run) ? (["Pending", "NotReady"] as const) : (["Progressing", "Holding"] as const);
  return say(phase, reason, `${run.to.version} waits ${standingSaid(run)}: ${lacking}`);
}

function ladderOf(it: Case, direct: boolean): readonly Step[] {
  return direct ? DIRECT_LADDER : it.spec.strategy.steps;
}

/** Undo, rollback window and firstRun: direct know one step, and leave it as soon as it is in force. */
export const DIRECT_LADDER: readonly Step[] = [{ weight: 100, hold: "0s" }];

function beginning(it: Case, route: RouteFound, wish: Wish & { to: VersionRevision }): Beginning {
  const split = splitOf(route, wish.from.version, wish.to.version);
  const weight = seenShare(split);
  const ladder = ladderOf(it, wish.direct);
  const next = standingAt(ladder, weight) + 1;
  const run = {
    from: wish.from,
    to: wish.to,
    weight,
    points: split.canary,
    shape: { added: !split.hasCanary, unweighted: split.unweighted },
    direct: wish.direct,
    ...(wish.refuse ? { refuse: wish.refuse } : {}),
    ...(wish.actor ? { actor: wish.actor } : {}),
    ...(wish.why ? { why: wish.why } : {}),
  };
  return ladder[next] !== undefined && cannotEnter(it, run, ladder, next) === undefined ? { ...run, enter: next } : run;
}

/** Why a step cannot be entered yet; undefined when it can. */
export function cannotEnter(it: Case, run: { readonly from: VersionRevision; readonly to: VersionRevision; readonly direct?: boolean | undefined; readonly mirrored?: number | undefined }, ladder: readonly Step[], step: number): string | undefined {
  if (!isChange(ladder, step)) return undefined;
  const { weight, matched = [], mirrored, previewed } = givenAt(ladder, step);
  const lacking = noRoomFor(it, run) ?? askedTwice(it, matched) ?? cannotMirror(it, run, mirrored) ?? cannotPreview(it, previewed) ?? cannotPinAt(it, run, weight) ?? notReadyFor(it, run.to.version, loadAt(ladder, step));
  if (lacking) return lacking;
  if (!it.seen.crdIsCurrent) return "the CRD on the server is older than this daemon, so no step up is taken: apply deploy/crd.yaml";
  return run.direct ? undefined : wayBackObstacle(it, run.from.version);
}

/** A cached route that is older than the one from which the last run ended shows that run's own weights: they are nobody's will, and no run begins from them. */
export const outdated: Rule = (it) => {
  const endedFrom = it.ended?.endedFrom;
  const route = editableOf(it);
  if (it.run || it.observing || !route || endedFrom === undefined || !isOlder(route.resourceVersion, endedFrom)) return undefined;
  return stay(it.status.phase, it.status.reason, it.status.message);
};

/** A person wants what was stable before. */
export const undone: Rule = (it) => {
  const { command, status } = it;
  const route = routeOf(it);
  if (command?.verb !== "undo" || it.run || !route || !status.stable) return undefined;
  if (it.spec.deployment) return templateUndone(it, command, status.stable.version);
  const to = command.to === undefined ? status.formerStables[0] : status.history.find(({ number }) => number === command.to)?.from;
  if (!to || to.version === status.stable.version) return undefined;
  const why = `undone${byWhom(command)}`;
  const refuse = refusedByUndo(it, why);
  return { ...beginOrWait(it, route, { from: status.stable, to, direct: true, refuse, actor: command.actor, why }), ...accepted(command, `going back to ${to.version}`) };
};

/** The template before is written back: that of stable, where another one waits, else that of the stable version before it, which then goes the direct way. */
function templateUndone(it: Case, command: Command, stable: string): Decision | undefined {
  const deployment = deploymentSeen(it);
  const to = deployment && undoneTemplate(it, command, deployment);
  if (!deployment || to === undefined) return undefined;
  const message = `the template of ${to} is written back into ${deployment.label}`;
  const [phase, reason] = to === stable ? (["Pending", "NotReady"] as const) : (["Progressing", "Stepping"] as const);
  return { kind: "restore", from: deployment.template.version, to, ...say(phase, reason, `undone${byWhom(command)}: ${message}`), ...accepted(command, message) };
}

/** Which template an undo brings back; undefined where there is none. */
export function undoneTemplate({ status }: Pick<Case, "status">, { to }: Pick<Command, "to">, { template, remembered }: DeploymentSeen): string | undefined {
  const { stable, formerStables, history } = status;
  const waits = stable !== undefined && template.version !== stable.version;
  const wanted = to === undefined ? (waits ? stable : formerStables[0]) : history.find(({ number }) => number === to)?.from;
  return wanted !== undefined && wanted.version !== template.version && remembered.includes(wanted.version) ? wanted.version : undefined;
}

/** Whatever the spec names is not tried again after an undo; a refusal that stands already keeps its reason. */
function refusedByUndo(it: Case, why: string): NonNullable<Beginning["refuse"]> {
  const { release } = it.spec;
  const { refused } = it.status;
  if (refused?.version === release) return { version: { version: release, revision: refused.revision }, because: refused.because, reason: refused.reason };
  return { version: present(it, release), because: "Aborted", reason: `${why}; spec.release still names ${release}` };
}

export const settled: Rule = (it) => {
  const { status, command } = it;
  const route = routeOf(it);
  if (it.run || !route || !status.stable || command) return undefined;
  const only = servedBy(route, status.stable.version);
  if (only === it.spec.release) return healthy(it, route, only);
  const refused = refusedOf(it);
  return refused && refusedSaid(it, only, refused);
};

function servingIn({ destinations }: RouteFound): readonly DestinationSeen[] {
  return destinations.filter(({ candidate, points }) => candidate && points > 0);
}

/** What has everything by its owner's will is stable from then on. */
function servedBy(route: RouteFound, stable: string): string {
  const serving = servingIn(route);
  return serving.length === 1 ? serving[0]!.version : stable;
}

function healthy(it: Case, route: RouteFound, version: string): Decision {
  const { ended } = it;
  const serving = servingIn(route);
  const delivered = ended?.outcome === "Succeeded" && ended.to.version === version;
  const isAsLeft = delivered && splitOf(route, ended.from.version, version).canary === ended.points; // others had their share before, too
  if (serving.length > 1 && !isAsLeft) {
    const split = splitSaid({ destinations: serving });
    return { kind: "adopt", stable: present(it, version), ...say("Healthy", "NothingToDo", `${version} is stable; the route serves ${split}, as its owner set it`) };
  }
  const said = delivered ? say("Healthy", "Succeeded", `${version} has all the traffic since run ${ended.number}`) : say("Healthy", "NothingToDo", `${version} serves alone`);
  return { kind: "adopt", stable: present(it, version), ...said };
}

/** A refused revision is not tried again while the spec goes on naming it (law 8). */
function refusedOf(it: Case): Refused | undefined {
  const { refused, refusedBefore = [] } = it.status;
  const now = versionSeen(it, it.spec.release).revision;
  const isMeant = ({ version, revision }: Refused): boolean => version === it.spec.release && (now === "" || now === revision);
  return refused && isMeant(refused) ? refused : refusedBefore.find(isMeant);
}

function refusedSaid(it: Case, serving: string, refused: Refused): Decision {
  const { because, reason, version } = refused;
  const { ended } = it;
  const fresh = ended?.to.version === version && ended.outcome !== "Succeeded";
  const message = `${fresh ? takenBackSaid(ended, reason) : undoneSaid(serving, version, reason)}${waitingTemplateSaid(it, serving)}`;
  return { kind: "adopt", stable: present(it, serving), refused, ...say("Degraded", because, message) };
}

/** Said by an undo that has arrived, and from then on. */
export function undoneSaid(serving: string, refused: string, reason: string): string {
  return `${serving} serves again; ${refused} was ${reason}`;
}

/** A new revision, or one that a person wants tried again. */
export const started: Rule = (it) => {
  const { command, status } = it;
  const route = routeOf(it);
  if (it.run || !route || !status.stable || (command && command.verb !== "retry")) return undefined;
  if (route.managedBy) return managed(route.managedBy, route);
  const { release, strategy } = it.spec;
  if (release === "" || status.restoring) return undefined;
  if (deploymentSeen(it)?.replicas === 0) return { kind: "adopt", stable: present(it, release), ...say("Healthy", "NothingToDo", `${release} takes the place of ${status.stable.version}: the Deployment is scaled to 0, so nobody is served meanwhile`) };
  const now = present(it, release);
  const known = status.formerStables.slice(0, strategy.rollbackWindow).some(({ version, revision }) => version === release && (revision === now.revision || now.revision === ""));
  const why = known ? `${release} was stable before (rollbackWindow)` : command && `retried${byWhom(command)}`;
  return {
    ...beginOrWait(it, route, { from: present(it, servedBy(route, status.stable.version)), direct: known, ...(why ? { why } : {}), ...(command ? { actor: command.actor } : {}) }),
    ...accepted(command, `${release} is tried again`),
  };
};
