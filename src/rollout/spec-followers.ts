/** Services that are released together, as a spec has them: whose pods call whom, and that each of them is judged. */
import type { Traffic, VirtualServiceRef } from "./spec-traffic.ts";

/** Those whose versions are called by the versions of another one. */
export function followersIn({ istio }: Traffic): readonly VirtualServiceRef[] {
  return istio?.virtualServices.filter(({ follow }) => follow !== undefined) ?? [];
}

/** The one that a target of one object means, if that follows another. */
export function followerIn(target: Traffic): (VirtualServiceRef & { readonly follow: string }) | undefined {
  const [only] = followersIn(target);
  return only?.follow === undefined ? undefined : { ...only, follow: only.follow };
}

/** Whether a metric tells of one that follows, whose requests are no share of all. */
export function isOfFollower({ of }: Pick<Judged, "of">, traffic: Traffic): boolean {
  return followersIn(traffic).some(({ name }) => name === of);
}

interface Judged {
  readonly name: string;
  readonly of?: string | undefined;
  readonly query?: string | undefined;
}

/** One verdict cannot be about two services: a built-in that names none is asked about each of them. A metric that bears such a name already takes its place. */
export function judgedApart<M extends Judged>(metrics: readonly M[], traffic: Traffic): M[] {
  const followers = followersIn(traffic);
  const taken = new Set(metrics.map(({ name }) => name));
  const ofEach = (metric: M): M[] => followers.map(({ name: of }) => ({ ...metric, of, name: `${metric.name}.${of}` }));
  return metrics.flatMap((metric) => (metric.of === undefined && metric.query === undefined ? [metric, ...ofEach(metric).filter(({ name }) => !taken.has(name))] : [metric]));
}
