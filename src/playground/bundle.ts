/** Bundles entry points with all that they import, so that a process starts in a tenth of the time that it takes to read them one by one. */
import { build, type BuildOptions } from "esbuild";

/** Bundled CommonJS asks for these three, which ES modules do not have. */
const COMMONJS = [
  'import { createRequire as weirCreateRequire } from "node:module";',
  'import { fileURLToPath as weirFileOf } from "node:url";',
  "const require = weirCreateRequire(import.meta.url);",
  "const __filename = weirFileOf(import.meta.url);",
  'const __dirname = weirFileOf(new URL(".", import.meta.url));',
].join("\n");

/** Settles when each entry point stands in `outdir` as an ES module for Node 20. */
export async function bundle(options: Pick<BuildOptions, "entryPoints" | "minify" | "outdir" | "outExtension">): Promise<void> {
  await build({ bundle: true, splitting: true, format: "esm", platform: "node", target: "node20", legalComments: "linked", banner: { js: COMMONJS }, logLevel: "warning", ...options });
}
