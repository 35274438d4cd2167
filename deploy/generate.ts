/** Writes deploy/crd.yaml from the schemas: `npm run generate`. */
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { crd } from "../src/rollout/crd.ts";

const header = "# Made from src/rollout/spec.ts and status.ts by `npm run generate`; a test fails when it is stale.\n";

writeFileSync(new URL("crd.yaml", import.meta.url), header + stringify(crd(), { lineWidth: 0 }));
