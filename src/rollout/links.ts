/** Variables in `links[].url`: `$(namespace)`, `$(name)`, and the versions and their workloads. */
import { type Case, versionSeen } from "./case.ts";
import type { Run } from "./status.ts";

/** Values are URL-encoded; a variable that is not known stays as it is (lint refuses it). */
export function substituteLink(url: string, it: Case, run: Run): string {
  const { namespace, name } = it.rollout.metadata;
  const values: Readonly<Record<string, string>> = { namespace, name, ...sideValues(it, "canary", run.to.version), ...sideValues(it, "stable", run.from.version) };
  return url.replace(/\$\(([a-z.]+)\)/g, (variable, key: string) => (key in values ? encodeURIComponent(values[key]!) : variable));
}

function sideValues(it: Case, side: string, version: string): Record<string, string> {
  return { [`${side}.version`]: version, [`${side}.workload`]: versionSeen(it, version).workloads.join("|") };
}
