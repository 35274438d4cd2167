/** One fault of every kind, one after the other in the same runs: short enough for every change. */
import { setTimeout as wait } from "node:timers/promises";
import { createApiGate, type ApiGate } from "../../support/api-gate.ts";
import { INTERVAL_MS, type Fault, type Stage, type Trouble } from "../fault.ts";
import { createPrometheusGate, failing, type PrometheusGate } from "../prometheus-gate.ts";
import { openReceivers, type Receivers } from "../receivers.ts";
import { killFirst } from "./daemons.ts";

const MOMENT_MS = 2 * INTERVAL_MS;
/** It takes its time, and is to meet runs at their beginnings and at their ends. */
const SPREAD_MS = 12_000;

export const medley: Fault = {
  part: "all of it",
  name: "one after the other: a daemon and Redis by kill -9, Prometheus 500, Slack and webhook gone, 409 to every write, every watch cut, a daemon frozen, the API server by kill -9",
  mustHold: "the run ends as if nothing had been",
  deliveries: 8,
  ownControlPlane: true,
  normalFrom: "its end",
  prepare: async (stage) => {
    const gates = { api: await createApiGate(stage.api, "daemon"), prometheus: await createPrometheusGate(stage.scene.prometheus.url), receivers: await openReceivers() };
    return { ...throughGates(gates), spreadMs: SPREAD_MS, inflict: () => oneAfterTheOther(stage, gates) };
  },
};

interface Gates {
  readonly api: ApiGate;
  readonly prometheus: PrometheusGate;
  readonly receivers: Receivers;
}

function throughGates({ api, prometheus, receivers }: Gates): Omit<Trouble, "inflict"> {
  return {
    daemon: { ...receivers.telling.daemon, kubeconfig: api.kubeconfig, prometheusUrl: prometheus.url },
    delivery: receivers.telling.delivery,
    close: async () => void (await Promise.all([api.close(), prometheus.close(), receivers.close()])),
  };
}

async function oneAfterTheOther(stage: Stage, { api, prometheus, receivers }: Gates): Promise<void> {
  const { scene, controlPlane, daemons, startDaemon } = stage;
  await killFirst({ daemons, strike: () => undefined });
  await scene.redis.kill();
  await Promise.all([scene.redis.start(), startDaemon()]);
  prometheus.answer(failing);
  await receivers.leave();
  await wait(MOMENT_MS);
  prometheus.answer();
  api.refuse(({ method }) => (method === "GET" ? undefined : { status: 409, reason: "Conflict" }));
  await wait(MOMENT_MS);
  api.open();
  await receivers.comeBack();
  api.cutWatches();
  const [sleeper] = daemons();
  sleeper!.signal("SIGSTOP");
  await wait(MOMENT_MS);
  sleeper!.signal("SIGCONT");
  await controlPlane!.apiServer.kill();
  await controlPlane!.apiServer.start();
}
