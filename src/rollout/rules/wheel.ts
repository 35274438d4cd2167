/** Rules about a hand on the wheel (law 12): somebody else wrote the route. */
import { type Case, editableOf, isBehind, isOlder, isRaised, isShown, matchState, routeOf, seenShare, type Split, splitOfRun, versionSeen, wantedPoints } from "../case.ts";
import { appliesFromGit } from "../appliers.ts";
import { shareOf } from "../ladder.ts";
import type { RouteFound } from "../observation.ts";
import { portionSaid } from "../portion.ts";
import { writableFor } from "../route-write.ts";
import type { Run } from "../status.ts";
import { instantOf } from "../units.ts";
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
  if (isShown(it, run) && matchState(run, route) === "removed") return { kind: "yield", points: split.canary, ...say("Paused", "RouteEditedByHand", `${strangerOf(it)} took the matched requests away from ${run.to.version}${wayOutOf(it)}`) };
  if (!isLowered(it, run, split)) return undefined;
  const from = isShown(it, run) ? run.weight : shareOf(leastOf(it, run, split), split.total);
  const message = `${strangerOf(it)} lowered ${run.to.version} from ${percent(from)} to ${percent(seenShare(split))}${wayOutOf(it)}`;
  return { kind: "yield", points: split.canary, ...say("Paused", "RouteEditedByHand", message) };
};

function wayOutOf(it: Case): string {
  if (!appliesFromGit(strangerOf(it))) return ": resume goes on at the step above it, abort takes it back";
  return `, and will again: exclude spec.${editableOf(it)!.field} of ${editableOf(it)!.name} from what it applies (weir doctor prints the rule), then resume; abort takes it back`;
}

/** Below its points, or without any because the others have them all. */
function isLowered(it: Case, run: Run, split: Split): boolean {
  return split.canary < leastOf(it, run, split) || (split.total === 0 && run.weight > 0 && isShown(it, run));
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
  const message = `${who} ${deed.always}: exclude spec.${editableOf(it)!.field} of ${editableOf(it)!.name} from what it applies, then resume`;
  return !isContested(run, it.nowMs) || mayRepair(run, it.nowMs) ? { kind: "repair", ...say("Paused", "RouteContested", message) } : stay("Paused", "RouteContested", message);
};

/** What somebody did who gave the new version more than it should have; undefined where nobody did. */
function raiseSaid(it: Case, run: Run): { readonly once: string; readonly always: string; readonly mended: string } | undefined {
  const split = splitOfRun(it, run);
  const { version } = run.to;
  if (split && isRaised(run, split)) {
    const seen = percent(seenShare(split));
    return { once: `raised ${version} to ${seen}`, always: `keeps raising ${version} to ${seen}`, mended: `it is put back to ${percent(run.weight)}` };
  }
  if (matchState(run, editableOf(it)!) !== "changed") return undefined;
  return { once: `changed which requests ${version} gets`, always: `keeps changing which requests ${version} gets`, mended: `it gets ${portionSaid(run)} again` };
}

/** A route that has gone elsewhere is only ever taken back. */
function isRepairable(it: Case, run: Run): boolean {
  const route = writableFor(it, [run.from.version, run.to.version]);
  return route !== undefined && route.foundAt === undefined;
}

/** A refused version was raised at rest: back to 0. */
export const refusedRaised: Rule = (it) => {
  const { refused, stable } = it.status;
  const route = stable && refused && writableFor(it, [stable.version, refused.version]);
  if (it.run || it.observing || !refused || !stable || !route || refused.version === stable.version || it.command || isFromBeforeTheEnd(it, route)) return undefined;
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
function raisedIn({ destinations, matched }: RouteFound, version: string): string | undefined {
  const points = destinations.find((one) => one.version === version)?.points ?? 0;
  if (points > 0) return String(points);
  return matched?.version === version ? "the matched requests" : undefined;
}

/** A cached route that is older than the one from which the last run ended shows that run's own weights. */
function isFromBeforeTheEnd({ ended }: Case, { resourceVersion }: RouteFound): boolean {
  return ended?.endedFrom !== undefined && isOlder(resourceVersion, ended.endedFrom);
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

