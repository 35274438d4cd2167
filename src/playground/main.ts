/** `npm run playground`: starts everything, plays deliveries, and leaves nothing behind. */
import colours from "picocolors";
import { argumentsFrom, usage, UsageError, type PlaygroundArguments } from "./arguments.ts";
import { createCleanUp, type CleanUp } from "./clean-up.ts";
import { deliveries, type Delivery } from "./deliveries.ts";
import { createDisplay, type Display } from "./display.ts";
import { farewell, invitation } from "./closing.ts";
import { startPlayground, type Playground } from "./playground.ts";
import { play } from "./player.ts";
import { requestsPerSecond } from "./sample-traffic.ts";
import { reviews } from "./samples/sample-apps.ts";
import type { Stage } from "./stage.ts";
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
  const isTerminal = Boolean(process.stdout.isTTY); // undefined for a pipe
  const display = createDisplay({ write, isTerminal, hasColour: asked.colour && isTerminal && colours.isColorSupported });
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
  display.say(`  Each second ${requestsPerSecond.reviews} requests go to reviews, ${requestsPerSecond.ratings} to ratings, ${requestsPerSecond.broker} connections to broker; v1 answers all.`);
  return playground;
}

function stageOf({ stages }: Playground, { app = reviews.name }: Delivery): Stage {
  return stages[app]!;
}

async function playAll({ scenarios, stay }: PlaygroundArguments, playground: Playground, display: Display): Promise<number> {
  const startedMs = Date.now();
  const troubles: (string | undefined)[] = [];
  for (const [index, name] of scenarios.entries()) {
    const count = scenarios.length > 1 ? `${index + 1} of ${scenarios.length}: ` : "";
    troubles.push(await play(stageOf(playground, deliveries[name]), display, deliveries[name], `${count}${deliveries[name].title}`, startedMs));
  }
  display.say("", ...(stay ? invitation(playground, deliveries[scenarios.at(-1) ?? "good"], display.style) : farewell(display.style)));
  if (stay) await watchOn(stageOf(playground, deliveries[scenarios.at(-1) ?? "good"]), display, startedMs);
  return troubles.every((trouble) => trouble === undefined) ? 0 : 1;
}
