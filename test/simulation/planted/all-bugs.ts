/** Every planted bug, by name. */
import { PORT_BUGS } from "./at-ports.ts";
import { DEPLOYMENT_BUGS } from "./in-deployments.ts";
import { ORDER_BUGS } from "./in-order.ts";
import { RULE_BUGS } from "./in-rules.ts";
import { WIRE_BUGS } from "./on-the-wire.ts";
import type { PlantedBug } from "./planted-bug.ts";

export const PLANTED_BUGS: Readonly<Record<string, PlantedBug>> = { ...WIRE_BUGS, ...ORDER_BUGS, ...RULE_BUGS, ...PORT_BUGS, ...DEPLOYMENT_BUGS };
