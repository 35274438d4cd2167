/** `weir lint`: checks manifests without a cluster. */
import type { Command } from "commander";
import { readManifestFiles } from "../lint/manifest-files.ts";
import { lintText } from "../lint/lint-text.ts";
import { EXIT, Failure } from "../failure.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command
    .description("Checks Rollouts in manifests, as the API server would and more strictly: unknown fields are findings too.\nExits with 1 where there are findings.")
    .argument("<files...>", "files, directories (.yaml, .yml, .json in them), or - for stdin")
    .action(async (paths: string[]) => {
      const findings = (await readManifestFiles(paths, () => world.stdin())).flatMap(({ file, text }) => lintText(text, file));
      for (const { file, line, path, message } of findings) world.out(`${file}:${line}: ${path === "" ? "" : `${path}: `}${message}`);
      if (findings.length > 0) throw new Failure(`${findings.length} finding${findings.length === 1 ? "" : "s"}`, EXIT.error);
    });
}
