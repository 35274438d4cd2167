/** Every right that deploy/ gives to people is needed: each, taken away alone, is missed where its row says, and nowhere else. */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { COMMAND_ANNOTATION } from "../../src/rollout/rollout.ts";
import { RUN_KIND } from "../../src/rollout/rollout-run.ts";
import { createApiRequest, RequestRefused, type ApiObject, type ApiRequest } from "../support/api-request.ts";
import { connectControlPlane, tokenIn } from "../support/control-plane.ts";
import { aDelivery, anApp } from "../support/deliveries.ts";
import { isAllowed } from "../support/deployed.ts";
import { clusterRole, grantedRights, roleBinding, saidOf, type Right } from "../support/granted.ts";
import { openStandingRuns } from "../support/standing-run.ts";
import { until } from "../support/until.ts";

const ROLES = ["weir-view", "weir-operate", "weir-admin"];
const COMMANDS = ["abort", "promote", "pause", "resume", "retry", "undo"];
const APP = "app";
const LIMIT = { timeout: 120_000 };
const DRY = "dryRun=All";

const address = inject("controlPlane");

describe.runIf(address)("what deploy/ lets people do", () => {
  const plane = connectControlPlane(address!);
  let namespace = "";
  let rollout: ApiObject;

  beforeAll(async () => {
    const runs = await openStandingRuns(plane, [{ name: APP, share: 50 }]);
    namespace = runs.namespace;
    rollout = (await runs.rollout(APP)) as unknown as ApiObject;
  }, LIMIT.timeout);

  /** Somebody with these rights in the namespace, by a name of their own. */
  async function personWith(rights: readonly Right[]): Promise<ApiRequest> {
    const name = `person-${randomBytes(4).toString("hex")}`;
    const user = `system:serviceaccount:${namespace}:${name}`;
    await plane.apply([{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } }, clusterRole(name, rights), roleBinding(name, { kind: "ServiceAccount", name, namespace }, namespace)]);
    await until(() => isAllowed(plane.request, user, rights[0]!, namespace), LIMIT.timeout);
    const token = tokenIn(await plane.kubeconfigForServiceAccount(namespace, name));
    return createApiRequest({ url: address!.url, ca: address!.ca, token });
  }

  /** Every write is tried dry, so that each row finds the same. */
  const acts: Readonly<Record<string, Act>> = {
    "get rollouts.weir.dev": (request) => request("GET", rolloutsPath(`/${APP}`)),
    "list rollouts.weir.dev": (request) => request("GET", rolloutsPath()),
    "watch rollouts.weir.dev": (request) => request("GET", rolloutsPath("?watch=true&timeoutSeconds=1")),
    "create rollouts.weir.dev": (request) => request("POST", rolloutsPath(`?${DRY}`), aDelivery(anApp({ name: "new", ladder: [100] }), namespace)),
    "update rollouts.weir.dev": (request) => request("PUT", rolloutsPath(`/${APP}?${DRY}`), { ...rollout, spec: { ...(rollout["spec"] as object), suspend: true } }),
    "patch rollouts.weir.dev": (request) => request("PATCH", rolloutsPath(`/${APP}?${DRY}`), { spec: { suspend: true } }),
    "delete rollouts.weir.dev": (request) => request("DELETE", rolloutsPath(`/${APP}?${DRY}`)),
    "deletecollection rollouts.weir.dev": (request) => request("DELETE", rolloutsPath(`?${DRY}`)),
    ...Object.fromEntries(COMMANDS.map((verb): [string, Act] => [`${verb} rollouts.weir.dev`, (request) => command(request, verb)])),
    "patch rollouts/status.weir.dev": (request) => request("PATCH", rolloutsPath(`/${APP}/status?${DRY}`), { status: { message: "aborted" } }),
    "get rolloutruns.weir.dev": (request) => orMissing(request("GET", runsPath("/none"))),
    "list rolloutruns.weir.dev": (request) => request("GET", runsPath()),
    "watch rolloutruns.weir.dev": (request) => request("GET", runsPath("?watch=true&timeoutSeconds=1")),
    "create rolloutruns.weir.dev": (request) => request("POST", runsPath(`?${DRY}`), aRecord()),
    "delete rolloutruns.weir.dev": (request) => orMissing(request("DELETE", runsPath(`/none?${DRY}`))),
    "deletecollection rolloutruns.weir.dev": (request) => request("DELETE", runsPath(`?${DRY}`)),
    "get virtualservices.networking.istio.io": (request) => request("GET", routePath()),
    "patch virtualservices.networking.istio.io": (request) => request("PATCH", `${routePath()}?${DRY}`, { metadata: { labels: { touched: "true" } } }),
    "list destinationrules.networking.istio.io": (request) => request("GET", `/apis/networking.istio.io/v1/namespaces/${namespace}/destinationrules`),
    "list services": (request) => request("GET", `/api/v1/namespaces/${namespace}/services`),
    ...Object.fromEntries(["httproutes", "grpcroutes"].flatMap((plural): [string, Act][] => [
      [`get ${plural}.gateway.networking.k8s.io`, (request) => orMissing(request("GET", gatewayPath(plural)))],
      [`patch ${plural}.gateway.networking.k8s.io`, (request) => orMissing(request("PATCH", `${gatewayPath(plural)}?${DRY}`, { metadata: { labels: { touched: "true" } } }))],
    ])),
    "get services/proxy weir:http": (request) => orMissing(request("GET", `/api/v1/namespaces/${namespace}/services/weir:http/proxy/doctor`)),
  };

  const rolloutsPath = (rest = ""): string => `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts${rest}`;
  const runsPath = (rest = ""): string => `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rolloutruns${rest}`;
  const gatewayPath = (plural: string): string => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/${plural}/${APP}`;
  const routePath = (): string => `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/${APP}`;

  function command(request: ApiRequest, verb: string): Promise<unknown> {
    return request("PATCH", rolloutsPath(`/${APP}?${DRY}`), { metadata: { annotations: { [COMMAND_ANNOTATION]: verb } } });
  }

  function aRecord(): ApiObject {
    const at = "2026-01-01T00:00:00.000Z";
    const spec = { rollout: { name: APP, uid: "u" }, number: 9, from: { version: "v1", revision: "" }, to: { version: "v2", revision: "" }, outcome: "Aborted", reason: "r", message: "m", startedAt: at, endedAt: at, peak: 10, ladder: [], checks: [], evidence: [], told: [], resolved: {} };
    return { apiVersion: "weir.dev/v1alpha1", kind: RUN_KIND, metadata: { name: "app-0-9" }, spec };
  }

  it.concurrent.each(ROLES)("%s: all that it names can be done with it", LIMIT, async (role) => {
    const rights = rightsOf(role);
    const person = await personWith(rights);
    for (const right of rights) expect(await refusalOf(acts[saidOf(right)]!, person), saidOf(right)).toBeUndefined();
  });

  it.concurrent.each(grantedRights().filter(({ role }) => ROLES.includes(role)).map((right) => [right.role, saidOf(right), right] as const))("%s without the right to %s", LIMIT, async (role, what, missing) => {
    const others = rightsOf(role).filter((right) => right !== missing && saidOf(right) !== what);
    const person = await personWith(others);
    expect(await refusalOf(acts[what]!, person)).toMatch(/forbidden|cannot|expected/i);
    for (const right of others.filter((other) => other.resource === missing.resource && !needs(other, missing))) expect(await refusalOf(acts[saidOf(right)]!, person), saidOf(right)).toBeUndefined();
  });

  function rightsOf(role: string): readonly Right[] {
    return grantedRights().filter((right) => right.role === role);
  }

  /** A command is an annotation that is patched; patching more than that asks for update, so that a night shift may have commands alone. */
  function needs({ verb }: Right, missing: Right): boolean {
    return missing.verb === "patch" ? COMMANDS.includes(verb) : missing.verb === "update" && verb === "patch";
  }
});

type Act = (request: ApiRequest) => Promise<unknown>;

/** Undefined where it may be done. */
async function refusalOf(act: Act, person: ApiRequest): Promise<string | undefined> {
  return act(person).then(() => undefined, (error: unknown) => (error instanceof RequestRefused ? error.message : Promise.reject(error as Error)));
}

/** What is not there, or does not answer, is so for those who may ask. */
async function orMissing(asked: Promise<unknown>): Promise<unknown> {
  return asked.catch((error: unknown) => (error instanceof RequestRefused && [404, 503].includes(error.status) ? undefined : Promise.reject(error as Error)));
}
