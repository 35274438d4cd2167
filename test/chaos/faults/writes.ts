/** `kill -9` of the only daemon at each kind of write that a Deployment's run makes: right before the server is asked, and right after it has done it and before the daemon knows. */
import { FINALIZER } from "../../../src/rollout/rollout.ts";
import { createApiGate, type AskedWrite, type StopSide } from "../../support/api-gate.ts";
import { until } from "../../support/until.ts";
import type { Delivery } from "../delivery.ts";
import type { Fault, Stage, Trouble } from "../fault.ts";
import { runOf } from "../laws.ts";
import { killFirst } from "./daemons.ts";

/** What is written of a good run, in its order, where the API server holds a new template by itself. */
const OF_GOOD = [
  "status: a run begins", "finalizer: added", "rule: made", "Event: told", "status: the route is to be split", "route: to the pods of stable alone", "canary: made",
  "canary: sized", "rule: the canary's pods", "status: 50% is to be", "route: 50%", "status: a weight is in force", "status: evidence", "status: 100% is to be", "route: 100%", "status: the Deployment is to roll", "Deployment: let go",
  "status: the run is over", "rule: the new pods", "route: to the pods of the winner alone", "canary: deleted", "route: as its owner has it", "rule: deleted", "record: made", "finalizer: removed",
] as const;
type Place = (typeof OF_GOOD)[number] | "Deployment: held" | "Deployment: its template written back" | "status: what is seen";
/** What is written of one that is taken back, from there on. */
const OF_TAKEN_BACK: readonly Place[] = ["status: the run is over", "route: to the pods of the winner alone", "canary: deleted", "route: as its owner has it", "rule: deleted", "record: made"];
/** Aborted while the Deployment rolls. */
const OF_RECALLED: readonly Place[] = ["Deployment: its template written back", ...OF_TAKEN_BACK];

interface Blow {
  readonly app: string;
  readonly place: Place;
  readonly side: StopSide;
}

export interface Places {
  readonly good: readonly Place[];
  readonly takenBack: readonly Place[];
  readonly recalled: readonly Place[];
  /** Groups of deliveries that share them. */
  readonly groups: number;
}

export const allPlaces: Places = { good: OF_GOOD, takenBack: OF_TAKEN_BACK, recalled: OF_RECALLED, groups: 8 };
/** Where what is committed and what is there differ most. */
export const somePlaces: Places = { good: ["route: to the pods of stable alone", "Deployment: let go", "rule: the new pods", "canary: deleted"], takenBack: ["canary: deleted"], recalled: ["Deployment: its template written back"], groups: 1 };

export function killedAtWrites(places: Places): Fault {
  const { groups } = places;
  return {
    part: "daemon",
    name: `kill -9 of the only one before and after each of ${places === allPlaces ? "the" : "some"} kinds of write of a run, started again each time`,
    mustHold: "the run ends as if nothing had been",
    deliveries: 5 * groups,
    groups,
    normalFrom: "its end",
    prepare: (stage) => killedAt(stage, blowsIn(stage, places)),
  };
}

/** Of all groups' deliveries of a kind each one gets some of the places, far from each other in its run. */
function blowsIn({ deliveries, group }: Stage, { good, takenBack, recalled, groups }: Places): readonly Blow[] {
  const kinds: readonly (readonly [isOfKind: (delivery: Delivery) => boolean, places: readonly Place[]])[] = [
    [({ expected }) => expected === "Succeeded", good],
    [({ isBad }) => isBad, takenBack],
    [({ abortsAt }) => abortsAt === "roll", recalled],
  ];
  return kinds.flatMap(([isOfKind, places]) => {
    const these = deliveries().filter(isOfKind);
    const all = places.flatMap((place) => (["before", "after"] as const).map((side) => ({ place, side })));
    return these.flatMap(({ app }, index) => all.filter((_, at) => at % (these.length * groups) === group * these.length + index).map((blow) => ({ app: app.name, ...blow })));
  });
}

async function killedAt(stage: Stage, blows: readonly Blow[]): Promise<Trouble> {
  const gate = await createApiGate(stage.api, "daemon");
  const left = new Set(blows);
  const chosen = chooser(stage, left);
  let stopped = gate.stopAt(chosen);
  return {
    daemon: { kubeconfig: gate.kubeconfig },
    daemons: [{}],
    isEarly: true,
    inflict: async () => {
      while (await isStopped(stage, stopped)) {
        await killFirst(stage);
        gate.open();
        stopped = gate.stopAt(chosen);
        await stage.startDaemon();
      }
    },
    findings: () => [...left].filter(({ app }) => !isPassedBy(stage, app)).map(({ app, place, side }) => `${app}: expected it to be struck ${side} this write, got no such write: ${place}`),
    close: gate.close,
  };
}

/** It was to be aborted, and that was heard too late. */
function isPassedBy({ scene, deliveries }: Stage, name: string): boolean {
  const { app, orElse } = deliveries().find((delivery) => delivery.app.name === name)!;
  return orElse !== undefined && scene.status(app)?.run?.outcome === orElse;
}

/** False once every run is over. */
async function isStopped(stage: Stage, stopped: Promise<AskedWrite>): Promise<boolean> {
  const isOver = (): boolean => stage.deliveries().every(({ app }) => {
    const rollout = stage.scene.rollouts.of(app.name).at(-1);
    return rollout !== undefined && runOf(rollout)?.outcome !== undefined && !String(rollout.metadata["finalizers"]).includes(FINALIZER);
  });
  return Promise.race([stopped.then(() => true), until(isOver, LIMIT_MS).then(() => false)]);
}

const LIMIT_MS = 400_000;

/** Remembers what each run had committed, by the status writes that pass. */
function chooser({ deliveries }: Stage, left: Set<Blow>): (asked: AskedWrite) => StopSide | undefined {
  const committed = new Map<string, Committed>();
  return (asked) => {
    const app = deliveries().find(({ app: { name } }) => JSON.stringify([asked.path, asked.body ?? ""]).includes(name))?.app.name;
    if (app === undefined) return undefined;
    const place = placeOf(asked, committed.get(app) ?? {});
    committed.set(app, { ...committed.get(app), ...(asked.body as StatusBody | undefined)?.status?.run });
    const blow = [...left].find((one) => one.app === app && one.place === place);
    if (blow) left.delete(blow);
    return blow?.side;
  };
}

interface Committed {
  readonly to?: unknown;
  readonly isSplit?: boolean;
  readonly weight?: number;
  readonly rollingSince?: string;
  readonly inForceAt?: string;
  readonly outcome?: string;
  readonly checks?: unknown;
}

/** A merge patch: what has not changed is not in it. */
interface StatusBody {
  readonly status?: { readonly run?: Committed };
}

function placeOf({ method, path, body }: AskedWrite, before: Committed): Place {
  const [, plural = "", name = ""] = /\/namespaces\/[^/]+\/([a-z]+)(?:\/([^/?]+))?/.exec(path) ?? [];
  if (path.includes("/status")) return statusPlace((body as StatusBody).status?.run ?? {});
  if (method === "POST") return MADE[plural] ?? "Event: told";
  if (method === "DELETE") return plural === "deployments" ? "canary: deleted" : "rule: deleted";
  return patchPlace({ plural, name, body }, before);
}

function patchPlace({ plural, name, body }: { readonly plural: string; readonly name: string; readonly body: unknown }, before: Committed): Place {
  switch (plural) {
    case "rollouts":
      return JSON.stringify(body).includes('"op":"add"') ? "finalizer: added" : "finalizer: removed";
    case "destinationrules":
      return before.outcome === undefined ? "rule: the canary's pods" : "rule: the new pods";
    case "virtualservices":
      return routePlace(body as readonly Operation[], before);
    default:
      return name.includes("-canary-") ? "canary: sized" : deploymentPlace(body);
  }
}

const MADE: Readonly<Record<string, Place>> = { destinationrules: "rule: made", deployments: "canary: made", rolloutruns: "record: made" };

function statusPlace({ to, isSplit, weight, rollingSince, outcome, checks, inForceAt }: Committed): Place {
  if (to !== undefined) return "status: a run begins";
  if (outcome !== undefined) return "status: the run is over";
  if (rollingSince !== undefined) return "status: the Deployment is to roll";
  if (isSplit) return "status: the route is to be split";
  if (weight === 50) return "status: 50% is to be";
  if (weight === 100) return "status: 100% is to be";
  if (inForceAt) return "status: a weight is in force";
  return checks === undefined ? "status: what is seen" : "status: evidence";
}

interface Operation {
  readonly op: string;
  readonly value?: { readonly destination?: { readonly subset?: string } };
}

function routePlace(operations: readonly Operation[], { outcome, weight = 0 }: Committed): Place {
  const isPlain = operations.some(({ op, value }) => op !== "test" && value?.destination !== undefined && value.destination.subset === undefined);
  if (isPlain) return "route: as its owner has it";
  if (outcome !== undefined) return "route: to the pods of the winner alone";
  return weight === 0 ? "route: to the pods of stable alone" : weight === 50 ? "route: 50%" : "route: 100%";
}

function deploymentPlace(body: unknown): Place {
  if (Array.isArray(body)) return "Deployment: its template written back";
  return JSON.stringify(body).includes('"paused":true') ? "Deployment: held" : "Deployment: let go";
}
