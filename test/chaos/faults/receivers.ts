/** Faults of those who are told: traffic goes its way, and what is owed is told when they take it. */
import { setTimeout as wait } from "node:timers/promises";
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import type { ApiObject } from "../../support/api-request.ts";
import { answering, startReceiver, type Behaviour } from "../../support/receiver.ts";
import { until } from "../../support/until.ts";
import { INTERVAL_MS, type Fault, type Stage } from "../fault.ts";
import { openReceivers, type Receivers } from "../receivers.ts";

const LASTING_MS = 10 * INTERVAL_MS;
/** The outbox waits longer after each attempt. */
const TOLD_LIMIT_MS = 120_000;

interface Misfortune {
  inflict(receivers: Receivers): Promise<void>;
  findings?(receivers: Receivers, stage: Stage): Promise<readonly string[]>;
  close?(): Promise<void>;
}

function receiverFault(name: string, mustHold: string, prepare: () => Promise<Misfortune>): Fault {
  return {
    part: "Slack and webhook",
    name,
    mustHold: `runs go on all the while; ${mustHold}`,
    deliveries: 8,
    normalFrom: "its start",
    prepare: async (stage) => {
      const receivers = await openReceivers();
      const { inflict, findings = endingsTold, close } = await prepare();
      return {
        ...receivers.telling,
        inflict: () => inflict(receivers),
        findings: () => findings(receivers, stage),
        close: async () => void (await receivers.close(), await close?.()),
      };
    },
  };
}

/** Each of the two has been told how each run ended, and of nothing after that. */
async function endingsTold({ toldOf }: Receivers, { deliveries, scene }: Stage): Promise<readonly string[]> {
  const isTold = ({ name, outcome }: Ended): boolean => toldOf(name).every((told) => told.at(-1)?.event === outcome);
  const ended = deliveries().map(({ app }): Ended => ({ name: app.name, outcome: scene.status(app)?.run?.outcome }));
  await until(() => ended.every(isTold), TOLD_LIMIT_MS).catch(() => undefined);
  return ended.filter((one) => !isTold(one)).map(({ name, outcome }) => `${name}: expected Slack and the webhook to be told last that it was ${outcome}, got ${JSON.stringify(toldOf(name))}`);
}

interface Ended {
  readonly name: string;
  readonly outcome: string | undefined;
}

/** Both answer so for a while. */
function lasting(how: Behaviour): Misfortune {
  return {
    inflict: async ({ behave }) => {
      behave(how);
      await wait(LASTING_MS);
      behave();
    },
  };
}

const dead = receiverFault("dead: nobody listens there", "what is owed is told when they are back", async () => ({
  inflict: async ({ leave, comeBack }) => {
    await leave();
    await wait(LASTING_MS);
    await comeBack();
  },
}));

const slow = receiverFault("slow: each answer takes 12 s, longer than one is waited for", "what is owed is told later", async () => lasting((_request, response) => void setTimeout(() => response.writeHead(200).end(), 12_000).unref()));

const tooMany = receiverFault("429 with Retry-After", "what is owed is told when they ask for it", async () => lasting(answering(429, "", { "retry-after": "2" })));

/** Where a message may hold a token, nobody follows a receiver's word to another place. */
const redirecting = receiverFault("redirecting to another address", "nothing is sent there, and status says that it is given up", async () => {
  const elsewhere = await startReceiver(answering(200));
  return {
    ...lasting(answering(302, "", { location: `${elsewhere.url}/` })),
    findings: async (_receivers, { scene }) => [
      ...(elsewhere.received.length === 0 ? [] : [`expected nothing to be sent where a redirect leads, got ${elsewhere.received.length} messages`]),
      ...(scene.rollouts.all().some(isGivenUp) ? [] : ["expected a status to say that a redirect is not followed, got none"]),
    ],
    close: () => elsewhere.close(),
  };
});

function isGivenUp({ status }: ApiObject): boolean {
  const { conditions = [] } = (status ?? {}) as Partial<RolloutStatus>;
  return conditions.some(({ type, message }) => type === "DeliveryFailing" && message.includes("redirect"));
}

export const receiverFaults: readonly Fault[] = [dead, slow, redirecting, tooMany];
