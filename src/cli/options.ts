/** The options that every verb takes, and those that several share. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { AGE_PATTERN, ageMsOf, DURATION_PATTERN, msOf } from "../rollout/units.ts";

export interface GlobalOptions {
  readonly namespace?: string;
  /** One of several contexts of the kubeconfig. */
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly timeoutMs?: number;
  readonly color: boolean;
}

/** Which Rollouts a verb is about, besides their names. */
export interface Selection {
  readonly selector?: string;
  readonly allNamespaces?: boolean;
}

export function withGlobalOptions(program: Command): Command {
  return program
    .option("-n, --namespace <namespace>", "namespace; default: the kubeconfig's")
    .option("--context <name>", "context of the kubeconfig")
    .option("--kubeconfig <path>", "kubeconfig; default: $KUBECONFIG, then ~/.kube/config")
    .addOption(new Option("--timeout <duration>", "how long to wait at most, such as 30s or 10m").argParser(milliseconds))
    .option("--no-color", "no colours (also: NO_COLOR=1)");
}

export function withSelection(command: Command): Command {
  return command.option("-A, --all-namespaces", "in all namespaces").option("-l, --selector <labels>", "with these labels, such as team=web");
}

export function globalOptionsOf(command: Command): GlobalOptions {
  const { timeout, ...options } = command.optsWithGlobals<GlobalOptions & { readonly timeout?: number }>();
  return timeout === undefined ? options : { ...options, timeoutMs: timeout };
}

function milliseconds(text: string): number {
  if (!DURATION_PATTERN.test(text)) throw new InvalidArgumentError("Expected a duration such as 30s or 10m.");
  return msOf(text);
}

/** How long ago, in milliseconds. */
export function age(text: string): number {
  if (!AGE_PATTERN.test(text)) throw new InvalidArgumentError("Expected an age such as 30d or 36h.");
  return ageMsOf(text);
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}
