/** Requests of a daemon on their way to the API server and back: slow, refused, answered in vain, or cut off by the daemon's own end. */
import type { DeleteOptions, KubernetesClient, KubernetesObject, PatchOptions } from "../../../src/kubernetes/client.ts";
import { ApiError, Conflict, Unreachable } from "../../../src/kubernetes/errors.ts";
import { kindOf, type ApiServer, type Kind, type PatchRequest } from "./api-server.ts";
import type { Dice } from "./dice.ts";
import type { Process } from "./process.ts";
import type { WorldClock } from "./world-clock.ts";

/** What a request is for; a trial is a write that the server only pretends to carry out. */
export type Errand = "trial" | "status" | "route" | "record" | "finalizer" | "command" | "sides" | "deployment";

/** What goes wrong with a request. */
export type Mishap =
  /** The daemon dies before it is sent, or after it was carried out. */
  | { readonly kind: "dieBefore" | "dieAfter"; readonly forMs: number }
  /** The daemon stands still before it is sent, or before it has the answer. */
  | { readonly kind: "freezeBefore" | "freezeAfter"; readonly forMs: number }
  /** It is carried out, and the answer never comes. */
  | { readonly kind: "lost" }
  /** The server answers 503 and does nothing. */
  | { readonly kind: "refused" }
  | { readonly kind: "slow"; readonly forMs: number };

/** A request as it arrived, for whoever watches over the laws. */
export interface Arrival {
  readonly author: string;
  readonly errand: Errand;
  readonly atMs: number;
  readonly manager: string;
  /** The object after it; absent where it was not carried out. */
  readonly object?: KubernetesObject;
  readonly previous?: KubernetesObject;
}

export interface NetworkOptions {
  readonly clock: WorldClock;
  readonly server: ApiServer;
  readonly process: Process;
  readonly dice: Dice;
  readonly mostTravelMs: number;
  /** The mishap of the request that is being sent. */
  readonly mishap: (errand: Errand) => Mishap | undefined;
  /** False while the server answers nobody. */
  readonly isServerUp: () => boolean;
  readonly onArrival: (arrival: Arrival) => void;
  /** The daemon ends here, to come back after so long. */
  readonly die: (forMs: number) => void;
}

const ANSWER_LIMIT_MS = 3_000;

/** The verbs that daemons use. */
export type Network = Pick<KubernetesClient, "patch" | "create" | "delete" | "list">;

export function createNetwork(options: NetworkOptions): Network {
  return {
    patch: (resource, _namespace, name, patch, patchOptions: PatchOptions = {}) =>
      new Promise((resolve, reject) => {
        const request = { kind: kindOf(resource.plural), name, patch, options: patchOptions };
        const carryOut = (): KubernetesObject => options.server.patch(request, options.process.name);
        send(options, { ...request, errand: errandOf(request), manager: patchOptions.fieldManager, carryOut }, { resolve, reject });
      }),
    list: async ({ plural }) => Promise.reject(new ApiError(`the server has no ${plural}`, 404, "NotFound")), // only autoscalers are asked for, and this world has none
    create: (resource, _namespace, given) =>
      new Promise((resolve, reject) => {
        const object = given as KubernetesObject;
        const kind = kindOf(resource.plural);
        const carryOut = (): KubernetesObject => options.server.create(kind, object, options.process.name);
        send(options, { kind, name: object.metadata.name, errand: ERRAND_ABOUT[kind] ?? "record", manager: undefined, carryOut }, { resolve, reject });
      }),
    delete: (resource, _namespace, name, meant: DeleteOptions = {}) =>
      new Promise((resolve, reject) => {
        const kind = kindOf(resource.plural);
        const carryOut = (): KubernetesObject => options.server.delete(kind, name, meant, options.process.name);
        send(options, { kind, name, errand: ERRAND_ABOUT[kind] ?? "record", manager: undefined, carryOut }, { resolve: () => resolve(), reject });
      }),
  };
}

interface Request {
  readonly kind: Kind;
  readonly name: string;
  readonly errand: Errand;
  readonly manager: string | undefined;
  /** Throws what the server answers instead. */
  readonly carryOut: () => KubernetesObject;
}

interface Reply {
  readonly resolve: (object: KubernetesObject) => void;
  readonly reject: (error: Error) => void;
}

function send(options: NetworkOptions, request: Request, reply: Reply): void {
  const { clock, process, dice, mostTravelMs, die } = options;
  const mishap = options.mishap(request.errand);
  if (mishap?.kind === "dieBefore") return die(mishap.forMs);
  if (mishap?.kind === "freezeBefore") process.freeze(mishap.forMs);
  const slowMs = mishap?.kind === "slow" ? mishap.forMs : 0;
  process.enter(() => void clock.after(slowMs + dice.between(1, mostTravelMs), () => arrive(options, request, mishap, reply)));
}

function arrive(options: NetworkOptions, request: Request, mishap: Mishap | undefined, reply: Reply): void {
  const { clock, process, dice, mostTravelMs, die, isServerUp } = options;
  const answer = (delayMs: number, say: () => void): void => void clock.after(delayMs, () => process.enter(say));
  if (!isServerUp()) return answer(ANSWER_LIMIT_MS, () => reply.reject(new Unreachable("the API server does not answer")));
  const carriedOut = mishap?.kind === "refused" ? new ApiError("etcd is busy", 503, "ServiceUnavailable") : carryOut(options, request);
  if (mishap?.kind === "dieAfter") return die(mishap.forMs);
  if (mishap?.kind === "freezeAfter") process.freeze(mishap.forMs);
  if (mishap?.kind === "lost") return answer(ANSWER_LIMIT_MS, () => reply.reject(new Unreachable("the answer did not come in time")));
  answer(dice.between(1, mostTravelMs), () => (carriedOut instanceof Error ? reply.reject(carriedOut) : reply.resolve(carriedOut)));
}

function carryOut({ server, process, clock, onArrival }: NetworkOptions, { kind, name, errand, manager = process.name, carryOut: attempt }: Request): KubernetesObject | Error {
  const previous = server.get(kind, name);
  const arrival = { author: process.name, errand, atMs: clock.nowMs, manager, ...(previous && { previous }) };
  try {
    const object = attempt();
    onArrival({ ...arrival, object });
    return object;
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof Conflict)) throw error;
    onArrival(arrival);
    return error;
  }
}

const ERRAND_ABOUT: Readonly<Partial<Record<Kind, Errand>>> = { virtualServices: "route", destinationRules: "sides", deployments: "deployment" };

function errandOf({ kind, patch, options }: PatchRequest): Errand {
  if (options.dryRun) return "trial";
  if (kind !== "rollouts") return ERRAND_ABOUT[kind] ?? "route";
  if (options.subresource === "status") return "status";
  return patch.type === "json" && patch.body.some(({ path }) => path.startsWith("/metadata/finalizers")) ? "finalizer" : "command";
}
