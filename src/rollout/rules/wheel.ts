/** Rules about a hand on the wheel (law 12): somebody else wrote the route. */
import { type Case, editableOf, isBehind, isRaised, isShown, lanesOf, matchState, mirrorState, routeOf, seenShare, type Split, splitOf, splitOfRun, splitsOfRun, stampOf, versionSeen, wantedPoints } from "../case.ts";
import { appliesFromGit } from "../appliers.ts";
import type { Decision } from "../decision.ts";
import { shareOf } from "../ladder.ts";
import type { RouteFound } from "../observation.ts";
import { pickedSaid, portionSaid } from "../portion.ts";
import { movableFor, writableFor } from "../route-obstacles.ts";
import { sessionState } from "../sessions.ts";
import type { Run } from "../status.ts";
import { instantOf } from "../units.ts";
import { taken } from "./ending.ts";
import { percent, type Rule, say, stay, strangerOf } from "./rule.ts";

const CONTEST_WINDOW_MS = 5 * 60_000;
const CONTEST_PACE_MS = 30_000;
/** So many raises within the window are a fight. */
const PATIENCE = 3;

/** Somebody moved traffic off the new version: leave it so, and ask. */
export const takenOver: Rule = (it) => {
  const { run } = it;
  const split = run && splitOfRun(it, run);
  const route = routeOf(it);
  if (!run || !split || !route || it.observing || isBehind(it, run)) return undefined;
  if (run.rollingSince !== undefined) return takenWhileRolling(it, run, split, route);
  if (hasBeenSplit(it, run) && route.isSplit === false) return { kind: "yield", points: 0, ...say("Paused", "RouteEditedByHand", `${strangerOf(it)} had ${route.name} lead to every pod again, so ${run.to.version} has none for now${wayOutOf(it)}`) };
  const removed = isShown(it, run) ? removedFrom(it, run, { split, route }) : undefined;
  if (removed !== undefined) return { kind: "yield", points: split.canary, ...say("Paused", "RouteEditedByHand", `${strangerOf(it)} took ${removed} away from ${run.to.version}${wayOutOf(it)}`) };
  if (!isLowered(it, run, split)) return undefined;
  const from = isShown(it, run) || isLoweredBetween(it, run) ? run.weight : shareOf(leastOf(it, run, split), split.total);
  const message = `${strangerOf(it)} lowered ${run.to.version} from ${percent(from)} to ${percent(seenShare(split))}${wayOutOf(it)}`;
  return { kind: "yield", points: split.canary, ...say("Paused", "RouteEditedByHand", message) };
};

/** A step is only entered once the sides are apart: whatever became of its own intent, that they are not any more is somebody's doing. */
function hasBeenSplit(it: Case, run: Run): boolean {
  return run.isSplit === true && (run.step >= 0 || isShown(it, run));
}

/** What the route gave the new version beside its share, and does not any more. */
function removedFrom(it: Case, run: Run, { split, route }: { readonly split: Split; readonly route: RouteFound }): string | undefined {
  if (matchState(run, route) === "removed") return pickedSaid(run).join(" and ");
  if (mirrorState(run, route) === "removed") return "the shadows of requests";
  return sessionState(it, run, route) === "removed" && !isLowered(it, run, split) ? "the users that stay with it" : undefined;
}

/** There is no weight to go on from any more: its pods are being replaced. With the owner's route every pod is a good one by then. */
function takenWhileRolling(it: Case, run: Run, split: Split, { isSplit }: RouteFound): Decision | undefined {
  if (!isSplit || !isLowered(it, run, split)) return undefined;
  return taken(it, run, `${strangerOf(it)} lowered ${run.to.version} to ${percent(seenShare(split))} while the Deployment rolled to it`);
}

function wayOutOf(it: Case): string {
  if (!appliesFromGit(strangerOf(it))) return ": resume goes on at the step above it, abort takes it back";
  return `, and will again: exclude ${fieldsOf(it)} from what it applies (weir doctor prints the rule), then resume; abort takes it back`;
}

function fieldsOf(it: Case): string {
  const { fields, name } = editableOf(it)!;
  return `${fields.map((field) => `spec.${field}`).join(" and ")} of ${name}`;
}

/** Below its points, or without any because the others have them all. */
function isLowered(it: Case, run: Run, split: Split): boolean {
  return split.canary < leastOf(it, run, split) || (split.total === 0 && run.weight > 0 && isShown(it, run)) || isLoweredBetween(it, run);
}

/** Of several objects one shows the intent already, and less than that: a hand came between their writes. */
function isLoweredBetween(it: Case, run: Run): boolean {
  const { parts = [] } = editableOf(it) ?? {};
  return parts.some((part) => {
    const split = splitOf(part, run.from.version, run.to.version);
    return part.stamp === stampOf(it, run) && (part.following?.atMost ?? split.canary) < wantedPoints(run, split);
  });
}

/** The points that only a hand could have taken away: those of the intent once it is shown, till then those that it was decided at. */
function leastOf(it: Case, run: Run, split: Split): number {
  const wanted = wantedPoints(run, split);
  return isShown(it, run) ? wanted : Math.min(run.decidedAt ?? 0, wanted);
}

/** Somebody raised the new version's share: put it back before judging. */
export const drifted: Rule = (it) => {
  const { run } = it;
  const deed = run && !it.observing && !isBehind(it, run) && isShown(it, run) && isRepairable(it, run) ? raiseSaid(it, run) : undefined;
  if (!run || !deed) return undefined;
  const who = strangerOf(it);
  if (recentRaises(run, it.nowMs).length + 1 < PATIENCE) return { kind: "repair", ...say("Progressing", "Stepping", `${who} ${deed.once}; ${deed.mended}`) };
  const message = `${who} ${deed.always}: exclude ${fieldsOf(it)} from what it applies, then resume`;
  return !isContested(run, it.nowMs) || mayRepair(run, it.nowMs) ? { kind: "repair", ...say("Paused", "RouteContested", message) } : stay("Paused", "RouteContested", message);
};

/** What somebody did who gave the new version more than it should have; undefined where nobody did. */
function raiseSaid(it: Case, run: Run): { readonly once: string; readonly always: string; readonly mended: string } | undefined {
  const split = splitsOfRun(it, run).find((one) => isRaised(run, one));
  const { version } = run.to;
  if (split) {
    const seen = percent(seenShare(split));
    return { once: `raised ${version} to ${seen}`, always: `keeps raising ${version} to ${seen}`, mended: `it is put back to ${percent(run.weight)}` };
  }
  if (mirrorState(run, editableOf(it)!) === "changed") return { once: `changed which requests are mirrored to ${version}`, always: `keeps changing which requests are mirrored to ${version}`, mended: `it gets ${portionSaid(run)} again` };
  if (sessionState(it, run, editableOf(it)!) === "changed") return { once: `changed which users stay with ${version}`, always: `keeps changing which users stay with ${version}`, mended: `it gets ${portionSaid(run)} of them again` };
  if (matchState(run, editableOf(it)!) !== "changed") return undefined;
  return { once: `changed which requests ${version} gets`, always: `keeps changing which requests ${version} gets`, mended: `it gets ${portionSaid(run)} again` };
}

/** A route that has gone elsewhere is only ever taken back. */
function isRepairable(it: Case, run: Run): boolean {
  const route = movableFor(it, run);
  return route !== undefined && route.foundAt === undefined;
}

/** A refused version was raised at rest: back to 0. */
export const refusedRaised: Rule = (it) => {
  const { refused, stable } = it.status;
  const route = stable && refused && !it.spec.deployment ? writableFor(it, [stable.version, refused.version]) : undefined;
  if (it.run || it.observing || !refused || !stable || !route || refused.version === stable.version || it.command) return undefined;
  const raised = raisedIn(route, refused.version);
  const now = versionSeen(it, refused.version).revision;
  if (!raised || (now !== "" && refused.revision !== "" && now !== refused.revision)) return undefined;
  const said = `${strangerOf(it)} raised ${refused.version}, which is refused (${refused.reason}), to ${raised}`;
  if (versionSeen(it, stable.version).readyPods === 0) return stay("Degraded", "StableUnready", `${said}: it is put back to 0 as soon as ${stable.version} has a ready pod`);
  const message = `${said}: it is put back to 0`;
  if (it.ended && isContested(it.ended, it.nowMs) && !mayRepair(it.ended, it.nowMs)) return stay("Degraded", refused.because, message);
  return { kind: "repair", ...say("Degraded", refused.because, message) };
};

/** What a version has there; undefined where it has nothing. */
function raisedIn(route: RouteFound, version: string): string | undefined {
  const { matched, sessions } = route;
  const points = Math.max(...lanesOf(route).map((lane) => lane.find((one) => one.version === version)?.points ?? 0));
  if (points > 0) return String(points);
  if (matched?.version === version) return "the matched requests";
  return sessions?.versions.includes(version) ? "the users that stayed with it" : undefined;
}

export function recentRaises(run: Run, nowMs: number): string[] {
  return run.raises.filter((time) => instantOf(time) > nowMs - CONTEST_WINDOW_MS);
}

/** True once raises come so often that putting them back is a fight. */
export function isContested(run: Run, nowMs: number): boolean {
  return recentRaises(run, nowMs).length >= PATIENCE;
}

function mayRepair(run: Run, nowMs: number): boolean {
  return nowMs >= nextRepairMs(run);
}

/** When a contested raise is put back next, milliseconds since the epoch. */
export function nextRepairMs(run: Run): number {
  const last = run.raises.at(-1);
  return last === undefined ? 0 : instantOf(last) + CONTEST_PACE_MS;
}

