/** Weir and Flagger on the same counters: those of a bad version as Flagger takes it up the default ladder. */
import { createNamedRandom } from "../../../src/playground/random.ts";
import { deliver, type Judge } from "./delivery.ts";
import { createFlaggerJudge, type FlaggerSettings } from "./flagger-model.ts";
import { createTraffic, USUAL, type Answered, type Scenario, type Scrape } from "./traffic.ts";
import { createWeirJudge, WEIR } from "./weir-judge.ts";

/** What a Rollout without a strategy of its own does. */
const DEFAULT_LADDER = [0.1, 0.25, 0.5, 1];
const REQUESTS_PER_SECOND = 10;

/** The playground's bad version. */
const BAD: Scenario = { name: "5 % errors @10 rps", requestsPerSecond: REQUESTS_PER_SECOND, stable: () => USUAL, canary: () => ({ ...USUAL, errors: 0.05 }) };
const GOOD: Scenario = { ...BAD, name: "healthy @10 rps", canary: () => USUAL };

/** Failed requests of the canary until each took it back, or until it was promoted. */
export interface Duel {
  readonly weir: number;
  readonly flagger: number;
}

/** Flagger's interval is its step as well: the default ladder takes a minute a step. Five failed checks are what its documentation asks for. */
export const SAME_STEPS: FlaggerSettings = { intervalSeconds: 60, threshold: 5 };

export function duel(seed: number, settings: FlaggerSettings): Duel {
  const counters = recorded(BAD, seed, createFlaggerJudge(settings));
  return { weir: harmedUntil(counters, lookingEvery(settings.intervalSeconds, weirJudge())), flagger: harmedUntil(counters, () => "stay") };
}

/** Fraction of healthy versions that Weir, or a Flagger of these settings, takes back on the default ladder. */
export function falseRollbacks(seed: number, runs: number, judge: () => Judge): number {
  const taken = Array.from({ length: runs }, (_, run) => deliver(GOOD, trafficOf(GOOD, seed + run), DEFAULT_LADDER, judge()).isRolledBack);
  return taken.filter(Boolean).length / runs;
}

export function weirJudge(): Judge {
  return createWeirJudge({ quality: USUAL, requestsPerSecond: REQUESTS_PER_SECOND, weights: DEFAULT_LADDER }, WEIR);
}

/** The counters of a rollout, scrape by scrape, until the judge ends it. */
function recorded(scenario: Scenario, seed: number, judge: Judge): readonly Scrape[] {
  const scrapes: Scrape[] = [];
  deliver(scenario, trafficOf(scenario, seed), DEFAULT_LADDER, (scrape) => {
    scrapes.push(scrape);
    return judge(scrape);
  });
  return scrapes;
}

/** The same judge, which is shown what came in between as one look. */
function lookingEvery(intervalSeconds: number, judge: Judge): Judge {
  let since: Scrape | undefined;
  return (scrape) => {
    since = since ? sumOf(since, scrape) : scrape;
    if (scrape.second % intervalSeconds !== 0) return "stay";
    const looked = since;
    since = undefined;
    return judge(looked);
  };
}

function sumOf(one: Scrape, { second, weight, canary, stable }: Scrape): Scrape {
  const both = (a: Answered, b: Answered): Answered => ({ requests: a.requests + b.requests, errors: a.errors + b.errors, slower: a.slower.map((count, bound) => count + b.slower[bound]!) });
  return { second, weight, canary: both(one.canary, canary), stable: both(one.stable, stable) };
}

function trafficOf(scenario: Scenario, seed: number): ReturnType<typeof createTraffic> {
  return createTraffic(scenario, createNamedRandom(seed, `duel of ${scenario.name}`));
}

function harmedUntil(scrapes: readonly Scrape[], judge: Judge): number {
  let harmed = 0;
  for (const scrape of scrapes) {
    harmed += scrape.canary.errors;
    if (judge(scrape) === "rollBack") break;
  }
  return harmed;
}
