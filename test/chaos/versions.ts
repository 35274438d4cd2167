/** Deliveries of versions that run side by side: good ones, bad ones, and some that a person aborts. */
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import type { RolloutSpecInput } from "../../src/rollout/spec.ts";
import { anApp, CANARY, paced } from "../support/deliveries.ts";
import type { TestApi } from "../support/kubernetes-apis.ts";
import { openScene, type Scene } from "../support/scene.ts";
import type { Delivery } from "./delivery.ts";
import type { Fleet, Mode } from "./fleet.ts";
import { runOf } from "./laws.ts";

const LADDER = [25, 50, 100];
const INTERVAL_SECONDS = 1;
const AT_ONCE = 8;

export const versions: Mode = {
  name: "versions",
  needsControllers: false,
  sizeOf: ({ deliveries, atOnce = AT_ONCE }) => ({ deliveries, atOnce }),
  spreadMs: 4_000,
  faultWithinMs: 8_000,
  abortWithinMs: 6_000,
  open: openVersions,
};

/** In the order in which they are taken, again and again: so many of eight are good, bad and aborted. */
const KINDS = ["good", "bad", "good", "aborted", "good", "bad", "good", "good"] as const;
/** Share before the run: a weight written out, or an only destination without one; or beside somebody else's destination. */
const SHAPES = ["weighted", "only", "shared"] as const;

/** Somebody else's application, to which a part of some routes leads. */
const neighbour: SampleApp = { ...anApp({ name: "neighbour", ladder: [100] }), versions: ["only"] };

async function openVersions(api: TestApi, size: number): Promise<Fleet> {
  const deliveries = Array.from({ length: size }, (_, index) => aDeliveryOf(KINDS[index % KINDS.length]!, SHAPES[index % SHAPES.length]!, index));
  const scene = await openScene(api, [...deliveries.map(({ app }) => app), neighbour]);
  return {
    scene,
    deliveries,
    lives: scene.rollouts,
    rest: async () => undefined,
    begin: ({ app, change }, more) => isCreated(scene.deliver(app, { ...change, ...more })),
    owed: async ({ app }) => (hasEnded(scene, app) ? [] : [`${app.name}: expected a run that has ended and left its route`]),
    judge: () => ({ broken: [], transcript: "" }),
  };
}

function aDeliveryOf(kind: (typeof KINDS)[number], shape: (typeof SHAPES)[number], index: number): Delivery {
  const name = `${kind}-${index}`;
  const app = anApp({ name, ladder: LADDER, share: shape === "only" ? null : 0, ...(shape === "shared" ? { foreign: { host: neighbour.name, percent: 20 } } : {}) });
  const common = { ...paced(app, INTERVAL_SECONDS), release: CANARY };
  if (kind === "good") return { app, change: common, expected: "Succeeded", isBad: false };
  if (kind === "bad") return { app, change: common, expected: "RolledBack", isBad: true };
  return { app, change: withPause(common), expected: "Aborted", abortsAt: "random", isBad: false };
}

/** It waits after its first step until the person has come. */
export function withPause(spec: Partial<RolloutSpecInput>): Partial<RolloutSpecInput> {
  const [first, ...others] = spec.strategy?.steps ?? [];
  return { ...spec, strategy: { ...spec.strategy, steps: [first!, { pause: {} }, ...others] } };
}

function isCreated(asked: Promise<void>): Promise<boolean> {
  return asked.then(
    () => true,
    (error: unknown) => String(error).includes("AlreadyExists"), // the answer to the first attempt was lost
  );
}

function hasEnded({ rollouts, route }: Scene, app: SampleApp): boolean {
  const rollout = rollouts.of(app.name).at(-1);
  return rollout !== undefined && runOf(rollout)?.outcome !== undefined && rollout.metadata["finalizers"] === undefined && route(app).stamp() === undefined;
}
