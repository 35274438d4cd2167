/** A random history for a seed. */
import type { RolloutSpecInput } from "../../../src/rollout/spec.ts";
import type { Watched } from "./api-server.ts";
import { anyDelivery, isDelivery, isMirroring, isSwitching, mirrorSteps, switchingSteps } from "./any-delivery.ts";
import { createDice, type Dice } from "./dice.ts";
import type { DaemonScene, Deed, History, Scene } from "./history.ts";
import type { Errand, Mishap } from "./network.ts";

type Strategy = NonNullable<RolloutSpecInput["strategy"]>;
type Analysis = NonNullable<RolloutSpecInput["analysis"]>;

/** What holds and intervals have in common: a hold gathers its verdicts. */
interface Tempo {
  readonly interval: string;
  readonly minVerdicts: number;
  readonly hold: string;
}

const TEMPI: readonly Tempo[] = [
  { interval: "4s", minVerdicts: 2, hold: "15s" },
  { interval: "5s", minVerdicts: 3, hold: "24s" },
  { interval: "10s", minVerdicts: 1, hold: "24s" },
];

const TARGET = { istio: { virtualServices: [{ name: "reviews" }] } };
const OTHER_TARGET = { istio: { virtualServices: [{ name: "reviews" }], destinationRule: { name: "reviews" } } };

export function anyHistory(seed: number): History {
  if (isDelivery(seed)) return anyDelivery(seed);
  const dice = createDice(seed, "history");
  const tempo = dice.pick(TEMPI);
  const scene = { ...anyScene(seed, dice, tempo), ...(isOpening(seed) ? { split: { v2: 100, v3: 0 }, mostTravelMs: 400 } : {}) };
  const spanMs = dice.pick([30_000, 90_000, 180_000]);
  const count = dice.chance(0.04) ? 0 : dice.between(1, 10);
  const deeds = Array.from({ length: count }, (_, index) => anyDeed(dice, tempo, scene, spanMs, index));
  const picking = isMirroring(seed) ? anyMirroring(seed, tempo, scene, spanMs) : anyPicking(seed, tempo, scene, spanMs);
  const played = isKeeping(seed, scene) ? keeping(picking.scene) : picking.scene;
  const history = { scene: played, deeds: [...deeds, ...anyPlot(seed, scene, spanMs), ...picking.deeds].sort((one, other) => one.atMs - other.atMs) };
  return isEdged(seed, scene) ? edged(history) : history;
}

/** Of so many histories that deliver by one route and weights alone one has two that move together, or of which one follows the other. */
const EDGED_EVERY = 3;
const EDGED_AT = 1;

function isEdged(seed: number, scene: Scene): boolean {
  return seed % EDGED_EVERY === EDGED_AT && seed % PICKING_EVERY !== 0 && !isSwitching(seed) && !isMirroring(seed) && !isKeeping(seed, scene);
}

/** Mangled routes are of one alone: two that differ wait for their owner. */
function edged({ scene, deeds }: History): History {
  const dice = createDice(scene.seed, "edge");
  const place = dice.pick(["first", "last"] as const);
  const edge = createDice(scene.seed, "follow").chance(0.4) ? "follows" : place;
  const withEdge = (traffic: RolloutSpecInput["traffic"]): RolloutSpecInput["traffic"] => {
    const all = [{ name: "reviews" }, { name: "reviews-edge", ...(edge === "follows" ? { follow: "reviews" } : {}) }];
    return { istio: { ...traffic.istio!, virtualServices: edge === "first" ? all.reverse() : all } };
  };
  const renamed = deeds.map((deed): Deed => (deed.does === "spec" && deed.change.traffic ? { ...deed, change: { ...deed.change, traffic: withEdge(deed.change.traffic) } } : deed));
  const isTaken = dice.chance(0.2);
  const taken: readonly Deed[] = isTaken ? [{ atMs: dice.between(0, 90_000), does: "removeEdge", forMs: dice.pick([2_000, 8_000, 35_000]) }] : [];
  return { scene: { ...scene, edge, spec: { ...scene.spec, traffic: withEdge(scene.spec.traffic) } }, deeds: [...renamed, ...taken].sort((one, other) => one.atMs - other.atMs) };
}

const TESTERS = [{ headers: [{ name: "x-tester", exact: "true" }] }, { cookies: [{ name: "beta", prefix: "y" }] }];

/** Of so many histories one has steps that pick requests out, and perhaps hands that know better. */
const PICKING_EVERY = 4;

function anyPicking(seed: number, { hold }: Tempo, scene: Scene, spanMs: number): Pick<History, "scene" | "deeds"> {
  const dice = createDice(seed, "picking");
  const { strategy = {} } = scene.spec;
  if (isSwitching(seed)) return { scene: { ...scene, spec: { ...scene.spec, strategy: { ...strategy, steps: switchingSteps(createDice(seed, "switching"), hold, strategy.steps ?? []) } } }, deeds: [] };
  if (seed % PICKING_EVERY !== 0) return { scene, deeds: [] };
  const [first, ...others] = strategy.steps ?? [];
  const steps = dice.pick([
    [{ match: TESTERS, hold }, first!, ...others],
    [{ match: TESTERS.slice(0, 1), hold }, { match: TESTERS, hold }, { ...first!, match: TESTERS }, ...others],
    [{ ...first!, match: TESTERS }, ...others],
    [{ match: TESTERS, hold }, { pause: { duration: "15s" } }, { ...first!, match: TESTERS }, ...others],
  ]);
  const hands = dice.chance(0.5) ? dice.between(1, 3) : 0;
  const deeds = Array.from({ length: hands }, (): Deed => ({ atMs: dice.between(0, spanMs), does: "pick", how: dice.pick(["none", "others"]), by: dice.pick(["kubectl-edit", "argocd-controller"]) }));
  if (dice.chance(0.3)) deeds.push({ atMs: dice.between(0, 10_000), does: "mishap", on: "trial", skip: 0, mishap: anyMishap(dice) });
  return { scene: { ...scene, spec: { ...scene.spec, strategy: { ...strategy, steps } } }, deeds };
}

/** Copies of requests come before anybody is answered, and some hands know better. */
function anyMirroring(seed: number, { hold }: Tempo, scene: Scene, spanMs: number): Pick<History, "scene" | "deeds"> {
  const dice = createDice(seed, "mirroring");
  const { strategy = {} } = scene.spec;
  const steps = [...mirrorSteps(dice, hold), ...(strategy.steps ?? [])];
  const hands = dice.chance(0.5) ? dice.between(1, 3) : 0;
  const deeds = Array.from({ length: hands }, (): Deed => ({ atMs: dice.between(0, spanMs), does: "shadow", how: dice.pick(["none", "more", "elsewhere"]), by: dice.pick(["kubectl-edit", "argocd-controller"]) }));
  if (dice.chance(0.3)) deeds.push({ atMs: dice.between(0, 10_000), does: "mishap", on: "trial", skip: 0, mishap: anyMishap(dice) });
  return { scene: { ...scene, spec: { ...scene.spec, strategy: { ...strategy, steps } } }, deeds };
}

const KEEPING_AT = 7;

/** Of thirteen histories one has users who stay with their version; what hands do to weights has them draw anew. */
function isKeeping(seed: number, { split }: Scene): boolean {
  return seed % 13 === KEEPING_AT && seed % PICKING_EVERY !== 0 && !isSwitching(seed) && !split["v1"]; // who has some of the requests already would be drawn as well
}

function keeping(scene: Scene): Scene {
  return { ...scene, spec: { ...scene.spec, strategy: { ...scene.spec.strategy, sessionAffinity: {} } } };
}

/** Of so many histories one begins with such a plot: only a run's first intent leaves nothing but its stamp to be withdrawn. */
const OPENING_EVERY = 40;
const OPENING_AT = 13;

function isOpening(seed: number): boolean {
  return seed % OPENING_EVERY === OPENING_AT;
}

/** What seldom comes together by chance: a daemon stands still between an intent and its write, and meanwhile the intent is withdrawn. */
function anyPlot(seed: number, { daemons }: Scene, spanMs: number): readonly Deed[] {
  const dice = createDice(seed, "plot");
  const isOfFirstIntent = isOpening(seed);
  if (!isOfFirstIntent && !dice.chance(0.1)) return [];
  const atMs = isOfFirstIntent ? 0 : dice.between(0, spanMs);
  const forMs = dice.pick([35_000, 70_000]);
  const withdrawal = dice.pick<UndatedDeed>([{ does: "command", verb: "abort", id: "p1", lateMs: 0 }, { does: "spec", change: { release: "v4" }, by: "kubectl" }, { does: "remove", kind: "rollouts", forMs: 8_000 }]);
  return [
    { atMs, does: "mishap", ...(dice.chance(0.5) ? { daemon: dice.pick(daemons).name } : {}), on: "route", skip: dice.pick([0, 0, 1]), mishap: { kind: "freezeBefore", forMs } },
    { atMs: atMs + (isOfFirstIntent ? dice.between(300, 1_500) : dice.between(1_000, 30_000)), ...withdrawal }, // another daemon soon makes the write good
  ];
}

function anyScene(seed: number, dice: Dice, tempo: Tempo): Scene {
  const split = dice.pick<Scene["split"]>([{ v2: 100, v3: 0 }, { v2: 100, v3: 0 }, { v2: 90, v3: 10 }, { v2: 50, v3: 50 }, { v2: null }, { v2: 80, v1: 20 }, { v1: 30, v2: 70, v3: 0 }]);
  const unready = anyUnready(seed);
  return {
    seed,
    split,
    ...(unready.length > 0 ? { unready } : {}),
    spec: {
      release: "v3",
      ...("v1" in split ? { stable: "v2" } : {}),
      traffic: TARGET,
      strategy: anyStrategy(dice, tempo),
      analysis: anyAnalysis(dice, tempo),
      ...(dice.chance(0.5) ? { notifications: [{ webhook: { url: "https://hooks.example/weir" } }] } : {}),
    },
    daemons: anyDaemons(dice),
    mostTravelMs: dice.pick([5, 30, 400]),
    mostLagMs: dice.pick([5, 100, 1_500]),
    mostPropagationMs: 2_000,
    scrapeMs: dice.pick([1_000, 3_000, 5_000]),
    requestsPerSecond: dice.pick([40, 100, 400]),
    restMs: dice.chance(0.1) ? 380_000 : 20_000,
  };
}

/** The newest versions may still be starting, or never start. */
function anyUnready(seed: number): readonly string[] {
  const dice = createDice(seed, "pods");
  return dice.chance(0.15) ? dice.pick([["v3"], ["v4"], ["v3", "v4"]]) : [];
}

function anyStrategy(dice: Dice, { hold }: Tempo): Strategy {
  const weights = dice.pick([[10, 50, 100], [10, 50, 100], [25, 100], [1, 33, 66, 100]]);
  const steps: NonNullable<Strategy["steps"]> = weights.map((weight) => ({ weight, hold }));
  const pause = dice.pick([{}, { duration: "15s" }]);
  if (dice.chance(0.25)) steps.splice(dice.between(1, steps.length - 1), 0, { pause });
  return { propagation: "2s", steps, progressDeadline: dice.pick(["20s", "60s"]), ...(dice.chance(0.1) ? { firstRun: "direct" } : {}), ...(dice.chance(0.2) ? { rollbackWindow: 0 } : {}) };
}

function anyAnalysis(dice: Dice, { interval, minVerdicts }: Tempo): Analysis {
  const policy = () => dice.pick(["hold", "hold", "hold", "hold", "advance", "rollback", "pause"] as const);
  return {
    interval, minVerdicts,
    minRequests: dice.pick([1, 5, 10]),
    metrics: anyMetrics(dice),
    holdLimit: { after: dice.pick(["30s", "2m"]), then: dice.pick(["pause", "pause", "rollback"]) },
    ...(dice.chance(0.25) ? { onNoData: policy(), onInconclusive: policy(), onProviderError: policy() } : {}),
  };
}

function anyMetrics(dice: Dice): NonNullable<Analysis["metrics"]> {
  const failures = dice.between(1, 2);
  const errors = { name: "errors", errorRate: { max: "1%" }, failures };
  const own = { name: "own", query: "vector(1)", max: 0.05, failures: 1, onFail: dice.pick(["rollback", "pause", "ignore"] as const) };
  return dice.pick([[errors], [errors], [errors], [errors, own], [own], []]);
}

function anyDaemons(dice: Dice): readonly DaemonScene[] {
  const skewMs = (): number => dice.pick([0, 0, -300, 700, 1_500, -1_500]);
  const two: readonly DaemonScene[] = [{ name: "weir-a", skewMs: skewMs() }, { name: "weir-b", skewMs: skewMs() }];
  if (dice.chance(0.1)) return two.slice(0, 1);
  return dice.chance(0.12) ? [...two, { name: "weir-c", skewMs: skewMs(), isNext: true, joinsAtMs: dice.between(0, 120_000) }] : two;
}

/** `index` makes ids of commands unique within the history. */
function anyDeed(dice: Dice, tempo: Tempo, scene: Scene, spanMs: number, index: number): Deed {
  const atMs = dice.between(0, spanMs);
  const draw = dice.next();
  if (draw < 0.3) return { atMs, ...anyTrouble(dice, scene) };
  if (draw < 0.45) return { atMs, ...anyHand(dice) };
  if (draw < 0.63) return { atMs, ...anyCommand(dice, index) };
  if (draw < 0.78) return { atMs, ...anyEdit(dice, tempo) };
  return { atMs, ...anyWeather(dice) };
}

type Undated<D> = D extends unknown ? Omit<D, "atMs"> : never;
type UndatedDeed = Undated<Deed>;

const ERRANDS: readonly Errand[] = ["status", "status", "route", "route", "finalizer", "command", "record"];
const STALLED: readonly Watched[] = ["rollouts", "virtualServices", "destinationRules", "services", "pods"];
const SPELLS_MS = [300, 2_000, 8_000, 35_000, 70_000];

function anyTrouble(dice: Dice, scene: Scene): UndatedDeed {
  const daemon = dice.pick(scene.daemons).name;
  const forMs = dice.pick(SPELLS_MS);
  const draw = dice.next();
  if (draw < 0.5) return { does: "mishap", ...(dice.chance(0.5) ? { daemon } : {}), on: dice.pick(ERRANDS), skip: dice.pick([0, 0, 1, 3]), mishap: anyMishap(dice) };
  if (draw < 0.62) return { does: "crash", daemon, forMs };
  if (draw < 0.74) return { does: "freeze", daemon, forMs };
  if (draw < 0.9) return { does: "stall", daemon, kind: dice.pick(STALLED), forMs };
  if (draw < 0.95) return { does: "oldCrd", daemon, forMs };
  return { does: "outage", forMs: dice.pick([300, 2_000, 8_000]) };
}

function anyMishap(dice: Dice): Mishap {
  const kind = dice.pick(["dieBefore", "dieAfter", "freezeBefore", "freezeBefore", "freezeAfter", "lost", "refused", "slow"] as const);
  if (kind === "lost" || kind === "refused") return { kind };
  return { kind, forMs: kind === "slow" ? dice.pick([300, 2_000, 8_000]) : dice.pick(SPELLS_MS) };
}

function anyHand(dice: Dice): UndatedDeed {
  const draw = dice.next();
  if (draw < 0.6) return { does: "hand", share: dice.pick([0, 0, 1, 5, 20, 40, 75, 100]), by: dice.pick(["kubectl-edit", "argocd-controller"]) };
  if (draw < 0.75) return { does: "reapply", dropsStamp: dice.chance(0.5) };
  if (draw < 0.85) return { does: "decorate", timeout: dice.pick(["2s", "9s"]) };
  return { does: "mangle", how: dice.pick(["sum", "empty", "twice", "others"]), forMs: dice.pick(SPELLS_MS) };
}

function anyCommand(dice: Dice, index: number): UndatedDeed {
  const verb = dice.pick(["abort", "abort", "promote", "promote", "pause", "resume", "undo", "retry"] as const);
  return {
    does: "command", verb, id: `c${index + 1}`,
    lateMs: dice.pick([0, 0, 500, 20_000]),
    ...(dice.chance(0.25) ? { againMs: dice.pick([100, 3_000, 40_000]) } : {}),
    ...(dice.chance(0.1) ? { runOffset: dice.pick([-1, 1]) } : {}),
    ...(dice.chance(0.15) ? { bare: true } : {}),
    ...(verb === "promote" && dice.chance(0.4) ? dice.pick([{ full: true }, { to: 50 }, { to: 10 }]) : {}),
    ...(dice.chance(0.5) ? { reason: "because" } : {}),
  };
}

function anyEdit(dice: Dice, tempo: Tempo): UndatedDeed {
  const by = dice.pick(["kubectl", "argocd-controller"]);
  const draw = dice.next();
  if (draw < 0.35) return { does: "spec", change: { release: dice.pick(["v2", "v3", "v4"]) }, by };
  if (draw < 0.55) return { does: "spec", change: { suspend: dice.chance(0.6) }, by };
  if (draw < 0.67) return { does: "spec", change: { strategy: anyStrategy(dice, tempo) }, by };
  if (draw < 0.77) return { does: "spec", change: { analysis: anyAnalysis(dice, tempo) }, by };
  if (draw < 0.84) return { does: "spec", change: { traffic: dice.pick([TARGET, OTHER_TARGET]) }, by };
  return { does: "remove", kind: dice.pick(["rollouts", "virtualServices", "destinationRules"]), forMs: dice.pick([2_000, 8_000, 35_000]) };
}

function anyWeather(dice: Dice): UndatedDeed {
  const forMs = dice.pick(SPELLS_MS);
  const draw = dice.next();
  if (draw < 0.3) return { does: "bad", version: dice.pick(["v3", "v3", "v3", "v2", "v4"]), share: dice.pick([0, 0.005, 0.05, 0.5, 1]) };
  if (draw < 0.42) return { does: "pods", version: dice.pick(["v2", "v3", "v3", "v4"]), ready: dice.pick([0, 0, 1, 2]) };
  if (draw < 0.5) return { does: "image", version: dice.pick(["v2", "v3", "v3"]), revision: dice.pick(["r2", "r3"]) };
  if (draw < 0.57) return { does: "traffic", perSecond: dice.pick([0, 1, 400]) };
  if (draw < 0.8) return { does: "prometheus", ailment: dice.pick(["error", "hang", "vanish", "late", "praise", "blame", "nan", "infinite"] as const), forMs };
  if (draw < 0.95) return { does: "redis", ailment: dice.pick(["away", "flush", "late", "double"] as const), forMs };
  return { does: "deaf", forMs };
}
