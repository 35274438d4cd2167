/** The examples for users, each delivered from its own objects: where the route ends, and that only its weights were touched. */
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/client.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import { NAMESPACE } from "../support/istio-objects.ts";
import { aWorld, type World } from "../support/world.ts";

const MINUTE = 60_000;

interface Example {
  readonly file: string;
  readonly shares: readonly number[];
  readonly end: Readonly<Record<string, number | null>>;
  /** Passes a pause of the ladder. */
  readonly promoted?: true;
  /** The new version has nothing at first, so that a rollback leaves the route as it was. */
  readonly beginsAtZero?: true;
}

const EXAMPLES: readonly Example[] = [
  { file: "website", shares: [10, 25, 50, 100], end: { "version-2": null }, beginsAtZero: true },
  { file: "reviews-v1-v3", shares: [75, 100], end: { v1: 0, v3: 100 } },
  { file: "reviews-v2-v3", shares: [25, 50, 100], end: { v2: 0, v3: 100 }, promoted: true },
  { file: "fitcycle", shares: [5, 20, 50, 100], end: { v1: 0, v2: 100 }, beginsAtZero: true },
];

/** The objects of a file, as a person's kubectl puts them into the namespace. */
function objectsOf(file: string): (kind: string) => KubernetesObject {
  const objects = parseAllDocuments(readFileSync(`rollouts/${file}.yaml`, "utf8")).map((document) => document.toJS() as KubernetesObject);
  return (kind) => {
    const found = objects.find((object) => object.kind === kind);
    if (!found) throw new Error(`rollouts/${file}.yaml has no ${kind}`);
    return { ...found, metadata: { ...found.metadata, namespace: NAMESPACE } };
  };
}

function worldOf(file: string): World {
  const object = objectsOf(file);
  const world = aWorld({ spec: object("Rollout")["spec"] as RolloutSpecInput, virtualService: object("VirtualService"), destinationRule: object("DestinationRule"), service: object("Service") });
  world.answers = { bad: 0, requests: 200, own: 1_000 };
  return world;
}

/** Canary shares that Weir wrote, in order, without the last write that only tidies up. */
function sharesOf({ log, rollout }: World): number[] {
  const { run } = rollout().status!;
  const canary = (line: string): number => Number(new RegExp(`${run!.to.version} (\\d+)`).exec(line)?.[1] ?? 100);
  return log.filter((line) => line.includes(" route ") && line.includes(" stamp uid-1/")).map(canary);
}

describe("examples", () => {
  test.each(EXAMPLES)("$file is delivered, step by step", async ({ file, shares, end, promoted }) => {
    const world = worldOf(file);
    await world.run(60 * MINUTE);
    if (promoted) {
      expect(world.status()).toMatchObject({ phase: "Paused", reason: "Step" });
      world.command("promote id=c1 run=1 actor=alice");
      await world.run(60 * MINUTE);
    }
    expect(world.status(), world.log.join("\n")).toMatchObject({ phase: "Healthy", reason: "Succeeded" });
    expect(sharesOf(world)).toEqual(shares);
    expect(world.route()).toEqual(end);
  });

  test.each(EXAMPLES)("$file is taken back where the new version fails", async ({ file, beginsAtZero }) => {
    const world = worldOf(file);
    world.answers = { bad: 0.2, requests: 200, own: 1_000 };
    await world.run(30 * MINUTE);
    expect(world.status()).toMatchObject({ phase: "Degraded", reason: "RolledBack" });
    expect(world.route()[world.status().run!.to.version] ?? 0).toBe(0);
    expect(world.stamp()).toBeUndefined();
    const [after] = world.router.cluster.caches.virtualServices.list(NAMESPACE);
    if (beginsAtZero) expect(JSON.stringify(after!["spec"]), "byte for byte what it was").toBe(JSON.stringify(objectsOf(file)("VirtualService")["spec"]));
  });
});
