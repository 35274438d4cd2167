/** Bugs that are planted around a daemon, to show that the simulation can fail: each names the law that is to catch it. */
import type { Ports } from "../../../src/reconciler/ports.ts";
import type { Network } from "./network.ts";
import { composedOf, realReconcile, type Reconcile, type TickSteps } from "./composition.ts";

export interface PlantedBug {
  readonly reconcile: Reconcile;
  readonly network: (network: Network) => Network;
  readonly ports: (ports: Ports) => Ports;
}

export const NO_BUG: PlantedBug = { reconcile: realReconcile, network: (network) => network, ports: (ports) => ports };

export function inSteps(change: Partial<TickSteps>): PlantedBug {
  return { ...NO_BUG, reconcile: composedOf(change) };
}
