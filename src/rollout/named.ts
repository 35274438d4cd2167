/** Which versions and which routes a tick has to look at. */
import { isEqual } from "./equal.ts";
import type { RouteFound, RouteSeen } from "./observation.ts";
import { FINALIZER, type ValidRollout } from "./rollout.ts";
import { besideWanted, lastWrites, type OwnRoutesWanted } from "./route-write.ts";
import type { Traffic } from "./spec-traffic.ts";

/** The release first, then every version that the status names; each once. */
export function namedVersions({ spec, status }: ValidRollout): string[] {
  const { run, stable, refused, formerStables = [], history = [] } = status ?? {};
  const named = [spec.release, spec.stable, stable?.version, run?.from.version, run?.to.version, refused?.version];
  const former = [...formerStables, ...history.map(({ from }) => from)].map(({ version }) => version);
  return [...new Set([...named, ...former].filter((version) => version !== undefined))];
}

/** `beside`: what the run wants of our own routes. */
type ReadRoute = (target: Traffic, versions: readonly string[], beside: OwnRoutesWanted) => RouteSeen;

const NOTHING: OwnRoutesWanted = { matched: null };

/**
 * A run goes on, and ends, on the route and with the versions that it began with; only when nothing is owed there does an
 * edited spec count. The first of the versions that are read tells what a version is: a subset of which host, or a Service.
 */
export function routeSeen(rollout: ValidRollout, read: ReadRoute): RouteSeen {
  const { spec, status } = rollout;
  const named = namedVersions(rollout);
  const run = status?.run;
  const beside = run && !run.outcome ? besideWanted(rollout, run) : NOTHING;
  if (!run || (isEqual(run.target, spec.traffic) && run.to.version === spec.release)) return read(spec.traffic, named, beside);
  const route = read(run.target, [...new Set([run.to.version, run.from.version, ...named])], beside);
  const isOver = run.outcome && (run.deployment === undefined ? lastWrites({ rollout, seen: { route } }, run).length === 0 : !rollout.metadata.finalizers.includes(FINALIZER));
  return isOver ? read(spec.traffic, named, NOTHING) : route;
}

/** Versions that the route leads to and that nobody has named. */
export function unnamedOf({ destinations }: RouteFound, named: readonly string[]): string[] {
  return destinations.flatMap(({ candidate, version }) => (candidate && !named.includes(version) ? [version] : []));
}
