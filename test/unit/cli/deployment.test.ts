/** What the command line says of a Rollout that delivers a Deployment, and what it makes of its objects. */
import { describe, expect, it, test } from "vitest";
import { readsBareNames } from "../../../src/cli/doctor/template-references.ts";
import { lookAtDelivered } from "../../../src/cli/doctor/deployments.ts";
import type { Look } from "../../../src/cli/look.ts";
import { goalOf, verdictOn } from "../../../src/cli/settled.ts";
import { createStyle } from "../../../src/cli/style.ts";
import { stageSaid } from "../../../src/cli/view/deployment.ts";
import { explanationOf } from "../../../src/cli/view/explanation.ts";
import { listOf } from "../../../src/cli/view/list.ts";
import { nextCommands } from "../../../src/cli/view/next-commands.ts";
import { portraitOf } from "../../../src/cli/view/portrait.ts";
import { timelineSaid } from "../../../src/cli/view/timeline.ts";
import { whatChanges } from "../../../src/cli/view/what-changes.ts";
import type { KubernetesClient, KubernetesObject } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { rolloutOf } from "../../../src/kubernetes/rollout-object.ts";
import { isValid } from "../../../src/rollout/validity.ts";
import type { DeploymentSeen } from "../../../src/rollout/observation.ts";
import type { ValidRollout } from "../../../src/rollout/rollout.ts";
import { Reason, type RolloutStatus, type Run } from "../../../src/rollout/status.ts";
import { aTarget } from "../../support/istio-objects.ts";
import { aRollout, aRun, aStatus, at, v3 } from "../../support/rollouts.ts";

const style = createStyle(false);
const nowMs = Date.parse(at(35));
const DEPLOYMENT = { deployment: { name: "reviews" }, release: undefined };

const ofRun = (run: Partial<Run> = {}): Run => aRun({ deployment: "reviews", isSplit: true, ...run });
const rolloutWith = (status: Partial<RolloutStatus> = {}, finalizers?: readonly string[]): ValidRollout => aRollout({ spec: DEPLOYMENT, status: aStatus({ run: ofRun(), ...status }), ...(finalizers ? { finalizers } : {}) });

function anObject(change: Partial<RolloutStatus> = {}): KubernetesObject {
  return { metadata: { name: "reviews", namespace: "bookinfo", generation: 1 }, spec: { deployment: { name: "reviews" }, traffic: aTarget() }, status: aStatus(change) };
}

const seen: DeploymentSeen = {
  kind: "found", label: "Deployment bookinfo/reviews", resourceVersion: "1", template: v3, podLabels: {}, remembered: [], replicas: 4, isPaused: true, isHeld: true, isGuarded: true, isRolled: false, rolledPods: 0, otherPods: 4, readyPodsOf: {}, rollLimitMs: 600_000,
  canaries: [{ uid: "uid-9", name: "reviews-canary-abc", resourceVersion: "1", version: v3.version, replicas: 1 }], canaryPods: 1, readyCanaryPods: 1,
};
const look: Look = { route: { kind: "absent", message: "not looked at" }, versions: [], deployment: seen };

describe("a Rollout as it is read", () => {
  it("bears the version that was seen last in its Deployment", () => {
    const { spec } = rolloutOf(anObject());
    expect("invalid" in spec ? spec.invalid : spec.release).toBe("v3");
  });
});

describe("waiting", () => {
  const healthy = goalOf("Healthy");

  it("does not take the health of the template before for that of the one that was just applied", () => {
    const object = anObject({ phase: "Healthy" });
    expect(verdictOn(object, healthy, undefined, "v4-abc")).toEqual({ kind: "waiting", pin: { release: "v4-abc", revision: "" } });
    expect(verdictOn(object, healthy, undefined, "v3")).toEqual({ kind: "met" });
  });

  it("fails with 7 when another template is applied", () => {
    expect(verdictOn(anObject(), healthy, { release: "v3", revision: "" }, "v4-abc")).toMatchObject({ kind: "failed", exitCode: 7 });
  });
});

describe("the stage of a run", () => {
  test.each([
    ["before the route leads to stable alone", ofRun({ isSplit: undefined, step: -1, weight: 0 }), undefined, "opening"],
    ["while the canary starts", ofRun({ step: -1, weight: 0 }), undefined, "opening"],
    ["on the ladder", ofRun(), undefined, undefined],
    ["while the Deployment rolls", ofRun({ rollingSince: at(20) }), undefined, "rolling"],
    ["when it has ended, and something is left", ofRun({ outcome: "Succeeded" }), undefined, "clearing away"],
    ["when nothing is left", ofRun({ outcome: "Succeeded" }), [], undefined],
  ])("%s", (_, run, finalizers, name) => expect(stageSaid(rolloutWith({ run }, finalizers))?.name).toBe(name));
});

describe("what is shown", () => {
  it("a portrait has the template that waits, its canary, and what comes before and after the ladder", () => {
    const text = portraitOf(rolloutWith(), look, { style, nowMs }).join("\n");
    for (const part of ["  ├─ ✔ told apart", "  └─ ○ it rolls", "Deployment   reviews\n  ├─ the template v3 waits; its own pods (4) run v2\n  └─ canary reviews-canary-abc runs v3 with 1 replica\n"]) expect(text).toContain(part);
  });

  it("an explanation speaks of the Deployment and not of spec.release", () => {
    const text = explanationOf(rolloutWith({ run: ofRun({ rollingSince: at(20) }) }), look, { style, nowMs, width: 1_000 }).join("\n");
    expect(text).toContain("Of Deployment reviews: it rolls to the template v3, 0 of 4 pods are ready. The canary reviews-canary-abc runs v3 with 1 replica.");
    expect(text).toContain("It is rolling: the canary has all the traffic while Deployment reviews replaces its pods");
    expect(text).not.toContain("spec.release");
  });

  it("a wide list names Deployments where there are any", () => {
    const options = { style, nowMs, withNamespace: false, wide: true };
    expect(listOf([rolloutWith(), aRollout()], options).map((line) => line.split(/ {3,}/)[8])).toEqual(["DEPLOYMENT", "reviews", "-"]);
  });

  test.each(Reason.options)("nothing that would change %s is about spec.release", (reason) => {
    const status = aStatus({ reason, run: ofRun(), refused: { ...v3, because: "Aborted", reason: "x" } });
    const said = whatChanges(status, rolloutWith().spec, nowMs);
    for (const each of said) expect(each).toMatch(/^(?!.*(?:spec\.release|weir release)).*\.$/);
  });

  it("the ways out of a refusal are another try, the template before, or another one", () => {
    const refused = aStatus({ phase: "Degraded", refused: { ...v3, because: "RolledBack", reason: "x" }, run: ofRun({ outcome: "RolledBack" }) });
    expect(nextCommands({ name: "reviews", namespace: "bookinfo" }, refused).map(({ command }) => command)).toEqual([
      "weir retry reviews -n bookinfo", "weir undo reviews -n bookinfo", "kubectl set image deployment/reviews '*=IMAGE' -n bookinfo",
    ]);
  });

  it("a timeline begins before the ladder and ends after it", () => {
    const strategy = { propagation: "5s", steps: [{ weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }] };
    const text = timelineSaid(aRollout({ status: null, spec: { ...DEPLOYMENT, strategy } }), style, 200).join("\n");
    expect(text).toMatch(/^reviews: a run to a new pod template of Deployment reviews.*\n {2}0s +opening.*\n {2}10s +canary.*\n {2}10s +50% .*\n {2}\S+ +100% .*\n {2}\S+ +rolling.*\n +clearing.*\n +the new template is stable\n/);
    expect(text).toContain("it goes on holding that template");
  });
});

describe("doctor", () => {
  const rollout = rolloutOf(anObject());
  if (!isValid(rollout)) throw new Error("expected a Rollout that can be read");
  const aDeployment = (change: Partial<KubernetesObject["metadata"]>, pod: object = {}, annotations: object = {}): KubernetesObject => ({ metadata: { name: "reviews", namespace: "bookinfo", ...change }, spec: { template: { metadata: { annotations }, spec: { containers: [], ...pod } } } });
  const found = async (deployment: KubernetesObject | undefined, others: readonly KubernetesObject[] = [], list: () => Promise<{ readonly items: readonly KubernetesObject[] }> = async () => ({ items: [] })): Promise<string> => {
    const client = { get: async () => deployment, list } as unknown as KubernetesClient;
    return (await lookAtDelivered(client, rollout, others, "bookinfo/reviews")).map(({ level, message }) => `${level}: ${message}`).join("\n");
  };
  const APPLIED_FALSE = { "kubectl.kubernetes.io/last-applied-configuration": '{"spec":{"paused":false}}' };
  const owner = (manager: string, operation: "Apply" | "Update") => ({ managedFields: [{ manager, operation, fieldsV1: { "f:spec": { "f:paused": {} } } }] });

  test.each([
    ["a manifest that says paused: false, applied server-side", owner("helm", "Apply"), /^bad: the manifest that helm applies says spec\.paused/],
    ["one that kubectl applies", { annotations: APPLIED_FALSE }, /^bad: the manifest that kubectl apply applies says spec\.paused/],
    ["what the policy has put into somebody's update", owner("kubectl-set", "Update"), /^$/],
    ["what Weir itself has paused", owner("weir", "Update"), /^$/],
  ])("%s", async (_, metadata, message) => expect(await found(aDeployment(metadata))).toMatch(message));

  it("says that there is no such Deployment, and that another Rollout names it, too", async () => {
    const other = { ...anObject(), metadata: { ...anObject().metadata, name: "twin" } };
    expect(await found(undefined, [other, anObject()])).toBe(
      ["bad: Deployment reviews is also named by Rollout bookinfo/twin, and only the older one may deliver it: delete one, or name another Deployment", "bad: there is no Deployment bookinfo/reviews: name the one to deliver in spec.deployment"].join("\n"),
    );
  });

  const scaler = (metadata: Partial<KubernetesObject["metadata"]> = {}, name = "reviews"): KubernetesObject => ({ metadata: { name: "by-load", ...metadata }, spec: { scaleTargetRef: { kind: "Deployment", name }, maxReplicas: 9 } });
  test.each([
    ["an autoscaler", [scaler()], /^note: Deployment reviews is scaled by HorizontalPodAutoscaler by-load, which counts the canary's pods, too/],
    ["one of KEDA's", [scaler({ ownerReferences: [{ kind: "ScaledObject", name: "queue", uid: "u" }] })], /by-load \(of KEDA's ScaledObject queue, which goes down to 0 unless/],
    ["one of another Deployment", [scaler({}, "ratings")], /^$/],
  ])("notices %s", async (_, items, message) => expect(await found(aDeployment({}), [], async () => ({ items }))).toMatch(message));

  it("says nothing of autoscalers that may not be listed", async () => {
    expect(await found(aDeployment({}), [], async () => Promise.reject(new ApiError("forbidden", 403, "Forbidden")))).toBe("");
  });

  const reading = (names: readonly string[]): object => ({ volumes: names.map((name) => ({ name, configMap: { name } })) });
  test.each([
    ["a name without a hash", reading(["settings"]), {}, /^Deployment reviews reads ConfigMap settings by a name without a hash/],
    ["a name with a hash", reading(["settings-5gbmt2k698", "other-0a1b2c3d4e"]), {}, undefined],
    ["a checksum in the template", reading(["settings"]), { "checksum/config": "0a1b" }, undefined],
    ["several of them, in one finding", { ...reading(["one", "two", "one"]), containers: [{ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "three", key: "k" } } }] }] }, {}, /reads Secret three, ConfigMap one, ConfigMap two by/],
  ])("looks at what a template reads: %s", (_, pod, annotations, message) => {
    const [finding, ...more] = readsBareNames(aDeployment({}, pod, annotations), { namespace: "bookinfo", name: "reviews" }, "x");
    expect(more).toEqual([]);
    if (message) expect(finding?.message).toMatch(message);
    else expect(finding).toBeUndefined();
  });
});
