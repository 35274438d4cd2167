/** `weir backtest`: what Weir would have decided about a rollout that is long over. */
import { InvalidArgumentError, type Command } from "commander";
import { backtest, type Backtest } from "../../rehearsal/recorded/backtest.ts";
import { createPastMetrics } from "../../rehearsal/recorded/past-metrics.ts";
import type { ValidRollout } from "../../rollout/rollout.ts";
import { DURATION_PATTERN, msOf, timeOf } from "../../rollout/units.ts";
import { EXIT, Failure } from "../failure.ts";
import { globalOptionsOf } from "../options.ts";
import { formatted, withOutput } from "../output.ts";
import { rehearsedRollout } from "../rehearsed-rollout.ts";
import { styleFor } from "../style.ts";
import { backtestSaid, type Replayed } from "../view/backtest.ts";
import { createProgress } from "../view/progress.ts";
import type { World } from "../world.ts";

interface BacktestOptions {
  readonly prometheus: string;
  readonly from: Moment;
  readonly to: Moment;
  readonly canary: string;
  readonly stable: string;
  readonly output: "table" | "json";
}

/** Milliseconds since the epoch, by what the time is now. */
type Moment = (nowMs: number) => number;

interface Replay {
  readonly fromMs: number;
  readonly toMs: number;
  readonly namespace: string;
  readonly canary: string;
  readonly stable: string;
}

const MOST_COLUMNS = 120;
const MOST_MS = 7 * 24 * 3_600_000;

export function configure(command: Command, world: World): void {
  withOutput(command, ["table", "json"])
    .description("Replays a rollout that is over, from Prometheus' memory: what Weir would have held, advanced or taken back, when and why.\nExits with 0, 4 where it would have been taken back, 5 where a person would have been asked.")
    .argument("<rollout>", "a Rollout: a file, - for stdin, or a name in the cluster")
    .requiredOption("--prometheus <url>", "address of the Prometheus API, without /api/v1", prometheusUrl)
    .requiredOption("--from <time>", "when the canary got its first traffic: 2026-11-21T12:00:00Z, or 2h for two hours ago", moment)
    .option("--to <time>", "where the replay ends at the latest", moment, (nowMs: number) => nowMs)
    .requiredOption("--canary <workload>", "the new version's workload, as in Istio's label destination_workload; with analysis.source: envoy its cluster")
    .requiredOption("--stable <workload>", "the stable version's workload")
    .action(async (given: string, options: BacktestOptions) => {
      const globals = globalOptionsOf(command);
      const rollout = await rehearsedRollout(given, world, globals);
      const replay = replayOf(rollout, options, globals.namespace, world.nowMs());
      const replayed = { ...(await replayedFrom(rollout, replay, options.prometheus, world)), ...replay, name: rollout.metadata.name };
      world.out(said(replayed, options.output, (each) => backtestSaid(each, styleFor(world, globals), world.isTty ? Math.min(world.columns(), MOST_COLUMNS) : MOST_COLUMNS)));
      endAs(replayed, world);
    });
}

function replayOf({ metadata }: ValidRollout, { from, to, canary, stable }: BacktestOptions, given: string | undefined, nowMs: number): Replay {
  const [fromMs, toMs] = [from(nowMs), Math.min(to(nowMs), nowMs)];
  if (fromMs >= toMs) throw new Failure(`expected --from to be before --to and now, got ${timeOf(fromMs)} and ${timeOf(toMs)}; give an earlier --from`, EXIT.usage);
  if (toMs - fromMs > MOST_MS) throw new Failure(`expected at most 7 days between --from and --to, got ${Math.ceil((toMs - fromMs) / 86_400_000)}; give the time of one rollout`, EXIT.usage);
  if (canary === stable) throw new Failure(`expected two workloads, got ${canary} as --canary and as --stable; name the new version's and the stable one's`, EXIT.usage);
  const namespace = given ?? metadata.namespace;
  if (namespace === "") throw new Failure("expected the namespace of the workloads, got none; give -n, or write metadata.namespace", EXIT.usage);
  return { fromMs, toMs, namespace, canary, stable };
}

async function replayedFrom(rollout: ValidRollout, replay: Replay, url: string, world: World): Promise<Backtest> {
  const progress = createProgress(world, "replaying");
  const { fromMs, toMs } = replay;
  try {
    return await backtest(rollout, replay, createPastMetrics(url, replay), { signal: world.interrupted, onLook: (atMs) => progress.at((atMs - fromMs) / (toMs - fromMs)) });
  } finally {
    progress.leave();
  }
}

function said(replayed: Replayed & Replay, output: "table" | "json", asText: (replayed: Replayed) => readonly string[]): string {
  if (output === "table") return asText(replayed).join("\n");
  const { fromMs, toMs, endedAtMs, instants, ...rest } = replayed;
  return formatted({ ...rest, from: timeOf(fromMs), to: timeOf(toMs), endedAt: timeOf(endedAtMs), judged: "the recorded shares of the traffic, not those of the ladder", instants: instants.map(({ atMs, ...one }) => ({ at: timeOf(atMs), ...one })) }, "json");
}

/** Said already: only the exit code is left to tell. */
function endAs({ ending, counted, canary, stable, namespace }: Replayed, world: World): void {
  for (const [workload, side] of [[canary, "canary"], [stable, "stable"]] as const) {
    if (counted.length > 0 && counted.every((one) => one[side].requests === 0)) world.err(`No request to ${workload} in namespace ${namespace} was seen in that time: compare the name with the label destination_workload.`);
  }
  if (ending === "stopped") throw new Failure("", EXIT.degraded);
  if (ending === "asked") throw new Failure("", EXIT.paused);
}

function prometheusUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) throw new InvalidArgumentError("Expected an address such as http://localhost:9090, without user and query.");
  return text;
}

function moment(text: string): Moment {
  if (DURATION_PATTERN.test(text)) return (nowMs) => nowMs - msOf(text);
  const atMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(atMs)) throw new InvalidArgumentError("Expected a time such as 2026-11-21T12:00:00Z, or a duration such as 2h for two hours ago.");
  return () => atMs;
}
