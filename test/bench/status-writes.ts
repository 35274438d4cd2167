/** What a write of a Rollout's status costs the API server, with the rules of the CRD and without them: it evaluates them with each write, although the spec did not change. `npm run bench:status-writes -- [writes]` (needs KUBEBUILDER_ASSETS) */
import { crd } from "../../src/rollout/crd.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import { VALIDATIONS } from "../../src/rollout/spec-rule.ts";
import type { ApiObject } from "../support/api-request.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { until } from "../support/until.ts";

const WRITES = 100;
const ROUNDS = 3;
const NAMESPACE = "default";
const ROLLOUT = `/apis/weir.dev/v1alpha1/namespaces/${NAMESPACE}/rollouts/reviews`;
const STATUS = `${ROLLOUT}/status`;
const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rollouts.weir.dev";

const SPEC: RolloutSpecInput = {
  release: "v3",
  traffic: { istio: { virtualServices: [{ name: "reviews", routes: ["primary"] }] } },
  strategy: { steps: [1, 2, 5, 10, 20, 30, 40, 60, 80, 100].map((weight) => ({ weight, hold: "5m" })) },
  analysis: { metrics: [{ name: "errors", errorRate: { max: "1%" } }, { name: "slow", latency: { percentile: 99, max: "500ms" } }] },
};

type CustomResourceDefinition = ApiObject & ReturnType<typeof crd>;
const LOOSE = "loose";

/** Which one the server goes by, it tells by an invalid spec. */
function withoutRules(definition: CustomResourceDefinition): CustomResourceDefinition {
  return JSON.parse(JSON.stringify(definition, (key, value: unknown) => (key === VALIDATIONS ? undefined : value))) as CustomResourceDefinition;
}

async function main(writes: number): Promise<void> {
  const plane = await startControlPlane();
  try {
    const strict = crd() as CustomResourceDefinition;
    await plane.apply([strict]);
    await until(() => plane.request("POST", ROLLOUT.replace(/\/[^/]*$/, ""), aRollout("reviews", SPEC)).then(() => true, () => false), 30_000);
    const costs: Record<"with" | "without", number[]> = { with: [], without: [] };
    for (let round = 0; round < ROUNDS; round++) {
      await goBy(plane, strict, true);
      costs.with.push(await costOf(plane, writes));
      await goBy(plane, withoutRules(strict), false);
      costs.without.push(await costOf(plane, writes));
    }
    const [ruled, free] = [median(costs.with), median(costs.without)];
    console.log(`${writes} status patches of a Rollout with ${SPEC.strategy!.steps!.length} steps, medians of ${ROUNDS} rounds: CPU of kube-apiserver ${ruled.toFixed(1)} ms a write with the rules, ${free.toFixed(1)} ms without: ${(ruled / free).toFixed(2)} times`);
  } finally {
    await plane.close();
  }
}

function aRollout(name: string, spec: unknown): ApiObject {
  return { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name, namespace: NAMESPACE }, spec };
}

/** Settles when the server takes, or refuses, what the rules forbid. */
async function goBy({ request }: ControlPlane, definition: CustomResourceDefinition, refuses: boolean): Promise<void> {
  const { metadata } = await request("GET", CRD);
  await request("PUT", CRD, { ...definition, metadata: { ...definition.metadata, resourceVersion: metadata["resourceVersion"] } });
  const bad = aRollout(LOOSE, { ...SPEC, stable: SPEC.release });
  const isRefused = (): Promise<boolean> => request("POST", `${ROLLOUT.replace(/\/[^/]*$/, "")}?dryRun=All`, bad).then(() => false, () => true);
  await until(async () => (await isRefused()) === refuses, 60_000);
}

/** Milliseconds of processor time, of each write. */
async function costOf(plane: ControlPlane, writes: number): Promise<number> {
  const before = await cpuMs(plane);
  for (let write = 0; write < writes; write++) await plane.request("PATCH", STATUS, { status: { message: `${write}` } });
  return ((await cpuMs(plane)) - before) / writes;
}

async function cpuMs({ request }: ControlPlane): Promise<number> {
  const text = await request<string>("GET", "/metrics");
  return Number(/^process_cpu_seconds_total (.+)$/m.exec(text)?.[1]) * 1_000;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)]!;
}

await main(Number(process.argv[2] ?? WRITES));
