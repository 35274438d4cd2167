/** The command line of `npm run playground`. */
import { parseArgs } from "node:util";
import { deliveries, type ScenarioName } from "./deliveries.ts";

export interface PlaygroundArguments {
  /** What is played, in this order. */
  readonly scenarios: readonly ScenarioName[];
  /** Whether everything goes on afterwards, until Ctrl-C. */
  readonly stay: boolean;
  readonly colour: boolean;
}

export const usage = `Usage: npm run playground [-- OPTIONS]

  --scenario NAME           play this delivery only (default: good, then bad):
                            good, bad, slow, image (of a Deployment), testers, shadow, blue-green,
                            sessions, connections, entrances, two-services
  --exit                    end afterwards; the exit code is 0 only if everything ended as told (default)
  --stay                    go on afterwards, until Ctrl-C, for kubectl and weir in another terminal
  --no-color                no colours (also: NO_COLOR=1)
  --help                    this text`;

/** The reason why the command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** `help` where that was asked for; throws a UsageError. */
export function argumentsFrom(args: readonly string[]): PlaygroundArguments | "help" {
  const values = valuesOf(args);
  if (values.help) return "help";
  if (values.stay && values.exit) throw new UsageError("--stay and --exit exclude each other");
  const scenarios: readonly ScenarioName[] = values.scenario === undefined ? ["good", "bad"] : [scenarioOf(values.scenario)];
  return { scenarios, stay: values.stay ?? false, colour: !values["no-color"] };
}

function scenarioOf(name: string): ScenarioName {
  if (!Object.hasOwn(deliveries, name)) throw new UsageError(`expected --scenario ${Object.keys(deliveries).join(", ")}, got ${name}`);
  return name as ScenarioName;
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: "string" },
        exit: { type: "boolean" },
        stay: { type: "boolean" },
        "no-color": { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
