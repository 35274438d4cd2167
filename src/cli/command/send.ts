/** Writes a command as the Rollout's annotation, and never over another one that waits (but an abort over anything else). */
import { randomUUID } from "node:crypto";
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { formatCommand, parseCommand, type Command } from "../../rollout/command.ts";
import { COMMAND_ANNOTATION, type RolloutRef } from "../../rollout/rollout.ts";
import type { Verb } from "../../rollout/status.ts";
import { withFreshReads } from "../again.ts";
import { CLI_MANAGER } from "../cluster.ts";
import { EXIT, Failure } from "../failure.ts";
import { follow } from "../follow.ts";

/** Longer than a daemon takes from an answer to its next write. */
const LEAVING_MS = 5_000;

/** What a person asks for. */
export interface Asked {
  readonly verb: Verb;
  /** Default: the present run. */
  readonly run?: number;
  readonly reason?: string;
  readonly to?: number;
  readonly full?: boolean;
}

/** Settles when the command is written, or an abort that stands there already is joined. */
export async function sendCommand(client: KubernetesClient, object: KubernetesObject, asked: Asked, actor: string | undefined): Promise<Command> {
  const command = commandOf(object, asked, actor);
  return withFreshReads(client, object, async (present) => {
    const waiting = waitingCommand(present);
    if (waiting?.id === command.id || rolloutOf(present).status?.lastCommand?.id === command.id) return command; // written by an attempt that was not answered
    const joined = asked.verb === "abort" ? (waiting ?? answeredAbort(present)) : undefined;
    if (joined?.verb === "abort") return joined;
    if (waiting && asked.verb !== "abort") throw new Failure(pendingSentence(present, waiting), EXIT.conflict);
    await write(client, await onceAnsweredAbortIsGone(client, present), command, actor);
    return command;
  });
}

/** For the run that the person sees, unless another is named: a run that begins meanwhile is not meant. */
export function commandOf(object: KubernetesObject, { verb, run, reason, to, full }: Asked, actor: string | undefined): Command {
  return {
    id: randomUUID(),
    verb,
    run: run ?? rolloutOf(object).status?.run?.number ?? 0,
    actor: actor ?? "unverified",
    ...(reason ? { reason } : {}),
    ...(to === undefined ? {} : { to }),
    ...(full ? { full } : {}),
  };
}

/** A verb typed by hand has no id yet: the daemon gives it one. One that is answered waits no more, though its annotation may stand a moment longer. */
export function waitingCommand(object: KubernetesObject): Command | undefined {
  const text = object.metadata.annotations?.[COMMAND_ANNOTATION];
  if (text === undefined) return undefined;
  const parsed = parseCommand(text);
  if (parsed.kind === "command") return parsed.command.id === rolloutOf(object).status?.lastCommand?.id ? undefined : parsed.command;
  return parsed.kind === "bare" ? { id: "", verb: parsed.verb, run: 0, actor: "unverified" } : undefined;
}

/** Who broke the glass and got no further than the status leaves it there, and the admission policy lets nobody write over it: whoever says abort again goes on with it. */
function answeredAbort(object: KubernetesObject): Command | undefined {
  const parsed = parseCommand(object.metadata.annotations?.[COMMAND_ANNOTATION] ?? "");
  return parsed.kind === "command" && parsed.command.verb === "abort" && parsed.command.run === rolloutOf(object).status?.run?.number ? parsed.command : undefined;
}

/** The daemon takes an abort away a moment after it has answered it, and until then the admission policy refuses every other command; where it stays, the server says so. */
async function onceAnsweredAbortIsGone(client: KubernetesClient, present: KubernetesObject): Promise<KubernetesObject> {
  if (!isAbort(present)) return present;
  let latest = present;
  for await (const object of follow(client, refOf(present), AbortSignal.timeout(LEAVING_MS))) {
    latest = object;
    if (!isAbort(object)) break;
  }
  return latest;
}

function isAbort({ metadata }: KubernetesObject): boolean {
  return metadata.annotations?.[COMMAND_ANNOTATION]?.startsWith("abort ") ?? false;
}

function pendingSentence({ metadata }: KubernetesObject, { verb, actor }: Command): string {
  return `${verb} by ${actor} waits to be obeyed for ${metadata.name}, and no other command may take its place: wait for it; weir doctor says why it waits`;
}

async function write(client: KubernetesClient, { metadata }: KubernetesObject, command: Command, actor: string | undefined): Promise<void> {
  const { uid, resourceVersion, namespace, name } = metadata;
  const body = { metadata: { uid, resourceVersion, annotations: { [COMMAND_ANNOTATION]: textOf(command, actor) } } };
  await client.patch(RESOURCES.rollouts, namespace, name, { type: "merge", body }, { fieldManager: CLI_MANAGER });
}

/** The admission policy compares names as it can encode them, which is ASCII alone. */
function textOf(command: Command, actor: string | undefined): string {
  const text = formatCommand(command);
  return actor !== undefined && /^[ -~]+$/.test(actor) ? text : text.replace(/ actor=\S*/, "");
}

export function refOf({ metadata }: KubernetesObject): RolloutRef {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}
