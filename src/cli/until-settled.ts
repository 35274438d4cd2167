/** Follows one Rollout until what is waited for is settled, one way or the other. */
import type { KubernetesObject } from "../kubernetes/client.ts";
import { rolloutOf } from "../kubernetes/rollout-object.ts";
import type { Cluster } from "./cluster.ts";
import { refOf } from "./command/send.ts";
import { templateNow } from "./deployment-look.ts";
import { EXIT, Failure } from "./failure.ts";
import { follow } from "./follow.ts";
import { verdictOn, type Goal, type Pin } from "./settled.ts";

/** Settles when the goal is met; `onChange` sees every state. Throws a `Failure` for everything else, timeouts included. */
export async function untilSettled(cluster: Cluster, object: KubernetesObject, goal: Goal, timeoutMs: number | undefined, onChange: (object: KubernetesObject) => void): Promise<void> {
  const limit = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => limit.abort(), timeoutMs);
  let pin: Pin | undefined;
  try {
    for await (const state of follow(cluster.client, refOf(object), limit.signal)) {
      onChange(state);
      const verdict = verdictOn(state, goal, pin, await templateNow(cluster.client, rolloutOf(state)));
      if (verdict.kind === "met") return;
      if (verdict.kind === "failed") throw new Failure(`${object.metadata.name}: ${verdict.sentence}`, verdict.exitCode);
      pin = verdict.pin;
    }
    throw new Failure(`expected ${object.metadata.name} to be ${goalSaid(goal)} within ${(timeoutMs ?? 0) / 1_000}s, and it is not; weir explain ${object.metadata.name} says why`, EXIT.timeout);
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

function goalSaid(goal: Goal): string {
  return goal.kind === "phase" ? goal.phase : `${goal.type}=${goal.status}`;
}
