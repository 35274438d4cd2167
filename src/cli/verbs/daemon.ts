/** `weir daemon`: the daemon, as it runs in the cluster. */
import type { Command } from "commander";

export function configure(command: Command): void {
  command
    .description("Runs the daemon until SIGTERM. Flags, or the environment: --redis-url (WEIR_REDIS_URL), --prometheus-url, --listen,\n--namespace, --allow-hosts, --log-level, --concurrency; WEIR_SLACK_TOKEN and KUBECONFIG by the environment alone.")
    .allowUnknownOption() // it reads its flags itself
    .allowExcessArguments()
    .action(async () => void (await import("../../main.ts"))); // importing it starts it
}
