/** `weir abort --force`: the daemon's abort if it answers, else our own. */
import type { Command } from "../../rollout/command.ts";
import type { Run } from "../../rollout/status.ts";
import { EXIT, Failure } from "../failure.ts";
import { answerTo, routeShown, splitSaid, untilRouteShows, type Shown } from "./answer.ts";
import type { Asking } from "./command-verb.ts";
import { forceAbort } from "./force.ts";
import { commandOf, refOf, sendCommand } from "./send.ts";

/** How long the daemon is given, unless --timeout says otherwise: an abort is obeyed at once or not at all. */
const GRACE_MS = 3_000;

export const forced = async (asking: Asking): Promise<string> => {
  const { cluster, object, asked, actor } = asking;
  const istio = await cluster.istio();
  const sent = await sendCommand(cluster.client, object, asked, actor);
  const untilMs = Date.now() + Math.min(GRACE_MS, asking.timeoutMs);
  const answer = await answerTo(cluster.client, refOf(object), sent, untilMs - Date.now());
  const shown = answer ? await untilRouteShows(istio, refOf(object), "abort", untilMs) : undefined;
  if (answer?.result === "Accepted" && shown?.isShown) return `${answer.message}${splitOf(shown)}`;
  if (answer?.result === "Refused" && (shown?.isShown || !shown?.rollout.status?.run?.outcome)) throw new Failure(`abort was refused: ${answer.message}`, EXIT.conflict);
  // A verb typed by hand waits without id and run: then it is this person who breaks the glass.
  await forceAbort(istio, object, sent.id === "" ? commandOf(object, asked, actor) : sent);
  return forcedSaid(await routeShown(istio, refOf(object), "abort"), sent);
};

function forcedSaid(shown: Shown, { actor }: Command): string {
  const run = shown.rollout.status?.run;
  if (!run) return "there has been no run, so there is nothing to take back";
  if (!shown.isShown) throw new Failure(`the route does not show the abort${splitOf(shown)}: somebody else writes it; look at it with weir explain, and say it again`, EXIT.conflict);
  return `no daemon obeyed, so run ${run.number} was aborted without it, by ${run.actor ?? actor}; all traffic is with ${run.from.version}${splitOf(shown)}${leftSaid(shown.rollout, run)}`;
}

/** Without a daemon nothing but the traffic moves. */
function leftSaid({ metadata: { namespace } }: Shown["rollout"], { deployment, rollingSince, to }: Run): string {
  if (deployment === undefined) return "";
  const rolling = rollingSince === undefined ? "" : `; Deployment ${deployment} rolls on to ${to.version} meanwhile: kubectl rollout pause deployment/${deployment} -n ${namespace} keeps the pods that are left`;
  return `; the canary of Deployment ${deployment} goes when the daemon is back${rolling}`;
}

function splitOf({ route }: Shown): string {
  return ` (the route has ${route.kind === "found" ? splitSaid(route) : `trouble: ${route.message}`})`;
}
