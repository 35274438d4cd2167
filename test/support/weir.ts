/** Runs the command line in this process, as a person at a shell would. */
import { runCli } from "../../src/cli/run.ts";
import type { Outside } from "../../src/cli/world.ts";

export interface Said {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface Shell {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly stdin?: string;
  readonly isTty?: boolean;
  /** A terminal shows stderr: what is drawn there comes here. */
  readonly progress?: (text: string) => void;
  readonly interrupted?: AbortSignal;
  /** Sees what is printed at once. */
  readonly onOut?: (text: string) => void;
}

export async function weir(args: readonly string[], shell: Shell = {}): Promise<Said> {
  const { kubeconfig, namespace, stdin = "", isTty = false, progress, interrupted = new AbortController().signal, onOut = () => undefined } = shell;
  let [out, err] = ["", ""];
  const print = (text: string): void => {
    out += text;
    onOut(text);
  };
  const world: Outside = {
    environment: async () => ({ cluster: kubeconfig === undefined ? {} : { kubeconfig }, noColor: true }),
    out: (text) => print(`${text}\n`),
    err: (text) => void (err += `${text}\n`),
    raw: print,
    isTty,
    ...(progress ? { progress } : {}),
    columns: () => 120,
    rows: () => 40,
    stdin: async () => stdin,
    nowMs: Date.now,
    interrupted,
  };
  const exitCode = await runCli([...args, ...(namespace === undefined ? [] : ["-n", namespace])], world);
  return { exitCode, out, err };
}
