/** Waits until the daemon has answered a command, and until the route shows what was accepted. */
import { RESOURCES, type KubernetesClient } from "../../kubernetes/client.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { sleep, systemTime } from "../../kubernetes/time.ts";
import type { Command } from "../../rollout/command.ts";
import { splitOfRun } from "../../rollout/case.ts";
import type { RouteFound, RouteSeen } from "../../rollout/observation.ts";
import type { RolloutRef, ValidRollout } from "../../rollout/rollout.ts";
import { intended, lastWrite } from "../../rollout/route-write.ts";
import type { LastCommand } from "../../rollout/status.ts";
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
export async function untilRouteShows(client: KubernetesClient, ref: RolloutRef, untilMs: number): Promise<Shown> {
  for (;;) {
    const shown = await routeShown(client, ref);
    if (shown.isShown || systemTime.nowMs() >= untilMs) return shown;
    await sleep(systemTime, LOOK_EVERY_MS);
  }
}

export async function routeShown(client: KubernetesClient, { namespace, name }: RolloutRef): Promise<Shown> {
  const rollout = lookableRolloutOf(await client.get(RESOURCES.rollouts, namespace, name));
  const { route } = await lookAtRoute(client, rollout);
  return { rollout, route, isShown: isSettled(rollout, route) };
}

/** Nothing is owed to the route: an ended run has left it, an undo under way has all the traffic. */
function isSettled(rollout: ValidRollout, route: RouteSeen): boolean {
  const run = rollout.status?.run;
  const it = { rollout, seen: { route } };
  const split = run && splitOfRun(it, run);
  if (!run || !split) return false;
  if (!run.outcome) return route.kind === "found" && run.weight === 100 && intended(it, run) === undefined;
  return lastWrite(it, run) === undefined && (route.kind === "found" || split.canary === 0);
}

/** `v2 100, v3 0`. */
export function splitSaid({ destinations }: RouteFound): string {
  return destinations.map(({ version, points }) => `${version} ${points}`).join(", ");
}
