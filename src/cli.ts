#!/usr/bin/env node
/** The command line, put together: `weir`, also as `kubectl weir`. What it can do: cli/registry.ts. */
import { runCli } from "./cli/run.ts";

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    interruption.abort();
    process.once(signal, () => process.exit(130)); // asked twice: at once
  });
}
// Whoever reads us has read enough: `weir get | head -1`.
process.stdout.on("error", () => process.exit(0));

const exitCode = await runCli(process.argv.slice(2), {
  environment: async () => (await import("./config.ts")).cliEnvironment(),
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  raw: (text) => void process.stdout.write(text),
  isTty: Boolean(process.stdout.isTTY), // undefined for a pipe
  ...(process.stderr.isTTY ? { progress: (text: string) => void process.stderr.write(text) } : {}),
  columns: () => process.stdout.columns || 120,
  rows: () => process.stdout.rows || 50,
  stdin: async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  },
  nowMs: () => Date.now(),
  interrupted: interruption.signal,
});

process.exitCode = exitCode;
if (interruption.signal.aborted) process.exit(); // whatever it was doing
