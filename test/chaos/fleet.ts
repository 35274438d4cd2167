/** The deliveries that go on under a fault: good versions, bad ones, and some that a person aborts. */
import { anApp, CANARY, paced } from "../support/deliveries.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import type { Outcome } from "../../src/rollout/status.ts";

export interface Delivery {
  readonly app: SampleApp;
  readonly change: Partial<RolloutSpecInput>;
  readonly expected: Outcome;
  /** Half of its requests fail. */
  readonly isBad: boolean;
}

const LADDER = [25, 50, 100];
const INTERVAL_SECONDS = 1;

/** In the order in which they are taken, again and again: so many of eight are good, bad and aborted. */
const KINDS = ["good", "bad", "good", "aborted", "good", "bad", "good", "good"] as const;
/** Share before the run: a weight written out, or an only destination without one; or beside somebody else's destination. */
const SHAPES = ["weighted", "only", "shared"] as const;

/** Somebody else's application, to which a part of some routes leads. */
export const neighbour: SampleApp = { ...anApp({ name: "neighbour", ladder: [100] }), versions: ["only"] };

export function aFleet(size: number): readonly Delivery[] {
  return Array.from({ length: size }, (_, index) => aDeliveryOf(KINDS[index % KINDS.length]!, SHAPES[index % SHAPES.length]!, index));
}

function aDeliveryOf(kind: (typeof KINDS)[number], shape: (typeof SHAPES)[number], index: number): Delivery {
  const name = `${kind}-${index}`;
  const app = anApp({ name, ladder: LADDER, share: shape === "only" ? null : 0, ...(shape === "shared" ? { foreign: { host: neighbour.name, percent: 20 } } : {}) });
  const common = { ...paced(app, INTERVAL_SECONDS), release: CANARY };
  if (kind === "good") return { app, change: common, expected: "Succeeded", isBad: false };
  if (kind === "bad") return { app, change: common, expected: "RolledBack", isBad: true };
  return { app, change: withPause(common), expected: "Aborted", isBad: false };
}

/** It waits after its first step until the person has come. */
function withPause(spec: Partial<RolloutSpecInput>): Partial<RolloutSpecInput> {
  const [first, ...others] = spec.strategy?.steps ?? [];
  return { ...spec, strategy: { ...spec.strategy, steps: [first!, { pause: {} }, ...others] } };
}
