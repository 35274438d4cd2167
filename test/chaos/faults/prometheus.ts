/** Faults of Prometheus: while it cannot tell, nothing goes up. */
import { setTimeout as wait } from "node:timers/promises";
import { INTERVAL_MS, type Fault, type Stage, type Trouble } from "../fault.ts";
import { always, createPrometheusGate, dripping, failing, frozenAt, hanging, inHtml, type Answering, type PrometheusGate } from "../prometheus-gate.ts";
import { stepsUpWithin, successesWithin } from "../steps-up.ts";

const LASTING_MS = 12 * INTERVAL_MS;
/** What was asked or known before may still be acted on. */
const GRACE_MS = 2 * INTERVAL_MS;

/** The gate stands between daemons and Prometheus from the start. */
function prometheusFault(name: string, inflict: (gate: PrometheusGate, stage: Stage) => Promise<void>): Fault {
  return {
    part: "Prometheus",
    name,
    mustHold: "no step up meanwhile; a bad version is taken back as soon as it can be told",
    deliveries: 8,
    normalFrom: "its end",
    prepare: (stage) => behindGate(stage, inflict),
  };
}

async function behindGate(stage: Stage, inflict: (gate: PrometheusGate, stage: Stage) => Promise<void>): Promise<Trouble> {
  const gate = await createPrometheusGate(stage.scene.prometheus.url);
  const times = { fromMs: Infinity, toMs: 0 };
  return {
    daemon: { prometheusUrl: gate.url },
    inflict: async () => {
      times.fromMs = Date.now() + GRACE_MS;
      await inflict(gate, stage);
      times.toMs = Date.now();
    },
    findings: () => [...stepsUpWithin(stage.scene.rollouts, times), ...successesWithin(stage.scene.rollouts, times)],
    close: gate.close,
  };
}

function answering(name: string, how: () => Answering): Fault {
  return prometheusFault(name, async (gate) => {
    gate.answer(how());
    await wait(LASTING_MS);
    gate.answer();
  });
}

const dead = prometheusFault("kill -9 and back with its history", async (_gate, { scene }) => {
  await scene.prometheus.kill();
  await wait(LASTING_MS);
  await scene.prometheus.start();
});

const forgetful = prometheusFault("gone, and back without any history", async (gate, { scene }) => {
  await scene.prometheus.kill();
  await wait(LASTING_MS / 2);
  gate.leadTo((await scene.startPrometheus()).url);
});

export const prometheusFaults: readonly Fault[] = [
  dead,
  answering("hanging: it takes every question and answers none", () => hanging),
  answering("dripping: a byte every 0.1 s, without an end", () => dripping),
  answering("500 to every question", () => failing),
  answering("HTML instead of an answer", () => inHtml),
  answering("NaN for every number", () => always("NaN")),
  answering("+Inf for every number", () => always("+Inf")),
  answering("stale: everything as it was when the fault began", () => frozenAt(Date.now())),
  forgetful,
];
