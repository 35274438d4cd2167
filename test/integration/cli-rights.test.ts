/** The command line under RBAC and the admission policies, on a real API server: everybody with their own rights. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMAND_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { clusterRole } from "../support/granted.ts";
import { openStandingRuns, type StandingRun } from "../support/standing-run.ts";
import { until } from "../support/until.ts";
import { weir, type Said } from "../support/weir.ts";

const ADMIN = "ada@example.com";
const OPERATOR = "oleg";
const VIEWER = "vera";
/** May write the status that a forced abort begins with, and not the route. */
const HALF = "hal";

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("with the rights that deploy/ gives", () => {
  let plane: ControlPlane;
  let runs: StandingRun;
  const as = (user: string, line: string): Promise<Said> => weir(line.split(" "), { kubeconfig: plane.kubeconfigFor(user), namespace: runs.namespace });
  const commandOf = async (name: string): Promise<string | undefined> => (await runs.rollout(name)).metadata.annotations?.[COMMAND_ANNOTATION];

  beforeAll(async () => {
    plane = await startControlPlane({ users: [ADMIN, OPERATOR, VIEWER, HALF].map((name) => ({ name })) });
    for (const file of ["roles.yaml", "admission.yaml"]) execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("admin")}`, "apply", "--server-side", "-f", `deploy/${file}`]);
    runs = await openStandingRuns(plane, [{ name: "paused", share: 50 }, { name: "forced", share: 50 }, { name: "halfway", share: 50 }, { name: "probe", share: 50 }]);
    await plane.apply([binding("weir-admin", ADMIN), binding("weir-operate", OPERATOR), binding("weir-view", VIEWER), statusWriter, binding("weir-operate", HALF, "half-operate"), binding(statusWriter.metadata.name, HALF)], { namespace: runs.namespace });
    await until(async () => (await as(VIEWER, "get")).exitCode === 0);
    await until(policiesAreInForce, 30_000);
  }, 90_000);
  afterAll(() => plane?.close());

  const statusWriter = clusterRole("status-writer", [
    { group: "weir.dev", resource: "rollouts/status", verb: "patch" },
    { group: "networking.istio.io", resource: "virtualservices", verb: "get" },
  ]);
  const binding = (role: string, user: string, name = role): ApiObject => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
  });

  /** A policy is not in force at once: until then somebody else's name would be taken. */
  async function policiesAreInForce(): Promise<boolean> {
    const url = `/apis/weir.dev/v1alpha1/namespaces/${runs.namespace}/rollouts/probe?dryRun=All`;
    const wrong = { metadata: { annotations: { [COMMAND_ANNOTATION]: "pause id=1 run=1 actor=somebody" } } };
    return plane.request("PATCH", url, wrong).then(() => false, (error: Error) => error.message.includes("expected actor="));
  }

  it("who may only look is told so, and exits with 8", async () => {
    expect(await as(VIEWER, "get paused")).toMatchObject({ exitCode: 0, out: expect.stringContaining("you may not read its route") });
    expect(await as(VIEWER, "pause paused --timeout 1s")).toMatchObject({ exitCode: 8, out: "", err: expect.stringMatching(/^weir: .*forbidden.*ask for the role weir-operate/) });
    expect(await as(VIEWER, "release paused v1")).toMatchObject({ exitCode: 8 });
    expect(await as(VIEWER, "doctor probe")).toMatchObject({ out: expect.stringContaining("you may look, and not patch/update/promote/pause/resume/abort/undo/retry rollouts") });
    expect((await as(VIEWER, "doctor probe")).out.replaceAll(/\s+/g, " "), "of kinds that no Rollout names nothing is asked").toContain("it needs patch rollouts/status, get/patch virtualservices (role weir-admin");
    expect(await commandOf("paused")).toBeUndefined();
  });

  it("who may operate gives commands in their own name, which the policy lets pass", async () => {
    expect(await as(OPERATOR, "pause paused --timeout 200ms")).toMatchObject({ exitCode: 6 });
    expect(await commandOf("paused")).toMatch(/ actor=oleg$/);
  });

  it("breaking the glass needs rights on status and route: without them nothing has moved", async () => {
    expect(await as(OPERATOR, "abort forced --force --timeout 200ms")).toMatchObject({ exitCode: 8 });
    expect(await runs.split("forced")).toEqual({ v1: 50, v2: 50 });
    expect(await runs.status("forced")).not.toHaveProperty("run.outcome");
  });

  it("weir-admin breaks the glass, although the policy keeps the abort that waits", async () => {
    expect(await as(ADMIN, "abort forced --force --timeout 200ms")).toMatchObject({ exitCode: 0, out: expect.stringContaining("(the route has v1 100, v2 0)") });
    expect(await runs.split("forced")).toEqual({ v1: 100, v2: 0 });
    expect(await runs.status("forced")).toMatchObject({ run: { outcome: "Aborted", actor: "oleg" }, lastCommand: { verb: "abort", result: "Accepted" } });
    expect(await commandOf("forced")).toMatch(/^abort .* actor=oleg$/);
    expect(await as(VIEWER, "history forced -o name")).toMatchObject({ exitCode: 0, err: "", out: expect.stringMatching(/^rolloutrun\.weir\.dev\/forced-[0-9a-f]{8}-1\n$/) });
  });

  it("who breaks the glass after somebody got only half the way finishes it, although the policy keeps the answered abort too", async () => {
    expect(await as(HALF, "abort halfway --force --timeout 200ms")).toMatchObject({ exitCode: 8, err: expect.stringContaining('cannot patch resource "virtualservices"') });
    expect(await runs.status("halfway")).toMatchObject({ run: { outcome: "Aborted" } });
    expect(await runs.split("halfway")).toEqual({ v1: 50, v2: 50 });
    expect(await as(ADMIN, "abort halfway --force --timeout 200ms")).toMatchObject({ exitCode: 0, out: expect.stringContaining("by hal; all traffic is with v1 (the route has v1 100, v2 0)") });
    expect(await runs.split("halfway")).toEqual({ v1: 100, v2: 0 });
  });
});
