/** Faults of the daemon itself. */
import { setTimeout as wait } from "node:timers/promises";
import type { SampleApp } from "../../../src/playground/samples/sample-apps.ts";
import { createApiGate, type AnsweredWrite } from "../../support/api-gate.ts";
import type { ApiObject } from "../../support/api-request.ts";
import { until } from "../../support/until.ts";
import { INTERVAL_MS, type Fault, type Stage, type Trouble } from "../fault.ts";
import { runOf } from "../laws.ts";

const PART = "daemon";

/** The one that has run for longest. */
export async function killFirst({ daemons, strike }: Pick<Stage, "daemons" | "strike">): Promise<void> {
  const [daemon] = daemons();
  strike();
  daemon!.signal("SIGKILL");
  await daemon!.ended;
}

const onlyOneKilled: Fault = {
  part: PART,
  name: "kill -9 of the only one at random instants, started again each time",
  mustHold: "the run ends as if nothing had been",
  deliveries: 54,
  atOnce: 18,
  normalFrom: "its end",
  prepare: async (stage) => ({ daemons: [{}], inflict: () => killAgainAndAgain(stage) }),
};

/** Each time a new daemon has lived for a moment. */
async function killAgainAndAgain(stage: Stage): Promise<void> {
  for (let kills = 0; kills < 3 && !stage.isOver(); kills++) {
    if (kills > 0) await wait(stage.random() * 4_000);
    await killFirst(stage);
    await stage.startDaemon();
  }
}

const oneOfTwoKilled: Fault = {
  part: PART,
  name: "kill -9 of one of two at random instants",
  mustHold: "the other one goes on; the run ends as if nothing had been",
  deliveries: 54,
  atOnce: 18,
  normalFrom: "its start",
  prepare: async (stage) => ({
    inflict: async () => {
      await killFirst(stage);
      await wait(stage.random() * 5_000);
      await stage.startDaemon();
      await wait(stage.random() * 2_000);
      await killFirst(stage);
    },
  }),
};

/** Law 3: what a daemon was about to write when it froze, it writes when it wakes, and the route has moved on. */
function stale(meanwhile: "goes on" | "obeys an abort"): Fault {
  return {
    part: PART,
    name: `frozen between its commit of a step and the write of the route, until another one ${meanwhile === "goes on" ? "has gone on" : "has obeyed an abort"}`,
    mustHold: meanwhile === "goes on" ? "the late write is refused, or given up by its own limit" : "the late write is refused",
    deliveries: 16,
    normalFrom: "its end",
    prepare: (stage) => frozenAfterCommit(stage, meanwhile === "obeys an abort"),
  };
}

const LIMIT_MS = 120_000;
/** Whoever wakes and has its answer writes at once. */
const LATE_WITHIN_MS = 3_000;

async function frozenAfterCommit({ api, scene, daemons, deliveries, isOver }: Stage, isAborted: boolean): Promise<Trouble> {
  const gate = await createApiGate(api, "daemon");
  let caught: { readonly name: string; readonly epoch: number } | undefined;
  let late: AnsweredWrite | undefined;
  const isIntent = (written: ApiObject): boolean => {
    const run = written.kind === "Rollout" ? runOf(written) : undefined;
    if (!run || run.epoch < 2 || run.inForceAt !== undefined || run.outcome !== undefined) return false;
    caught = { name: written.metadata.name, epoch: run.epoch };
    return true;
  };
  /** The other one has done something with the route; what it showed when the first one froze may look the same. */
  const hasGoneOn = (app: SampleApp, versions: number): boolean =>
    isAborted ? scene.route(app).share() === 0 && scene.routes.of(app.name).length > versions : scene.route(app).stamp()?.endsWith(`.${caught!.epoch}`) === true;
  return {
    daemons: [{ kubeconfig: gate.kubeconfig }, {}],
    inflict: async () => {
      const isOfRoute = ({ path }: AnsweredWrite): boolean => path.includes(`/virtualservices/${caught?.name}?`);
      await Promise.race([gate.delayAfter(isIntent, isOfRoute), until(isOver, LIMIT_MS)]);
      if (!caught) return;
      const [sleeper] = daemons();
      sleeper!.signal("SIGSTOP");
      const { app } = deliveries().find((delivery) => delivery.app.name === caught!.name)!;
      const versions = scene.routes.of(app.name).length;
      if (isAborted) await scene.command(app, { verb: "abort" });
      await until(() => hasGoneOn(app, versions), LIMIT_MS);
      const before = gate.writes.length;
      gate.open();
      sleeper!.signal("SIGCONT");
      await until(() => gate.writes.slice(before).some(isOfRoute), LATE_WITHIN_MS).catch(() => undefined);
      late = gate.writes.slice(before).find(isOfRoute);
    },
    expected: (app) => (isAborted && app.name === caught?.name ? "Aborted" : undefined),
    // A daemon waits for an answer for 10 s: where the other one took longer to go on, there is no late write.
    findings: () => ((late ? late.status >= 400 : !isAborted) ? [] : [`expected a late write of the route, and that it be refused, got ${JSON.stringify(late)}`]),
    close: gate.close,
  };
}

const rollingUpgrade: Fault = {
  part: PART,
  name: "a rolling upgrade in mid-run: new ones start, old ones are told to stop (SIGTERM)",
  mustHold: "the run ends as if nothing had been",
  deliveries: 16,
  atOnce: 16,
  normalFrom: "its start",
  prepare: async ({ daemons, startDaemon, random }) => ({
    inflict: async () => {
      for (const old of daemons()) {
        await startDaemon();
        await wait(random() * 2_000);
        await old.stop();
      }
    },
  }),
};

/** BullMQ lets go of a dead worker's job after 45 s at most, a tick is given up after 27 s, and a watch that is silent after 90 s. */
const LONGER_THAN_EVERY_LIMIT_MS = 100_000;

const frozen: Fault = {
  part: PART,
  name: "SIGSTOP of one of two for 100 s, longer than every lease and timeout, then SIGCONT",
  mustHold: "the other one goes on; the one that wakes moves nothing by what it knew before",
  deliveries: 16,
  atOnce: 16,
  normalFrom: "its start",
  prepare: async ({ daemons }) => ({
    spreadMs: LONGER_THAN_EVERY_LIMIT_MS, // some runs it knew as they were, others begin while it sleeps, and others go on when it wakes
    inflict: async () => {
      const [sleeper] = daemons();
      sleeper!.signal("SIGSTOP");
      await wait(LONGER_THAN_EVERY_LIMIT_MS);
      sleeper!.signal("SIGCONT");
      await wait(10 * INTERVAL_MS);
    },
  }),
};

/** What the figures of the others are to be compared with. */
const nothing: Fault = {
  part: PART,
  name: "none at all, for comparison",
  mustHold: "the run ends as expected",
  deliveries: 8,
  normalFrom: "its start",
  prepare: async () => ({ inflict: async () => undefined }),
};

export const daemonFaults: readonly Fault[] = [nothing, onlyOneKilled, oneOfTwoKilled, frozen, stale("goes on"), stale("obeys an abort"), rollingUpgrade];
