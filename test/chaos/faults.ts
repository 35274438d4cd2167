/** Every fault that is inflicted, in the order of the table. */
import type { Fault } from "./fault.ts";
import { apiServerFaults } from "./faults/api-server.ts";
import { daemonFaults } from "./faults/daemons.ts";
import { prometheusFaults } from "./faults/prometheus.ts";
import { redisFaults } from "./faults/redis.ts";

export const FAULTS: readonly Fault[] = [...daemonFaults, ...redisFaults, ...prometheusFaults, ...apiServerFaults];
