/** Applications for scenes, each with what must survive a delivery untouched, and their Rollouts, quick enough for a test. */
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import { CANARY_SIDE, STABLE_SIDE } from "../../src/rollout/deployment.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { Steered } from "./route-recorder.ts";

/** From `v1` to `v2`. */
export const STABLE = "v1";
export const CANARY = "v2";

/** The http route that a Rollout steers. */
export const PRIMARY = "primary";

export interface AppOptions {
  readonly name: string;
  /** Canary share before the first run; null: the route knows stable alone, without a weight. Default 0. */
  readonly share?: number | null;
  /** A host of somebody else's on the steered route, which gets this much of all; the share above is of the rest. */
  readonly foreign?: { readonly host: string; readonly percent: number };
  /** Canary shares, in percent. */
  readonly ladder: readonly number[];
}

export function anApp({ name, share = 0, foreign, ladder }: AppOptions): SampleApp {
  const total = 100 - (foreign?.percent ?? 0);
  const canary = ((share ?? 0) * total) / 100;
  const others = foreign ? [{ destination: { host: foreign.host, port: { number: 9080 } }, weight: foreign.percent }] : [];
  const to = (subset: string, weight?: number) => ({ destination: { host: name, subset, port: { number: 9080 } }, ...(weight === undefined ? {} : { weight }) });
  return {
    name,
    versions: [STABLE, CANARY],
    port: 9080,
    image: (version) => `registry.example/${name}:${version}`,
    virtualService: {
      hosts: [name],
      http: [
        { name: "testers", match: [{ headers: { "x-tester": { exact: "true" } } }], route: [{ ...to(CANARY), headers: { response: { set: { "x-route": "testers" } } } }] },
        { name: PRIMARY, timeout: "5s", retries: { attempts: 0 }, route: share === null ? [to(STABLE)] : [...others, to(STABLE, total - canary), to(CANARY, canary)] },
      ],
    },
    routes: [PRIMARY],
    ladder,
  };
}

export function steeredOf({ name, ladder, isHeld }: SampleApp): Steered {
  if (isHeld) return { name, host: name, stable: STABLE_SIDE, canary: CANARY_SIDE, isHeld, ladder };
  return { name, route: PRIMARY, host: name, stable: STABLE, canary: CANARY, ladder };
}

/** `release: v2` unless the change says otherwise; judged every second. */
export function aDelivery(app: SampleApp, namespace: string, change: Partial<RolloutSpecInput> = {}): KubernetesObject {
  const { name } = app;
  const spec: RolloutSpecInput = { release: CANARY, traffic: { istio: { virtualServices: [{ name, routes: [PRIMARY] }] } }, ...paced(app, 1), ...change };
  return { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name, namespace }, spec };
}

/** Judged every so many seconds; a step holds for one look more than its verdicts need. */
export function paced({ ladder }: SampleApp, intervalSeconds: number): Pick<RolloutSpecInput, "strategy" | "analysis"> {
  const hold = `${1 + 4 * intervalSeconds}s`;
  return {
    strategy: { propagation: "1s", progressDeadline: "2m", steps: ladder.map((weight) => ({ weight, hold })) },
    analysis: { interval: `${intervalSeconds}s`, settle: "200ms", warmup: "1s", minVerdicts: 2, minRequests: 5, metrics: [{ name: "errors", errorRate: { max: "10%" } }] },
  };
}
