/** Plays a history to its end, with every law watching. */
import { FINALIZER } from "../../../src/rollout/rollout.ts";
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import { LAWS, type LawName } from "../laws/all-laws.ts";
import type { Watch } from "../laws/law.ts";
import type { ObjectVersion } from "./api-server.ts";
import { createActor, mend } from "./deeds.ts";
import { createFacts, daemonOf, isDaemon, runOf, stampOf, statusOf, type Facts } from "./facts.ts";
import type { History } from "./history.ts";
import { NO_BUG, type PlantedBug } from "./planted-bugs.ts";
import { pointsByVersion } from "./route-points.ts";
import { createWorld, NAME, NOON, theRoute, theRule, type Watchers, type World, VERSIONS, thePods } from "./world.ts";

export interface Violation {
  readonly law: LawName | "noUnexpectedError";
  readonly sentence: string;
  readonly atMs: number;
}

export interface Outcome {
  readonly violation?: Violation;
  /** What happened, line by line; empty unless asked for. */
  readonly story: readonly string[];
  readonly steps: number;
}

export interface PlayOptions {
  readonly bug?: PlantedBug;
  readonly tells?: boolean;
}

const LOOK_EVERY_MS = 2_000;
/** Until everything that deeds began is over. */
const AFTERMATH_MS = 10_000;
/** A person who lets paused runs go on looks so often. */
const PERSON_LOOKS_EVERY_MS = 10_000;
const QUIET_BEFORE_REST_MS = 30_000;
const MOST_CALM_MS = 30 * 60_000;

export async function play({ scene, deeds }: History, { bug = NO_BUG, tells = false }: PlayOptions = {}): Promise<Outcome> {
  const bench = createBench(tells);
  const world = createWorld(scene, bug, bench.watchers);
  const isBroken = (): boolean => bench.violation() !== undefined;
  const act = createActor((given) => void bench.facts().commands.set(given.id, given));
  for (const deed of deeds) world.clock.after(deed.atMs, () => act(world, deed));
  bench.lookEvery(LOOK_EVERY_MS);
  const overMs = Math.max(0, ...deeds.map(endOf)) + AFTERMATH_MS;
  await world.clock.run(NOON + overMs, isBroken);
  calm(world);
  await untilRest(world, bench.facts(), isBroken);
  if (!isBroken()) {
    bench.end();
    bench.facts().isResting = true;
    await world.clock.run(world.clock.nowMs + scene.restMs, isBroken);
  }
  const unexpected = isBroken() ? undefined : unexpectedError(world);
  const violation = bench.violation() ?? unexpected;
  return { ...(violation && { violation }), story: bench.story, steps: world.clock.steps };
}

function endOf(deed: History["deeds"][number]): number {
  const lasts = "forMs" in deed ? deed.forMs : "mishap" in deed && "forMs" in deed.mishap ? deed.mishap.forMs : "lateMs" in deed ? deed.lateMs + (deed.againMs ?? 0) : 0;
  return deed.atMs + lasts;
}

/** Nothing goes wrong from here on, and what was broken is mended. */
function calm(world: World): void {
  const { crew, prometheus, mesh, server, scene, outages, tell } = world;
  tell("calm", "from here on nothing goes wrong");
  crew.disarm();
  prometheus.recover();
  Object.assign(outages, { server: 0, receivers: 0 });
  mesh.setRate(Math.max(100, scene.requestsPerSecond));
  for (const version of VERSIONS) {
    mesh.setBad(version, 0);
    const { revision } = server.get("pods", version) as unknown as { readonly revision: string };
    server.put("pods", thePods(version, { revision }), "kubelet");
  }
  if (!server.get("virtualServices", NAME)) server.put("virtualServices", theRoute(scene), "kubectl");
  if (!server.get("destinationRules", NAME)) server.put("destinationRules", theRule(), "kubectl");
  mend(server.get("virtualServices", NAME), scene, (mended) => server.put("virtualServices", mended, "kubectl-edit"));
  const rollout = server.get("rollouts", NAME);
  if (rollout) server.put("rollouts", { ...rollout, spec: { ...(rollout["spec"] as object), suspend: false } }, "kubectl");
}

/** A person lets paused runs go on, until nothing has moved for a while. */
async function untilRest(world: World, facts: Facts, isBroken: () => boolean): Promise<void> {
  const { clock, server } = world;
  const limitMs = clock.nowMs + MOST_CALM_MS;
  const act = createActor((given) => void facts.commands.set(given.id, given));
  for (let turn = 1; clock.nowMs < limitMs && !isBroken(); turn++) {
    await clock.run(clock.nowMs + PERSON_LOOKS_EVERY_MS, isBroken);
    if (isAtRest(facts)) return;
    const status = statusOf(server.get("rollouts", NAME));
    const verb = status && verbFor(status);
    if (verb) act(world, { atMs: 0, does: "command", verb, id: `calm-${turn}`, lateMs: 0, reason: "go on" });
  }
}

function verbFor({ phase, reason }: RolloutStatus): "resume" | "promote" | undefined {
  if (phase !== "Paused") return undefined;
  return ["RouteEditedByHand", "RouteContested", "Command"].includes(reason) ? "resume" : "promote";
}

/** No object of ours has changed for a while, and no run goes on. */
function isAtRest({ server, clock, routes, rollouts, scene }: Facts): boolean {
  const newestMs = Math.max(routes.at(-1)?.atMs ?? 0, rollouts.at(-1)?.atMs ?? 0);
  if (clock.nowMs - newestMs < QUIET_BEFORE_REST_MS) return false;
  const rollout = server.get("rollouts", NAME);
  const run = runOf(rollout);
  void scene;
  return !rollout || (!rollout.metadata.deletionTimestamp && (!run || run.outcome !== undefined) && !rollout.metadata.finalizers?.includes(FINALIZER) && statusOf(rollout) !== undefined);
}

/** A tick may fail for a conflict, or because a server does not answer; for nothing else. */
function unexpectedError({ crew, clock }: World): Violation | undefined {
  for (const { lines } of crew.logs) {
    const line = lines.find(({ level, fields }) => level === "error" || isUnexpected(fields["error"]));
    if (line) return { law: "noUnexpectedError", sentence: `${line.message}: ${String(line.fields["error"])}`, atMs: clock.nowMs };
  }
  return undefined;
}

function isUnexpected(error: unknown): boolean {
  return error instanceof Error && ["TypeError", "RangeError", "ReferenceError", "ZodError"].includes(error.name);
}

/** The laws at their places, and the story as it is told. */
function createBench(tells: boolean) {
  let facts: ReturnType<typeof createFacts> | undefined;
  let violation: Violation | undefined;
  const watches: { readonly name: LawName; readonly watch: Watch }[] = [];
  const story: string[] = [];
  const present = (): ReturnType<typeof createFacts> => facts!;
  const ask = (question: (watch: Watch) => string | undefined): void => {
    for (const { name, watch } of watches) {
      const sentence = violation ? undefined : question(watch);
      if (sentence) violation = { law: name, sentence, atMs: present().clock.nowMs };
    }
  };
  const tell = (who: string, what: string): void => {
    if (tells) story.push(`${new Date(facts?.clock.nowMs ?? NOON).toISOString().slice(11, 23)} ${who.padEnd(9)} ${what}`);
  };
  const look = (everyMs: number): void => {
    ask((watch) => watch.onTime?.());
    present().clock.after(everyMs, () => look(everyMs));
  };
  const watchers: Watchers = {
    tell,
    begin({ scene, server, clock }, truth) {
      facts = createFacts({ scene, server, clock }, truth);
      for (const [name, law] of Object.entries(LAWS)) watches.push({ name: name as LawName, watch: law.watch(facts) });
      server.follow((version) => {
        present().see(version);
        if (tells) tellOf(present(), version, tell);
        if (version.kind === "virtualServices") ask((watch) => watch.onRoute?.(version));
        if (version.kind === "rollouts") ask((watch) => watch.onRollout?.(version));
      });
    },
    onArrival(arrival) {
      present().arrive(arrival);
      ask((watch) => watch.onArrival?.(arrival));
    },
    onAnswer: (answered) => void present().answers.push(answered),
    onDelivery: (notice) => void present().deliveries.push(notice),
  };
  return { watchers, story, facts: present, violation: () => violation, end: () => ask((watch) => watch.onEnd?.()), lookEvery: (everyMs: number) => void present().clock.after(everyMs, () => look(everyMs)) };
}

/** A line for what changed, as somebody who watches the objects would note it. */
function tellOf(facts: Facts, { kind, type, object, previous, author, manager }: ObjectVersion, tell: World["tell"]): void {
  const who = isDaemon(facts, author) ? author : manager;
  if (kind === "virtualServices") tell("route", type === "deleted" ? `is gone (${who})` : `${Object.entries(pointsByVersion(object)).map(([version, points]) => `${version} ${points}`).join(", ")}; stamp ${stampOf(object)?.split("/")[1] ?? "none"} (${manager}${who === manager ? "" : `, ${who}`})`);
  if (kind !== "rollouts") return;
  const [before, after] = [JSON.stringify(previous?.["status"]), JSON.stringify(object["status"])];
  if (type === "deleted") return tell("rollout", `is gone (${who})`);
  if (before === after) return tell("rollout", `${JSON.stringify({ finalizers: object.metadata.finalizers ?? [], annotations: object.metadata.annotations ?? {}, deleted: object.metadata.deletionTimestamp, generation: object.metadata.generation })} (${who})`);
  const status = statusOf(object);
  const run = status?.run;
  const standing = run ? `run ${run.number} ${run.outcome ?? `at ${run.weight}%`} intent ${run.epoch}${run.inForceAt ? ` in force ${run.inForceAt.slice(11, 19)}` : ""}${run.pausedBy ? ` paused by ${run.pausedBy}` : ""}` : "no run";
  const checks = run?.checks.map(({ name, verdict, passes, failuresInARow }) => ` ${name} ${verdict} ${passes}/${failuresInARow}`).join("") ?? "";
  tell("status", `${status?.phase}/${status?.reason} ${standing}${checks}${status?.refused ? ` refused ${status.refused.version}` : ""}: ${status?.message} (${who}${daemonOf(facts, author)?.isNext ? ", next" : ""})`);
}
