/** The endless life of one application: good and bad versions, commands, hands on the wheel, and what must come of each. */
import type { Random } from "../../src/playground/random.ts";
import { formatCommand, type Command } from "../../src/rollout/command.ts";
import { COMMAND_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { Outcome, RolloutStatus } from "../../src/rollout/status.ts";
import { CANARY, PRIMARY, STABLE } from "../support/deliveries.ts";
import { RequestRefused, type ApiObject, type ApiRequest } from "../support/api-request.ts";
import type { Chronicle, Standing } from "./chronicle.ts";
import type { FleetApp } from "./fleet.ts";
import type { FleetTelemetry } from "./telemetry.ts";

export interface LifeOptions {
  readonly app: FleetApp;
  readonly request: ApiRequest;
  readonly chronicle: Chronicle;
  readonly telemetry: FleetTelemetry;
  readonly random: Random;
  /** Waits as long as it takes; rejects when no new chapter shall begin. */
  readonly rest: (fromMs: number, toMs: number) => Promise<void>;
  readonly restMs: number;
  /** What should have come otherwise: a sentence. */
  readonly onBreach: (sentence: string) => void;
  readonly onChapter: (chapter: string) => void;
}

/** One delivery from `from` to `to`. */
interface Delivery extends LifeOptions {
  /** What it is about. */
  readonly chapter: string;
  readonly from: string;
  readonly to: string;
}

/** A hand's shares of the new version, in percent, which no ladder names. */
const LOWERED = 7;
const RAISED = 75;
const BAD = 0.5;

/** Beside its own name: chapters in which the run did not wait for the intervention. */
const TOO_LATE = "intervened too late";

/** How often each comes, beside the others. */
const CHAPTERS: readonly { readonly often: number; readonly name: string; readonly tell: (delivery: Delivery) => Promise<void> }[] = [
  { often: 40, name: "good", tell: good },
  { often: 20, name: "bad", tell: bad },
  { often: 8, name: "turns bad on its way", tell: turnsBad },
  { often: 8, name: "aborted by command", tell: aborted },
  { often: 8, name: "lowered by hand, resumed", tell: lowered },
  { often: 8, name: "raised by hand", tell: raised },
  { often: 4, name: "stable named in mid-run", tell: withdrawn },
  { often: 4, name: "Rollout deleted in mid-run", tell: deleted },
];

/** Settles when `rest` rejects, between two chapters. */
export async function live(life: LifeOptions): Promise<void> {
  const { chronicle, rest, restMs, random, onChapter } = life;
  for (;;) {
    try {
      await rest(0, restMs);
    } catch {
      return;
    }
    const from = chronicle.now().status?.stable?.version ?? STABLE;
    const chapter = drawn(random());
    await chapter.tell({ ...life, chapter: chapter.name, from, to: from === STABLE ? CANARY : STABLE });
    onChapter(chapter.name);
  }
}

function drawn(draw: number): (typeof CHAPTERS)[number] {
  let left = draw * CHAPTERS.reduce((sum, { often }) => sum + often, 0);
  return CHAPTERS.find(({ often }) => (left -= often) < 0) ?? CHAPTERS[0]!;
}

async function good(it: Delivery): Promise<void> {
  const run = await begin(it);
  await mustEnd(it, run, "Succeeded");
}

async function bad(it: Delivery): Promise<void> {
  it.telemetry.turn(it.app, it.to, BAD);
  await mustBeTakenBack(it, await begin(it), "RolledBack");
}

async function turnsBad(it: Delivery): Promise<void> {
  const run = await begin(it);
  await it.chronicle.reached(has(it, run, 50));
  it.telemetry.turn(it.app, it.to, BAD);
  const { status } = await it.request<Rollout>("GET", pathOf(it));
  if (status?.run?.weight === 50 && !isOver(run)({ status })) return mustBeTakenBack(it, run, "RolledBack");
  await comesTooLate(it, run);
}

async function aborted(it: Delivery): Promise<void> {
  const run = await begin(it);
  await it.chronicle.reached(has(it, run, 10));
  const { status } = await command(it, { verb: "abort", run, reason: "it looks odd" });
  await (isOver(run)({ status }) ? comesTooLate(it, run) : mustBeTakenBack(it, run, "Aborted"));
}

async function withdrawn(it: Delivery): Promise<void> {
  const run = await begin(it);
  await it.chronicle.reached(has(it, run, 10));
  const { status } = await release(it, it.from);
  await (isOver(run)({ status }) ? comesTooLate(it, run) : mustBeTakenBack(it, run, "Aborted"));
}

async function lowered(it: Delivery): Promise<void> {
  const run = await begin(it);
  await it.chronicle.reached(has(it, run, 10));
  if (!(await hand(it, { from: 10, to: LOWERED }, "kubectl-edit"))) return comesTooLate(it, run);
  await it.chronicle.reached(({ status }) => status?.run?.pausedBy === "RouteEditedByHand" || isOver(run)({ status }));
  await command(it, { verb: "resume", run });
  await mustEnd(it, run, "Succeeded");
}

async function raised(it: Delivery): Promise<void> {
  const run = await begin(it);
  await it.chronicle.reached(has(it, run, 10));
  if (!(await hand(it, { from: 10, to: RAISED }, "argocd-controller"))) return comesTooLate(it, run);
  await it.chronicle.reached(({ shares }) => shares[it.to] !== RAISED);
  await mustEnd(it, run, "Succeeded");
}

/** Its finalizer keeps it until the traffic is back. */
async function deleted(it: Delivery): Promise<void> {
  const run = await begin(it);
  await it.chronicle.reached(has(it, run, 10));
  const { kind, status } = await it.request<Rollout>("DELETE", pathOf(it));
  await it.chronicle.reached(({ uid }) => uid === undefined);
  // Without its finalizer it has gone at once, and the answer is no Rollout: nothing was under way any more.
  if (kind !== "Rollout" || isOver(run)({ status })) it.onChapter(TOO_LATE);
  else await it.chronicle.reached(({ shares }) => shares[it.from] === 100);
  const left = it.chronicle.now().shares[it.to] === 100 ? it.to : it.from;
  await it.request("POST", collectionOf(it.app, "weir.dev/v1alpha1", "rollouts"), it.app.rollout(left));
  await it.chronicle.reached(({ status }) => status?.phase === "Healthy");
}

/** The number of the run that starts. */
async function begin(it: Delivery): Promise<number> {
  const before = it.chronicle.now().status?.runs ?? 0;
  await release(it, it.to);
  await it.chronicle.reached(({ status }) => (status?.run?.number ?? 0) > before);
  return it.chronicle.now().status!.run!.number;
}

async function mustEnd(it: Delivery, run: number, expected: Outcome): Promise<void> {
  await mustBeOver(it, run, expected);
  await it.chronicle.reached(({ status: now }) => now?.run?.number === run && now.phase === (expected === "Succeeded" ? "Healthy" : "Degraded"));
}

async function mustBeOver(it: Delivery, run: number, expected: Outcome): Promise<void> {
  await it.chronicle.reached(isOver(run));
  const { status } = it.chronicle.now();
  const outcome = status?.run?.number === run ? status.run.outcome : undefined;
  if (outcome !== expected) it.onBreach(`${it.app.namespace}/${it.app.name}, ${it.chapter}: run ${run} was expected to end as ${expected}, and ended as ${outcome}: ${status?.message}`);
}

/** And then `spec.release` names what serves again, so that the same version may be tried later. */
async function mustBeTakenBack(it: Delivery, run: number, expected: "RolledBack" | "Aborted"): Promise<void> {
  await mustBeOver(it, run, expected);
  await it.chronicle.reached(({ shares }) => shares[it.to] === 0);
  await makeHealthy(it, it.from);
}

/** The run had gone on before the intervention: it may end either way. */
async function comesTooLate(it: Delivery, run: number): Promise<void> {
  it.onChapter(TOO_LATE);
  await it.chronicle.reached(isOver(run));
  await makeHealthy(it, it.chronicle.now().status?.run?.outcome === "Succeeded" ? it.to : it.from);
}

async function makeHealthy(it: Delivery, version: string): Promise<void> {
  it.telemetry.turn(it.app, it.to, 0);
  const { metadata } = await release(it, version);
  await it.chronicle.reached(({ status: now }) => now?.phase === "Healthy" && now.observedGeneration >= metadata.generation && now.stable?.version === version);
}

const isOver = (run: number) => ({ status }: Pick<Standing, "status">): boolean => numberOf(status) > run || (numberOf(status) === run && status?.run?.outcome !== undefined);

/** The run's version has so much of the traffic; or the run is over. */
const has = (it: Delivery, run: number, share: number) => (standing: Pick<Standing, "status" | "shares">): boolean => isOver(run)(standing) || standing.shares[it.to] === share;

function numberOf(status: RolloutStatus | undefined): number {
  return status?.run?.number ?? 0;
}

function release(it: Delivery, version: string): Promise<Rollout> {
  return it.request<Rollout>("PATCH", `${pathOf(it)}?fieldManager=kubectl`, { spec: { release: version } });
}

function command(it: Delivery, given: Pick<Command, "verb" | "run"> & Partial<Command>): Promise<Rollout> {
  const text = formatCommand({ id: Math.floor(it.random() * 2 ** 32).toString(16), actor: "admin", ...given });
  return it.request<Rollout>("PATCH", pathOf(it), { metadata: { annotations: { [COMMAND_ANNOTATION]: text } } });
}

interface Rollout extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly generation: number };
  readonly status?: RolloutStatus;
}

interface Routed extends ApiObject {
  readonly spec: { readonly http: readonly { readonly name: string; readonly route: readonly { readonly destination: { readonly subset: string }; readonly weight?: number }[] }[] };
}

/** As a person with an editor: reads, and writes what was read with other weights, unless somebody has written meanwhile; false: it is not `from` any more. */
async function hand(it: Delivery, share: { readonly from: number; readonly to: number }, manager: string): Promise<boolean> {
  it.chronicle.allow(it.to === CANARY ? share.to : 100 - share.to);
  const route = `${collectionOf(it.app, "networking.istio.io/v1", "virtualservices")}/${it.app.name}`;
  const { metadata, spec } = await it.request<Routed>("GET", route);
  const weights: Readonly<Record<string, number>> = { [it.from]: 100 - share.to, [it.to]: share.to };
  const primary = spec.http.find(({ name }) => name === PRIMARY)!;
  if (primary.route.find(({ destination }) => destination.subset === it.to)?.weight !== share.from) return false;
  const http = spec.http.map((one) => (one === primary ? { ...one, route: one.route.map((each) => ({ ...each, weight: weights[each.destination.subset] })) } : one));
  try {
    await it.request("PATCH", `${route}?fieldManager=${manager}`, { metadata: { resourceVersion: metadata["resourceVersion"] }, spec: { http } });
    return true;
  } catch (error) {
    if (error instanceof RequestRefused && error.status === 409) return hand(it, share, manager);
    throw error;
  }
}

function pathOf({ app }: Delivery): string {
  return `${collectionOf(app, "weir.dev/v1alpha1", "rollouts")}/${app.name}`;
}

function collectionOf({ namespace }: FleetApp, group: string, plural: string): string {
  return `/apis/${group}/namespaces/${namespace}/${plural}`;
}
