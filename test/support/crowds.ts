/** Several kinds of users of an application at once, and by which version each is really answered. */
import type { Load } from "../../src/playground/arrivals.ts";
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { CANARY, STABLE } from "./deliveries.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export interface Crowd<Kind extends string> {
  /** Of requests from now on, but for those under way and those that a mesh decided before it heard of the last write, `enough` of each kind: how many each version answered well. */
  answered(): Promise<Readonly<Record<Kind, Answered>>>;
  close(): Promise<void>;
}

type Answered = readonly [stable: number, canary: number];

const REQUESTS_PER_SECOND = 20;
/** As many as come in two seconds: propagation is one. */
const UNDER_WAY = 2 * REQUESTS_PER_SECOND;
const WAIT_MS = 200_000;

/** `kinds`: the headers of each; `method`: they call it by gRPC. */
export function startCrowd<Kind extends string>(scene: Scene, app: SampleApp, kinds: Readonly<Record<Kind, Readonly<Record<string, string>>>>, enough: number, method?: string): Crowd<Kind> {
  const loads = Object.entries<Readonly<Record<string, string>>>(kinds).map(([kind, headers]) => [kind as Kind, scene.startLoad(app, REQUESTS_PER_SECOND, headers, method)] as const);
  const next = async (count: number): Promise<Readonly<Record<Kind, Answered>>> => {
    const before = new Map(loads.map(([kind, load]) => [kind, answersOf(load)]));
    const since = (kind: Kind, load: Load): Answered => [answersOf(load)[0] - before.get(kind)![0], answersOf(load)[1] - before.get(kind)![1]];
    await until(() => loads.every(([kind, load]) => since(kind, load)[0] + since(kind, load)[1] >= count), WAIT_MS);
    return Object.fromEntries(loads.map(([kind, load]) => [kind, since(kind, load)])) as Record<Kind, Answered>;
  };
  const answered = async (): Promise<Readonly<Record<Kind, Answered>>> => (await next(UNDER_WAY), next(enough));
  return { answered, close: async () => void (await Promise.all(loads.map(([, load]) => load.close()))) };
}

function answersOf(load: Load): Answered {
  const { answers } = load.counts();
  return [answers[`${STABLE} 200`] ?? 0, answers[`${CANARY} 200`] ?? 0];
}
