/** Every fault that is inflicted. */
import type { Fault } from "./fault.ts";
import type { Mode } from "./fleet.ts";
import { apiServerFaults } from "./faults/api-server.ts";
import { daemonFaults } from "./faults/daemons.ts";
import { medley } from "./faults/medley.ts";
import { olderCrd } from "./faults/older-crd.ts";
import { planted } from "./faults/planted.ts";
import { prometheusFaults } from "./faults/prometheus.ts";
import { receiverFaults } from "./faults/receivers.ts";
import { redisFaults } from "./faults/redis.ts";
import { allPlaces, killedAtWrites, somePlaces } from "./faults/writes.ts";

interface Faults {
  /** In the order of the table. */
  readonly table: readonly Fault[];
  /** Some minutes at most: one of every kind, in the same runs. */
  readonly short: readonly Fault[];
  /** Not of the table: it shows that what watches and judges would see a daemon do wrong. */
  readonly planted: readonly Fault[];
}

/** How metrics are asked for and how people are told is the same in both modes: of these only what stands still or is silent is tried with Deployments. */
export const FAULTS_OF: Readonly<Record<Mode["name"], Faults>> = {
  versions: { table: [...daemonFaults, ...redisFaults, ...prometheusFaults, ...apiServerFaults, olderCrd, ...receiverFaults, medley], short: [medley], planted: [planted] },
  deployments: { table: [...daemonFaults, killedAtWrites(allPlaces), ...redisFaults, ...prometheusFaults, ...apiServerFaults, olderCrd, medley], short: [killedAtWrites(somePlaces)], planted: [planted] },
};
