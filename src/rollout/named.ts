/** Which versions and which routes a tick has to look at. */
import { isEqual } from "./equal.ts";
import type { RouteSeen } from "./observation.ts";
import type { ValidRollout } from "./rollout.ts";
import { lastWrite } from "./route-write.ts";
import type { Traffic } from "./spec.ts";

/** The release first, then every version that the status names; each once. */
export function namedVersions({ spec, status }: ValidRollout): string[] {
  const { run, stable, refused, formerStables = [], history = [] } = status ?? {};
  const named = [spec.release, spec.stable, stable?.version, run?.from.version, run?.to.version, refused?.version];
  const former = [...formerStables, ...history.map(({ from }) => from)].map(({ version }) => version);
  return [...new Set([...named, ...former].filter((version) => version !== undefined))];
}

/** A run goes on, and ends, on the route that it began with; only when nothing is owed there does an edited spec count. */
export function routeSeen(rollout: ValidRollout, read: (target: Traffic) => RouteSeen): RouteSeen {
  const { spec } = rollout;
  const run = rollout.status?.run;
  if (!run || isEqual(run.target, spec.traffic)) return read(spec.traffic);
  const route = read(run.target);
  return run.outcome && !lastWrite({ rollout, seen: { route } }, run) ? read(spec.traffic) : route;
}
