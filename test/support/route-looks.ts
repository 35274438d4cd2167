/** What the recorder of a scene has seen of an application's route, asked by the tests of its deliveries. */
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { EPOCH_ANNOTATION } from "../../src/rollout/rollout.ts";
import type { ApiObject } from "./api-request.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

const WAIT_MS = 90_000;

export interface RouteLooks {
  newest(app: SampleApp): ApiObject;
  /** Spec and annotations, to the byte: what a delivery must leave as it was. */
  asFound(version: ApiObject): string;
  /** Our stamp is gone again. */
  settled(app: SampleApp): Promise<void>;
}

/** What a delivery leaves of these routes: the weights of two versions exchanged, and every other byte as it was. */
export function exchanged(routes: unknown): string {
  return JSON.stringify(routes).replaceAll(/"weight":(\d+)/g, (_, weight) => `"weight":${100 - Number(weight)}`);
}

function annotationsOf({ metadata }: ApiObject): Readonly<Record<string, string>> | undefined {
  return (metadata as { readonly annotations?: Readonly<Record<string, string>> }).annotations;
}

/** Ours, on a version of an object. */
export function stampIn(version: ApiObject): string | undefined {
  return annotationsOf(version)?.[EPOCH_ANNOTATION];
}

/** `scene`: once it is open. */
export function routeLooks(scene: () => Scene): RouteLooks {
  const newest = ({ name }: SampleApp): ApiObject => scene().routes.of(name).at(-1)!;
  return {
    newest,
    asFound: (version) => JSON.stringify([version["spec"], annotationsOf(version)]),
    settled: (app) => until(() => stampIn(newest(app)) === undefined, WAIT_MS),
  };
}
