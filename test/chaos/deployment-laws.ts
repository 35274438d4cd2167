/** Laws of a Deployment's delivery, judged by all that was seen of it in its order: who could be answered by which pods, at every single version. */
import { STABLE_SIDE } from "../../src/rollout/deployment.ts";
import type { Run } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { CANARY, STABLE } from "../support/deliveries.ts";
import { revisionOf, runOf } from "./laws.ts";
import { isOfCanary, isReady, labelsOf, type Moment, pluralOf, type Pod, versionOf } from "./timeline.ts";

interface Destination {
  readonly destination: { readonly subset?: string };
  readonly weight?: number;
}
interface Route extends ApiObject {
  readonly spec: { readonly http: readonly [{ readonly route: readonly Destination[] }] };
}
interface Rule extends ApiObject {
  readonly spec: { readonly subsets: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[] };
}

/** What there is between two versions. */
interface World {
  readonly route: Route | undefined;
  readonly rule: Rule | undefined;
  readonly run: Run | undefined;
  readonly pods: ReadonlyMap<string, Pod>;
}

/** Sentences about one version, in the world that it has led to. */
type Law = (after: World, before: World, moment: Moment) => readonly string[];

/** One sentence for each breach: the first time that it is seen, with the revision. */
export function brokenInDeployment(moments: readonly Moment[]): readonly string[] {
  const found = new Map<string, number>();
  let world: World = { route: undefined, rule: undefined, run: undefined, pods: new Map() };
  for (const moment of moments) {
    const after = next(world, moment);
    for (const sentence of LAWS.flatMap((law) => law(after, world, moment))) if (!found.has(sentence)) found.set(sentence, revisionOf(moment.object));
    world = after;
  }
  return [...found].map(([sentence, revision]) => `${sentence} at ${revision}`);
}

function next(world: World, { type, object }: Moment): World {
  const isGone = type === "DELETED";
  switch (pluralOf(object)) {
    case "pods":
      return { ...world, pods: withPod(world.pods, object as Pod, isGone) };
    case "destinationrules":
      return { ...world, rule: isGone ? undefined : (object as Rule) };
    case "virtualservices":
      return { ...world, route: object as Route };
    case "rollouts":
      return { ...world, run: runOf(object) };
    default:
      return world;
  }
}

function withPod(pods: World["pods"], pod: Pod, isGone: boolean): World["pods"] {
  const all = new Map(pods);
  if (isGone) all.delete(pod.metadata.name);
  else all.set(pod.metadata.name, pod);
  return all;
}

interface Side {
  readonly name: string;
  readonly weight: number;
  /** Undefined: the rule does not define it. */
  readonly pods: readonly Pod[] | undefined;
}

const ALL = "the Service";

/** The sides of the route that get requests. */
function served({ route, rule, pods }: World): readonly Side[] {
  const destinations = route?.spec.http[0].route ?? [];
  const sides = destinations.map(({ destination: { subset }, weight }) => ({ name: subset ?? ALL, weight: weight ?? (destinations.length === 1 ? 100 : 0), labels: subset === undefined ? {} : rule?.spec.subsets.find(({ name }) => name === subset)?.labels }));
  return sides.filter(({ weight }) => weight > 0).map(({ name, weight, labels }) => ({ name, weight, pods: labels && [...pods.values()].filter((pod) => Object.entries(labels).every(([key, value]) => labelsOf(pod)[key] === value)) }));
}

/** Law 10: nobody is sent to where nobody answers. */
const vacant: Law = (after, before) => {
  if (!before.run) return []; // the application itself is still coming
  return served(after).flatMap(({ name, weight, pods }) => (pods?.some(isReady) ? [] : [`${name} has ${weight}% and ${pods ? "no ready pod" : "is not defined"}`]));
};

/** Law 10: a pod that requests are sent to stays. */
const takenAway: Law = (after, before, { object }) => {
  if (pluralOf(object) !== "pods" || !after.run) return [];
  const { name } = object.metadata;
  const was = before.pods.get(name);
  const is = after.pods.get(name);
  if (!was || !isReady(was) || (is && isReady(is))) return [];
  return served(before).filter(({ pods }) => pods?.includes(was)).map((side) => `${name} goes away, and ${side.name} has ${side.weight}%`);
};

/** While a canary could answer the route must not lead to all pods. */
const mixed: Law = (after) => {
  const ready = [...after.pods.values()].filter((pod) => isOfCanary(pod) && isReady(pod));
  const isPlain = served(after).some(({ name }) => name === ALL);
  return isPlain && ready.length > 0 ? ["the route leads to all pods, and a canary has some"] : [];
};

/** The Deployment itself gets pods of the new template only once every step has passed. */
const early: Law = (after, before, { object }) => {
  if (pluralOf(object) !== "pods" || before.pods.has(object.metadata.name)) return [];
  const pod = object as Pod;
  return versionOf(pod) === CANARY && !isOfCanary(pod) && after.run?.rollingSince === undefined ? [`${object.metadata.name} of ${CANARY} comes before every step has passed`] : [];
};

/** Until a run has succeeded stable's share is answered by the template before. */
const swapped: Law = (after) => {
  if (!after.run || after.run.outcome === "Succeeded") return [];
  const stable = served(after).filter(({ name }) => name === STABLE_SIDE || name === ALL);
  return stable.flatMap(({ name, weight, pods }) => (pods?.some((pod) => isReady(pod) && versionOf(pod) !== STABLE) ? [`${name} has ${weight}%, and pods of another version than ${STABLE}`] : []));
};

const LAWS: readonly Law[] = [vacant, takenAway, mixed, early, swapped];
