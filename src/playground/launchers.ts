/** What other terminals need to speak to the playground: a kubeconfig, the commands `weir` and `kubectl weir`, and one file that sets both up. */
import path from "node:path";
import { programs } from "./programs.ts";
import type { StateFolder } from "./state-folder.ts";

/** The kubeconfig's path. */
export function writeKubeconfig(folder: StateFolder, server: string, namespace: string): string {
  const name = "weir-playground";
  const user = "you"; // the embedded API takes a token for the user's name
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "insecure-skip-tls-verify": true } }], // there is no TLS to verify
    users: [{ name, user: { token: user } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  };
  return folder.write("kubeconfig", JSON.stringify(config, undefined, 2)); // JSON is YAML
}

/** Writes the commands, and `env`, to be read by a shell: `. .weir/playground/env`. The path of `env` as people type it. */
export async function writeLaunchers(folder: StateFolder, kubeconfig: string): Promise<string> {
  const { cli } = await programs();
  const launcher = `#!/bin/sh\nexec ${[process.execPath, cli].map(quoted).join(" ")} "$@"\n`;
  const weir = folder.write(path.join("bin", "weir"), launcher, 0o700);
  folder.write(path.join("bin", "kubectl-weir"), launcher, 0o700);
  const env = folder.write("env", `export KUBECONFIG=${quoted(kubeconfig)}\nexport PATH=${quoted(path.dirname(weir))}:"$PATH"\n`);
  return path.relative(process.cwd(), env);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
