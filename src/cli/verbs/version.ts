/** `weir version`: ours, and the daemon's if it can be asked. */
import type { Command } from "commander";
import { VERSION } from "../../version.ts";
import type { World } from "../world.ts";

interface VersionOptions {
  readonly client?: boolean;
  readonly daemonNamespace: string;
}

export function configure(command: Command, world: World): void {
  command
    .description("Prints the version of this command, and the daemon's where it can be asked.")
    .option("--client", "this command's alone, without asking anybody")
    .option("--daemon-namespace <namespace>", "where the daemon runs", "weir-system")
    .action(async ({ client, daemonNamespace }: VersionOptions) => {
      world.out(`weir ${VERSION}`);
      if (client) return;
      const [{ withCluster }, { askDaemon }, { globalOptionsOf }] = await Promise.all([import("../cluster.ts"), import("../doctor/daemon.ts"), import("../options.ts")]);
      const answer = await withCluster(world, globalOptionsOf(command), (cluster) => askDaemon(cluster.client, daemonNamespace)).catch((error: unknown) => ({ kind: "unseen" as const, isGone: true, why: error instanceof Error ? error.message : String(error) }));
      world.out(answer.kind === "seen" ? `daemon ${answer.report.version}` : `daemon not seen (${answer.why})`);
    });
}
