/** Kubernetes Events about Rollouts: best effort, from a bounded queue, never in the way of a tick. */
import type { EventRecorder } from "../reconciler/ports.ts";
import { API_VERSION, GROUP, KIND, type RolloutRef } from "../rollout/rollout.ts";
import { RESOURCES, type KubernetesClient } from "./client.ts";
import type { Logger } from "./logger.ts";

export interface EventRecorderOptions {
  readonly client: Pick<KubernetesClient, "create">;
  readonly logger: Logger;
  readonly nowMs?: () => number;
}

const MOST_WAITING = 100;
const MOST_AT_ONCE = 4;
/** Longer messages are refused by the server. */
const MOST_MESSAGE_CHARS = 1024;
const COMPONENT = "weir";

interface Waiting {
  readonly namespace: string;
  readonly event: object;
}

export function createEventRecorder({ client, logger, nowMs = Date.now }: EventRecorderOptions): EventRecorder {
  const waiting: Waiting[] = [];
  let sending = 0;

  async function send({ namespace, event }: Waiting): Promise<void> {
    sending++;
    try {
      await client.create(RESOURCES.events, namespace, event);
    } catch (error) {
      logger.warn({ error }, "an Event could not be recorded");
    }
    sending--;
    next();
  }

  function next(): void {
    const one = sending < MOST_AT_ONCE ? waiting.shift() : undefined;
    if (one) void send(one);
  }

  return {
    record(rollout, type, reason, message) {
      waiting.push({ namespace: rollout.namespace, event: eventOf(rollout, { type, reason, message, at: new Date(nowMs()).toISOString() }) });
      if (waiting.length > MOST_WAITING && waiting.shift()) logger.warn({}, "too many Events are waiting; the oldest was given up");
      next();
    },
  };
}

interface Told {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly at: string;
}

function eventOf({ namespace, name, uid }: RolloutRef & { readonly uid: string }, { type, reason, message, at }: Told): object {
  const time = at.replace(/\.\d+Z$/, "Z");
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { generateName: `${name}.`, namespace },
    involvedObject: { apiVersion: `${GROUP}/${API_VERSION}`, kind: KIND, namespace, name, uid },
    type,
    reason,
    message: message.slice(0, MOST_MESSAGE_CHARS),
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    reportingInstance: COMPONENT,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}
