/** Strategies in many rollouts of a scenario each: every one meets the same traffic for as long as it takes the same weights. */
import { createNamedRandom } from "../../../src/playground/random.ts";
import { deliver } from "./delivery.ts";
import { figuresOf, type Figures } from "./sampling.ts";
import type { Strategy } from "./strategies.ts";
import { createTraffic, type Scenario } from "./traffic.ts";

export interface Contest {
  readonly seed: number;
  readonly runs: number;
}

export function compete({ seed, runs }: Contest, scenario: Scenario, strategy: Strategy): Figures {
  return figuresOf(
    Array.from({ length: runs }, (_, run) => {
      const random = (what: string) => createNamedRandom(seed, `${what} ${run} of ${scenario.name}`);
      return deliver(scenario, createTraffic(scenario, random("traffic")), strategy.weights, strategy.judge(scenario, random("history")));
    }),
  );
}
