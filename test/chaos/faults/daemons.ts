/** Faults of the daemon itself. */
import { setTimeout as wait } from "node:timers/promises";
import type { DaemonProcess } from "../../../src/playground/daemon-process.ts";
import type { Fault, Stage } from "../fault.ts";

const PART = "daemon";

async function kill(daemon: DaemonProcess): Promise<void> {
  daemon.signal("SIGKILL");
  await daemon.ended;
}

const onlyOneKilled: Fault = {
  part: PART,
  name: "kill -9 of the only one at random instants, started again each time",
  mustHold: "the run ends as if nothing had been",
  runs: 52,
  atOnce: 13,
  normalFrom: "its end",
  prepare: async (stage) => ({ daemons: 1, inflict: () => killAgainAndAgain(stage) }),
};

/** Until the runs are half over, each time a new daemon has lived for a moment. */
async function killAgainAndAgain({ daemons, startDaemon, random, isOver }: Stage): Promise<void> {
  for (let kills = 0; kills < 3 && !isOver(); kills++) {
    await kill(daemons()[0]!);
    await startDaemon();
    await wait(random() * 4_000);
  }
}

const oneOfTwoKilled: Fault = {
  part: PART,
  name: "kill -9 of one of two at random instants",
  mustHold: "the other one goes on; the run ends as if nothing had been",
  runs: 52,
  atOnce: 13,
  normalFrom: "its start",
  prepare: async ({ daemons, startDaemon, random }) => ({
    inflict: async () => {
      await kill(daemons()[0]!);
      await wait(random() * 5_000);
      await startDaemon();
      await wait(random() * 2_000);
      await kill(daemons()[0]!);
    },
  }),
};

/** What the figures of the others are to be compared with. */
const nothing: Fault = {
  part: PART,
  name: "none at all, for comparison",
  mustHold: "the run ends as expected",
  runs: 8,
  normalFrom: "its start",
  prepare: async () => ({ inflict: async () => undefined }),
};

export const daemonFaults: readonly Fault[] = [nothing, onlyOneKilled, oneOfTwoKilled];
