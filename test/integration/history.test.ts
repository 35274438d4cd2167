/** The watch that end-to-end tests rely on misses nothing, whatever becomes of the server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { followHistory } from "../support/history.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 120_000;
const COLLECTION = "/api/v1/namespaces/default/configmaps";

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("a history on a real control plane", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane();
  }, LIMIT_MS);
  afterAll(async () => plane?.close());

  const write = async (step: number): Promise<unknown> => plane.request("PATCH", `${COLLECTION}/counted`, { data: { step: String(step) } });
  const stepsIn = (versions: readonly { readonly [field: string]: unknown }[]): readonly unknown[] => versions.map(({ data }) => (data as { readonly step: string }).step);

  it.each(["apiServer", "etcd"] as const)("has every version although %s was killed", { timeout: LIMIT_MS }, async (server) => {
    await plane.request("POST", COLLECTION, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "counted" }, data: { step: "0" } });
    const history = await followHistory(plane.address, COLLECTION);
    await write(1);
    await plane[server].kill();
    await plane[server].start();
    let step = 2;
    for (; step < 12; step++) await until(() => write(step).then(() => true, () => false), LIMIT_MS); // also while the watch is still away
    await until(() => history.of("counted").length >= step, LIMIT_MS);
    expect(stepsIn(history.of("counted"))).toEqual(Array.from({ length: step }, (_, index) => String(index)));
    await history.close();
    await plane.request("DELETE", `${COLLECTION}/counted`);
  });
});
