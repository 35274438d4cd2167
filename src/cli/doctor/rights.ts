/** What the person may do, and what the daemon's account may do, as the API server says. */
import { z } from "zod";
import { RESOURCES, type KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { GROUP, PLURAL } from "../../rollout/rollout.ts";
import { ROUTE_KINDS, type RouteKind } from "../../rollout/route-names.ts";
import { Verb } from "../../rollout/status.ts";
import { bad, note, ok, type Finding } from "./finding.ts";

interface Right {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: string;
  /** Of this object alone. */
  readonly name?: string;
}

const rights = (group: string, resource: string, verbs: readonly string[], subresource?: string): readonly Right[] => verbs.map((verb) => ({ group, resource, verb, ...(subresource && { subresource }) }));

const routeRights = (verbs: readonly string[], kinds: readonly RouteKind[] = ROUTE_KINDS): readonly Right[] => kinds.flatMap((kind) => rights(RESOURCES[kind].group, RESOURCES[kind].plural, verbs));

const LOOKING = rights("weir.dev", "rollouts", ["get", "list", "watch"]);
const OPERATING = rights("weir.dev", "rollouts", ["patch", "update", ...Verb.options]);
const breakingGlass = (kinds: readonly RouteKind[]): readonly Right[] => [...rights("weir.dev", "rollouts", ["patch"], "status"), ...routeRights(["get", "patch"], kinds)];

/** What tells the sides of a Deployment apart has to be read, too. */
const FORCING_SIDES = [...rights("networking.istio.io", "destinationrules", ["list"]), ...rights("", "services", ["list"])];
const RESTARTING = rights("apps", "deployments", ["get", "patch"]);

const OF_DAEMON = [
  ...rights("weir.dev", "rollouts", ["list", "watch", "patch"]),
  ...rights("weir.dev", "rollouts", ["patch"], "status"),
  ...rights("weir.dev", "rolloutruns", ["create", "list", "delete"]),
  ...routeRights(["list", "watch"]),
  ...["destinationrules", "serviceentries"].flatMap((resource) => rights("networking.istio.io", resource, ["list", "watch"])),
  ...["pods", "services"].flatMap((resource) => rights("", resource, ["list", "watch"])),
  ...["replicasets", "statefulsets", "daemonsets", "controllerrevisions"].flatMap((resource) => rights("apps", resource, ["list", "watch"])),
  ...rights("", "events", ["create"]),
  ...rights("apiextensions.k8s.io", "customresourcedefinitions", ["get"]).map((right) => ({ ...right, name: `${PLURAL}.${GROUP}` })),
];
const OF_DAEMON_HERE = [...routeRights(["patch"]), ...rights("", "secrets", ["get"])];
/** Where Rollouts deliver Deployments. */
const HOLDING = [...rights("apps", "deployments", ["list", "watch"]), ...rights("admissionregistration.k8s.io", "mutatingadmissionpolicybindings", ["list", "watch"])];
const HOLDING_HERE = [...rights("apps", "deployments", ["create", "patch", "delete"]), ...rights("autoscaling", "horizontalpodautoscalers", ["list"]), ...rights("networking.istio.io", "destinationrules", ["create", "patch", "delete"]), ...rights("", "services", ["create", "patch", "delete"])];

interface OwnRollouts {
  readonly kinds: readonly RouteKind[];
  readonly hasDeployments: boolean;
}

/** Only what keeps the person from looking is a finding: not everybody shall do everything. `kinds`: of the routes that the person's Rollouts name. */
export async function lookAtOwnRights(client: KubernetesClient, namespace: string, { kinds, hasDeployments }: OwnRollouts): Promise<readonly Finding[]> {
  const lackingOf = (wanted: readonly Right[]): Promise<readonly Right[]> => lacking(wanted, (right) => isAllowed(client, "SelfSubjectAccessReview", { resourceAttributes: attributesOf(right, namespace) }));
  const [looking, operating, forcing, restarting] = await Promise.all([lackingOf(LOOKING), lackingOf(OPERATING), lackingOf([...breakingGlass(kinds), ...(hasDeployments ? FORCING_SIDES : [])]), lackingOf(hasDeployments ? RESTARTING : [])]);
  if (looking.length > 0) return [bad("your rights", `you may not ${said(looking)} in namespace ${namespace}: ask for the role weir-view there`)];
  return [
    operating.length === 0 ? ok("your rights", `you may give every command in namespace ${namespace}`) : note("your rights", `you may look, and not ${said(operating)} in namespace ${namespace}; who shall, needs the role weir-operate there`),
    forcing.length === 0 ? ok("your rights", "you may break the glass (weir abort --force)") : note("your rights", `weir abort --force would not work for you: it needs ${said(forcing)} (role weir-admin in namespace ${namespace})`),
    ...(restarting.length > 0 ? [note("your rights", `weir restart would not work for you: it needs ${said(restarting)} in namespace ${namespace}`)] : []),
  ];
}

interface Namespaces {
  readonly namespaces: readonly string[];
  /** Those of them in which Deployments are delivered. */
  readonly withDeployments: readonly string[];
}

/** Every namespace that has Rollouts; asked on the daemon's behalf, which needs a right of its own. */
export async function lookAtDaemonRights(client: KubernetesClient, { namespaces, withDeployments }: Namespaces, daemonNamespace: string): Promise<readonly Finding[]> {
  const user = `system:serviceaccount:${daemonNamespace}:weir`;
  const lackingIn = (wanted: readonly Right[], namespace?: string): Promise<readonly Right[]> =>
    lacking(wanted, (right) => isAllowed(client, "SubjectAccessReview", { user, groups: ["system:serviceaccounts", `system:serviceaccounts:${daemonNamespace}`, "system:authenticated"], resourceAttributes: attributesOf(right, namespace) }));
  try {
    const everywhere = await lackingIn([...OF_DAEMON, ...(withDeployments.length > 0 ? HOLDING : [])]);
    const here = await Promise.all(namespaces.map(async (namespace) => ({ namespace, missing: await lackingIn([...OF_DAEMON_HERE, ...(withDeployments.includes(namespace) ? HOLDING_HERE : [])], namespace) })));
    const findings = [
      ...(everywhere.length > 0 ? [bad("daemon's rights", `${user} may not ${said(everywhere)}: kubectl apply -k deploy`)] : []),
      ...here.filter(({ missing }) => missing.length > 0).map(({ namespace, missing }) => bad("daemon's rights", `${user} may not ${said(missing)} in namespace ${namespace}, so it cannot deliver there: kubectl apply -n ${namespace} -f deploy/namespace-binding.yaml`)),
    ];
    return findings.length > 0 ? findings : [ok("daemon's rights", `${user} may do what it needs`)];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [note("daemon's rights", "not seen: you may not ask what others may (subjectaccessreviews)")];
  }
}

async function lacking(wanted: readonly Right[], isGiven: (right: Right) => Promise<boolean>): Promise<readonly Right[]> {
  const given = await Promise.all(wanted.map(isGiven));
  return wanted.filter((_, index) => !given[index]);
}

const Review = z.object({ status: z.object({ allowed: z.boolean().default(false) }) });

async function isAllowed(client: KubernetesClient, kind: string, spec: unknown): Promise<boolean> {
  const review = { apiVersion: "authorization.k8s.io/v1", kind, spec };
  return Review.parse(await client.request("POST", `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`, review)).status.allowed;
}

function attributesOf(right: Right, namespace: string | undefined): Right & { readonly namespace?: string } {
  return { ...right, ...(namespace !== undefined && { namespace }) };
}

/** `patch virtualservices, get secrets`. */
function said(missing: readonly Right[]): string {
  const byResource = new Map<string, string[]>();
  for (const { resource, subresource, verb } of missing) {
    const name = subresource ? `${resource}/${subresource}` : resource;
    byResource.set(name, [...(byResource.get(name) ?? []), verb]);
  }
  return [...byResource].map(([name, verbs]) => `${verbs.join("/")} ${name}`).join(", ");
}
