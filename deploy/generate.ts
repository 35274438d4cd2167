/** Writes deploy/crd.yaml from the schemas: `npm run generate`. */
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { crds } from "../src/rollout/crd.ts";

const header = "# Made from src/rollout/spec.ts, status.ts and rollout-run.ts by `npm run generate`; a test fails when it is stale.\n";

writeFileSync(new URL("crd.yaml", import.meta.url), header + crds().map((each) => stringify(each, { lineWidth: 0 })).join("---\n"));
