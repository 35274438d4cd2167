/** The ways to route traffic, one line each; a Rollout's `spec.traffic` says which one is meant. */
import type { Traffic } from "../rollout/spec-traffic.ts";
import { createGatewayRouter, type GatewayRouterOptions } from "./gateway-api/gateway-router.ts";
import { createIstioRouter, type IstioRouterOptions } from "./istio/istio-router.ts";
import { movingTogether } from "./moving-together.ts";
import type { TrafficRouter } from "./traffic-router.ts";

type Routers = Readonly<Record<keyof Traffic, TrafficRouter>>;

/** One router for every Rollout, whatever its traffic goes by. */
export function createTrafficRouter(options: IstioRouterOptions & GatewayRouterOptions): TrafficRouter {
  const routers: Routers = {
    istio: createIstioRouter(options),
    gatewayApi: createGatewayRouter(options),
  };
  return {
    ...movingTogether({
      read: (rollout, target, ...asked) => routerFor(target, routers).read(rollout, target, ...asked),
      write: (change) => routerFor(change.target, routers).write(change),
    }),
    sides: (rollout, target) => routerFor(target, routers).sides(rollout, target),
    writeSides: (rollout, target, write) => routerFor(target, routers).writeSides(rollout, target, write),
  };
}

function routerFor(target: Traffic, routers: Routers): TrafficRouter {
  const provider = (Object.keys(routers) as (keyof Traffic)[]).find((each) => target[each] !== undefined);
  if (!provider) throw new Error(`expected spec.traffic to hold one of ${Object.keys(routers).join(", ")}, got ${Object.keys(target).join(", ") || "nothing"}`);
  return routers[provider];
}
