/** Bundles the daemon (dist/main.js) and the CLI (dist/cli.js): `npm run build`. What they share, and what a verb alone needs, are files of their own. */
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { bundle } from "./src/playground/bundle.ts";

await rm("dist", { recursive: true, force: true });
await bundle({ entryPoints: ["src/main.ts", "src/cli.ts"], outdir: "dist", minify: true });

const cli = await readFile("dist/cli.js", "utf8");
await writeFile("dist/cli.js", cli.startsWith("#!") ? cli : `#!/usr/bin/env node\n${cli}`);
await chmod("dist/cli.js", 0o755);
