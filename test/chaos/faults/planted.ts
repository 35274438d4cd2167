/** A breach that is made on purpose: a write as a daemon with a defect would make it, which the recorder must see. */
import { setTimeout as wait } from "node:timers/promises";
import { ROUTE_MANAGER } from "../../../src/rollout/rollout.ts";
import type { Run } from "../../../src/rollout/status.ts";
import type { ApiObject } from "../../support/api-request.ts";
import { steeredOf } from "../../support/deliveries.ts";
import { until } from "../../support/until.ts";
import { INTERVAL_MS, type Fault, type Stage } from "../fault.ts";

/** Of no step. */
const ILLEGAL_SHARE = 37;
const LIMIT_MS = 60_000;

export const planted: Fault = {
  part: "daemon",
  name: `a planted defect: it once writes ${ILLEGAL_SHARE}%, which no step gives`,
  mustHold: "it is seen, and the command exits with 1",
  deliveries: 2,
  normalFrom: "its end",
  prepare: async (stage) => ({ inflict: () => writeIllegalShare(stage) }),
};

interface Route extends ApiObject {
  readonly spec: { readonly http: readonly { readonly name?: string; readonly route: readonly { readonly destination: { readonly subset: string } }[] }[] };
}

/** While the first one is on its way up; a daemon without defects puts it right again. */
async function writeIllegalShare({ api, scene, deliveries }: Stage): Promise<void> {
  const { name } = deliveries()[0]!.app;
  await until(() => isOnItsWay(scene.status(deliveries()[0]!.app)?.run), LIMIT_MS);
  const path = `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/virtualservices/${name}`;
  const { spec } = await api.request<Route>("GET", path);
  const { route, stable, canary } = steeredOf(deliveries()[0]!.app);
  const weights: Readonly<Record<string, number>> = { [stable]: 100 - ILLEGAL_SHARE, [canary]: ILLEGAL_SHARE };
  const http = spec.http.map((one) => (one.name === route ? { ...one, route: one.route.map((each) => ({ ...each, weight: weights[each.destination.subset] })) } : one));
  await api.request("PATCH", `${path}?fieldManager=${ROUTE_MANAGER}`, { spec: { http } });
  await wait(INTERVAL_MS);
}

function isOnItsWay(run: Run | undefined): boolean {
  return run !== undefined && run.weight > 0 && run.inForceAt !== undefined;
}
