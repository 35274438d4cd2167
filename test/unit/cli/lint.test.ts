/** What `weir lint` finds in a text, and where. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { lintText } from "../../../src/cli/lint/lint-text.ts";
import { readManifests } from "../../../src/cli/lint/manifests.ts";
import { BAD_SPECS } from "../../support/bad-specs.ts";

const HEAD = "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nmetadata: {name: reviews}\nspec:\n  release: v3\n  traffic: {istio: {virtualServices: [{name: reviews}]}}\n";

/** `line path: message` of each finding in a Rollout with these further lines; they begin at line 7. */
const said = (more: string): readonly string[] => lintText(HEAD + more, "rollout.yaml").map(({ line, path, message }) => `${line} ${path}: ${message}`);

describe("weir lint of a text", () => {
  test("finds nothing in a good Rollout", () => {
    expect(said("")).toEqual([]);
    expect(lintText(readFileSync("test/support/whole-rollout.yaml", "utf8"), "whole.yaml")).toEqual([]);
  });

  test.each(BAD_SPECS)("$name", ({ spec, sentences }) => {
    const rollout = { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name: "reviews" }, spec };
    const found = lintText(JSON.stringify(rollout, null, "\t"), "rollout.json");
    expect(found.map(({ path, message }) => `${path}: ${message}`).sort()).toEqual([...sentences].sort());
  });

  test.each([
    [
      "an unknown field, with the one that was meant",
      "  strategy:\n    progressDeadine: 5m\n",
      "8 spec.strategy.progressDeadine: expected one of the fields firstRun, rollbackWindow, progressDeadline, propagation, pace, maxHold, steps, linear, exponential, blueGreen, sessionAffinity, got progressDeadine; did you mean progressDeadline?",
    ],
    [
      "an unknown field that is near to nothing",
      "  links:\n  - title: Grafana\n    url: https://grafana.example/\n    color: red\n",
      "10 spec.links[0].color: expected one of the fields title, url, got color; take it out, since the API server would drop it without a word",
    ],
    [
      "a duration without unit",
      "  strategy:\n    steps:\n    - weight: 100\n      hold: 60\n",
      "10 spec.strategy.steps[0].hold: expected a text, got 60; add the unit (1m, 1%), or put a name made of digits in quotes",
    ],
    [
      "a weight with a percent sign",
      "  strategy:\n    steps:\n    - weight: 10%\n    - weight: 100\n",
      '9 spec.strategy.steps[0].weight: expected a number, got the text "10%"; write a plain number, without quotes, unit or percent sign',
    ],
    [
      "a weight that is not whole",
      "  strategy:\n    steps:\n    - weight: 12.5\n    - weight: 100\n",
      "9 spec.strategy.steps[0].weight: expected a whole number, got 12.5; write a plain number, without quotes, unit or percent sign",
    ],
    [
      "a channel that YAML takes for a comment",
      "  notifications:\n  - slack:\n      channel: #deploys\n",
      "9 spec.notifications[0].slack.channel: expected a text, got nothing; give it a value or take the line out (an unquoted # begins a comment)",
    ],
    [
      "a text that YAML 1.1 takes for a boolean",
      "  stable: off\n",
      "7 spec.stable: expected a text, got false; put the text in quotes, since on, off, yes, no, y, n, true and false are booleans to YAML 1.1",
    ],
    [
      "a key that YAML 1.1 takes for a boolean",
      "  notifications:\n  - slack: {channel: '#deploys'}\n    on: [Started]\n",
      "9 : expected a text as key, got on, which YAML 1.1 reads as true; put it in quotes, or take another name",
    ],
    [
      "a variable outside of quotes",
      '  analysis:\n    metrics:\n    - name: up\n      query: up{pod=$(canary.pods)}\n      min: 1\n',
      "10 spec.analysis.metrics[0].query: expected $(canary.pods) in quotes, as a label's value, got it outside of them",
    ],
    ["a key twice", "  suspend: true\n  suspend: false\n", "8 : expected each key once, got this one twice; take one of them out, since kubectl keeps the last one without a word"],
    [
      "a value that is not one of a few",
      "  analysis: {onNoData: wait}\n",
      '7 spec.analysis.onNoData: expected one of hold, advance, rollback, pause, got the text "wait"; choose one of them',
    ],
    [
      "a text that is too long",
      `  stable: ${"v".repeat(64)}\n`,
      "7 spec.stable: expected at most 63 characters, got 64; shorten the text",
    ],
    ["a mapping where a list belongs", "  links: {title: a}\n", "7 spec.links: expected a list, got a mapping of fields; begin each item with a dash"],
    ["a boolean in quotes", "  suspend: 'true'\n", '7 spec.suspend: expected true or false, got the text "true"; write it without quotes'],
    [
      "too short a hold where no step is written, at the nearest line above",
      "  analysis:\n    interval: 30s\n",
      "4 spec.strategy.steps: expected each hold to be at least 125s, which is propagation 5s + (minVerdicts 3 + 1) x interval 30s, got 1m; hold longer, or ask more often",
    ],
  ])("finds %s", (_, more, finding) => {
    expect(said(more)).toEqual([finding]);
  });

  test("names the line in each of several documents, and passes other kinds over", () => {
    const rollout = HEAD.replace("release: v3", "release: v3\n  stable: v3");
    const service = "apiVersion: v1\nkind: Service\nmetadata: {name: reviews, nonsense: 1}\n";
    expect(lintText([service, rollout, service, rollout].join("---\n"), "all.yaml").map(({ file, line, path }) => ({ file, line, path }))).toEqual([
      { file: "all.yaml", line: 10, path: "spec.stable" },
      { file: "all.yaml", line: 22, path: "spec.stable" },
    ]);
  });

  test("looks into a List, at the lines of its items", () => {
    const list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: weir.dev/v1alpha1\n  kind: Rollout\n  metadata: {name: reviews}\n  spec:\n    release: v3\n";
    expect(lintText(list, "list.yaml")).toEqual([
      { file: "list.yaml", line: 7, path: "spec.traffic", message: "expected a mapping of fields, got nothing; this field is required" },
    ]);
  });

  test("follows aliases and merge keys as kubectl does", () => {
    const text = `${HEAD}  strategy:\n    steps:\n    - &first {weight: 10, hold: 2m}\n    - {<<: *first, weight: 50}\n    - {<<: *first, weight: 200}\n`;
    expect(lintText(text, "merged.yaml").map(({ line, path }) => `${line} ${path}`)).toEqual(["8 spec.strategy.steps", "11 spec.strategy.steps[2].weight"]);
  });

  test("tells a Rollout of another group from one of ours with a wrong group", () => {
    expect(lintText(HEAD.replace("weir.dev/v1alpha1", "argoproj.io/v1alpha1"), "argo.yaml")).toEqual([]);
    expect(lintText(HEAD.replace("weir.dev/v1alpha1", "weir.dev/v1"), "ours.yaml")).toEqual([
      { file: "ours.yaml", line: 1, path: "apiVersion", message: "expected weir.dev/v1alpha1, got weir.dev/v1; write apiVersion: weir.dev/v1alpha1" },
    ]);
  });

  test("wants a name that Kubernetes takes", () => {
    expect(lintText(HEAD.replace("{name: reviews}", "{name: My_Reviews}"), "a.yaml").map(({ line, path }) => `${line} ${path}`)).toEqual(["3 metadata.name"]);
    expect(lintText(HEAD.replace("metadata: {name: reviews}\n", ""), "a.yaml").map(({ message }) => message)).toEqual(["expected a name, got nothing; give the Rollout one"]);
  });

  test("says where a text stops being YAML", () => {
    expect(lintText(`${HEAD}  strategy: {steps: [\n`, "broken.yaml")[0]).toMatchObject({ path: "", message: expect.stringMatching(/^expected YAML or JSON, got a text that does not parse/) as string });
  });

  test("has nothing to say about a text without Rollouts, even one that is no YAML", () => {
    expect(lintText("{{ template }}: [", "helm.yaml")).toEqual([]);
    expect(lintText("", "empty.yaml")).toEqual([]);
  });

  test("accepts what the server gives back, with status and managed fields", () => {
    expect(said("status: {phase: Healthy, anything: [1]}\n")).toEqual([]);
  });
});

describe("reading manifests", () => {
  test("a value is where its key is", () => {
    const [manifest] = readManifests("a:\n  b:\n  - c: 1\n  - c: 2\n");
    expect([["a"], ["a", "b"], ["a", "b", 1], ["a", "b", 1, "c"], ["a", "x", "y"]].map((keys) => manifest?.lineOf(keys))).toEqual([1, 2, 4, 4, 1]);
  });

  test("comments alone are no manifest of ours", () => {
    expect(readManifests("# weir.dev\n---\n# nothing\n").every(({ object }) => object === null)).toBe(true);
  });
});
