/** Everything that one decision rests on, gathered once: caches first, then the queries that are due, and last what only a step up rests on. */
import { isDecisive, questionsFor } from "../rollout/analysis/questions.ts";
import type { Measurement, Question } from "../rollout/analysis/measurement.ts";
import { editableOf } from "../rollout/case.ts";
import { decide } from "../rollout/decide.ts";
import { type SideNames, sideNames } from "../rollout/deployment.ts";
import { leastReadyOf } from "../rollout/followers.ts";
import type { Observation, RouteFound, RouteSeen } from "../rollout/observation.ts";
import { namedVersions, routeSeen, unnamedOf } from "../rollout/named.ts";
import type { ValidRollout } from "../rollout/rollout.ts";
import { asksAutoscaler } from "../rollout/way-back.ts";
import { link } from "./link.ts";
import type { Ports } from "./ports.ts";

export async function observe(rollout: ValidRollout, ports: Ports, signal: AbortSignal): Promise<Observation> {
  const seen = await look(rollout, ports);
  const measured = { ...seen, measurements: await measure(rollout, seen, ports, signal) };
  if (!asksAutoscaler(rollout, decide(rollout, measured))) return measured;
  const autoscaler = await ports.workload.autoscaler(rollout);
  return autoscaler === undefined ? measured : { ...measured, autoscaler };
}

async function look(rollout: ValidRollout, ports: Ports): Promise<Observation> {
  const deployment = ports.workload.deployment(rollout);
  const names = sideNames(rollout, deployment?.kind === "found" ? deployment : undefined);
  const route = readRoute(rollout, ports, names);
  const sides = names ? ports.traffic.sides(rollout.metadata, rollout.status?.run?.target ?? rollout.spec.traffic) : {};
  const run = rollout.status?.run;
  const clockSkewMs = ports.clock.skewMs();
  return {
    nowMs: ports.clock.nowMs(),
    ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
    route,
    ...versionsIn(rollout, editableOf({ seen: { route } }), ports),
    ...(deployment ? { deployment } : {}),
    ...(sides.seen ? { sides: sides.seen } : {}),
    ...(sides.obstacle === undefined ? {} : { sidesObstacle: sides.obstacle }),
    measurements: [],
    delivered: run && rollout.spec.notifications.length > 0 ? await ports.outbox.delivered(rollout, run.number) : [],
    crdIsCurrent: ports.rollouts.crdIsCurrent(),
  };
}

/** The pods behind each version; where services are released together, of each of them. */
function versionsIn(rollout: ValidRollout, route: RouteFound | undefined, { workload }: Ports): Pick<Observation, "versions" | "services"> {
  const see = (backends: RouteFound["backends"]): Observation["versions"] => mapped(backends, (backend, version) => workload.see(version, backend, rollout));
  if (!route?.services) return { versions: see(route?.backends ?? {}) };
  const services = mapped(route.services, see);
  return { versions: leastReadyOf(services), services };
}

function mapped<From, To>(all: Readonly<Record<string, From>>, to: (one: From, name: string) => To): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, to(one, name)]));
}

/** At first sight only the route tells which versions there are: then it is read once more, for their backends too. */
function readRoute(rollout: ValidRollout, ports: Ports, names: SideNames | undefined): RouteSeen {
  const read = (others: readonly string[]): RouteSeen => routeSeen(rollout, (target, named, beside) => ports.traffic.read(rollout.metadata, target, [...named, ...others], beside, names));
  const route = read([]);
  const others = route.kind === "found" ? unnamedOf(route, namedVersions(rollout)) : [];
  return others.length === 0 ? route : read(others);
}

/** Asks everything at once; the first answer that takes the traffic back ends the looking (law 5). */
async function measure(rollout: ValidRollout, seen: Observation, ports: Ports, signal: AbortSignal): Promise<Measurement[]> {
  const questions = questionsFor(rollout, seen);
  if (questions.length === 0) return [];
  const enough = new AbortController();
  const unlink = link(signal, enough);
  const answers: Measurement[] = [];
  const ask = async (question: Question): Promise<void> => {
    const answer = await ports.metrics.measure(question, enough.signal);
    answers.push(answer);
    if (isDecisive(rollout, seen, answer)) enough.abort(new Error("one verdict suffices"));
  };
  try {
    await Promise.all(questions.map(ask));
  } catch (error) {
    // Aborted by a decisive answer: the others stay due. Anything else is the caller's.
    if (signal.aborted || !answers.some((answer) => isDecisive(rollout, seen, answer))) throw error;
  } finally {
    unlink();
  }
  return answers;
}
