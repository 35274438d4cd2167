/** deploy/argocd: what Argo CD shows and offers for a Rollout, by its own language, held to what Weir then does; and what kstatus (Flux, `helm --wait`) reads. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { COMMAND_ANNOTATION } from "../../../src/rollout/rollout.ts";
import type { Phase, Reason } from "../../../src/rollout/status.ts";
import { kstatusOf } from "../../support/kstatus.ts";
import { runLua } from "../../support/lua.ts";
import { aWorld, type World } from "../../support/world.ts";

interface Actions {
  readonly "discovery.lua": string;
  readonly definitions: readonly { readonly name: string; readonly "action.lua": string }[];
}

const { data } = parse(readFileSync("deploy/argocd/argocd-cm.yaml", "utf8")) as { readonly data: Readonly<Record<string, string>> };
const healthScript = data["resource.customizations.health.weir.dev_Rollout"]!;
const actions = parse(data["resource.customizations.actions.weir.dev_Rollout"]!) as Actions;

const MINUTE = 60_000;
const steps = [{ weight: 10, hold: "1m" }, { weight: 100, hold: "1m" }];
const atStep = (world: World): Promise<void> => world.run(10 * MINUTE, () => (world.rollout().status?.run?.checks.length ?? 0) > 0);

interface Moment {
  readonly reach: () => Promise<World>;
  readonly phase: Phase;
  readonly reason: Reason;
  readonly health: "Healthy" | "Progressing" | "Suspended" | "Degraded";
  /** What Flux and `helm --wait` make of it. */
  readonly kstatus: "Current" | "InProgress" | "Failed";
  readonly offered: readonly string[];
}

const MOMENTS: Readonly<Record<string, Moment>> = {
  "a run at a step": {
    reach: async () => after({}, atStep),
    phase: "Progressing", reason: "Inconclusive", health: "Progressing", kstatus: "InProgress",
    offered: ["abort", "promote", "promote-full", "pause"],
  },
  "a run that waits for pods": {
    reach: async () => after({}, async (world) => { world.pods["v3"]!.ready = 0; await world.run(1_000); }),
    phase: "Pending", reason: "NotReady", health: "Progressing", kstatus: "InProgress",
    offered: ["abort", "pause"],
  },
  "a pause of the ladder": {
    reach: async () => after({ strategy: { steps: [{ weight: 10, hold: "1m" }, { pause: {} }, { weight: 100, hold: "1m" }] } }, (world) => world.run(10 * MINUTE)),
    phase: "Paused", reason: "Step", health: "Suspended", kstatus: "Failed",
    offered: ["abort", "promote", "promote-full"],
  },
  "a person's pause": {
    reach: async () => after({}, async (world) => { await atStep(world); world.command("pause"); await world.run(1_000); }),
    phase: "Paused", reason: "Command", health: "Suspended", kstatus: "Failed",
    offered: ["abort", "promote", "promote-full", "resume"],
  },
  "a hand on the wheel": {
    reach: async () => after({}, async (world) => { await atStep(world); world.hand({ v2: 95, v3: 5 }); await world.run(1_000); }),
    phase: "Paused", reason: "RouteEditedByHand", health: "Suspended", kstatus: "Failed",
    offered: ["abort", "promote", "promote-full", "resume"],
  },
  "silence that became a question": {
    reach: async () => after({ analysis: { holdLimit: { after: "1m" } } }, async (world) => { world.answers = "noData"; await world.run(10 * MINUTE); }),
    phase: "Paused", reason: "HoldLimit", health: "Suspended", kstatus: "Failed",
    offered: ["abort", "resume"],
  },
  "a version that was taken back": {
    reach: async () => after({}, async (world) => { await atStep(world); world.answers = { bad: 0.5, requests: 100 }; await world.run(10 * MINUTE); }),
    phase: "Degraded", reason: "RolledBack", health: "Degraded", kstatus: "Failed",
    offered: ["retry"],
  },
  "a version that was delivered": {
    reach: async () => after({}, (world) => world.run(10 * MINUTE)),
    phase: "Healthy", reason: "Succeeded", health: "Healthy", kstatus: "Current",
    offered: ["undo"],
  },
  "a suspended run": {
    reach: async () => after({}, async (world) => { await atStep(world); world.spec({ suspend: true }); await world.run(1_000); }),
    phase: "Paused", reason: "Suspended", health: "Suspended", kstatus: "Failed",
    offered: ["abort"],
  },
};

async function after(spec: Parameters<World["spec"]>[0], tell: (world: World) => Promise<void>): Promise<World> {
  const world = aWorld({ spec: { strategy: { steps }, ...spec } });
  await tell(world);
  return world;
}

function objectOf(world: World): Record<string, unknown> {
  const { metadata, spec, status } = world.rollout();
  return { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name: metadata.name, generation: metadata.generation, annotations: metadata.annotations }, spec, status };
}

function offered(object: unknown): readonly string[] {
  const discovered = runLua(actions["discovery.lua"], object) as Readonly<Record<string, { readonly disabled: boolean }>>;
  expect(Object.keys(discovered).sort()).toEqual(actions.definitions.map(({ name }) => name).sort());
  return actions.definitions.map(({ name }) => name).filter((name) => !discovered[name]!.disabled);
}

/** The annotation that a button writes. */
function written(name: string, object: unknown): string {
  const script = actions.definitions.find((one) => one.name === name)!["action.lua"];
  const { metadata } = runLua(script, object) as { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } };
  return metadata.annotations[COMMAND_ANNOTATION]!;
}

describe.each(Object.entries(MOMENTS))("%s", (_, moment) => {
  test("is shown as it is", async () => {
    const world = await moment.reach();
    expect(world.status()).toMatchObject({ phase: moment.phase, reason: moment.reason });
    expect(runLua(healthScript, objectOf(world))).toEqual({ status: moment.health, message: world.status().message });
    expect(kstatusOf(objectOf(world))).toBe(moment.kstatus);
  });

  test("offers what Weir obeys, and nothing that it refuses", async () => {
    expect(offered(objectOf(await moment.reach()))).toEqual(moment.offered);
    for (const { name } of actions.definitions) {
      const world = await moment.reach();
      const before = world.status().lastCommand?.id;
      world.command(written(name, objectOf(world)));
      await world.run(2_000);
      const { lastCommand } = world.status();
      const isObeyed = lastCommand?.id !== before && lastCommand?.result === "Accepted";
      if (moment.offered.includes(name)) expect(isObeyed, `${name}: ${lastCommand?.message ?? "no answer"}`).toBe(true);
      else if (name !== "undo" && name !== "pause") expect(isObeyed, `${name}: ${lastCommand?.message ?? "no answer"}`).toBe(false);
    }
  });
});

describe("a Rollout", () => {
  test("that nobody has looked at is on its way, and so is one whose spec has changed since", async () => {
    expect(runLua(healthScript, { metadata: { generation: 1 }, spec: { release: "v3" } })).toMatchObject({ status: "Progressing" });
    const object = objectOf(await MOMENTS["a version that was delivered"]!.reach());
    const changed = { ...object, metadata: { ...(object["metadata"] as object), generation: 99 } };
    expect(runLua(healthScript, changed)).toEqual({ status: "Progressing", message: "Weir has not looked at this spec yet" });
    expect(kstatusOf(changed)).toBe("InProgress");
  });

  test("that is being deleted says so", async () => {
    const object = objectOf(await MOMENTS["a version that was delivered"]!.reach());
    const deleted = { ...object, metadata: { ...(object["metadata"] as object), deletionTimestamp: "2026-11-26T00:00:00Z" } };
    expect(runLua(healthScript, deleted)).toEqual({ status: "Progressing", message: "the Rollout is being deleted" });
    expect(kstatusOf(deleted)).toBe("Terminating");
  });

  test("with a command that waits offers abort alone", async () => {
    const world = await MOMENTS["a run at a step"]!.reach();
    world.command("pause");
    expect(offered(objectOf(world))).toEqual(["abort"]);
  });
});
