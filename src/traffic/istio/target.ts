/** Istio's part of `spec.traffic`. */
import type { Traffic } from "../../rollout/spec-traffic.ts";

/** Throws where the registry has sent another router's target here. */
export function istioOf({ istio }: Traffic): NonNullable<Traffic["istio"]> {
  if (!istio) throw new Error("expected spec.traffic.istio, got traffic by something else");
  return istio;
}
