/** How much longer `weir --help` takes than `node -e 0`: node --import tsx test/bench/cli-start.ts, after npm run build. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const ROUNDS = 25;
const MOST_EXTRA_MS = 100;
const cli = "dist/cli.js";

if (!existsSync(cli)) throw new Error(`expected ${cli}, got nothing there; npm run build makes it`);
const rounds = Array.from({ length: ROUNDS }, () => ({ bare: timeOf(["-e", "0"]), help: timeOf([cli, "--help"]) })); // one after the other, so that both see the same machine
const [bare, help] = [medianOf(rounds.map((round) => round.bare)), medianOf(rounds.map((round) => round.help))];
console.log(`node -e 0    ${bare.toFixed(0)} ms`);
console.log(`weir --help  ${help.toFixed(0)} ms: ${(help / bare).toFixed(2)} times as long, ${(help - bare).toFixed(0)} ms more (at most ${MOST_EXTRA_MS} is promised)`);
process.exitCode = help - bare < MOST_EXTRA_MS ? 0 : 1;

function timeOf(args: readonly string[]): number {
  const startedMs = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: "ignore" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}`);
  return performance.now() - startedMs;
}

function medianOf(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)]!;
}
