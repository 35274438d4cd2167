/** Faults of the API server, of its etcd, and of the way to it. */
import { setTimeout as wait } from "node:timers/promises";
import type { ServerProcess } from "../../../src/playground/processes/restartable.ts";
import { createApiGate, type ApiGate, type GateRequest, type Refusal } from "../../support/api-gate.ts";
import { INTERVAL_MS, type Fault, type Stage } from "../fault.ts";

const LASTING_MS = 12 * INTERVAL_MS;

function serverFault(part: string, name: string, inflict: (stage: Stage) => Promise<void>): Fault {
  return {
    part,
    name,
    mustHold: "nothing is written that was not decided from what is there",
    deliveries: 8,
    ownControlPlane: true,
    normalFrom: "its end",
    prepare: async (stage) => ({ inflict: () => inflict(stage) }),
  };
}

async function killedTwice(server: ServerProcess, random: () => number): Promise<void> {
  for (let times = 0; times < 2; times++) {
    await server.kill();
    await wait(random() * 6_000);
    await server.start();
    await wait(random() * 4_000);
  }
}

const apiServerKilled = serverFault("API server", "kill -9 and back, twice", ({ controlPlane, random }) => killedTwice(controlPlane!.apiServer, random));
const etcdKilled = serverFault("etcd", "kill -9 and back, twice", ({ controlPlane, random }) => killedTwice(controlPlane!.etcd, random));

/** Longer than a request is waited for. */
const apiServerHanging = serverFault("API server", "hanging for 15 s, longer than any request's deadline (SIGSTOP)", async ({ controlPlane }) => {
  controlPlane!.apiServer.pause();
  await wait(15_000);
  controlPlane!.apiServer.resume();
});

/** The gate stands between daemons and API server from the start. */
function gateFault(name: string, mustHold: string, inflict: (gate: ApiGate, stage: Stage) => Promise<void>): Fault {
  return {
    part: "API server",
    name,
    mustHold,
    deliveries: 8,
    normalFrom: "its end",
    prepare: async (stage) => {
      const gate = await createApiGate(stage.api, "daemon");
      return { daemon: { kubeconfig: gate.kubeconfig }, inflict: () => inflict(gate, stage), close: gate.close };
    },
  };
}

const watchesCut = gateFault("every watch cut, again and again", "nothing is missed for good", async (gate, { random }) => {
  for (const untilMs = Date.now() + LASTING_MS; Date.now() < untilMs; ) {
    gate.cutWatches();
    await wait(random() * 2 * INTERVAL_MS);
  }
});

/** So long a burst, and so long without one in between. */
async function inBursts(gate: ApiGate, random: () => number, refusalOf: (asked: GateRequest) => Refusal | undefined): Promise<void> {
  for (const untilMs = Date.now() + LASTING_MS; Date.now() < untilMs; ) {
    gate.refuse(refusalOf);
    await wait(random() * 3 * INTERVAL_MS);
    gate.open();
    await wait(random() * INTERVAL_MS);
  }
}

function refusing(name: string, mustHold: string, refusalOf: (asked: GateRequest, random: () => number) => Refusal | undefined): Fault {
  return gateFault(name, mustHold, (gate, { random }) => inBursts(gate, random, (asked) => refusalOf(asked, random)));
}

const isWrite = ({ method }: GateRequest): boolean => method !== "GET";

const conflicts = refusing("409 to every write, in bursts", "what was refused is decided anew", (asked) => (isWrite(asked) ? { status: 409, reason: "Conflict" } : undefined));
const tooMany = refusing("429 with Retry-After to everything, in bursts", "no storm: it waits, and then goes on", () => ({ status: 429, reason: "TooManyRequests", headers: { "retry-after": "1" } }));
const broken = refusing("500 to everything, in bursts; half of the writes were done nevertheless", "a lost answer does a thing neither twice nor never", (_asked, random) => ({
  status: 500,
  reason: "InternalError",
  isDone: random() < 0.5,
}));

const HOUR_MS = 3_600_000;

/** Watches begin anew, so that they tell the new time too. */
function clockJumps(name: string, mustHold: string, byMs: number): Fault {
  const jump = async (gate: ApiGate): Promise<void> => {
    gate.shiftClock(byMs);
    gate.cutWatches();
    await wait(LASTING_MS);
    gate.open();
    gate.cutWatches();
  };
  const fault = gateFault(name, mustHold, jump);
  return { ...fault, prepare: async (stage) => ({ ...(await fault.prepare(stage)), clockLies: byMs < 0 }) };
}

const ahead = clockJumps("its clock jumps 10 s ahead and back, in Date and in the times of writes", "no hold is shortened", 10_000);
const behind = clockJumps("its clock jumps an hour back and forth, in Date and in the times of writes", "no step is left without its verdicts", -HOUR_MS);

export const apiServerFaults: readonly Fault[] = [watchesCut, conflicts, tooMany, broken, ahead, behind, apiServerKilled, apiServerHanging, etcdKilled];
