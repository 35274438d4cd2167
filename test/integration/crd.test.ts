/** The CRD on a real API server: accepted, explained, listed, and strict in our words. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readManifests } from "../../src/cli/lint/manifests.ts";
import { RequestRefused, type ApiObject } from "../support/api-request.ts";
import { BAD_SPECS } from "../support/bad-specs.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";

const ROLLOUTS = "/apis/weir.dev/v1alpha1/namespaces/default/rollouts";
const traffic = { istio: { virtualServices: [{ name: "reviews" }] } };

/** Of another group, with our plural, as Argo Rollouts installs it. */
const ANOTHER_CRD = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "rollouts.argoproj.io" },
  spec: {
    group: "argoproj.io",
    scope: "Namespaced",
    names: { kind: "Rollout", listKind: "RolloutList", plural: "rollouts", singular: "rollout", shortNames: ["ro"] },
    versions: [
      { name: "v1alpha1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } },
    ],
  },
};

const rollout = (name: string, spec: unknown): ApiObject => ({ apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name }, spec });

interface Refusal {
  readonly details: { readonly causes: readonly { readonly field: string; readonly message: string }[] };
}

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("the CRD on a real API server", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane();
    await plane.apply([ANOTHER_CRD]);
  }, 60_000);
  afterAll(async () => plane.close());

  const kubectl = (...args: readonly string[]): string =>
    execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("admin")}`, ...args], { encoding: "utf8" });

  const refusalOf = async (spec: unknown): Promise<Refusal["details"]["causes"]> => {
    try {
      await plane.request("POST", `${ROLLOUTS}?dryRun=All`, rollout("bad", spec));
      return [];
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      return (JSON.parse(error.message.slice(error.message.indexOf("{"))) as Refusal).details.causes;
    }
  };

  test.each(BAD_SPECS)("$name", async ({ spec, sentences }) => {
    const said = (await refusalOf(spec))
      .filter(({ message }) => !message.startsWith("Duplicate value")) // the server's own word about list keys, beside ours
      .map(({ field, message }) => `${field}: ${message.replace(/^Invalid value: (?:.*?: )??(?=expected )/s, "")}`);
    expect(said.sort()).toEqual([...sentences].sort());
  });

  test("a Rollout with everything said is accepted, and stored as it was written", async () => {
    const whole = parse(readFileSync("test/support/whole-rollout.yaml", "utf8")) as ApiObject;
    const [stored] = await plane.apply([whole]);
    expect(stored?.["spec"]).toEqual(whole["spec"]);
  });

  test("the smallest Rollout is stored without defaults, and unknown fields are pruned", async () => {
    const stored = await plane.request<ApiObject>("POST", ROLLOUTS, rollout("smallest", { release: "v3", traffic, nonsense: 1 }));
    expect(stored["spec"]).toEqual({ release: "v3", traffic });
  });

  test("kubectl apply names an unknown field", () => {
    expect(() =>
      execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("admin")}`, "apply", "--dry-run=server", "-f", "-"], {
        input: JSON.stringify(rollout("unknown", { release: "v3", traffic, strategy: { step: [] } })),
        encoding: "utf8",
        stdio: "pipe",
      }),
    ).toThrow(/unknown field "spec\.strategy\.step"/);
  });

  test("weir lint reads YAML as kubectl does", () => {
    const scalars = ["y", "n", "Y", "on", "Off", "yes", "NO", "true", "True", "~", "null", "''", "'on'", "2026-11-21", "1:30", "12e1", "0x10", "010", "1_000", "0.5", "10.0", "1%", "=", "v3"];
    const text = `apiVersion: weir.dev/v1alpha1\nkind: Rollout\nmetadata: {name: scalars}\nspec:\n  on: true\n  values: [${scalars.join(", ")}]\n`;
    const read = execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("admin")}`, "create", "--dry-run=client", "--validate=false", "-o=json", "-f=-"], { input: text, encoding: "utf8" });
    const [manifest] = readManifests(text);
    expect((manifest?.object as ApiObject)["spec"]).toEqual((JSON.parse(read) as ApiObject)["spec"]);
  });

  test("kubectl explain tells what a field means, its default and its unit", () => {
    const explained = kubectl("explain", "rollout.spec.analysis", "--api-version=weir.dev/v1alpha1");
    expect(explained).toContain("How the new version is judged.");
    expect(explained.replaceAll(/\s+/g, " ")).toContain("interval <string> How often every metric is judged. At least 1s, default 10s.");
    expect(explained.replaceAll(/\s+/g, " ")).toContain("enum: enforce, observe");
  });

  test("kubectl get weir shows our columns beside another group's rollouts", async () => {
    await plane.apply([rollout("columns", { release: "v3", traffic })]);
    await plane.request(
      "PATCH",
      `${ROLLOUTS}/columns/status`,
      { status: { phase: "Progressing", reason: "Holding", step: "2/4", weight: "25%", message: "Waits.", observedRevision: { version: "v3", revision: "5c9" } } },
    );
    const [header, line] = kubectl("get", "weir", "columns").trim().split("\n");
    expect(header?.trim().split(/ {2,}/)).toEqual(["NAME", "STATUS", "STEP", "WEIGHT", "REVISION", "MESSAGE", "AGE"]);
    expect(line).toMatch(/^columns +Progressing +2\/4 +25% +v3 +Waits\. +\d+s$/);
    expect(kubectl("get", "weir", "columns", "-o", "wide")).toContain("Holding");
  });

  test("server-side apply merges metrics by their names", async () => {
    const applied = (manager: string, name: string) =>
      plane.request<{ spec: { analysis: { metrics: { name: string }[] } } }>(
        "PATCH",
        `${ROLLOUTS}/merged?fieldManager=${manager}`,
        rollout("merged", { release: "v3", traffic, analysis: { metrics: [{ name, errorRate: { max: "1%" } }] } }),
        "application/apply-patch+yaml",
      );
    await applied("git", "errors");
    const merged = await applied("platform", "errors-strict");
    expect(merged.spec.analysis.metrics.map(({ name }) => name)).toEqual(["errors", "errors-strict"]);
  });
});
