/** What keeps single Rollouts from being delivered well: their routes, who else writes those, and what they say of themselves. */
import type { KubernetesClient, KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { ROUTE_MANAGER, STAMP_MANAGER, type Rollout, type RolloutRef, type ValidRollout } from "../../rollout/rollout.ts";
import { isPickedOut } from "../../rollout/ladder.ts";
import { followerIn } from "../../rollout/spec-followers.ts";
import type { RouteFound } from "../../rollout/observation.ts";
import { ownName, routesNamed, sessionName } from "../../rollout/route-names.ts";
import { isValid } from "../../rollout/validity.ts";
import { ARGO_CD, FLUX } from "../../rollout/appliers.ts";
import { glanceAtDeployment } from "../deployment-look.ts";
import { managersOf } from "../git-ops.ts";
import { lookAtRoute, type RouteObject } from "../route-look.ts";
import { hiddenRule, lookAtDelivered } from "./deployments.ts";
import { bad, note, ok, type Finding } from "./finding.ts";
import { argoRule, fluxRule } from "./git-ops-rules.ts";
import { shadowsOf } from "./shadows.ts";

/** What else there is that may be seen: two Rollouts may be on one route, and two VirtualServices for one host. */
export interface Others {
  readonly rollouts: readonly KubernetesObject[];
  readonly virtualServices: readonly KubernetesObject[];
  readonly destinationRules: readonly KubernetesObject[];
}

export async function lookAtRollout(client: KubernetesClient, object: KubernetesObject, others: Others): Promise<readonly Finding[]> {
  const rollout = rolloutOf(object);
  const subject = nameOf(rollout.metadata);
  if (!isValid(rollout)) return [bad(subject, `its spec cannot be read: ${"invalid" in rollout.spec ? rollout.spec.invalid : ""}`)];
  const findings = [...ownWords(rollout, subject), ...sameRoute(rollout, others.rollouts, subject), ...(await lookAtDelivered(client, rollout, others.rollouts, subject)), ...(await routeFindings(client, rollout, others, subject))];
  return findings.length > 0 ? findings : [ok(subject, rollout.status?.message ?? "seen")];
}

function ownWords({ metadata, status }: Rollout, subject: string): readonly Finding[] {
  if (!status) return [bad(subject, "no daemon has looked at it yet: is one running, and does it watch this namespace?")];
  const stale = status.observedGeneration < metadata.generation ? [bad(subject, "its spec was edited, and no daemon has looked at that yet: is one running?")] : [];
  const ours = status.conditions.filter(({ type, status: value }) => value === "True" && OUR_CONDITIONS.has(type)).map(({ type, message }) => bad(subject, `${type}: ${message}`));
  const trouble = status.phase === "Degraded" ? [note(subject, `Degraded (${status.reason}): ${status.message}`)] : [];
  return [...stale, ...ours, ...trouble];
}

const OUR_CONDITIONS: ReadonlySet<string> = new Set(["StableChangedInPlace", "ClockSkew", "DeliveryFailing", "CrdTooOld"]);

/** The oldest owns the route; the others do nothing. */
function sameRoute(rollout: ValidRollout, all: readonly KubernetesObject[], subject: string): readonly Finding[] {
  const mine = new Set(placesOf(rollout));
  const others = all.map(rolloutOf).filter(isValid).filter((other) => other.metadata.uid !== rollout.metadata.uid && placesOf(other).some((place) => mine.has(place)));
  return others.map(({ metadata }) => bad(subject, `its route is also named by Rollout ${nameOf(metadata)}, and only the older one may move it: delete one, or name another route`));
}

function placesOf({ metadata, spec }: ValidRollout): readonly string[] {
  return routesNamed(spec.traffic, metadata.namespace).map(({ kind, namespace, name, part = "" }) => `${kind}/${namespace}/${name}/${part}`);
}

async function routeFindings(client: KubernetesClient, rollout: ValidRollout, { virtualServices, destinationRules }: Others, subject: string): Promise<readonly Finding[]> {
  try {
    const deployment = (await glanceAtDeployment(client, rollout))?.seen;
    const { route, routes } = await lookAtRoute(client, rollout, { withBackends: true, deployment: deployment?.kind === "found" ? deployment : undefined });
    const hidden = hiddenRule(rollout, routes, destinationRules, subject);
    if (route.kind !== "found") return [...hidden, bad(subject, route.message)];
    const missing = rollout.spec.deployment ? [] : Object.values(route.services ?? { [route.name]: route.backends }).flatMap((backends) => Object.values(backends)).flatMap((backend) => (backend.kind === "missing" ? [backend.message] : []));
    return [
      ...hidden,
      ...(route.managedBy && rollout.spec.analysis.mode === "enforce" ? [bad(subject, `${route.name} is managed by ${route.managedBy}: take it away there, or set analysis.mode to observe`)] : []),
      ...leftMatch(rollout, route, subject),
      ...leftCalls(rollout, route, subject),
      ...leftSessions(rollout, route, subject),
      ...missing.slice(0, 1).map((message) => note(subject, message)),
      ...routes.flatMap((one) => otherWriters(one, route, subject)),
      ...routes.flatMap(({ kind, object }) => (kind === "virtualServices" ? shadowsOf(object, virtualServices, subject) : [])),
    ];
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    return [note(subject, `its route was not seen: you may not read ${routesNamed(rollout.spec.traffic, rollout.metadata.namespace).map(({ kind }) => kind.toLowerCase()).join(" and ")}`)];
  }
}

/** Who applies a manifest again that was taken down in mid-run brings back what was ours for that run. */
function leftMatch({ metadata, status }: ValidRollout, { name, matched }: RouteFound, subject: string): readonly Finding[] {
  const isWanted = status?.run !== undefined && status.run.outcome === undefined && isPickedOut(status.run);
  return matched && !isWanted ? [bad(subject, `beside ${name} stands ${ownName(metadata)}, which sends matched requests to ${matched.version}, and no run wants it: take it out of what is applied, and out of the route`)] : [];
}

/** The same of those that follow. */
function leftCalls({ metadata, status }: ValidRollout, { parts = [] }: RouteFound, subject: string): readonly Finding[] {
  const left = status?.run !== undefined && status.run.outcome === undefined ? [] : parts.filter(({ target, matched }) => followerIn(target) && matched);
  return left.map(({ name, matched }) => bad(subject, `beside ${name} stands ${ownName(metadata)}, which sends calls of the new version to ${matched!.version}, and no run wants it: take it out of what is applied, and out of the route`));
}

function leftSessions({ metadata, status }: ValidRollout, { name, sessions }: RouteFound, subject: string): readonly Finding[] {
  const isWanted = status?.run?.outcome === undefined && status?.run?.sessions !== undefined;
  return sessions && !isWanted ? [bad(subject, `before ${name} stand routes named ${sessionName(metadata)}.*, which keep users with ${sessions.versions.join(" and ")}, and no run wants them: take them out of what is applied, and out of the route`)] : [];
}

/** Whoever applies the list of routes again takes the weights back. */
function otherWriters({ object }: RouteObject, { fields }: RouteFound, subject: string): readonly Finding[] {
  return fields.flatMap((field) => otherWritersOf(object, field, subject));
}

function otherWritersOf(object: KubernetesObject, field: string, subject: string): readonly Finding[] {
  const { metadata, kind = "" } = object;
  const managers = managersOf(object, field).filter((manager) => manager !== ROUTE_MANAGER && manager !== STAMP_MANAGER);
  const applying = new Set((metadata.managedFields ?? []).filter(({ operation }) => operation === "Apply").map(({ manager }) => manager));
  const label = `spec.${field} of ${kind} ${metadata.namespace}/${metadata.name}`;
  return managers.flatMap((manager) => {
    if (ARGO_CD.has(manager)) return [bad(subject, `${label} is applied by ${manager}, which would take the weights back; exclude it in the Application:\n${argoRule(object, field)}`)];
    if (FLUX.has(manager)) return [bad(subject, `${label} is applied by ${manager}, which would take the weights back; exclude it in git:\n${fluxRule(object, field, manager)}`)];
    if (applying.has(manager)) return [bad(subject, `${label} is applied server-side by ${manager}: its next apply conflicts, or with --force-conflicts takes the weights back; leave ${field} out of what it applies`)];
    return [];
  });
}

function nameOf({ namespace, name }: RolloutRef): string {
  return `${namespace}/${name}`;
}
