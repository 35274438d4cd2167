/** What kubectl, Flux, Helm and Argo CD show of a Deployment in each phase of its delivery, on the real kube-controller-manager: the table of docs/gitops.md. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ControlPlane } from "../support/control-plane.ts";
import { shownOf, type Shown } from "../support/deployment-health.ts";
import { beginLife, openHeldPlane, withoutHold, type HeldLife } from "../support/held-life.ts";
import { shortened } from "../support/whole-run.ts";

const LIMIT = { timeout: 300_000 };
type Phase = "at rest" | "a new template waits, its run goes on" | "it rolls" | "taken back: the template waits" | "after an undo";

const DONE: Shown = { kubectl: "done", kstatus: "Current", helm3: "done", argoCd: "Healthy" };
const ROLLING: Shown = { kubectl: "waits", kstatus: "InProgress", helm3: "waits", argoCd: "Progressing" };
/** Of another template than its pods are of. */
const WAITING: Shown = { kubectl: "waits", kstatus: "InProgress", helm3: "done", argoCd: "Suspended" };
/** Of the very template that its pods are of. */
const PAUSED: Shown = { kubectl: "done", kstatus: "InProgress", helm3: "done", argoCd: "Suspended" };

const EXPECTED: readonly { readonly by: string; readonly isGuarded: boolean; readonly shown: Readonly<Record<Phase, Shown>> }[] = [
  { by: "the daemon alone", isGuarded: false, shown: { "at rest": PAUSED, "a new template waits, its run goes on": WAITING, "it rolls": ROLLING, "taken back: the template waits": WAITING, "after an undo": PAUSED } },
  { by: "the policies of hold.yaml", isGuarded: true, shown: { "at rest": DONE, "a new template waits, its run goes on": WAITING, "it rolls": ROLLING, "taken back: the template waits": WAITING, "after an undo": DONE } },
];

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("a Deployment, in each phase of its delivery,", () => {
  let plane: ControlPlane; // of each case its own, since one takes the policies away
  beforeEach(async () => {
    plane = await openHeldPlane();
  }, 120_000);
  afterEach(() => plane?.close());

  it.each(shortened(EXPECTED))("shows what docs/gitops.md says, held by $by", LIMIT, async ({ isGuarded, shown }) => {
    if (!isGuarded) await withoutHold(plane);
    const life = await beginLife(plane);
    const seen: Partial<Record<Phase, Shown>> = {};
    const look = async (phase: Phase): Promise<void> => void (seen[phase] = await lookedAt(life));
    if (!isGuarded) await life.until(async () => (await life.deployment()).spec.paused);
    await look("at rest");
    const hash = await life.hashOf("v2");
    await plane.kubelet!.holdUnready({ "pod-template-hash": hash });
    await life.setImage("v2");
    await life.reached(({ run }) => run?.pausedBy === "Step");
    await look("a new template waits, its run goes on");
    await life.command({ verb: "promote", run: 1 });
    await life.until(async () => (await life.sets()).own.some(({ metadata, spec }) => metadata.labels["pod-template-hash"] === hash && spec.replicas > 0));
    await look("it rolls");
    await life.command({ verb: "abort", run: 1 });
    await plane.kubelet!.release();
    await life.reached(({ phase, restoring, run }) => phase === "Degraded" && !restoring && run?.outcome === "Aborted");
    expect((await life.deployment()).spec.template.spec.containers[0].image).toMatch(/:v1$/);
    await rested(life, isGuarded);
    await life.setImage("v3");
    await life.reached(({ run }) => run?.number === 2 && run.pausedBy === "Step");
    await life.command({ verb: "abort", run: 2 });
    await life.reached(({ phase }) => phase === "Degraded");
    await life.until(async () => (await life.shares())["all"] === 100 && (await life.canary()) === undefined);
    await look("taken back: the template waits");
    await life.command({ verb: "undo", run: 2 });
    await life.reached(({ phase }) => phase === "Healthy");
    await rested(life, isGuarded);
    await look("after an undo");
    expect(seen).toEqual(shown);
    life.close();
  });

  /** What waits and who waits for it is over, and all its pods are of v1. */
  async function rested(life: HeldLife, isGuarded: boolean): Promise<void> {
    await life.until(async () => {
      const { spec, status, metadata } = await life.deployment();
      return (spec.paused ?? false) === !isGuarded && status.observedGeneration === metadata.generation && status.availableReplicas === 4 && status.updatedReplicas === 4 && (await life.shares())["all"] === 100;
    });
  }

  /** By the rules, once the controllers have seen the Deployment; and by kubectl itself. */
  async function lookedAt(life: HeldLife): Promise<Shown> {
    await life.until(async () => ((await life.deployment()).status.observedGeneration ?? 0) >= (await life.deployment()).metadata.generation);
    const { own } = await life.sets();
    const deployment = await life.deployment();
    const newest = own.find(({ spec }) => spec.template.spec.containers[0].image === deployment.spec.template.spec.containers[0].image);
    const shown = shownOf(deployment, newest);
    expect(await saidByKubectl(life)).toBe(shown.kubectl);
    return shown;
  }

  async function saidByKubectl({ namespace, name }: HeldLife): Promise<Shown["kubectl"]> {
    const args = [`--kubeconfig=${plane.kubeconfigFor("admin")}`, `--namespace=${namespace}`, "rollout", "status", `deployment/${name}`, "--watch=false"];
    const said = await promisify(execFile)(path.join(plane.assets, "kubectl"), args).then(({ stdout }) => stdout, () => "exceeded its progress deadline");
    if (said.includes("successfully rolled out")) return "done";
    return said.includes("exceeded its progress deadline") ? "fails" : "waits";
  }
});
