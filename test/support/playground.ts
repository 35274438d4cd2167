/** Runs the playground as a newcomer does, in a folder of its own. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { afterEach } from "vitest";

const start = path.resolve("src/playground/start.mjs");
const cleanUps: (() => void)[] = [];

export interface RunningPlayground {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Where it was started. */
  readonly folder: string;
  output(): string;
  readonly exitCode: Promise<number | null>;
}

/** Ends, at the latest, with the test. */
export function runPlayground(...args: string[]): RunningPlayground {
  const folder = mkdtempSync(path.join(tmpdir(), "weir-playground-test-"));
  const child = spawn(process.execPath, [start, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  cleanUps.push(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const exitCode = once(child, "exit").then(([code]) => code as number | null);
  return { child, folder, output: () => output, exitCode };
}

/** Route and share of each step told, e.g. `["90/10", 9.8]`. */
export function stepsIn(output: string): readonly (readonly [route: string, sharePercent: number])[] {
  return [...output.matchAll(/^ {2}\d+:\d\d {2}(\d+\/\d+) .* (\d+\.\d) % of [\d,]+/gm)].map(([, route, share]) => [route!, Number(share)]);
}

afterEach(() => cleanUps.splice(0).forEach((cleanUp) => cleanUp()));
