/** What the gateways say of a route, in its status. */
import type { KubernetesObject } from "../../kubernetes/client.ts";
import { RouteStatus, type Parent } from "./route-object.ts";

/** A sentence where no gateway takes the route as it is now, or one that takes it cannot find what it leads to; undefined where nobody has said so. */
export function refusedByParents({ status, metadata: { generation = 0 } }: KubernetesObject, label: string): string | undefined {
  const parents = RouteStatus.safeParse(status).data?.parents ?? [];
  const refusals = parents.flatMap((parent) => denied(parent, "Accepted", generation) ?? []);
  if (parents.length > 0 && refusals.length === parents.length) return `${label} is accepted by none of its parents: ${refusals.join("; ")}`;
  const unresolved = parents.filter((parent) => denied(parent, "Accepted", generation) === undefined).flatMap((parent) => denied(parent, "ResolvedRefs", generation) ?? []);
  return unresolved[0] && `${label} refers to what cannot be found: ${unresolved[0]}`;
}

/** What was said of an older generation is out of date. */
function denied({ parentRef, conditions }: Parent, type: string, generation: number): string | undefined {
  const condition = conditions.find((one) => one.type === type && one.status === "False" && one.observedGeneration >= generation);
  return condition && `${parentRef.name}: ${condition.message || type}`;
}
