/** Services that are released together, as they are seen: how ready a version of all of them is. */
import type { Observation, VersionSeen } from "./observation.ts";
import type { Metric } from "./spec.ts";

/** The pods that a metric asks about, where services are released together; undefined where they are one. */
export function judgedVersion({ services = {} }: Pick<Observation, "services">, { of }: Pick<Metric, "of">, version: string): VersionSeen | undefined {
  return services[of ?? Object.keys(services)[0] ?? ""]?.[version];
}

/** A version is as ready as the least ready of the services that it is a version of, and another one as soon as any of them is. `services`: in the order of `traffic`. */
export function leastReadyOf(services: NonNullable<Observation["services"]>): Observation["versions"] {
  const names = Object.keys(services);
  const [first] = names;
  return Object.fromEntries(Object.keys(services[first!] ?? {}).map((version) => [version, asOne(names.map((name) => labelled(services[name]![version]!, name)))]));
}

function labelled(seen: VersionSeen, service: string): VersionSeen {
  const { podProblem, backend } = seen;
  return { ...seen, podProblem: podProblem === undefined ? `in ${service}` : `in ${service}, ${podProblem}`, ...(backend.kind === "missing" ? { backend: { ...backend, message: `${service}: ${backend.message}` } } : {}) };
}

function asOne(all: readonly VersionSeen[]): VersionSeen {
  const { readyPods, wantedPods, podProblem } = all.reduce((least, one) => (readiness(one) < readiness(least) ? one : least));
  const since = all.map(({ readySinceMs }) => readySinceMs).filter((sinceMs) => sinceMs !== undefined);
  const { readySinceMs: _, ...first } = all[0]!;
  return {
    ...first,
    backend: backendOf(all),
    readyPods,
    wantedPods,
    ...(podProblem === undefined ? {} : { podProblem }),
    ...(since.length > 0 ? { readySinceMs: Math.max(...since) } : {}),
    revision: all.every(({ revision }) => revision !== "") ? all.map(({ revision }) => revision).join("-") : "",
  };
}

/** Which of them lacks most of its pods lacks them at every weight. */
function readiness({ readyPods, wantedPods }: VersionSeen): number {
  return readyPods / Math.max(1, wantedPods);
}

/** What one of them lacks, the version lacks. */
function backendOf(all: readonly VersionSeen[]): VersionSeen["backend"] {
  const backends = all.map(({ backend }) => backend);
  const missing = backends.find(({ kind }) => kind === "missing");
  const found = backends.filter((backend) => backend.kind === "found");
  return missing ?? { ...found[0]!, definedAtMs: Math.max(...found.map(({ definedAtMs }) => definedAtMs)) };
}
