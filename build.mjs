/** Bundles the daemon (dist/main.js) and the CLI (dist/cli.js): `npm run build`. What they share, and what a verb alone needs, are files of their own. */
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";

/** Bundled CommonJS asks for these three, which ES modules do not have. */
const COMMONJS = [
  'import { createRequire as weirCreateRequire } from "node:module";',
  'import { fileURLToPath as weirFileOf } from "node:url";',
  "const require = weirCreateRequire(import.meta.url);",
  "const __filename = weirFileOf(import.meta.url);",
  'const __dirname = weirFileOf(new URL(".", import.meta.url));',
].join("\n");

await rm("dist", { recursive: true, force: true });
await build({
  entryPoints: ["src/main.ts", "src/cli.ts"],
  outdir: "dist",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  platform: "node",
  target: "node20",
  legalComments: "linked",
  banner: { js: COMMONJS },
  logLevel: "warning",
});

const cli = await readFile("dist/cli.js", "utf8");
await writeFile("dist/cli.js", cli.startsWith("#!") ? cli : `#!/usr/bin/env node\n${cli}`);
await chmod("dist/cli.js", 0o755);
