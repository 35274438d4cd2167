/** The daemon and the command line as files that start at once: bundles of this very code. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";
import { createTemporaryFolder } from "./processes/last-will.ts";

export interface Programs {
  readonly daemon: string;
  readonly cli: string;
}

let made: Promise<Programs> | undefined;

/** Their paths. They are made once, and go when this process goes. */
export function programs(): Promise<Programs> {
  return (made ??= make());
}

async function make(): Promise<Programs> {
  const { path: outdir } = createTemporaryFolder("weir-programs");
  const entryPoints = [import.meta.resolve("../main.ts"), import.meta.resolve("../cli.ts")].map((url) => fileURLToPath(url));
  await bundle({ entryPoints, outdir, outExtension: { ".js": ".mjs" } });
  return { daemon: path.join(outdir, "main.mjs"), cli: path.join(outdir, "cli.mjs") };
}
