/** A Deployment with a HorizontalPodAutoscaler, scaled by the real controller from metrics that follow the traffic, while it is delivered. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiObject } from "../support/api-request.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { serveMetrics, type FakeMetrics, type MeteredPod } from "../support/fake-metrics.ts";
import { beginLife, openHeldPlane, type HeldLife } from "../support/held-life.ts";
import { until } from "../support/until.ts";

const LIMIT = { timeout: 300_000 };
/** As the control plane's autoscaler is started. */
const SYNC_MS = 1_000;
/** A little less than half of the 50m that each pod of the example asks for; whole numbers when halved, for the autoscaler rounds each pod's up. */
const PER_POD = 24;
const AT_ONCE = { stabilizationWindowSeconds: 0, policies: [{ type: "Pods", value: 30, periodSeconds: 1 }] };
const SCALER: ApiObject = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "app" },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "app" },
    minReplicas: 2,
    maxReplicas: 30,
    metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }],
    behavior: { scaleDown: AT_ONCE, scaleUp: AT_ONCE },
  },
};

interface Scaler extends ApiObject {
  readonly status?: { readonly currentMetrics?: readonly { readonly resource: { readonly current: { readonly averageUtilization?: number } } }[] };
}

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("a Deployment that is scaled by its load", () => {
  let plane: ControlPlane;
  let metrics: FakeMetrics;
  let life: HeldLife | undefined;
  /** Of all users together, in millicores. */
  let demand = 4 * PER_POD;
  beforeAll(async () => {
    plane = await openHeldPlane();
    metrics = await serveMetrics(plane.request, used);
  }, 120_000);
  afterAll(async () => {
    life?.close();
    await metrics?.close();
    await plane?.close();
  });

  /** Each side's share of the demand, spread over its pods. */
  async function used(pods: readonly MeteredPod[]): Promise<readonly number[]> {
    const shares = (await life?.shares()) ?? { all: 100 };
    const isCanary = ({ metadata: { labels } }: MeteredPod): boolean => labels["weir.dev/canary"] !== undefined;
    const canaries = pods.filter(isCanary).length;
    const share = (pod: MeteredPod): number => {
      if (shares["all"] !== undefined) return shares["all"] / pods.length;
      return isCanary(pod) ? (shares["weir-canary"] ?? 0) / canaries : (shares["weir-stable"] ?? 0) / (pods.length - canaries);
    };
    return pods.map((pod) => (demand * share(pod)) / 100);
  }

  const scaler = (): Promise<Scaler> => plane.request("GET", `/apis/autoscaling/v2/namespaces/${life!.namespace}/horizontalpodautoscalers/app`);
  const utilisation = async (): Promise<number | undefined> => (await scaler()).status?.currentMetrics?.[0]?.resource.current.averageUtilization;
  /** As much as its autoscaler wants it to be, but for its tolerance. */
  const isBusy = async (): Promise<boolean> => ((await utilisation()) ?? 0) >= 45;
  const replicas = async (): Promise<readonly [stable: number, canary: number | undefined]> => [(await life!.deployment()).spec.replicas, (await life!.canary())?.spec.replicas];
  /** Said again while it is refused: the daemon may hear of a pod later than its Deployment does. */
  async function promoted(): Promise<void> {
    const { lastCommand: before } = await life!.status();
    await life!.command({ verb: "promote" });
    const { lastCommand } = await life!.reached(({ lastCommand: now }) => now?.id !== before?.id);
    if (lastCommand?.result === "Refused") await promoted();
  }
  /** The autoscaler has looked since, more than once. */
  async function scaled(): Promise<void> {
    const endMs = Date.now() + 5 * SYNC_MS;
    await life!.until(() => Date.now() > endMs);
  }

  it("keeps the pods that all the traffic needs beside its canary, but for as many as the canary itself stands in for, and then goes no step up", LIMIT, async () => {
    life = await beginLife(plane);
    await plane.apply([SCALER], { namespace: life.namespace });
    await until(isBusy, 90_000);
    await life.setImage("v2");
    await life.reached(({ run }) => run?.pausedBy === "Step" && run.weight === 50);
    await life.until(async () => !(await isBusy())); // on the average of eight pods, and not of its own four
    await scaled();
    expect(await replicas()).toEqual([4, 4]);

    demand = 8 * PER_POD; // just what the eight of both carry: it would need them alone
    await life.until(isBusy);
    await scaled();
    expect(await replicas()).toEqual([4, 4]);
    life.letPass(60_000); // the autoscaler may take so long until it counts a pod
    await life.command({ verb: "promote" });
    const { lastCommand } = await life.reached(({ lastCommand }) => lastCommand?.verb === "promote");
    expect(lastCommand).toMatchObject({ result: "Refused", message: expect.stringMatching(/^v1-.* has 4 ready pods where all the traffic needs 8 by HorizontalPodAutoscaler .*\/app, so it could not take its traffic back: promote --full/) });

    demand = 12 * PER_POD;
    await life.until(async () => isDeepStrictEqual(await replicas(), [12, 12]));
    await life.edit({ spec: { replicas: 3 } }); // by hand: its autoscaler and its canary follow
    await life.until(async () => (await replicas())[0] > 3);

    demand = 4 * PER_POD;
    await life.until(async () => isDeepStrictEqual(await replicas(), [4, 4]) && (await life!.canary())?.status.readyReplicas === 4 && (await life!.deployment()).status.readyReplicas === 4);
    await life.until(async () => ((await utilisation()) ?? 100) <= 25); // its autoscaler has seen just that: half of what is wanted, on twice the pods
    await promoted();
    await life.reached(({ run }) => run?.outcome === "Succeeded");
    await life.until(async () => (await life!.canary()) === undefined && (await life!.shares())["all"] === 100);
    await life.until(isBusy);
    expect(await replicas()).toEqual([4, undefined]);
  });
});
