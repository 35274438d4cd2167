/** Rules that look and say, and write no route: `suspend` and `analysis.mode: observe`. */
import { type Case, present, routeOf, seenShare, type Split, splitOf, splitOfRun } from "../case.ts";
import type { Decision } from "../decision.ts";
import { standingAt } from "../ladder.ts";
import type { RouteFound } from "../observation.ts";
import type { Run } from "../status.ts";
import { msOf } from "../units.ts";
import { failure } from "./ending.ts";
import { percent, type Rule, say, stay } from "./rule.ts";

/** An operator said hands off: look, say, touch nothing. */
export const suspended: Rule = (it) => {
  if (!it.spec.suspend) return undefined;
  const { run } = it;
  const why = run && failure(it, run);
  const stays = run ? `${run.to.version} stays at ${percent(run.weight)}` : "nothing starts";
  return stay("Paused", "Suspended", `spec.suspend is true, so ${stays}${why ? `, although ${why}` : ""}: set it to false to go on${run ? ", or abort" : ""}`);
};

/** Another tool moves the traffic: judge beside it. */
export const observed: Rule = (it) => {
  const route = routeOf(it);
  if (!it.observing || !route) return undefined;
  const { run } = it;
  const split = run && splitOfRun(it, run);
  return run && split ? beside(it, run, split, route) : atRest(it, route);
};

function beside(it: Case, run: Run, split: Split, route: RouteFound): Decision {
  const share = seenShare(split);
  if (split.canary === 0) return { kind: "end", outcome: "RolledBack", why: "the route gives it nothing any more", ...say("Degraded", "RolledBack", `${run.to.version} was taken back by whoever moves ${route.name}`) };
  if (split.canary === split.total) return { kind: "end", outcome: "Succeeded", why: "the route gives it everything", ...say("Healthy", "Succeeded", `${run.to.version} has all the traffic (seen, not moved by Weir)`) };
  if (split.canary !== run.points) return { kind: "follow", weight: share, points: split.canary, step: standingAt(run.ladder, share), inForceAtMs: seenInForceMs(it, route), ...say("Progressing", "Stepping", `${run.to.version} is at ${percent(share)} (seen, not moved by Weir)`) };
  const why = run.wouldRollBack === undefined ? failure(it, run) : undefined;
  if (why) return { kind: "wouldRollBack", why, ...say("Progressing", "Holding", `Weir would take ${run.to.version} back: ${why}`) };
  const would = run.wouldRollBack ? `; Weir would have taken it back: ${run.wouldRollBack}` : "";
  return stay("Progressing", "Holding", `${run.to.version} is at ${percent(share)} (seen, not moved by Weir)${would}`);
}

function atRest(it: Case, route: RouteFound): Decision {
  const { release } = it.spec;
  const others = route.destinations.filter(({ candidate, points, version }) => candidate && points > 0 && version !== release);
  const known = it.spec.stable ?? (others.length === 1 ? others[0]!.version : it.status.stable?.version);
  const stable = known === release ? others[0]?.version : known;
  const split = stable ? splitOf(route, stable, release) : undefined;
  if (stable && split && split.canary > 0 && split.canary < split.total) return beginBeside(it, route, stable, split);
  if (others.length === 0) return { kind: "adopt", stable: present(it, release), ...say("Healthy", "NothingToDo", `${release} serves alone`) };
  if (others.length > 1) return stay("Degraded", "StableUnknown", `${route.name} serves ${others.map(({ version }) => version).join(", ")}: say in spec.stable which one is stable`);
  return { kind: "adopt", stable: present(it, others[0]!.version), ...say("Healthy", "NothingToDo", `${others[0]!.version} serves; Weir looks on until ${release} gets weight`) };
}

function beginBeside(it: Case, route: RouteFound, stable: string, split: Split): Decision {
  const run = {
    from: present(it, stable),
    to: present(it, it.spec.release),
    weight: seenShare(split),
    points: split.canary,
    shape: { added: false, unweighted: false },
    direct: false,
    inForceAtMs: seenInForceMs(it, route),
  };
  return { kind: "begin", run, ...say("Progressing", "Stepping", `${run.to.version} is at ${percent(run.weight)} (seen, not moved by Weir)`) };
}

/** Another's weight is in force since the route's last write, plus propagation. */
function seenInForceMs(it: Case, route: RouteFound): number {
  const written = Math.max(0, ...route.writers.map(({ atMs }) => atMs));
  return (written === 0 ? it.nowMs : written + 1_000) + msOf(it.spec.strategy.propagation);
}
