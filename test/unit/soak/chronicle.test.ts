/** A chronicle tells who waits, and keeps every breach although it forgets the versions. */
import { describe, expect, it } from "vitest";
import { EPOCH_ANNOTATION } from "../../../src/rollout/rollout.ts";
import { aRun, aStatus } from "../../support/rollouts.ts";
import type { ApiObject } from "../../support/api-request.ts";
import { anApp } from "../../support/deliveries.ts";
import { createChronicle, type Chronicle } from "../../soak/chronicle.ts";

const app = anApp({ name: "cart", ladder: [10, 50, 100] });
const UID = "uid-1";

function route(revision: number, share: number, stamp?: string, change: object = {}): ApiObject {
  const { virtualService } = anApp({ name: "cart", share, ladder: [10, 50, 100] });
  const annotations = stamp === undefined ? {} : { [EPOCH_ANNOTATION]: stamp };
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "cart", resourceVersion: String(revision), annotations }, spec: { ...virtualService, ...change } };
}

function rollout(revision: number, epoch: number, outcome?: "RolledBack" | "Succeeded"): ApiObject {
  const run = aRun({ number: 1, epoch, from: { version: "v1", revision: "a" }, to: { version: "v2", revision: "b" }, ...(outcome && { outcome }) });
  return { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name: "cart", uid: UID, generation: 2, resourceVersion: String(revision) }, status: aStatus({ run }) };
}

function aChronicle(): { readonly chronicle: Chronicle; readonly shares: unknown[] } {
  const shares: unknown[] = [];
  const chronicle = createChronicle(app.name, app.ladder, (each) => shares.push(each));
  chronicle.seeRoute(route(1, 0));
  chronicle.seeRollout(rollout(10, 1), "MODIFIED");
  chronicle.seeRoute(route(11, 10, `${UID}/1.1`));
  return { chronicle, shares };
}

describe("a chronicle", () => {
  it("passes on the shares, and lets those go on who waited for how it stands", async () => {
    const { chronicle, shares } = aChronicle();
    expect(shares).toEqual([{ v1: 100, v2: 0 }, { v1: 90, v2: 10 }]);
    const reached = chronicle.reached(({ status }) => status?.run?.outcome === "RolledBack");
    expect(chronicle.waitingSinceMs()).toBeTypeOf("number");
    chronicle.seeRollout(rollout(20, 2, "RolledBack"), "MODIFIED");
    await reached;
    expect(chronicle.waitingSinceMs()).toBeUndefined();
    chronicle.seeRollout(rollout(30, 2, "RolledBack"), "DELETED");
    expect(chronicle.now()).toEqual({ generation: 2, shares: { v1: 90, v2: 10 } });
    expect(chronicle.violations()).toEqual([]);
    expect(chronicle.counts()).toEqual({ statuses: 3, routes: 2, ended: { RolledBack: 1 } });
  });

  it.each([
    ["a share that no ladder names", (it: Chronicle) => it.seeRoute(route(12, 33, `${UID}/1.1`)), /expected a canary share of .*, got 33/],
    ["a field that changes", (it: Chronicle) => it.seeRoute(route(12, 10, `${UID}/1.1`, { hosts: ["other"] })), /expected everything but weights and stamp as it was/],
    ["a write before its commit", (it: Chronicle) => it.seeRoute(route(12, 50, `${UID}/1.2`)), /intent 1\.2, which was committed only at 20/],
    ["a share that rises after the rollback", (it: Chronicle) => it.seeRoute(route(25, 50)), /run 1 had ended \(RolledBack\) at 20, and at 25 the route gave v2 50%/],
  ])("keeps %s, whatever comes later", (_, breach, sentence) => {
    const { chronicle } = aChronicle();
    breach(chronicle);
    chronicle.seeRollout(rollout(20, 2, "RolledBack"), "MODIFIED");
    chronicle.seeRoute(route(31, 0));
    expect(chronicle.violations()).toEqual([expect.stringMatching(sentence)]);
  });

  it("takes for legal what a hand said that it would write", () => {
    const { chronicle } = aChronicle();
    chronicle.allow(33);
    chronicle.seeRoute(route(12, 33, `${UID}/1.1`));
    expect(chronicle.violations()).toEqual([]);
  });
});
