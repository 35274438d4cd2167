/** `weir doctor`: what keeps Weir from working well, a line each, with what to do. */
import type { Command } from "commander";
import { withCluster } from "../cluster.ts";
import { examine } from "../doctor/examine.ts";
import { EXIT, Failure } from "../failure.ts";
import { globalOptionsOf, withSelection, type Selection } from "../options.ts";
import { styleFor } from "../style.ts";
import { findingsSaid } from "../view/findings.ts";
import type { World } from "../world.ts";

export interface DoctorOptions extends Selection {
  readonly daemonNamespace: string;
  readonly sendTest?: boolean;
}

export function configure(command: Command, world: World): void {
  withSelection(command)
    .description("Looks at the cluster, the daemon and Rollouts for what keeps them from working well, and says what to do.\nExits with 1 where there are findings.")
    .argument("[names...]", "names of Rollouts; default: all of the namespace")
    .option("--daemon-namespace <namespace>", "where the daemon runs", "weir-system")
    .option("--send-test", "let the daemon send one test message to every target of the named Rollout")
    .action(async (names: string[], options: DoctorOptions) => {
      if (options.sendTest && names.length !== 1) throw new Failure(`expected the name of one Rollout with --send-test, got ${names.length}`, EXIT.usage);
      const globals = globalOptionsOf(command);
      const findings = await withCluster(world, globals, (cluster) => examine(cluster, names, options));
      world.out(findingsSaid(findings, styleFor(world, globals)).join("\n"));
      const bad = findings.filter(({ level }) => level === "bad").length;
      if (bad > 0) throw new Failure(`${bad} finding${bad === 1 ? "" : "s"}`, EXIT.error);
    });
}
