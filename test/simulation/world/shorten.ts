/** Shortens a history that breaks a law to one that still does: fewer deeds first (delta debugging), then a plainer scene and smaller deeds. */
import type { RolloutSpecInput } from "../../../src/rollout/spec.ts";
import type { Deed, History, Scene } from "./history.ts";

type IsBroken = (history: History) => Promise<boolean>;

/** `isBroken` is true for `history`; so it is for what is returned, of which nothing more can be left out. */
export async function shorten(history: History, isBroken: IsBroken): Promise<History> {
  let shortest = history;
  for (;;) {
    const deeds = await fewest(shortest.deeds, (some) => isBroken({ ...shortest, deeds: some }));
    const plainer = await plainest({ ...shortest, deeds }, isBroken);
    if (sizeOf(plainer) === sizeOf(shortest)) return plainer;
    shortest = plainer;
  }
}

function sizeOf(history: History): string {
  return JSON.stringify(history);
}

/** Leaves out ever smaller parts as long as that helps (ddmin). */
async function fewest<T>(items: readonly T[], isBroken: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = items;
  for (let size = kept.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await isBroken(rest)) kept = rest;
      else at += size;
    }
  }
  return kept;
}

/** Whatever can be plainer without mending it. */
async function plainest(history: History, isBroken: IsBroken): Promise<History> {
  let plain = history;
  const simplifications = [...SCENES.map(ofScene), ...history.deeds.flatMap((_, index) => DEEDS.map((change) => ofDeed(index, change)))];
  for (const simplify of simplifications) {
    const simpler = simplify(plain);
    if (sizeOf(simpler) !== sizeOf(plain) && (await isBroken(simpler))) plain = simpler;
  }
  return plain;
}

function ofScene(change: (scene: Scene) => Scene): (history: History) => History {
  return ({ scene, deeds }) => {
    const changed = change(scene);
    const isThere = (name: string): boolean => changed.daemons.some((one) => one.name === name);
    return { scene: changed, deeds: deeds.filter((deed) => !("daemon" in deed) || deed.daemon === undefined || isThere(deed.daemon)) };
  };
}

function ofDeed(index: number, change: (deed: Deed) => Deed): (history: History) => History {
  return ({ scene, deeds }) => ({ scene, deeds: deeds.map((deed, at) => (at === index ? change(deed) : deed)) });
}

const SCENES: readonly ((scene: Scene) => Scene)[] = [
  (scene) => ({ ...scene, daemons: scene.daemons.slice(0, 1) }),
  (scene) => ({ ...scene, daemons: scene.daemons.slice(0, 2) }),
  (scene) => ({ ...scene, daemons: scene.daemons.map((one) => ({ ...one, skewMs: 0 })) }),
  (scene) => ({ ...scene, split: { v2: 100, v3: 0 }, spec: without(scene.spec, "stable") }),
  (scene) => ({ ...scene, spec: without(scene.spec, "notifications") }),
  (scene) => ({ ...scene, spec: { ...scene.spec, strategy: { propagation: "2s", steps: [{ weight: 10, hold: "15s" }, { weight: 100, hold: "15s" }] } } }),
  (scene) => ({ ...scene, spec: { ...scene.spec, analysis: { interval: "5s", minVerdicts: 1, minRequests: 1 } } }),
  (scene) => ({ ...scene, spec: { ...scene.spec, analysis: { ...scene.spec.analysis, metrics: [] } } }),
  ({ unready: _, ...scene }) => scene,
  (scene) => ({ ...scene, mostTravelMs: 5 }),
  (scene) => ({ ...scene, mostLagMs: 5 }),
  (scene) => ({ ...scene, scrapeMs: 1_000 }),
  (scene) => ({ ...scene, requestsPerSecond: 100 }),
  (scene) => ({ ...scene, restMs: 20_000 }),
];

function without(spec: RolloutSpecInput, field: "stable" | "notifications"): RolloutSpecInput {
  const { [field]: _, ...rest } = spec;
  return rest;
}

const DEEDS: readonly ((deed: Deed) => Deed)[] = [
  (deed) => ({ ...deed, atMs: Math.floor(deed.atMs / 1_000) * 1_000 }),
  (deed) => ("forMs" in deed ? { ...deed, forMs: Math.min(deed.forMs, 2_000) } : deed),
  (deed) => (deed.does === "mishap" && "forMs" in deed.mishap ? { ...deed, mishap: { ...deed.mishap, forMs: Math.min(deed.mishap.forMs, 2_000) } } : deed),
  (deed) => (deed.does === "mishap" ? { ...deed, skip: 0 } : deed),
  (deed) => (deed.does === "command" ? { ...deed, lateMs: 0 } : deed),
  (deed) => (deed.does === "command" ? onlyOnce(deed) : deed),
];

function onlyOnce({ againMs: _, reason: __, ...deed }: Extract<Deed, { readonly does: "command" }>): Deed {
  return deed;
}
