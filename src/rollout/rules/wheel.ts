/** Rules about a hand on the wheel (law 12): somebody else wrote the route. */
import { type Case, isShown, routeOf, splitOfRun, versionSeen, wantedPoints } from "../case.ts";
import { ROUTE_MANAGER, STAMP_MANAGER } from "../rollout.ts";
import type { Run } from "../status.ts";
import { instantOf } from "../units.ts";
import { percent, type Rule, say, stay } from "./rule.ts";

const CONTEST_WINDOW_MS = 5 * 60_000;
const CONTEST_PACE_MS = 30_000;
/** So many raises within the window are a fight. */
const PATIENCE = 3;

/** Somebody moved traffic off the new version: leave it so, and ask. */
export const takenOver: Rule = (it) => {
  const { run } = it;
  const split = run && splitOfRun(it, run);
  if (!run || !split || it.observing || !isShown(it, run) || split.canary >= wantedPoints(run, split)) return undefined;
  const message = `${strangerOf(it)} lowered ${run.to.version} from ${percent(run.weight)} to ${percent((split.canary / split.total) * 100)}: resume goes on at the step above it, abort takes it back`;
  return { kind: "yield", points: split.canary, ...say("Paused", "RouteEditedByHand", message) };
};

/** Somebody raised the new version's share: put it back before judging. */
export const drifted: Rule = (it) => {
  const { run } = it;
  const split = run && splitOfRun(it, run);
  if (!run || !split || it.observing || !isShown(it, run) || split.canary <= wantedPoints(run, split)) return undefined;
  const who = strangerOf(it);
  const seen = percent((split.canary / split.total) * 100);
  if (recentRaises(run, it.nowMs).length + 1 < PATIENCE) return { kind: "repair", ...say("Progressing", "Stepping", `${who} raised ${run.to.version} to ${seen}; it is put back to ${percent(run.weight)}`) };
  const message = `${who} keeps raising ${run.to.version} to ${seen}: exclude spec.http of ${routeOf(it)!.name} from what it applies, then resume`;
  return !isContested(run, it.nowMs) || mayRepair(run, it.nowMs) ? { kind: "repair", ...say("Paused", "RouteContested", message) } : stay("Paused", "RouteContested", message);
};

/** A refused version was raised at rest: back to 0. */
export const refusedRaised: Rule = (it) => {
  const { refused, stable } = it.status;
  const route = routeOf(it);
  if (it.run || it.observing || !refused || !stable || !route || refused.version === stable.version || it.command) return undefined;
  const raised = route.destinations.find(({ version, points }) => version === refused.version && points > 0);
  const now = versionSeen(it, refused.version).revision;
  if (!raised || (now !== "" && refused.revision !== "" && now !== refused.revision)) return undefined;
  const message = `${strangerOf(it)} raised ${refused.version}, which is refused (${refused.reason}), to ${raised.points}: it is put back to 0`;
  if (it.ended && isContested(it.ended, it.nowMs) && !mayRepair(it.ended, it.nowMs)) return stay("Degraded", refused.because, message);
  return { kind: "repair", ...say("Degraded", refused.because, message) };
};

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

/** Who wrote the route last, as far as managedFields tell. */
function strangerOf(it: Case): string {
  const stranger = routeOf(it)?.writers.find(({ manager }) => manager !== ROUTE_MANAGER && manager !== STAMP_MANAGER);
  return stranger?.manager ?? "somebody";
}
