/** The proxies whose metrics the built-ins read, one line each. */
import type { TelemetrySource } from "../../../rollout/spec.ts";
import type { Dialect } from "../dialect.ts";
import { ENVOY } from "./envoy.ts";
import { ISTIO } from "./istio.ts";
import { LINKERD } from "./linkerd.ts";

export const DIALECTS: Readonly<Record<TelemetrySource, Dialect>> = {
  istio: ISTIO,
  linkerd: LINKERD,
  envoy: ENVOY,
};
