/** Rehearsals of made traffic: seeded, decided by the daemon's own rules, and said in words. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { createRandom } from "../../../src/playground/random.ts";
import { medianFor, poissonFrom, slowerThan } from "../../../src/rehearsal/draws.ts";
import { figuresOf, stoppedBy } from "../../../src/rehearsal/figures.ts";
import { regressionsFor, type Regression } from "../../../src/rehearsal/regressions.ts";
import { simulated, type Outcome } from "../../../src/rehearsal/simulation.ts";
import type { RolloutSpecInput } from "../../../src/rollout/spec.ts";
import { aRollout } from "../../support/rollouts.ts";
import { weir } from "../../support/weir.ts";

const AT_20_RPS = { requestsPerSecond: 20, baselineErrors: 0.001, seed: 7, runs: 1 };
const DEFAULT_STEPS: Partial<RolloutSpecInput> = { strategy: {} };

function rolloutWith(spec: Partial<RolloutSpecInput> = {}) {
  return aRollout({ status: null, spec: { ...DEFAULT_STEPS, ...spec } });
}

function outcomesOf(name: string, runs: number, spec: Partial<RolloutSpecInput> = {}, options = AT_20_RPS): readonly Outcome[] {
  const rollout = rolloutWith(spec);
  const regression = regressionsFor(rollout.spec, options).find((one: Regression) => one.name === name);
  if (!regression) throw new Error(`expected a regression ${name}`);
  return Array.from({ length: runs }, (_, run) => simulated(rollout, regression, options, run));
}

const stoppedOf = (outcomes: readonly Outcome[]): number => outcomes.filter(({ ending }) => ending === "stopped").length;

describe("a rehearsed Rollout", () => {
  it("almost never takes a healthy version back", () => {
    expect(stoppedOf(outcomesOf("healthy", 60))).toBeLessThanOrEqual(2);
  });

  it("takes back what fails 5 % of its requests, what is lost, and what turns bad late, in time", () => {
    for (const name of ["errors 5 %", "errors 50 %", "no traffic", "errors 5 %, late"]) {
      const outcomes = outcomesOf(name, 20);
      expect(stoppedOf(outcomes), name).toBe(20);
      expect(Math.max(...outcomes.map(({ lastedMs }) => lastedMs)), name).toBeLessThan(300_000);
    }
  });

  it("takes the worse version back sooner", () => {
    const [bad, worse] = ["errors 5 %", "errors 50 %"].map((name) => figuresOf(outcomesOf(name, 20)).secondsToStop!.median);
    expect(worse).toBeLessThan(bad!);
  });

  it("sees a slow version where latency is judged", () => {
    const slow = { analysis: { metrics: [{ name: "slow", latency: { max: "500ms" } }] } };
    expect(stoppedOf(outcomesOf("latency x3", 10, slow))).toBe(10);
    expect(stoppedOf(outcomesOf("healthy", 10, slow))).toBe(0);
    expect(regressionsFor(rolloutWith().spec, AT_20_RPS).some(({ name }) => name.startsWith("latency"))).toBe(false);
  });

  it("asks a person where the metric says so", () => {
    const pausing = { analysis: { metrics: [{ name: "errors", errorRate: { max: "1%" }, onFail: "pause" as const }] } };
    expect(outcomesOf("errors 50 %", 5, pausing).map(({ ending }) => ending)).toEqual(Array(5).fill("asked"));
  });

  it("delivers whatever comes where nothing is judged", () => {
    expect(outcomesOf("errors 50 %", 3, { analysis: { metrics: [] } }).map(({ ending }) => ending)).toEqual(Array(3).fill("delivered"));
  });

  it("takes pauses that wait for somebody as promoted", () => {
    expect(outcomesOf("healthy", 3, { strategy: { steps: [{ weight: 50 }, { pause: {} }, { weight: 100 }] } }).map(({ ending }) => ending)).toEqual(Array(3).fill("delivered"));
  });

  it("does the same with the same seed, and something else with another", () => {
    const harmedWith = (seed: number) => outcomesOf("errors 5 %", 5, {}, { ...AT_20_RPS, seed }).map(({ harmed }) => harmed);
    expect(harmedWith(7)).toEqual(harmedWith(7));
    expect(harmedWith(8)).not.toEqual(harmedWith(7));
  });

  it("plays no regression that is no worse than stable", () => {
    const names = regressionsFor(rolloutWith().spec, { ...AT_20_RPS, baselineErrors: 0.02 }).map(({ name }) => name);
    expect(names).toEqual(["healthy", "errors 5 %", "errors 50 %", "errors 5 %, late", "no traffic"]);
  });
});

describe("draws", () => {
  test.each([0.3, 5, 11.9, 12.1, 80, 5_000])("Poisson of mean %d has that mean and variance", (mean) => {
    const random = createRandom(3);
    const counts = Array.from({ length: 20_000 }, () => poissonFrom(random, mean));
    const average = counts.reduce((sum, one) => sum + one, 0) / counts.length;
    const variance = counts.reduce((sum, one) => sum + (one - average) ** 2, 0) / counts.length;
    expect(Math.abs(average - mean)).toBeLessThan(5 * Math.sqrt(mean / counts.length));
    expect(variance / mean).toBeGreaterThan(0.94);
    expect(variance / mean).toBeLessThan(1.06);
  });

  it("a median is found by what is slower than a bound", () => {
    expect(slowerThan(500, medianFor(500, 0.005))).toBeCloseTo(0.005, 6);
    expect(slowerThan(40, 40)).toBeCloseTo(0.5, 6);
  });
});

describe("figures", () => {
  const outcome = (ending: Outcome["ending"], seconds: number, harmed = 0): Outcome => ({ ending, lastedMs: seconds * 1_000, harmed });

  it("say how many, how soon and at what cost", () => {
    const figures = figuresOf([outcome("stopped", 20, 4), outcome("stopped", 60, 8), outcome("delivered", 300, 1), outcome("asked", 900, 2)]);
    expect(figures).toMatchObject({ runs: 4, stopped: 2, asked: 1, delivered: 1, undecided: 0, secondsToStop: { median: 20, p95: 60 }, secondsToDeliver: { median: 300, p95: 300 }, harmedRequests: { median: 2, p95: 8 } });
    expect([10, 20, 59, 60].map((seconds) => stoppedBy(figures, seconds))).toEqual([0, 0.25, 0.25, 0.5]);
  });

  it("know how little few runs say", () => {
    const [low, high] = figuresOf(Array.from({ length: 100 }, () => outcome("delivered", 1))).stoppedRange;
    expect(low).toBe(0);
    expect(high).toBeCloseTo(0.037, 3);
  });
});

describe("weir simulate", () => {
  let folder = "";
  let file = "";
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "weir-simulate-"));
    file = path.join(folder, "rollout.yaml");
    writeFileSync(file, "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nmetadata: {name: reviews}\nspec:\n  release: v3\n  traffic: {istio: {virtualServices: [{name: reviews}]}}\n");
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const say = (line: string, shell = {}) => weir(["simulate", ...line.split(" ").filter(Boolean)], shell);

  it("prints a table, a plot and sentences, the same each time, and nothing of its progress in pipes", async () => {
    const said = await say(`${file} --rps 20 --baseline-errors 0.1 --runs 8`);
    expect(said).toMatchObject({ exitCode: 0, err: "" });
    for (const part of ["NEW VERSION", "errors 5 %", "█", "A healthy version was taken back by mistake in 0 of 8 rollouts", "was taken back in 8 of 8 rollouts"]) expect(said.out).toContain(part);
    for (const control of ["\r", "\x1b"]) expect(said.out).not.toContain(control);
    expect(await say(`${file} --rps 20 --baseline-errors 0.1% --runs 8`)).toEqual(said);
  });

  it("tells what asks a person from what is missed", async () => {
    const stdin = readFileSync(file, "utf8").concat("  analysis: {metrics: [{name: errors, errorRate: {max: 1%}, onFail: pause}]}\n");
    const { out } = await say("- --rps 20 --runs 4", { stdin });
    expect(out.replaceAll(/\s+/g, " ")).toMatch(/A version that fails 50 % of its requests waited for a person in 4 of 4 rollouts; about [\d.]+ requests are harmed\. -/);
  });

  it("gives programs the figures", async () => {
    const { out } = await say(`${file} --rps 20 --runs 3 --seed 5 -o json`);
    const simulation = JSON.parse(out) as { readonly regressions: readonly { readonly name: string }[] };
    expect(simulation).toMatchObject({ rollout: { name: "reviews" }, requestsPerSecond: 20, baselineErrors: 0.001, seed: 5, runs: 3, strategy: { pace: "fixed", interval: "10s", falseRollback: "1%" } });
    expect(simulation.regressions.find(({ name }) => name === "errors 50 %")).toMatchObject({ isHealthy: false, runs: 3, stopped: 3, asked: 0, delivered: 0, undecided: 0, stoppedRange: [expect.any(Number), 1], secondsToStop: { median: expect.any(Number), p95: expect.any(Number) } });
  });

  it("draws an SVG that parses", async () => {
    const svg = path.join(folder, "plot.svg");
    expect(await say(`${file} --rps 20 --runs 2 --svg ${svg}`)).toMatchObject({ exitCode: 0 });
    const text = readFileSync(svg, "utf8");
    const open: string[] = [];
    for (const [, closes, name, selfClosed] of text.matchAll(/<(\/?)([a-z]+)(?:\s+[a-zA-Z0-9-]+="[^"<]*")*\s*(\/?)>/g)) {
      if (closes) expect(open.pop()).toBe(name);
      else if (!selfClosed) open.push(name!);
    }
    expect(open).toEqual([]);
    expect(text.match(/<path /g)).toHaveLength(7);
    expect(text).not.toMatch(/NaN|undefined|&(?!amp;|lt;|gt;|quot;)/);
  });

  it("draws its progress where a terminal shows it, and clears it away", async () => {
    let drawn = "";
    await say(`${file} --rps 20 --runs 2`, { progress: (text: string) => void (drawn += text) });
    expect(drawn).toContain("rehearsing ");
    expect(drawn).toContain("100 %");
    expect(drawn.endsWith("\r\x1b[K")).toBe(true);
  });

  it("takes a Rollout from stdin, and says what it takes for granted", async () => {
    const stdin = readFileSync(file, "utf8").concat("  analysis: {metrics: [{name: own, query: vector(1), max: 2}]}\n  strategy: {steps: [{weight: 50}, {pause: {}}, {weight: 100}]}\n");
    const { out } = await say("- --rps 20 --runs 1", { stdin });
    expect(out).toContain("own always pass here");
    expect(out).toContain("Pauses that wait for somebody are taken as promoted at once.");
  });

  test.each([
    ["no rate", "FILE", 2, "required option '--rps <number>' not specified"],
    ["a rate of nothing", "FILE --rps 0", 2, "Expected a number of requests per second from 0.001 to 1000000."],
    ["a word for a percentage", "FILE --rps 1 --baseline-errors few", 2, "Expected a percentage from 0 to 50, such as 0.1."],
    ["no runs", "FILE --rps 1 --runs 0", 2, "Expected a whole number from 1 to 100000."],
    ["a file that is not there", "nowhere.yaml --rps 1", 3, "expected a file or directory, got nowhere.yaml, which is not there"],
    ["a drawing that cannot be written", "FILE --rps 20 --runs 1 --svg FOLDER", 1, "expected a file that can be written"],
  ])("has one sentence for %s", async (_, line, exitCode, sentence) => {
    const said = await say(line.replace("FILE", file).replace("FOLDER", folder));
    expect(said.exitCode).toBe(exitCode);
    expect(said.err).toContain(sentence);
    expect(said.err.trim().split("\n")).toHaveLength(1);
  });

  test.each([
    ["no Rollout", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", /expected one Rollout in -, got none/],
    ["one that lint refuses", "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {release: v3}\n", /^weir: -:4: spec\.traffic: expected a mapping of fields, got nothing/],
  ])("has one sentence for a file with %s", async (_, stdin, sentence) => {
    const { err, exitCode } = await say("- --rps 1", { stdin });
    expect(err).toMatch(sentence);
    expect(exitCode).toBeGreaterThan(0);
  });
});
