/** Two daemons of a soak: one that nobody ends, whose memory is watched, and one that is ended and started again and again. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { DaemonProcess } from "../../src/playground/daemon-process.ts";
import type { RestlessDaemon } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import { probeEnvironment } from "./gauges.ts";

export interface Daemons {
  readonly steady: DaemonProcess;
  readonly gaugeFile: string;
  readonly restless: RestlessDaemon;
  /** Ends both as an upgrade would, and reads what they have logged. */
  close(): Promise<void>;
}

const NAMES = { steady: "steady", restless: "restless" };
const MOST_STARTS = 5;
/** It drains within 10 s. */
const STOP_LIMIT_MS = 15_000;

export async function createDaemons(fleet: Fleet, onBreach: (sentence: string) => void): Promise<Daemons> {
  const gaugeFile = path.join(fleet.folder, "gauges.json");
  const steady = await fleet.startDaemon(NAMES.steady, probeEnvironment(gaugeFile));
  let restless = await fleet.startDaemon(NAMES.restless);
  const stop = async (daemon: DaemonProcess): Promise<void> => {
    await daemon.stop(STOP_LIMIT_MS);
    const how = await daemon.ended;
    if (!how.endsWith("exit code 0")) onBreach(`a daemon that was asked to end ${how}:\n${daemon.lastLines()}`);
  };
  return {
    steady,
    gaugeFile,
    restless: {
      restart: async (how) => {
        if (how === "SIGKILL") restless.signal("SIGKILL");
        else await stop(restless);
        await restless.ended;
        restless = await startedAtLast(fleet);
      },
      freeze: async (forMs) => {
        restless.signal("SIGSTOP");
        await wait(forMs);
        restless.signal("SIGCONT");
      },
    },
    close: async () => {
      await Promise.all([steady, restless].map(stop));
      for (const name of Object.values(NAMES)) brokenInvariants(fleet.logFileOf(name)).forEach(onBreach);
    },
  };
}

async function startedAtLast(fleet: Fleet, attempt = 1): Promise<DaemonProcess> {
  try {
    return await fleet.startDaemon(NAMES.restless);
  } catch (error) {
    if (attempt >= MOST_STARTS) throw error;
    return startedAtLast(fleet, attempt + 1);
  }
}

/** Lines that no fault of the world explains. */
function brokenInvariants(logFile: string): readonly string[] {
  const lines = readFileSync(logFile, "utf8").split("\n");
  return lines.filter((line) => /"level":"(?:error|fatal)"/.test(line) || /^\s+at .*:\d+:\d+\)?$/.test(line)).map((line) => `a daemon logged: ${line}`);
}
