/** What all commands have in common: for which Rollouts, who asks, and how the answer is told. */
import type { Command as CommandLine } from "commander";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import type { Command } from "../../rollout/command.ts";
import type { Verb } from "../../rollout/status.ts";
import { withCluster, type Cluster } from "../cluster.ts";
import { EXIT, Failure } from "../failure.ts";
import { globalOptionsOf, wholeNumber, withSelection, type Selection } from "../options.ts";
import { chosenRollouts } from "../targets.ts";
import type { World } from "../world.ts";
import { answerTo, splitSaid, untilRouteShows } from "./answer.ts";
import { forEach } from "./for-each.ts";
import { refOf, sendCommand, type Asked } from "./send.ts";
import { whoAmI } from "./who-am-i.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

export interface CommandOptions extends Selection {
  readonly run?: number;
  readonly reason?: string;
  readonly wait: boolean;
}

/** One Rollout's command: who asks, and until when an answer is awaited. */
export interface Asking {
  readonly cluster: Cluster;
  readonly object: KubernetesObject;
  readonly asked: Asked;
  readonly actor: string | undefined;
  readonly timeoutMs: number;
  readonly wait: boolean;
}

/** `ask`: does it for one Rollout; the sentence to tell. */
export type Ask<Options> = (asking: Asking, options: Options) => Promise<string>;

export function configureCommand<Options extends CommandOptions>(line: CommandLine, world: World, verb: Verb, askedBy: (options: Options) => Omit<Asked, "verb">, ask: Ask<Options>): void {
  withSelection(line)
    .argument("[names...]", "names of Rollouts")
    .option("--run <number>", "the run that is meant; default: the present one", wholeNumber)
    .option("--reason <text>", "why; kept in status and told to people")
    .option("--no-wait", "do not wait until it is obeyed")
    .action(async (names: string[], options: Options) => {
      const { run, reason } = options;
      const asked: Asked = { verb, ...(run !== undefined && { run }), ...(reason && { reason }), ...askedBy(options) };
      const globals = globalOptionsOf(line);
      await withCluster(world, globals, async (cluster) => {
        const [objects, actor] = await Promise.all([chosenRollouts(cluster, names, options), whoAmI(cluster.client)]);
        const asking = { cluster, asked, actor, timeoutMs: globals.timeoutMs ?? DEFAULT_TIMEOUT_MS, wait: options.wait };
        await forEach(objects, world, (object) => ask({ ...asking, object }, options));
      });
    });
}

/** Written, then acknowledged. */
export const acknowledged = async (asking: Asking): Promise<string> => {
  const { cluster, object, asked, actor } = asking;
  const command = await sendCommand(cluster.client, object, asked, actor);
  return asking.wait ? answerSaid(asking, command) : `${asked.verb} is written; weir watch ${object.metadata.name} shows what becomes of it`;
};

/** Acknowledged, and in force on the route. */
export const inForce = async (asking: Asking): Promise<string> => {
  const untilMs = Date.now() + asking.timeoutMs;
  const answer = await acknowledged(asking);
  return asking.wait ? `${answer}${await routeSaid(asking, untilMs)}` : answer;
};

/** Throws a `Failure` where the command was refused, or nobody answered in time. */
async function answerSaid({ cluster, object, asked, timeoutMs }: Asking, command: Command): Promise<string> {
  const answer = await answerTo(cluster.client, refOf(object), command, timeoutMs);
  if (!answer) throw new Failure(nobodySaid(asked.verb, object, timeoutMs), EXIT.timeout);
  if (answer.result === "Refused") throw new Failure(`${asked.verb} was refused: ${answer.message}`, EXIT.conflict);
  return answer.message;
}

function nobodySaid(verb: Verb, { metadata: { name } }: KubernetesObject, timeoutMs: number): string {
  const force = verb === "abort" ? `; weir abort ${name} --force takes the traffic back without the daemon` : "";
  return `expected the daemon to obey ${verb} within ${timeoutMs / 1_000}s, got no answer: the command waits, and is obeyed when the daemon comes back${force}; weir doctor looks for it`;
}

/** Throws a `Failure` where the route does not show it in time. */
async function routeSaid({ cluster, object, asked }: Asking, untilMs: number): Promise<string> {
  const { isShown, route, rollout } = await untilRouteShows(await cluster.istio(), refOf(object), asked.verb, untilMs);
  const split = route.kind === "found" ? splitSaid(route) : route.message;
  if (!isShown) throw new Failure(`${asked.verb} was accepted, and the route does not show it yet (${split}): ${rollout.status?.message ?? "no status"}`, EXIT.timeout);
  return ` (the route has ${split})`;
}
