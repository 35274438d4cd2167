/** Are our CustomResourceDefinitions there, and as new as this command? */
import { RESOURCES, type KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { SCHEMA_VERSION, SCHEMA_VERSION_ANNOTATION } from "../../rollout/crd.ts";
import { GROUP, PLURAL } from "../../rollout/rollout.ts";
import { bad, note, ok, type Finding } from "./finding.ts";

const APPLY = "weir crd | kubectl apply --server-side -f -";

export async function lookAtCrd(client: KubernetesClient): Promise<Finding> {
  try {
    const { metadata } = await client.get(RESOURCES.customResourceDefinitions, undefined, `${PLURAL}.${GROUP}`);
    const found = metadata.annotations?.[SCHEMA_VERSION_ANNOTATION];
    if (Number(found ?? 0) >= SCHEMA_VERSION) return ok("CRD", `has schema version ${found}`);
    return bad("CRD", `has schema version ${found ?? "none"}, and ${SCHEMA_VERSION} was expected, so the server drops fields of status without a word: ${APPLY}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return bad("CRD", `is not there, so no Rollout can be: ${APPLY}`);
    return note("CRD", `not seen: you may not read ${PLURAL}.${GROUP}`);
  }
}

/** Without it deliveries go on, and leave no record. */
export async function lookAtRecords(client: KubernetesClient, namespace: string): Promise<Finding> {
  try {
    await client.list(RESOURCES.rolloutRuns, namespace, { limit: 1 });
    return ok("records", "each run that ends leaves one");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return bad("records", `are not kept, because the API server knows no RolloutRun: ${APPLY}`);
    return note("records", `not seen: you may not list rolloutruns in namespace ${namespace}`);
  }
}
