/** Slack and a webhook's receiver, who can be made to behave badly, and what they have been told. */
import { answering, likeSlack, startReceiver, type Behaviour, type Receiver } from "../support/receiver.ts";
import type { Trouble } from "./fault.ts";

export interface Receivers {
  /** From now on both answer so; nothing: as they should. */
  behave(how?: Behaviour): void;
  /** From now on nobody listens on their ports. */
  leave(): Promise<void>;
  /** They listen again. */
  comeBack(): Promise<void>;
  /** What each of the two has taken about a Rollout's run, in its order. */
  toldOf(name: string): readonly (readonly Told[])[];
  /** Makes daemons and Rollouts tell them everything. */
  readonly telling: Required<Pick<Trouble, "daemon" | "delivery">>;
  close(): Promise<void>;
}

export interface Told {
  readonly name: string;
  readonly event: string;
  readonly message: string;
}

export async function openReceivers(): Promise<Receivers> {
  let how: Behaviour | undefined;
  const kinds = [
    { answer: likeSlack(), read: slackRead, told: [] as Told[] },
    { answer: answering(204), read: webhookRead, told: [] as Told[] },
  ];
  const behaviours = kinds.map(({ answer, read, told }): Behaviour => (request, response) => {
    if (how) return how(request, response);
    told.push(read(request.body));
    answer(request, response);
  });
  let open: readonly Receiver[] = await Promise.all(behaviours.map((behaviour) => startReceiver(behaviour)));
  const urls = open.map(({ url }) => url);
  const leave = async (): Promise<void> => {
    await Promise.all(open.map((receiver) => receiver.close()));
    open = [];
  };
  return {
    behave: (next) => void (how = next),
    leave,
    comeBack: async () => void (open = await Promise.all(behaviours.map((behaviour, index) => startReceiver(behaviour, Number(new URL(urls[index]!).port))))),
    toldOf: (name) => kinds.map(({ told }) => told.filter((one) => one.name === name)),
    telling: tellingOf(urls[0]!, urls[1]!),
    close: leave,
  };
}

function tellingOf(slackUrl: string, webhookUrl: string): Receivers["telling"] {
  return {
    daemon: { environment: { WEIR_ALLOW_HOSTS: "127.0.0.1", WEIR_SLACK_TOKEN: "xoxb-1", WEIR_SLACK_API_URL: `${slackUrl}/` } },
    delivery: { notifications: [{ slack: { channel: "#deploys" } }, { webhook: { url: `${webhookUrl}/hook` } }] },
  };
}

/** A message's text is `reviews: Started. ...`, an edit's too; a reply in the thread names the event alone and is passed over. */
function slackRead(body: string): Told {
  const [, name = "", event = "", message = ""] = /^([^:*]+): (\w+)\. (.*)/.exec(new URLSearchParams(body).get("text") ?? "") ?? [];
  return { name, event, message };
}

function webhookRead(body: string): Told {
  const { data } = JSON.parse(body) as { readonly data: Omit<Told, "name"> & { readonly rollout: { readonly name: string } } };
  return { name: data.rollout.name, event: data.event, message: data.message };
}
