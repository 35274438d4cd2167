/** Plays a history to its end, with every law watching. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { FINALIZER } from "../../../src/rollout/rollout.ts";
import type { RolloutSpecInput } from "../../../src/rollout/spec.ts";
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import { createBench, type Violation } from "./bench.ts";
import { DEPLOYMENT, specOfDeployment, theDeployment } from "./deployment.ts";
import { createActor, leadingTo, mend, withRoute } from "./deeds.ts";
import { runOf, splitIn, statusOf, type Facts } from "./facts.ts";
import type { DeploymentScene, History } from "./history.ts";
import { UNTOUCHED, type Tampering } from "./tampering.ts";
import { destinationsOf } from "./route-points.ts";
import { EDGE, NAME, VERSIONS } from "./names.ts";
import { createWorld, NOON, theEdge, theRoute, theRule, type World, thePods } from "./world.ts";

export interface Outcome {
  readonly violation?: Violation;
  /** What happened, line by line; empty unless asked for. */
  readonly story: readonly string[];
  readonly steps: number;
}

export interface PlayOptions {
  readonly tampering?: Tampering;
  readonly tells?: boolean;
}

const LOOK_EVERY_MS = 2_000;
/** Until everything that deeds began is over. */
const AFTERMATH_MS = 10_000;
/** A person who lets paused runs go on looks so often. */
const PERSON_LOOKS_EVERY_MS = 10_000;
const QUIET_BEFORE_REST_MS = 30_000;
const MOST_CALM_MS = 30 * 60_000;

export async function play({ scene, deeds }: History, { tampering = UNTOUCHED, tells = false }: PlayOptions = {}): Promise<Outcome> {
  const bench = createBench(tells);
  const world = createWorld(scene, tampering, bench.watchers);
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
  crew.upgrade();
  prometheus.recover();
  Object.assign(outages, { server: 0, receivers: 0 });
  mesh.setRate(Math.max(100, scene.requestsPerSecond));
  for (const version of VERSIONS) {
    mesh.setBad(version, 0);
    world.controllers?.hold(version, false);
    if (scene.deployment) continue;
    const { revision } = server.get("pods", version) as unknown as { readonly revision: string };
    server.put("pods", thePods(version, { revision }), "kubelet");
  }
  if (scene.deployment) calmDeployment(server, scene.deployment);
  if (!server.get("virtualServices", NAME)) server.put("virtualServices", theRoute(scene), "kubectl");
  if (!server.get("destinationRules", NAME)) server.put("destinationRules", theRule(), "kubectl");
  mend(server.get("virtualServices", NAME), scene, (mended) => server.put("virtualServices", mended, "kubectl-edit"));
  if (scene.edge && !server.get("virtualServices", EDGE)) server.put("virtualServices", theEdge(scene), "kubectl");
  const rollout = server.get("rollouts", NAME);
  if (rollout) server.put("rollouts", { ...rollout, spec: calmSpec(rollout["spec"] as RolloutSpecInput) }, "kubectl");
}

function calmDeployment(server: World["server"], scene: DeploymentScene): void {
  const deployment = server.get("deployments", DEPLOYMENT);
  if (!deployment) return server.put("deployments", theDeployment(scene), "kubectl");
  const spec = specOfDeployment(deployment);
  if (spec.replicas === 0) server.put("deployments", { ...deployment, spec: { ...spec, replicas: scene.replicas } }, "kubectl-scale");
}

/** One that somebody creates anew only now may be suspended still. */
function release({ server }: World): void {
  const rollout = server.get("rollouts", NAME);
  const spec = rollout?.["spec"] as RolloutSpecInput | undefined;
  if (rollout && spec?.suspend) server.put("rollouts", { ...rollout, spec: calmSpec(spec) }, "kubectl");
}

/** Not suspended, and `stable` names another version than `release`. */
function calmSpec({ stable, ...spec }: RolloutSpecInput): RolloutSpecInput {
  return { ...spec, suspend: false, ...(stable !== undefined && stable !== spec.release ? { stable } : {}) };
}

const CALM = "calm-";

/** A person lets paused runs go on, until nothing has moved for a while. */
async function untilRest(world: World, facts: Facts, isBroken: () => boolean): Promise<void> {
  const { clock, server } = world;
  const limitMs = clock.nowMs + MOST_CALM_MS;
  let wholeSinceMs = clock.nowMs;
  const act = createActor((given) => void facts.commands.set(given.id, given));
  for (let turn = 1; clock.nowMs < limitMs && !isBroken(); turn++) {
    await clock.run(clock.nowMs + PERSON_LOOKS_EVERY_MS, isBroken);
    if (!world.crew.isWhole()) wholeSinceMs = clock.nowMs;
    if (clock.nowMs - wholeSinceMs >= QUIET_BEFORE_REST_MS && isAtRest(facts)) return;
    leadBack(world);
    alignEdge(world);
    release(world);
    const status = statusOf(server.get("rollouts", NAME));
    const verb = status && verbFor(status);
    if (verb) act(world, { atMs: 0, does: "command", verb, id: `${CALM}${turn}`, lateMs: 0, reason: "go on" });
  }
}

/** A route that leads to neither side of a run leads to its stable version again. */
function leadBack({ server, scene }: World): void {
  if (scene.deployment) return;
  const route = server.get("virtualServices", NAME);
  const run = runOf(server.get("rollouts", NAME));
  if (!route || !run || run.outcome || splitIn(route, run).total > 0) return;
  server.put("virtualServices", leadingTo(route, run.from.version), "kubectl-edit");
}

/** Both share alike, or no run can begin, and none can go on that has moved nothing yet: a person is asked, and looks after that. */
function alignEdge({ server }: World): void {
  const [route, edge] = [server.get("virtualServices", NAME), server.get("virtualServices", EDGE)];
  const status = statusOf(server.get("rollouts", NAME));
  const isGoingOn = status?.run && !status.run.outcome && !status.message.includes("make them alike");
  if (!route || !edge || isGoingOn) return;
  const wanted = withRoute(edge, destinationsOf(route).map(({ destination, weight }) => ({ destination, ...(weight === undefined ? {} : { weight }) })));
  if (JSON.stringify(wanted) !== JSON.stringify(edge)) server.put("virtualServices", wanted, "kubectl-edit");
}

/** What the run cannot go on from is given up. */
function verbFor({ phase, reason, lastCommand }: RolloutStatus): "resume" | "promote" | "abort" | undefined {
  if (phase !== "Paused") return undefined;
  if (lastCommand?.id.startsWith(CALM) && lastCommand.result === "Refused") return "abort";
  return ["RouteEditedByHand", "RouteContested", "Command"].includes(reason) ? "resume" : "promote";
}

/** No object of ours has changed for a while, and no run goes on. */
function isAtRest({ server, clock, routes, rollouts, lastArrivalMs }: Facts): boolean {
  const newestMs = Math.max(routes.at(-1)?.atMs ?? 0, rollouts.at(-1)?.atMs ?? 0, lastArrivalMs);
  const rollout = server.get("rollouts", NAME);
  return clock.nowMs - newestMs >= QUIET_BEFORE_REST_MS && (!rollout || hasNothingToDo(rollout));
}

function hasNothingToDo(rollout: KubernetesObject): boolean {
  const { deletionTimestamp, finalizers } = rollout.metadata;
  const run = runOf(rollout);
  return !deletionTimestamp && (!run || run.outcome !== undefined) && !finalizers?.includes(FINALIZER) && statusOf(rollout) !== undefined;
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
