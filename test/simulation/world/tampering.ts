/** What may be replaced around a simulated daemon, from outside: its tick, its way to the API server, its ports. */
import type { Ports } from "../../../src/reconciler/ports.ts";
import { composedOf, realReconcile, type Reconcile, type TickSteps } from "./composition.ts";
import type { Network } from "./network.ts";

export interface Tampering {
  readonly reconcile: Reconcile;
  readonly network: (network: Network) => Network;
  readonly ports: (ports: Ports) => Ports;
}

export const UNTOUCHED: Tampering = { reconcile: realReconcile, network: (network) => network, ports: (ports) => ports };

export function inSteps(change: Partial<TickSteps>): Tampering {
  return { ...UNTOUCHED, reconcile: composedOf(change) };
}

export function inNetwork(network: Tampering["network"]): Tampering {
  return { ...UNTOUCHED, network };
}

export function inPorts(ports: Tampering["ports"]): Tampering {
  return { ...UNTOUCHED, ports };
}
