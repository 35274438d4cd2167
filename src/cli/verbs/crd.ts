/** `weir crd`: prints the CustomResourceDefinitions. */
import type { Command } from "commander";
import { stringify } from "yaml";
import { crds } from "../../rollout/crd.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command
    .description("Prints the CustomResourceDefinitions of this version: weir crd | kubectl apply --server-side -f -")
    .action(() => world.raw(crds().map((each) => stringify(each, { lineWidth: 0 })).join("---\n")));
}
