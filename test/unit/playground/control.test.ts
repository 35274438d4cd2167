/** Samples are turned from another terminal, found through the state folder. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { argumentsFrom } from "../../../src/playground/arguments.ts";
import { createCleanUp } from "../../../src/playground/clean-up.ts";
import { writeKubeconfig } from "../../../src/playground/launchers.ts";
import { createControl, turnSample } from "../../../src/playground/samples/control.ts";
import { createSamplePods } from "../../../src/playground/samples/sample-pods.ts";
import { createStateFolder, readState, writeState } from "../../../src/playground/state-folder.ts";
import { anEndpoint } from "./mesh-objects.fixture.ts";

const cleanUp = createCleanUp();
afterEach(() => cleanUp.run());

function aFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "weir-test-"));
  cleanUp.add(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, "playground");
}

async function aControl() {
  const samples = createSamplePods({ seed: 1 });
  cleanUp.add(samples.close);
  await samples.run(anEndpoint("reviews", "v3"));
  const control = await createControl(samples);
  cleanUp.add(control.close);
  return { samples, control };
}

describe("control", () => {
  test("what is given changes, what is not given stays", async () => {
    const { samples, control } = await aControl();
    await turnSample(control, { app: "reviews", version: "v3", errorRate: 0.05 });
    expect(await turnSample(control, { app: "reviews", version: "v3", latencyMs: 800 })).toEqual({ errorRate: 0.05, latencyMs: 800 });
    expect(samples.behaviours()).toEqual({ "reviews/v3": { errorRate: 0.05, latencyMs: 800 } });
  });

  test("a version that is not there is refused, and the others are named", async () => {
    const { control } = await aControl();
    await expect(turnSample(control, { app: "reviews", version: "v9" })).rejects.toThrow("There is no sample reviews v9; there are reviews v3.");
  });

  test("nonsense is refused with the field", async () => {
    const { control } = await aControl();
    await expect(turnSample(control, { app: "reviews", version: "v3", errorRate: 5 })).rejects.toThrow(/^errorRate: /);
  });

  test("who does not know the token is refused", async () => {
    const { control } = await aControl();
    await expect(turnSample({ ...control, token: "guess" }, { app: "reviews", version: "v3" })).rejects.toThrow("its token is in the state folder");
  });
});

describe("state folder", () => {
  const state = { pid: process.pid, control: { url: "http://127.0.0.1:1", token: "t" }, prometheus: "http://127.0.0.1:2", proxies: {} };

  test("tells other terminals where the playground is, and nobody else", () => {
    const folder = createStateFolder(aFolder());
    writeState(folder, state);
    expect(readState(folder.path)).toEqual(state);
    expect(statSync(path.join(folder.path, "playground.json")).mode & 0o077).toBe(0);
    folder.remove();
    expect(existsSync(folder.path)).toBe(false);
  });

  test("without a playground a sentence says how to start one", () => {
    expect(() => readState(aFolder())).toThrow(/^No playground runs in .*: start one there with "npm run playground -- --stay"\.$/);
  });

  test("of a playground that crashed is taken over; that of one that runs is not", () => {
    const wanted = aFolder();
    const ended = spawnSync("true").pid;
    writeState(createStateFolder(wanted), { ...state, pid: ended });
    expect(createStateFolder(wanted).path).toBe(wanted);
    writeState(createStateFolder(wanted), { ...state, pid: process.ppid });
    expect(createStateFolder(wanted).path).toBe(`${wanted}-${process.pid}`);
  });

  test("holds a kubeconfig that names server and namespace", () => {
    const kubeconfig = writeKubeconfig(createStateFolder(aFolder()), "http://127.0.0.1:3", "bookinfo");
    const config = JSON.parse(readFileSync(kubeconfig, "utf8")) as { clusters: unknown; contexts: unknown };
    expect(config.clusters).toMatchObject([{ cluster: { server: "http://127.0.0.1:3" } }]);
    expect(config.contexts).toMatchObject([{ context: { namespace: "bookinfo" } }]);
  });
});

describe("command line", () => {
  test.each([
    [[], { scenarios: ["good", "bad"], stay: false, colour: true }],
    [["--scenario", "slow", "--exit"], { scenarios: ["slow"], stay: false, colour: true }],
    [["--stay", "--no-color"], { scenarios: ["good", "bad"], stay: true, colour: false }],
    [["--help"], "help"],
  ])("%j", (args, expected) => expect(argumentsFrom(args)).toEqual(expected));

  test.each([
    [["--scenario", "ugly"], "expected --scenario good, bad, slow, image, testers, shadow, blue-green, sessions, connections, entrances, two-services, got ugly"],
    [["--stay", "--exit"], "--stay and --exit exclude each other"],
    [["--loud"], "Unknown option '--loud'"],
  ])("%j is refused with a sentence", (args, message) => expect(() => argumentsFrom(args)).toThrow(message));
});

describe("clean-up", () => {
  test("undoes in reverse, once, and goes on where something fails", async () => {
    const undone: number[] = [];
    const one = createCleanUp();
    one.add(() => void undone.push(1));
    one.add(() => Promise.reject(new Error("stuck")));
    one.add(() => void undone.push(3));
    await expect(one.run()).rejects.toThrow("not everything could be ended");
    await one.run();
    expect(undone).toEqual([3, 1]);
  });
});
