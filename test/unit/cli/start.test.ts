/** What the command line loads before it knows the verb: counted, not timed. */
import { build, type Metafile } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { REGISTRY } from "../../../src/cli/registry.ts";

let outputs: Metafile["outputs"];

beforeAll(async () => {
  const built = await build({ entryPoints: ["src/cli.ts"], outdir: "dist", bundle: true, splitting: true, minify: true, format: "esm", platform: "node", target: "node20", write: false, metafile: true, logLevel: "error" });
  outputs = built.metafile.outputs;
}, 60_000);

/** Sources in a bundle file and in what it imports at once. */
function loadedWith(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const { imports, inputs } = outputs[file]!;
  Object.keys(inputs).forEach((input) => seen.add(input));
  imports.filter(({ kind, external }) => kind === "import-statement" && !external).forEach(({ path }) => loadedWith(path, seen));
  return seen;
}

const fileOf = (entry: string): string => Object.keys(outputs).find((file) => outputs[file]!.entryPoint === entry)!;
const packagesIn = (sources: ReadonlySet<string>): readonly string[] => [...new Set([...sources].flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []))].sort();

describe("weir --help", () => {
  it("loads no client of Kubernetes, no daemon and no verb", () => {
    const sources = loadedWith(fileOf("src/cli.ts"));
    expect(packagesIn(sources)).toEqual(["commander"]);
    expect([...sources].filter((source) => source.startsWith("src/cli/verbs/") || source.startsWith("src/kubernetes/"))).toEqual([]);
  });
});

describe("weir VERB", () => {
  it.each(["lint", "crd", "completion", "version", "daemon", "playground", "simulate", "backtest"])("%s loads no client of Kubernetes", (verb) => {
    expect(packagesIn(loadedWith(fileOf(`src/cli/verbs/${verb}.ts`)))).not.toContain("@kubernetes/client-node");
  });

  it("loads a module of its own for each verb", () => {
    for (const verb of Object.keys(REGISTRY)) expect(fileOf(`src/cli/verbs/${verb}.ts`)).toBeDefined();
  });

  it("carries no source of the daemon in what get loads", () => {
    const rooms = new Set([...loadedWith(fileOf("src/cli/verbs/get.ts"))].flatMap((source) => /^src\/([a-z]+)\//.exec(source)?.[1] ?? []));
    expect([...rooms].sort()).toEqual(["cli", "kubernetes", "rollout", "traffic", "workload"]);
  });
});
