/** Does what the committed status asks for: traffic first, then telling people. */
import type { Effect } from "../rollout/effects.ts";
import type { Rollout } from "../rollout/rollout.ts";
import type { RouteWrite } from "../rollout/route-write.ts";
import type { RunRecord } from "../rollout/rollout-run.ts";
import type { Traffic } from "../rollout/spec-traffic.ts";
import { inOrder } from "./in-order.ts";
import type { Ports } from "./ports.ts";

const TELLING: ReadonlySet<Effect["kind"]> = new Set(["event", "notify"]);

/** Up to the first that fails; people are told nevertheless, because the status that they are told of is committed. */
export async function perform(effects: readonly Effect[], committed: Rollout, ports: Ports): Promise<void> {
  try {
    await inOrder(effects.filter(({ kind }) => !TELLING.has(kind)), (effect) => act(effect, committed, ports));
  } finally {
    await Promise.all(effects.filter(({ kind }) => TELLING.has(kind)).map((effect) => act(effect, committed, ports)));
  }
}

async function act(effect: Effect, rollout: Rollout, ports: Ports): Promise<void> {
  switch (effect.kind) {
    case "setFinalizer":
      return ports.rollouts.setFinalizer(rollout, effect.present, effect.name);
    case "writeRoute": {
      const { kind: _, ...write } = effect;
      return writeRoute(write, rollout, ports);
    }
    case "writeSides": {
      const { kind: _, ...write } = effect;
      return ports.traffic.writeSides(rollout.metadata, targetOf(rollout), write);
    }
    case "changeDeployment":
      return ports.workload.change(rollout, effect.change);
    case "keepRecord":
      return keepRecord(effect.record, rollout, ports);
    case "replaceCommand":
      return ports.rollouts.replaceCommand(rollout, effect.expected, effect.value);
    case "notify":
      return ports.outbox.add(effect.notice, effect.target, effect.notification);
    case "event":
      return ports.events.record(rollout.metadata, effect.type, effect.reason, effect.message);
  }
}

/** Of the run, as long as it is known; else of the spec. */
function targetOf({ status, spec }: Rollout): Traffic {
  if (status?.run) return status.run.target;
  if ("invalid" in spec) throw new Error(`expected a Rollout with a run or a spec that can be read, got ${spec.invalid}`);
  return spec.traffic;
}

/** What the server will not take (a webhook's word against it, a right that lacks) is told to people, since status goes on saying what is wanted; it is tried again as ever. */
async function writeRoute(write: RouteWrite, { metadata }: Rollout, { traffic, events }: Ports): Promise<void> {
  try {
    await traffic.write({ ...write, rollout: metadata });
  } catch (error) {
    if (isRefusal(error)) events.record(metadata, "Warning", "RouteNotWritten", `${write.seen.name} was not written: ${(error as Error).message}`);
    throw error;
  }
}

/** The server's answer to just this write, or what our adapter has against it; who was slower, or got no answer in time, tries again and says nothing. */
function isRefusal(error: unknown): boolean {
  const { name, status } = error as Error & { readonly status?: number };
  return status === undefined ? name === "Error" : status >= 400 && status < 500 && status !== 409 && status !== 429;
}

/** A record that the server will not take stands in nobody's way: that is said, and all goes on. */
async function keepRecord(record: RunRecord, { metadata }: Rollout, { rollouts, events }: Ports): Promise<void> {
  const refusal = await rollouts.keepRecord(metadata, record);
  if (refusal !== undefined) events.record(metadata, "Warning", "NotRecorded", `run ${record.spec.number} has no record: ${refusal}`);
}
