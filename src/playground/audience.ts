/** Users that a delivery brings along, besides everybody: each kind with headers of its own, and some who keep cookies. */
import { setTimeout as wait } from "node:timers/promises";
import type { Load } from "./arrivals.ts";
import type { Crowd, Sides } from "./crowd.ts";
import type { Delivery } from "./deliveries.ts";
import type { VersionCount, VersionCounts } from "./mesh/tally.ts";
import type { SampleTraffic } from "./sample-traffic.ts";

export interface Audience {
  /** Settles when all of them have been answered. */
  come(delivery: Pick<Delivery, "users" | "crowd">): Promise<void>;
  /** What each kind has been answered so far, and each version of the application by whom it calls. */
  answered(): Readonly<Record<string, VersionCounts>>;
  /** Of those who keep cookies. */
  sides(): Sides;
}

const pauseMs = 200;
const mostStartMs = 30_000;

/** `app`: the application that they ask for. */
export function createAudience({ startUsers, startCrowd, samples }: Pick<SampleTraffic, "startUsers" | "startCrowd" | "samples">, app: string): Audience {
  const kinds = new Map<string, Load>();
  let crowd: Crowd | undefined;
  const sides = (): Sides => crowd?.sides() ?? { on: {}, came: {} };
  return {
    sides,
    answered: () => ({ ...Object.fromEntries([...kinds].map(([kind, load]) => [kind, countsOf(load)])), ...calledBy(samples.called(app)) }),
    async come({ users = {}, crowd: count = 0 }) {
      for (const [kind, some] of Object.entries(users)) kinds.set(kind, startUsers(app, some));
      if (count > 0) crowd = startCrowd(app, count);
      const areAnswered = () => [...kinds.values()].every((load) => Object.keys(load.counts().answers).length > 0) && sumOf(sides().on) >= count;
      const endMs = Date.now() + mostStartMs;
      while (!areAnswered()) {
        if (Date.now() > endMs) throw new Error(`Expected every kind of user (${[...kinds.keys(), ...(crowd ? ["those who keep cookies"] : [])].join(", ")}) to be answered within ${mostStartMs / 1_000} s; some were not`);
        await wait(pauseMs);
      }
    },
  };
}

function calledBy(called: Readonly<Record<string, VersionCounts>>): Readonly<Record<string, VersionCounts>> {
  return Object.fromEntries(Object.entries(called).map(([version, counts]) => [`calls of ${version}`, counts]));
}

function sumOf(counts: Sides["on"]): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function countsOf(load: Load): VersionCounts {
  const counts: Record<string, VersionCount> = {};
  for (const [outcome, count] of Object.entries(load.counts().answers)) {
    const [version = "-", code] = outcome.split(" ");
    const { requests, bad } = counts[version] ?? { requests: 0, bad: 0 };
    counts[version] = { requests: requests + count, bad: bad + (code === "200" ? 0 : count) };
  }
  return counts;
}
