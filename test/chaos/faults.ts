/** Every fault that is inflicted, in the order of the table. */
import type { Fault } from "./fault.ts";
import { apiServerFaults } from "./faults/api-server.ts";
import { daemonFaults } from "./faults/daemons.ts";
import { medley } from "./faults/medley.ts";
import { olderCrd } from "./faults/older-crd.ts";
import { planted } from "./faults/planted.ts";
import { prometheusFaults } from "./faults/prometheus.ts";
import { receiverFaults } from "./faults/receivers.ts";
import { redisFaults } from "./faults/redis.ts";

export const FAULTS: readonly Fault[] = [...daemonFaults, ...redisFaults, ...prometheusFaults, ...apiServerFaults, olderCrd, ...receiverFaults, medley];

/** Less than a minute: one of every kind, in the same runs. */
export const SHORT: readonly Fault[] = [medley];

/** Not of the table: it shows that what watches and judges would see a daemon do wrong. */
export const PLANTED: readonly Fault[] = [planted];
