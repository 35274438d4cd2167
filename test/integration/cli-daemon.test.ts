/** The command line beside a daemon as in production, with neither Redis nor Prometheus: commands are obeyed, and their answers told. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDaemonProcess, type DaemonProcess } from "../../src/playground/daemon-process.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { COMMAND_ANNOTATION } from "../../src/rollout/rollout.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openStandingRuns, type StandingRun } from "../support/standing-run.ts";
import { until } from "../support/until.ts";
import { weir, type Said } from "../support/weir.ts";
import { shortened } from "../support/whole-run.ts";

/** Nobody listens there. */
const NOWHERE = "127.0.0.1:1";

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let runs: StandingRun;
  let daemon: DaemonProcess | undefined;
  const folder = createTemporaryFolder("weir-cli");
  const say = (line: string): Promise<Said> => weir(line.split(" "), { kubeconfig: api.kubeconfigFor("admin"), namespace: runs.namespace });

  beforeAll(async () => {
    api = await open();
    runs = await openStandingRuns(api, [{ name: "steered", share: 50 }, { name: "undone", share: 0 }]);
    await api.admitDaemon(runs.namespace);
    daemon = await startDaemonProcess({
      kubeconfig: api.kubeconfigFor("daemon"),
      redisUrl: `redis://${NOWHERE}`,
      prometheusUrl: `http://${NOWHERE}`,
      logFile: path.join(folder.path, `daemon-${randomBytes(4).toString("hex")}.log`),
      environment: { WEIR_NAMESPACE: runs.namespace },
    });
  });
  afterAll(async () => {
    await daemon?.stop();
    await folder.remove();
    await api?.close();
  });

  it("pause and resume exit with 0 when they are acknowledged", async () => {
    expect(await say("pause steered --reason lunch")).toEqual({ exitCode: 0, out: "steered: paused\n", err: "" });
    expect(await runs.status("steered")).toMatchObject({ phase: "Paused", reason: "Command", lastCommand: { actor: "admin", reason: "lunch", result: "Accepted" } });
    expect(await say("resume steered")).toEqual({ exitCode: 0, out: "steered: resumed\n", err: "" });
  });

  it("a refused command exits with 7 and the daemon's reason", async () => {
    expect(await say("resume steered")).toEqual({ exitCode: 7, out: "", err: "weir: resume was refused: run 1 is not paused\n" });
    expect(await say("promote steered --to 33")).toMatchObject({ exitCode: 7, err: expect.stringContaining("expected the weight of a step (10, 50, 100), got 33") });
    expect(await say("pause steered --run 4")).toMatchObject({ exitCode: 7, err: expect.stringContaining("the command is for run 4") });
  });

  it("promote --to goes to that step, also a lower one", async () => {
    expect(await say("promote steered --to 10")).toMatchObject({ exitCode: 0, out: "steered: goes on to 10%\n" });
    await until(async () => (await runs.split("steered"))["v2"] === 10);
  });

  it("abort exits with 0 when the route has it", async () => {
    expect(await say("abort steered --reason enough")).toEqual({ exitCode: 0, out: "steered: run 1 is aborted; traffic goes to v1 (the route has v1 100, v2 0)\n", err: "" });
    expect(await runs.split("steered")).toEqual({ v1: 100, v2: 0 });
    await until(async () => (await runs.rollout("steered")).metadata.annotations?.[COMMAND_ANNOTATION] === undefined);
    expect(await say("abort steered")).toMatchObject({ exitCode: 7, err: expect.stringContaining("run 1 has ended (Aborted), so there is nothing to abort") });
  });

  it("abort --force leaves it to a daemon that answers", async () => {
    expect(await say("retry steered")).toEqual({ exitCode: 0, out: "steered: v2 is tried again\n", err: "" });
    expect(await say("abort steered --force --timeout 20s")).toMatchObject({ exitCode: 0, out: expect.stringContaining("steered: run 2 is aborted; traffic goes to v1") });
  });

  it("promote --full delivers without evidence, wait sees it, and undo goes back in one write", async () => {
    await until(async () => (await runs.status("undone"))?.run?.inForceAt);
    expect(await say("promote undone --full --reason urgent")).toMatchObject({ exitCode: 0 });
    await until(async () => (await runs.split("undone"))["v2"] === 100);
    await until(async () => (await runs.status("undone"))?.run?.inForceAt);
    expect(await say("promote undone --reason urgent")).toMatchObject({ exitCode: 0 });
    expect(await say("wait undone --timeout 20s")).toMatchObject({ exitCode: 0, out: "undone: Healthy is met\n" });
    expect(await say("undo undone --reason regret")).toMatchObject({ exitCode: 0, out: expect.stringContaining("undone: going back to v1 (the route has v1 100, v2 0)") });
    expect((await say("history undone")).out.split("\n")).toHaveLength(4);
  });
});
