/** A command reaches the Rollout once, whatever becomes of the server's answers. */
import { describe, expect, it } from "vitest";
import { sendCommand } from "../../../src/cli/command/send.ts";
import type { KubernetesClient, KubernetesObject } from "../../../src/kubernetes/client.ts";
import { Conflict, Unreachable } from "../../../src/kubernetes/errors.ts";
import { parseCommand } from "../../../src/rollout/command.ts";
import { COMMAND_ANNOTATION } from "../../../src/rollout/rollout.ts";
import type { Verb } from "../../../src/rollout/status.ts";
import { aTarget, NAMESPACE } from "../../support/istio-objects.ts";
import { aRun, aStatus } from "../../support/rollouts.ts";

/** What becomes of a write: told; done, and nobody is told; neither done nor answered. */
type Fate = "told" | "done" | "lost";

interface Server {
  readonly client: KubernetesClient;
  readonly commands: readonly string[];
  /** The daemon answers what waits. */
  obey(): void;
}

const rollout = (): KubernetesObject => ({ metadata: { namespace: NAMESPACE, name: "reviews", uid: "uid-1", resourceVersion: "1" }, spec: { release: "v3", traffic: aTarget() }, status: aStatus({ run: aRun() }) });

/** Writes are conditional, as on a server; the fates are those of the first writes. */
function aServer(...fates: readonly Fate[]): Server {
  let stored = rollout();
  const commands: string[] = [];
  let writes = 0;
  const write = (change: Partial<KubernetesObject>): void => {
    stored = { ...stored, ...change, metadata: { ...stored.metadata, ...change.metadata, resourceVersion: String(Number(stored.metadata.resourceVersion) + 1) } };
  };
  const client: Partial<KubernetesClient> = {
    get: async () => stored,
    patch: async (_resource, _namespace, _name, { body }) => {
      const { resourceVersion, annotations } = (body as KubernetesObject).metadata;
      const fate = fates[writes++] ?? "told";
      if (resourceVersion !== stored.metadata.resourceVersion) throw new Conflict("it has moved on");
      if (fate !== "lost") commands.push(annotations![COMMAND_ANNOTATION]!);
      if (fate !== "lost") write({ metadata: { ...stored.metadata, annotations: annotations! } });
      if (fate !== "told") throw new Unreachable("no answer");
      return stored;
    },
  };
  const obey = (): void => {
    const parsed = parseCommand(stored.metadata.annotations![COMMAND_ANNOTATION]!);
    if (parsed.kind !== "command") throw new Error("expected a command to obey");
    const { id, verb, run, actor } = parsed.command;
    const { annotations: _, ...metadata } = stored.metadata;
    stored = { ...stored, metadata, status: aStatus({ run: aRun(), lastCommand: { id, verb, run, actor, result: "Accepted", message: "", at: "2026-11-27T00:00:00Z" } }) };
    write({});
  };
  return { client: client as KubernetesClient, commands, obey };
}

const send = ({ client }: Pick<Server, "client">, verb: Verb): ReturnType<typeof sendCommand> => sendCommand(client, rollout(), { verb }, "alice");

describe.each<Verb>(["abort", "pause"])("weir %s", (verb) => {
  it("is sent again where the server did not answer", async () => {
    const server = aServer("lost", "lost");
    const { id } = await send(server, verb);
    expect(server.commands).toEqual([expect.stringContaining(id)]);
  });

  it("is known again where it was written and not answered", async () => {
    const server = aServer("done");
    const { id } = await send(server, verb);
    expect(server.commands).toEqual([expect.stringContaining(id)]);
  });

  it("is known again where the daemon was faster than the answer", async () => {
    const server = aServer("done");
    const { id } = await send({ client: { ...server.client, get: async (...asked) => (server.obey(), server.client.get(...asked)) } }, verb);
    expect(server.commands).toEqual([expect.stringContaining(id)]);
  });

  it("gives up a server that answers none of three, with its sentence", async () => {
    await expect(send(aServer("lost", "lost", "lost"), verb)).rejects.toThrow("no answer");
  });
});
