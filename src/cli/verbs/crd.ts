/** `weir crd`: prints the CustomResourceDefinition. */
import type { Command } from "commander";
import { stringify } from "yaml";
import { crd } from "../../rollout/crd.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command
    .description("Prints the CustomResourceDefinition of this version: weir crd | kubectl apply --server-side -f -")
    .action(() => world.raw(stringify(crd(), { lineWidth: 0 })));
}
