/** `weir lint`: checks manifests without a cluster. */
import type { Command } from "commander";
import type { KubernetesObject } from "../../kubernetes/client.ts";
import { isOurs } from "../../rollout/lint.ts";
import { readManifestFiles } from "../lint/manifest-files.ts";
import { lintText } from "../lint/lint-text.ts";
import { readManifests } from "../lint/manifests.ts";
import { EXIT, Failure } from "../failure.ts";
import { globalOptionsOf, type GlobalOptions } from "../options.ts";
import { styleFor } from "../style.ts";
import type { World } from "../world.ts";

const MOST_COLUMNS = 120;

export function configure(command: Command, world: World): void {
  command
    .description("Checks Rollouts in manifests, as the API server would and more strictly: unknown fields are findings too.\nExits with 1 where there are findings.")
    .argument("<files...>", "files, directories (.yaml, .yml, .json in them), or - for stdin")
    .option("--explain", "also says what each Rollout means: when which share is given, and what takes it back")
    .action(async (paths: string[], { explain = false }: { readonly explain?: boolean }) => {
      const files = await readManifestFiles(paths, () => world.stdin());
      const findings = files.flatMap(({ file, text }) => lintText(text, file));
      for (const { file, line, path, message } of findings) world.out(`${file}:${line}: ${path === "" ? "" : `${path}: `}${message}`);
      if (findings.length > 0) throw new Failure(`${findings.length} finding${findings.length === 1 ? "" : "s"}`, EXIT.error);
      if (explain) await explained(files.map(({ text }) => text), world, globalOptionsOf(command));
    });
}

/** Loaded for this alone: most lint in a hook, where every millisecond counts. */
async function explained(texts: readonly string[], world: World, globals: GlobalOptions): Promise<void> {
  const [{ timelineSaid }, { validRolloutOf }] = await Promise.all([import("../view/timeline.ts"), import("../valid-rollout.ts")]);
  const rollouts = texts.flatMap((text) => readManifests(text)).map(({ object }) => object).filter(isOurs) as unknown as readonly KubernetesObject[];
  const width = world.isTty ? Math.min(world.columns(), MOST_COLUMNS) : MOST_COLUMNS;
  const said = rollouts.map((object) => timelineSaid(validRolloutOf(object), styleFor(world, globals), width).join("\n"));
  world.out(said.length > 0 ? said.join("\n\n") : "There is no Rollout in it to explain.");
}
