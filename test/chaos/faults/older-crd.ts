/** A newer daemon on a server whose CRD is older: of what it writes the server keeps what it knows, and nothing goes up on that. */
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { DaemonProcess } from "../../../src/playground/daemon-process.ts";
import { API_VERSION, GROUP, KIND, PLURAL } from "../../../src/rollout/rollout.ts";
import { SCHEMA_VERSION, SCHEMA_VERSION_ANNOTATION, type Schema } from "../../../src/rollout/crd.ts";
import type { ApiObject } from "../../support/api-request.ts";
import { parseObjects } from "../../support/apply.ts";
import { until } from "../../support/until.ts";
import { INTERVAL_MS, type Fault, type Stage, type Trouble } from "../fault.ts";
import type { Span } from "../measured.ts";
import { stepsUpWithin, successesWithin } from "../steps-up.ts";
import { killFirst } from "./daemons.ts";

const LASTING_MS = 12 * INTERVAL_MS;
const SERVED_LIMIT_MS = 60_000;
/** What the server dropped is seen with the next status that it takes. */
const GRACE_MS = 4 * INTERVAL_MS;

export const olderCrd: Fault = {
  part: "API server",
  name: "an older CRD under newer daemons for a while, one of which starts anew meanwhile",
  mustHold: "no step up meanwhile; the new one is not ready before the CRD has been applied",
  deliveries: 8,
  ownControlPlane: true,
  normalFrom: "its end",
  prepare: async (stage) => underOlderCrd(stage),
};

function underOlderCrd(stage: Stage): Trouble {
  const found: string[] = [];
  let starting: Promise<unknown> | undefined;
  const span = { fromMs: Infinity, toMs: 0 };
  return {
    inflict: async () => {
      await put(stage, asBefore(currentCrd()));
      await until(() => isServed(stage, false), SERVED_LIMIT_MS);
      Object.assign(span, { fromMs: Date.now() + GRACE_MS });
      starting = restarted(stage);
      starting.catch(() => undefined); // whoever waited too long for the CRD is started again below
      const early = await Promise.race([starting.then(() => true), wait(LASTING_MS, false)]);
      if (early) found.push("expected a daemon that is newer than the CRD not to be ready, got one that is");
      Object.assign(span, { toMs: Date.now() } satisfies Partial<Span>);
      await put(stage, currentCrd());
      await until(() => isServed(stage, true), SERVED_LIMIT_MS);
    },
    findings: async () => (await starting?.catch(() => stage.startDaemon()), [...found, ...stepsUpWithin(stage.scene.rollouts, span), ...successesWithin(stage.scene.rollouts, span)]),
  };
}

/** In the place of one that was killed; settles when it is ready. */
async function restarted(stage: Stage): Promise<DaemonProcess> {
  await killFirst({ daemons: stage.daemons, strike: () => undefined });
  return stage.startDaemon();
}

interface Definition extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] };
}

function currentCrd(): Definition {
  const all = parseObjects(readFileSync(new URL("../../../deploy/crd.yaml", import.meta.url), "utf8"));
  return all.find(({ metadata }) => metadata.name === `${PLURAL}.${GROUP}`) as Definition;
}

/** As the one of the version before was: nothing of a run's evidence is in its schema. */
function asBefore(crd: Definition): Definition {
  const older = structuredClone(crd);
  const { status } = older.spec.versions[0].schema.openAPIV3Schema.properties!;
  delete status!.properties!["run"]!.properties!["evidence"];
  return { ...older, metadata: { ...older.metadata, annotations: { [SCHEMA_VERSION_ANNOTATION]: String(SCHEMA_VERSION - 1) } } };
}

/** Whether the server knows a run's evidence by now; it takes a moment after its CRD was written. */
async function isServed({ api }: Stage, withEvidence: boolean): Promise<boolean> {
  const answer = await api.request<{ readonly components: { readonly schemas: Readonly<Record<string, unknown>> } }>("GET", `/openapi/v3/apis/${GROUP}/${API_VERSION}`).catch(() => undefined);
  const [, schema] = Object.entries(answer?.components.schemas ?? {}).find(([name]) => name.endsWith(`.${KIND}`)) ?? [];
  return schema !== undefined && JSON.stringify(schema).includes('"evidence":{') === withEvidence;
}

/** In the place of what is there: a merge would take nothing away. */
async function put({ api }: Stage, crd: Definition): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
  const { metadata } = await api.request("GET", path);
  await api.request("PUT", path, { ...crd, metadata: { ...crd.metadata, resourceVersion: metadata["resourceVersion"] } });
}
