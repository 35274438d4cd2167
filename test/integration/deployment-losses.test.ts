/** Somebody deletes a part of what a Deployment's delivery stands on, at 50 %, on the real control plane: what Weir says, what it does, and how people get out. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiObject } from "../support/api-request.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { beginLife, openHeldPlane, type HeldLife } from "../support/held-life.ts";
import { until } from "../support/until.ts";

const LIMIT = { timeout: 300_000 };
const WAIT_MS = 60_000;

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("at 50 % of a Deployment's delivery", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await openHeldPlane();
  }, 120_000);
  afterAll(async () => plane?.close());

  async function atHalf(): Promise<HeldLife> {
    const life = await beginLife(plane);
    await life.setImage("v2");
    await life.reached(({ run }) => run?.pausedBy === "Step" && run.inForceAt !== undefined);
    await life.until(async () => (await life.canary())?.status.readyReplicas === 4);
    return life;
  }

  const at = ({ namespace }: HeldLife, group: string, plural: string, name: string): string => `/apis/${group}/namespaces/${namespace}/${plural}/${name}`;
  const isGone = (path: string): Promise<boolean> => plane.request("GET", path).then(() => false, (error: Error) => /404|not found/i.test(error.message));

  const ruleOf = (life: HeldLife): string => at(life, "networking.istio.io/v1", "destinationrules", `weir-${life.name}`);

  async function deletes(life: HeldLife, group: string, plural: string, name: string): Promise<void> {
    await plane.request("DELETE", at(life, group, plural, name), { propagationPolicy: "Background" });
    await until(() => isGone(at(life, group, plural, name)), WAIT_MS);
  }

  /** Only the user's own objects are left, and the route is as it was. */
  async function cleared(life: HeldLife): Promise<void> {
    await life.until(async () => (await life.canary()) === undefined && (await life.shares())["all"] === 100 && (await isGone(ruleOf(life))));
  }

  it("the canary goes: everything is taken back", LIMIT, async () => {
    const life = await atHalf();
    await deletes(life, "apps/v1", "deployments", (await life.canary())!.metadata.name);
    const { message } = await life.reached(({ run }) => run?.outcome === "RolledBack");
    expect(message).toMatch(/^run 1 of v2-\w+ was taken back to v1-\w+: v2-\w+ has 50% of the traffic and no(thing| ready pod)/);
    await cleared(life);
    life.close();
  });

  it("the rule that tells the sides apart goes: it is written again, and the run goes on", LIMIT, async () => {
    const life = await atHalf();
    await plane.request("DELETE", ruleOf(life));
    await life.until(async () => !(await isGone(ruleOf(life))));
    life.letPass(5_000); // until it is in force
    await life.command({ verb: "promote" });
    await life.reached(({ run }) => run?.outcome === "Succeeded");
    await cleared(life);
    life.close();
  });

  it("the ReplicaSet of what serves goes, which a held Deployment does not make again: that is said, promote is refused, and promote --full is the way out", LIMIT, async () => {
    const life = await atHalf();
    const stable = (await life.sets()).own.find(({ spec }) => spec.replicas > 0)!;
    await deletes(life, "apps/v1", "replicasets", stable.metadata.name);
    const { phase, message } = await life.reached(({ message: said }) => said?.includes("could not take its traffic back"));
    expect({ phase, message }).toEqual({ phase: "Paused", message: expect.stringMatching(/^waits at 50% .*; v1-\w+ has (no ready pod|nothing behind it).*, so it could not take its traffic back$/) });
    await life.command({ verb: "promote" });
    const { lastCommand } = await life.reached(({ lastCommand: last }) => last?.verb === "promote");
    expect(lastCommand).toMatchObject({ result: "Refused", message: expect.stringContaining("promote --full gives v2-") });
    await life.command({ verb: "promote", full: true });
    await life.reached(({ run }) => run?.outcome === "Succeeded");
    await cleared(life);
    life.close();
  });

  it("the Deployment goes: the run is over, nothing is called moved that was not, and the Rollout can be deleted", LIMIT, async () => {
    const life = await atHalf();
    await deletes(life, "apps/v1", "deployments", life.name);
    const { message } = await life.reached(({ run }) => run?.outcome === "RolledBack");
    expect(message).toMatch(/^run 1 of v2-\w+ is over \(there is no Deployment .*\/app\), and its traffic could not be taken back to v1-\w+ yet: v1-\w+ has no/);
    await life.reached(({ reason }) => reason === "StableUnready");
    expect(await life.shares()).toEqual({ "weir-stable": 50, "weir-canary": 50 }); // the canary answers still, and nobody else could
    const rollout = at(life, "weir.dev/v1alpha1", "rollouts", life.name);
    await plane.request("DELETE", rollout);
    await life.until(() => isGone(rollout));
    await cleared(life);
    life.close();
  });

  it("the Deployment goes and comes back: so does the traffic", LIMIT, async () => {
    const life = await atHalf();
    const { apiVersion, kind, metadata: { name }, spec: { paused: _, ...spec } } = await life.deployment();
    const before = await life.hashOf("v1");
    await deletes(life, "apps/v1", "deployments", life.name);
    await life.reached(({ reason }) => reason === "StableUnready");
    const [container] = spec.template.spec.containers;
    const template = { ...spec.template, spec: { ...spec.template.spec, containers: [{ ...container, image: container.image.replace(/:v2$/, ":v1") }] } };
    await plane.apply([{ apiVersion, kind, metadata: { name }, spec: { ...spec, template } }], { namespace: life.namespace });
    await cleared(life);
    expect((await life.sets()).own.map(({ metadata: { labels } }) => labels["pod-template-hash"])).toEqual([before]);
    expect(await life.status()).toMatchObject({ phase: "Degraded", run: { outcome: "RolledBack" } });
    life.close();
  });

  it("the route goes and comes back as its owner has it: the run waits for a person, and goes on from there", LIMIT, async () => {
    const life = await atHalf();
    const route = at(life, "networking.istio.io/v1", "virtualservices", life.name);
    const { spec } = await plane.request<ApiObject & { spec: { http: { route: { destination: { host: string } }[] }[] } }>("GET", route);
    const [{ route: [first] }] = spec.http as [{ route: [{ destination: { host: string } }] }];
    const [group, kind] = ["networking.istio.io/v1", "VirtualService"];
    await plane.request("DELETE", route);
    await life.reached(({ reason }) => reason === "RouteMissing");
    await plane.apply([{ apiVersion: group, kind, metadata: { name: life.name }, spec: { ...spec, http: [{ route: [{ destination: { host: first.destination.host } }] }] } }], { namespace: life.namespace });
    const { message } = await life.reached(({ run }) => run?.pausedBy === "RouteEditedByHand");
    expect(message).toContain("lead to every pod again, so v2-");
    await life.command({ verb: "resume" });
    await life.reached(({ run }) => run?.pausedBy === "Step" && run.weight === 50);
    await life.command({ verb: "promote" });
    await life.reached(({ run }) => run?.outcome === "Succeeded");
    await cleared(life);
    life.close();
  });
});
