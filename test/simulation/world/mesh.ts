/** The mesh of a simulated world: which version gets which share, some time after the route says so, and what its requests come to. */
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { tagOf } from "./deployment.ts";
import { matchedTo, mirroredTo, pointsByVersion } from "./route-points.ts";
import type { Dice } from "./dice.ts";
import type { Scene } from "./history.ts";
import type { WorldClock } from "./world-clock.ts";

/** Whole requests since the world began. */
export interface Counters {
  readonly requests: number;
  readonly bad: number;
}

export interface Mesh {
  /** A version of the route that the proxies will hear of. */
  hear(route: KubernetesObject | undefined): void;
  /** The same of our own rule for a Deployment. */
  hearRule(rule: KubernetesObject | undefined): void;
  /** Pods have come or gone. */
  look(): void;
  /** The share of each version that is in force now, from 0 to 1; copies of requests come on top. */
  shares(): Readonly<Record<string, number>>;
  counters(version: string, atMs: number): Counters;
  /** The share of a version's requests that fail, from 0 to 1. */
  badShare(version: string): number;
  perSecond(): number;
  setBad(version: string, share: number): void;
  /** Requests a second, of all versions together. */
  setRate(perSecond: number): void;
}

interface Stretch {
  readonly fromMs: number;
  readonly before: Readonly<Record<string, Counters>>;
  readonly perMs: Readonly<Record<string, Counters>>;
}

const NONE: Counters = { requests: 0, bad: 0 };

/** What the proxies have. */
export interface InForce {
  route?: KubernetesObject | undefined;
  rule?: KubernetesObject | undefined;
}

type ReadShares = (inForce: InForce) => Readonly<Record<string, number>>;

export function createMesh(clock: WorldClock, dice: Dice, { mostPropagationMs, requestsPerSecond }: Pick<Scene, "mostPropagationMs" | "requestsPerSecond">, read: ReadShares = ({ route }) => sharesOf(route)): Mesh {
  const flow = createFlow(clock, requestsPerSecond);
  const inForce: InForce = {};
  const look = (): void => flow.change(() => void (flow.shares = read(inForce)));
  const hearing = (which: keyof InForce): ((object: KubernetesObject | undefined) => void) => {
    let heard = 0;
    let applied = 0;
    return (object) => {
      const mine = ++heard;
      clock.after(dice.between(Math.min(50, mostPropagationMs), mostPropagationMs), () => {
        if (mine <= applied) return;
        applied = mine;
        inForce[which] = object;
        look();
      });
    };
  };
  return {
    hear: hearing("route"),
    hearRule: hearing("rule"),
    look,
    shares: () => flow.shares,
    perSecond: () => flow.perSecond,
    badShare: (version) => badShareIn(flow, version),
    counters: flow.counters,
    setBad: (version, share) => flow.change(() => void flow.bad.set(version, share)),
    setRate: (perSecond) => flow.change(() => void (flow.perSecond = perSecond)),
  };
}

/** Of a version, or of all that have its tag. */
function badShareIn({ bad }: Flow, version: string): number {
  return bad.get(version) ?? bad.get(tagOf(version)) ?? 0;
}

interface Flow {
  shares: Readonly<Record<string, number>>;
  perSecond: number;
  readonly bad: Map<string, number>;
  /** From now on it flows differently. */
  change(apply: () => void): void;
  counters(version: string, atMs: number): Counters;
}

/** Requests since the world began, in stretches in which nothing changes. */
function createFlow(clock: WorldClock, requestsPerSecond: number): Flow {
  const stretches: Stretch[] = [{ fromMs: clock.nowMs, before: {}, perMs: {} }];
  const flow: Flow = {
    shares: {},
    perSecond: requestsPerSecond,
    bad: new Map(),
    change(apply) {
      apply();
      stretches.push(stretchAfter(stretches.at(-1)!, flow, clock.nowMs));
    },
    counters(version, atMs) {
      const { requests, bad } = grown(stretches.findLast(({ fromMs }) => fromMs <= atMs) ?? stretches[0]!, version, atMs);
      return { requests: Math.floor(requests), bad: Math.floor(bad) };
    },
  };
  return flow;
}

function stretchAfter(last: Stretch, flow: Flow, nowMs: number): Stretch {
  const { shares, perSecond } = flow;
  const names = new Set([...Object.keys(last.perMs), ...Object.keys(last.before)]);
  return {
    fromMs: nowMs,
    before: Object.fromEntries([...names].map((version) => [version, grown(last, version, nowMs)])),
    perMs: Object.fromEntries(Object.entries(shares).map(([version, share]) => [version, rateOf((share * perSecond) / 1_000, badShareIn(flow, version))])),
  };
}

function rateOf(requests: number, badShare: number): Counters {
  return { requests, bad: requests * badShare };
}

function grown({ fromMs, before, perMs }: Stretch, version: string, atMs: number): Counters {
  const [at, rate] = [before[version] ?? NONE, perMs[version] ?? NONE];
  const ms = Math.max(0, atMs - fromMs);
  return { requests: at.requests + rate.requests * ms, bad: at.bad + rate.bad * ms };
}

/** How many of all requests are such as a step may pick out. */
const TESTERS = 0.05;

/** Proxies take weights as proportions, whatever they add up to. */
function sharesOf(route: KubernetesObject | undefined): Readonly<Record<string, number>> {
  const points = route ? pointsByVersion(route) : {};
  const sum = Object.values(points).reduce((total, each) => total + each, 0);
  const matched = matchedTo(route);
  const mirrored = mirroredTo(route);
  const versions = new Set([...Object.keys(points), ...(matched === undefined ? [] : [matched]), ...(mirrored ? [mirrored.version] : [])]);
  const ofOthers = matched === undefined ? 1 : 1 - TESTERS;
  return Object.fromEntries([...versions].map((version) => [version, (sum === 0 ? 0 : ((points[version] ?? 0) / sum) * ofOthers) + (version === matched ? TESTERS : 0) + (version === mirrored?.version ? mirrored.percent / 100 : 0)]));
}
