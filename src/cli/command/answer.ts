/** Waits until the daemon has answered a command, and until the route shows what was accepted. */
import { RESOURCES, type KubernetesClient } from "../../kubernetes/client.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { sleep, systemTime } from "../../kubernetes/time.ts";
import type { Command } from "../../rollout/command.ts";
import { editableOf, splitOfRun } from "../../rollout/case.ts";
import { leadsToCanary, sideNames } from "../../rollout/deployment.ts";
import type { RouteFound, RouteSeen } from "../../rollout/observation.ts";
import type { RolloutRef, ValidRollout } from "../../rollout/rollout.ts";
import { intended, lastWrites } from "../../rollout/route-write.ts";
import type { LastCommand, RolloutStatus, Run, Verb } from "../../rollout/status.ts";
import { follow } from "../follow.ts";
import { lookAtRoute } from "../route-look.ts";
import { lookableRolloutOf } from "../valid-rollout.ts";

const LOOK_EVERY_MS = 250;

/** Undefined: not within the time. */
export async function answerTo(client: KubernetesClient, ref: RolloutRef, { id, verb }: Command, timeoutMs: number): Promise<LastCommand | undefined> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  let before: string | undefined;
  try {
    for await (const object of follow(client, ref, limit.signal)) {
      const last = rolloutOf(object).status?.lastCommand;
      // A verb typed by hand has no id of ours: the next answer to that verb is its own.
      if (last && (id === "" ? before !== undefined && last.id !== before && last.verb === verb : last.id === id)) return last;
      before ??= last?.id ?? "";
    }
    return undefined;
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

export interface Shown {
  readonly isShown: boolean;
  readonly route: RouteSeen;
  readonly rollout: ValidRollout;
}

/** Looks until the route shows what an abort or an undo asked for; the last look where it does not in time. */
export async function untilRouteShows(client: KubernetesClient, ref: RolloutRef, verb: Verb, untilMs: number): Promise<Shown> {
  for (;;) {
    const shown = await routeShown(client, ref, verb);
    if (shown.isShown || systemTime.nowMs() >= untilMs) return shown;
    await sleep(systemTime, LOOK_EVERY_MS);
  }
}

export async function routeShown(client: KubernetesClient, { namespace, name }: RolloutRef, verb: Verb): Promise<Shown> {
  const rollout = lookableRolloutOf(await client.get(RESOURCES.rollouts, namespace, name));
  const { route } = await lookAtRoute(client, rollout);
  return { rollout, route, isShown: isSettled(rollout, route, verb) };
}

/** Nothing is owed to the route: an ended run has left it, an undo under way has all the traffic. */
function isSettled(rollout: ValidRollout, route: RouteSeen, verb: Verb): boolean {
  const { status } = rollout;
  const run = status?.run;
  if (status && verb === "undo" && isComing(rollout, status)) return false;
  if (run?.deployment !== undefined && run.outcome) return isOffCanary(rollout, run, route);
  const it = { rollout, seen: { route } };
  const split = run && splitOfRun(it, run);
  if (!run || !split) return false;
  if (!run.outcome) return route.kind === "found" && run.weight === 100 && intended(it, run) === undefined;
  return lastWrites(it, run).length === 0 && (route.kind === "found" || split.canary === 0);
}

/** Of a Deployment: its template is yet to be written back, or has been and its run is yet to begin. */
function isComing({ spec }: ValidRollout, { restoring, stable, refused, run }: RolloutStatus): boolean {
  if (!spec.deployment) return false;
  return restoring !== undefined || (run?.outcome !== undefined && spec.release !== stable?.version && spec.release !== refused?.version);
}

/** What else is to be cleared away takes its time, and hurts nobody. */
function isOffCanary(rollout: ValidRollout, { outcome }: Run, route: RouteSeen): boolean {
  const [seen, names] = [editableOf({ seen: { route } }), sideNames(rollout)];
  return outcome === "Succeeded" || (seen !== undefined && names !== undefined && !leadsToCanary(seen, names.canary));
}

/** `v2 100, v3 0`. */
export function splitSaid({ destinations }: RouteFound): string {
  return destinations.map(({ version, points }) => `${version} ${points}`).join(", ");
}
