/** RolloutRuns on whole API servers: stored as written, listed for people, and changed by nobody. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appended } from "../../src/rollout/analysis/trail.ts";
import { customResourceDefinitions } from "../../src/playground/custom-resources.ts";
import { createKubernetesApi } from "../../src/playground/kubernetes-api/kubernetes-api.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { keepRecord } from "../../src/kubernetes/rollout-runs.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import type { RolloutRunSpec } from "../../src/rollout/rollout-run.ts";
import { RolloutSpec } from "../../src/rollout/spec.ts";
import type { ApiObject } from "../support/api-request.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { aCheck, aRollout, at, v2, v3 } from "../support/rollouts.ts";
import { createSilentLog } from "../support/silent-log.ts";
import { shortened } from "../support/whole-run.ts";

const assets = process.env.KUBEBUILDER_ASSETS;
const uid = "0f8fad5b-d9cb-469f-a165-70867728950e";

const spec: RolloutRunSpec = {
  rollout: { name: "reviews", uid },
  number: 7, from: v2, to: v3, outcome: "RolledBack",
  reason: "errors was 5%", message: "run 7 of v3 was taken back to v2: errors was 5%",
  startedAt: at(0), endedAt: at(60), peak: 12.5,
  ladder: [{ weight: 10, hold: "1m" }, { pause: {} }, { weight: 100, hold: "1m" }],
  checks: [aCheck()],
  evidence: [{
    name: "errors", definition: "d", at: at(60), looks: 1, compared: 1, inStep: 0, canary: { requests: 240, bad: [12] }, stable: { requests: 2_110, bad: [3] }, dispersion: 1.5,
    past: { requests: 12.5, bad: [0.25] }, againstStable: [[0.5, -1.25]],
    trail: appended("", { atMs: Date.parse(at(60)), canary: { requests: 240, bad: 12 }, stable: { requests: 2_110, bad: 3 } }),
  }],
  told: [{ target: "slack/#deploys", event: "Started", message: "C1/1.2" }],
  resolved: { ...RolloutSpec.parse({ release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews" }] } } }), ofALaterWeir: { is: ["kept"] } },
};

/** As the daemon does when a run has ended. */
async function keep(kubeconfig: string, namespace: string): Promise<string | undefined> {
  const transport = createTransport(loadConnection({ kubeconfig }), { userAgent: "test" });
  const client = createKubernetesClient(transport);
  const record = { namespace, name: "kept", labels: { "weir.dev/rollout": "reviews" }, spec };
  return keepRecord({ client, logger: createSilentLog() }, aRollout().metadata, record).finally(() => transport.close());
}

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let namespace: string;
  let runs: string;
  const folder = createTemporaryFolder("weir-kubectl");
  beforeAll(async () => {
    api = await open();
    namespace = await api.createNamespace();
    runs = `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rolloutruns`;
  });
  afterAll(async () => {
    await api?.close();
    await folder.remove();
  });

  const create = (name: string): Promise<ApiObject> => api.request<ApiObject>("POST", runs, { apiVersion: "weir.dev/v1alpha1", kind: "RolloutRun", metadata: { name, labels: { "weir.dev/rollout": "reviews" } }, spec });
  const kubectl = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(path.join(assets!, "kubectl"), [`--kubeconfig=${api.kubeconfigFor("admin")}`, `--cache-dir=${folder.path}`, `--namespace=${namespace}`, ...args])).stdout;

  test("a record is stored as it was written, with what a later Weir may have said in the spec", async () => {
    expect((await create("stored"))["spec"]).toEqual(spec);
  });

  test("nobody changes what it says, not even within the spec that is kept as it was; labels are free", async () => {
    await create("fixed");
    const changed = (change: object): Promise<ApiObject> => api.request<ApiObject>("PATCH", `${runs}/fixed`, change);
    const sentence = /expected the record of a run to stay as it was written, got another spec; delete the record if it shall go/;
    await expect(changed({ spec: { outcome: "Succeeded" } })).rejects.toThrow(sentence);
    await expect(changed({ spec: { evidence: [] } })).rejects.toThrow(sentence);
    await expect(changed({ spec: { resolved: { ofALaterWeir: { is: ["changed"] } } } })).rejects.toThrow(sentence);
    await expect(changed({ spec: { actor: "somebody" } })).rejects.toThrow(sentence);
    await expect(changed({ spec: null })).rejects.toThrow(/spec/);
    expect((await changed({ metadata: { labels: { team: "web" } } })).metadata).toMatchObject({ labels: { team: "web" } });
  });

  test("the daemon writes one once, and takes one that is there for written", async () => {
    expect(await keep(api.kubeconfigFor("daemon"), namespace)).toBeUndefined();
    expect(await keep(api.kubeconfigFor("daemon"), namespace)).toBeUndefined();
    const asked = api.requestsOf("daemon").filter((request) => request.namespace === namespace && request.resource === "rolloutruns");
    expect(asked.map(({ verb, status }) => [verb, status])).toEqual([["create", 201], ["create", 409]]);
    expect((await api.request<ApiObject>("GET", `${runs}/kept`))["spec"]).toEqual(spec);
  });

  test("where the namespace is gone the daemon goes on", async () => {
    expect(await keep(api.kubeconfigFor("daemon"), "gone")).toMatch(/404 namespaces "gone" not found/);
  });

  test.runIf(assets)("kubectl get weirruns lists them, and kubectl get weir does not", async () => {
    await create("listed");
    const [header, line] = (await kubectl("get", "weirruns", "listed")).trim().split("\n");
    expect(header?.trim().split(/ {2,}/)).toEqual(["NAME", "ROLLOUT", "RUN", "OUTCOME", "TO", "PEAK", "ENDED", "REASON"]);
    expect(line).toMatch(/^listed +reviews +7 +RolledBack +v3 +12\.5 +\S+ +errors was 5%$/);
    expect(await kubectl("get", "weirrun", "-o", "name")).toContain("rolloutrun.weir.dev/listed");
    await api.request("POST", runs.replace("rolloutruns", "rollouts"), { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name: "reviews" }, spec: { release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews" }] } } } });
    expect((await kubectl("get", "weir", "-o", "name")).trim()).toBe("rollout.weir.dev/reviews");
  });
});

test("a server whose CRDs are older, without RolloutRuns, keeps no Rollout", async () => {
  const folder = createTemporaryFolder("weir-older");
  const older = await createKubernetesApi({ crds: customResourceDefinitions().filter(({ metadata }) => metadata.name !== "rolloutruns.weir.dev") });
  const kubeconfig = path.join(folder.path, "kubeconfig");
  writeFileSync(kubeconfig, older.kubeconfig("daemon"));
  expect(await keep(kubeconfig, "default")).toBe("the API server knows no RolloutRun; apply deploy/crd.yaml (weir crd prints it)");
  await older.close();
  await folder.remove();
});
