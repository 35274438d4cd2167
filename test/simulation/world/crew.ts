/** The daemons of a simulated world: each is started, frozen, killed and started again, and has its requests go wrong. */
import type { KubernetesObject, Patch } from "../../../src/kubernetes/client.ts";
import { PLAIN_STATUS_VERSION, STATUS_VERSION } from "../../../src/rollout/status.ts";
import type { Notice } from "../../../src/rollout/notice.ts";
import { DeliveryError, type Notifier } from "../../../src/notify/notifier.ts";
import { createKeptLog, type KeptLog } from "../../support/fake-scheduling.ts";
import type { ApiServer, Watched } from "./api-server.ts";
import { startDaemon } from "./daemon.ts";
import { createDice } from "./dice.ts";
import type { DaemonScene, Scene } from "./history.ts";
import { createInformers, type Informers } from "./informers.ts";
import { createNetwork, type Arrival, type Errand, type Mishap, type Network } from "./network.ts";
import type { Tampering } from "./tampering.ts";
import { createProcess, type Process } from "./process.ts";
import type { Prometheus } from "./prometheus.ts";
import type { SharedRedis } from "./redis.ts";
import type { Troubles } from "./troubles.ts";
import type { WorldClock } from "./world-clock.ts";

export interface Crew {
  crash(name: string, forMs: number): void;
  freeze(name: string, forMs: number): void;
  stall(name: string, kind: Watched, forMs: number): void;
  /** For so long the CRD on the server is older than this daemon. */
  outdate(name: string, forMs: number): void;
  /** The next request of that kind, after `skip` others, of that daemon or of anybody. */
  arm(mishap: Armed): void;
  /** No mishap waits any more. */
  disarm(): void;
  /** A rolling upgrade comes to its end: where a daemon of the next version is there, the others leave for good. */
  upgrade(): void;
  /** Every daemon is there and awake. */
  isWhole(): boolean;
  /** For how long the author of a request has seen an older CRD. */
  hasSeenOldCrdForMs(author: string): number;
  readonly logs: readonly KeptLog[];
}

export interface Armed {
  readonly daemon?: string;
  readonly on: Errand;
  readonly skip: number;
  readonly mishap: Mishap;
}

export interface CrewOptions {
  readonly clock: WorldClock;
  readonly server: ApiServer;
  readonly redis: SharedRedis;
  readonly prometheus: Prometheus;
  readonly scene: Scene;
  readonly tampering: Tampering;
  readonly troubles: Troubles;
  readonly deliver: (notice: Notice) => void;
  readonly areReceiversUp: () => boolean;
  readonly isServerUp: () => boolean;
  readonly onArrival: (arrival: Arrival) => void;
  readonly onTick: (author: string) => void;
  readonly tell: (who: string, what: string) => void;
}

/** One daemon, over all its lives. */
interface Post {
  readonly scene: DaemonScene;
  lives: number;
  hasLeft?: boolean;
  process?: Process;
  informers?: Informers;
  oldCrd: { sinceMs: number; untilMs: number };
}

export function createCrew(options: CrewOptions): Crew {
  const { clock, server, scene } = options;
  const posts = new Map<string, Post>(scene.daemons.map((one) => [one.name, { scene: one, lives: 0, oldCrd: { sinceMs: 0, untilMs: 0 } }]));
  const mishaps = createMishaps(options);
  const logs: KeptLog[] = [];
  const start = (post: Post): void => {
    if (post.hasLeft || (post.process && !post.process.isDead())) return;
    post.lives += 1;
    const log = createKeptLog();
    logs.push(log);
    live({ ...options, mishapFor: mishaps.next, die }, post, log);
  };
  const die = (post: Post, forMs: number): void => {
    post.process?.kill();
    clock.after(forMs, () => start(post));
  };

  for (const post of posts.values()) clock.after(post.scene.joinsAtMs ?? 0, () => start(post));
  server.follow((version) => {
    for (const { informers, process } of posts.values()) if (informers && !process?.isDead()) informers.tell(version);
  });
  return { arm: mishaps.arm, disarm: mishaps.disarm, logs, ...inflicted(options, posts, die) };
}

type Die = (post: Post, forMs: number) => void;

/** What befalls daemons, by name. */
function inflicted({ clock, troubles, tell }: CrewOptions, posts: ReadonlyMap<string, Post>, die: Die): Pick<Crew, "crash" | "freeze" | "stall" | "outdate" | "upgrade" | "hasSeenOldCrdForMs" | "isWhole"> {
  return {
    crash(name, forMs) {
      troubles.control(forMs);
      tell(name, `dies, for ${forMs} ms`);
      die(posts.get(name)!, forMs);
    },
    freeze(name, forMs) {
      troubles.control(forMs);
      posts.get(name)!.process?.freeze(forMs);
    },
    stall(name, kind, forMs) {
      troubles.control(forMs);
      posts.get(name)!.informers?.stall(kind, forMs);
    },
    outdate(name, forMs) {
      troubles.prometheus(forMs);
      posts.get(name)!.oldCrd = { sinceMs: clock.nowMs, untilMs: clock.nowMs + forMs };
    },
    upgrade() {
      const isOld = ({ scene }: Post): boolean => !scene.isNext;
      if ([...posts.values()].every(isOld)) return;
      for (const post of [...posts.values()].filter(isOld)) {
        post.hasLeft = true;
        post.process?.kill();
      }
    },
    isWhole: () => [...posts.values()].every(({ process, hasLeft }) => hasLeft || (process !== undefined && !process.isDead() && !process.isFrozen())),
    hasSeenOldCrdForMs(author) {
      const { sinceMs, untilMs } = posts.get(author.split(".")[0]!)!.oldCrd;
      return clock.nowMs < untilMs ? clock.nowMs - sinceMs : 0;
    },
  };
}

/** Mishaps that wait for the request that they befall. */
function createMishaps({ troubles, tell }: CrewOptions): Pick<Crew, "arm" | "disarm"> & { readonly next: (name: string, errand: Errand) => Mishap | undefined } {
  const waiting: { skip: number; readonly armed: Armed }[] = [];
  return {
    arm: (armed) => void waiting.push({ skip: armed.skip, armed }),
    disarm: () => void (waiting.length = 0),
    next(name, errand) {
      const index = waiting.findIndex(({ armed: { daemon, on } }) => on === errand && (daemon === undefined || daemon === name));
      const found = waiting[index];
      if (!found || found.skip-- > 0) return undefined;
      waiting.splice(index, 1);
      const { mishap } = found.armed;
      troubles.control(LOST_FOR_MS + ("forMs" in mishap ? mishap.forMs : 0));
      tell(name, `mishap of a ${errand} request: ${mishap.kind}${"forMs" in mishap ? ` for ${mishap.forMs} ms` : ""}`);
      return mishap;
    },
  };
}

const LOST_FOR_MS = 5_000;

interface Living extends CrewOptions {
  readonly mishapFor: (name: string, errand: Errand) => Mishap | undefined;
  readonly die: Die;
}

/** A daemon's life, from its start. */
function live(options: Living, post: Post, log: KeptLog): void {
  const { clock, server, redis, prometheus, scene, tampering } = options;
  const { name, skewMs, isNext = false } = post.scene;
  const dice = createDice(scene.seed, `${name} ${post.lives}`);
  const process = createProcess(`${name}.${post.lives}`, clock, skewMs);
  const next = createNextVersion();
  const informers = createInformers({ clock, server, process, dice, mostLagMs: scene.mostLagMs, understood: isNext ? next.asPresent : (object) => object });
  const network = createNetwork({ ...options, process, dice, mostTravelMs: scene.mostTravelMs, mishap: (errand) => options.mishapFor(name, errand), die: (forMs) => options.die(post, forMs) });
  Object.assign(post, { process, informers });
  const work = startDaemon({
    process, informers, skewMs, log, tampering,
    isGuarded: scene.deployment?.isGuarded,
    onTick: () => options.onTick(process.name),
    network: isNext ? next.asNext(network) : network,
    queue: redis.queueOf(process),
    link: redis.linkOf(process),
    provider: prometheus.providerOf(process),
    notifier: notifierOf(options),
    random: dice.next,
    crdIsCurrent: () => clock.nowMs >= post.oldCrd.untilMs,
  });
  redis.work(process, work);
}

function notifierOf({ deliver, areReceiversUp }: CrewOptions): Notifier {
  return {
    async deliver(notice) {
      if (!areReceiversUp()) throw new DeliveryError("the receiver answered 503");
      deliver(notice);
      return {};
    },
  };
}

type Json = Readonly<Record<string, unknown>>;

interface NextVersion {
  /** What it reads, as the present one reads its own. */
  readonly asPresent: (object: KubernetesObject) => KubernetesObject;
  readonly asNext: (network: Network) => Network;
}

/** The next version writes a status that the present one does not know. */
function createNextVersion(): NextVersion {
  let known: number = PLAIN_STATUS_VERSION;
  const asPresent = (object: KubernetesObject): KubernetesObject => {
    const status = object["status"] as (Json & { readonly version?: number }) | undefined;
    if (status?.version === undefined) return object;
    known = status.version > STATUS_VERSION ? status.version - STATUS_VERSION : status.version;
    return { ...object, status: { ...status, version: known } };
  };
  /** A patch says only what has changed. */
  const ofNextVersion = (patch: Patch): Patch => {
    const body = patch.body as { readonly status: Json & { readonly version?: number } };
    return { type: "merge", body: { ...body, status: { ...body.status, version: STATUS_VERSION + (body.status.version ?? known) } } };
  };
  return {
    asPresent,
    asNext: (network) => ({
      ...network,
      async patch(resource, namespace, name, patch, options) {
        return asPresent(await network.patch(resource, namespace, name, options?.subresource === "status" ? ofNextVersion(patch) : patch, options));
      },
    }),
  };
}
