/** `npm run playground`: starts everything, plays deliveries, and leaves nothing behind. */
import colours from "picocolors";
import { argumentsFrom, usage, UsageError, type PlaygroundArguments } from "./arguments.ts";
import { createCleanUp, type CleanUp } from "./clean-up.ts";
import { deliveries, type Delivery } from "./deliveries.ts";
import { createDisplay, type Display } from "./display.ts";
import { wrapped } from "./narration.ts";
import { startPlayground, type Playground } from "./playground.ts";
import { play } from "./player.ts";
import { requestsPerSecond } from "./sample-traffic.ts";
import { defaultStateFolder } from "./state-folder.ts";
import { watchOn } from "./watch-on.ts";

/** Repeated runs draw the same numbers. */
const seed = 7;

/** Somebody wants it to end; `exitCode` as shells expect it. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor(readonly exitCode: number) {
    super("interrupted");
  }
}

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const asked = argumentsFrom(args);
    if (asked !== "help") return await run(asked);
    process.stdout.write(`${usage}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${usage}\n`);
    return 2;
  }
}

async function run(asked: PlaygroundArguments): Promise<number> {
  const write = (text: string) => void process.stdout.write(text);
  const display = createDisplay({ write, isTerminal: process.stdout.isTTY, hasColour: asked.colour && colours.isColorSupported });
  const cleanUp = createCleanUp();
  try {
    return await Promise.race([tell(asked, display, cleanUp), interruption()]);
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    display.say("", `  ${display.style.bad("✗")} ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await cleanUp.run();
  }
}

/** Rejects on Ctrl-C, on a request to end, and when nobody reads what we say any more. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    process.once("SIGINT", () => reject(new Interrupted(130)));
    process.once("SIGTERM", () => reject(new Interrupted(143)));
    process.once("SIGHUP", () => reject(new Interrupted(129)));
    process.stdout.once("error", () => reject(new Interrupted(141)));
  });
}

async function tell(asked: PlaygroundArguments, display: Display, cleanUp: CleanUp): Promise<number> {
  const playground = await open(display, cleanUp);
  return Promise.race([playAll(asked, playground, display), playground.daemonEnded]);
}

async function open(display: Display, cleanUp: CleanUp): Promise<Playground> {
  const { bold, dim, good } = display.style;
  const startedMs = Date.now();
  const ready: string[] = [];
  const line = () => `  ${ready.map((part) => `${good("✓")} ${part}`).join("   ")}`;
  display.say("", `  ${bold("Weir playground")}   ${dim("a weir lets a river through by degrees")}`, "");
  const onReady = (part: string) => {
    ready.push(part);
    display.live(line());
  };
  const playground = await startPlayground({ stateFolder: defaultStateFolder, seed, cleanUp, onReady });
  display.say(`${line()}   ${dim(`(${((Date.now() - startedMs) / 1_000).toFixed(1)} s)`)}`, "");
  display.say(`  ${requestsPerSecond} requests a second go to the application reviews; v1 answers them all.`);
  return playground;
}

async function playAll({ scenarios, stay }: PlaygroundArguments, playground: Playground, display: Display): Promise<number> {
  const startedMs = Date.now();
  const troubles: (string | undefined)[] = [];
  for (const [index, name] of scenarios.entries()) {
    const count = scenarios.length > 1 ? `${index + 1} of ${scenarios.length}: ` : "";
    troubles.push(await play(playground.stage, display, deliveries[name], `${count}${deliveries[name].title}`, startedMs));
  }
  display.say("", ...(stay ? invitation(playground, deliveries[scenarios.at(-1) ?? "good"], display) : farewell(display)));
  if (stay) await watchOn(playground.stage, display, startedMs);
  return troubles.every((trouble) => trouble === undefined) ? 0 : 1;
}

function farewell({ style }: Display): readonly string[] {
  return [
    ...wrapped("Everything is ended and removed now. To look around yourself, keep it running:"),
    "",
    `    $ ${style.bold("npm run playground -- --stay")}        and in another terminal: weir, kubectl, curl`,
    `    $ ${style.bold("npm run playground -- --scenario slow")}`,
    "",
    ...wrapped("How a Rollout is written, and how to bring Weir to your cluster: README.md."),
    "",
  ];
}

function invitation({ env, url, prometheusUrl }: Playground, last: Delivery, { style }: Display): readonly string[] {
  const again: readonly Command[] = [
    [`weir playground break reviews ${last.release} --errors 0% --latency 8ms`, `mend ${last.release},`],
    ["weir retry reviews", "try it again,"],
  ];
  const another: readonly Command[] = [["weir release reviews v3", "deliver another version,"]];
  const commands: readonly Command[] = [
    [`. ${env}`, "first: speak to this playground"],
    ["kubectl get weir", "phase, step, weight"],
    ["weir explain reviews", "why it is where it is"],
    ...(last.ending === "takenBack" ? again : another),
    ["weir watch reviews", "watch it,"],
    ["weir playground break reviews v3 --errors 5%", "turn it bad on its way,"],
    ["weir abort reviews", "or take it back yourself"],
  ];
  return [
    "  It all goes on until Ctrl-C, which leaves nothing behind. In another terminal, in this folder:",
    "",
    ...commands.map(([command, what]) => `    $ ${style.bold(command.padEnd(56))} ${style.dim(what)}`.trimEnd()),
    "",
    `  Be one of the users: curl -s -H 'Host: reviews' ${url}/       Prometheus: ${prometheusUrl}`,
    "",
  ];
}

type Command = readonly [command: string, what: string];
