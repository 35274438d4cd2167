/** What wait and watch end with, how errors become sentences, and what a command line means. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { completionFor } from "../../../src/cli/completion/scripts.ts";
import { commandOf, waitingCommand } from "../../../src/cli/command/send.ts";
import { argoRule, fluxRule } from "../../../src/cli/doctor/git-ops-rules.ts";
import { EXIT, Failure } from "../../../src/cli/failure.ts";
import { gitOpsManagerOf } from "../../../src/cli/git-ops.ts";
import { REGISTRY } from "../../../src/cli/registry.ts";
import { endingOf } from "../../../src/cli/sentences.ts";
import { goalOf, verdictOn, type Pin } from "../../../src/cli/settled.ts";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { ApiError, Conflict, Unreachable } from "../../../src/kubernetes/errors.ts";
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import { parse, parseAllDocuments } from "yaml";
import { aRun, aStatus, v3 } from "../../support/rollouts.ts";
import { aTarget } from "../../support/istio-objects.ts";
import { weir } from "../../support/weir.ts";

function anObject(change: Partial<RolloutStatus> = {}, release = "v3", generation = 1): KubernetesObject {
  return { metadata: { name: "reviews", namespace: "bookinfo", generation }, spec: { release, traffic: aTarget() }, status: aStatus(change) };
}

describe("waiting", () => {
  const healthy = goalOf("Healthy");
  const pin: Pin = { release: "v3", revision: v3.revision };

  test.each([
    ["goes on while the run does", anObject(), { kind: "waiting", pin }],
    ["is over when the goal is met", anObject({ phase: "Healthy" }), { kind: "met" }],
    ["does not believe a status that is older than the spec", anObject({ phase: "Healthy" }, "v3", 2), { kind: "waiting" }],
    ["fails with 4 when it is Degraded", anObject({ phase: "Degraded", reason: "RolledBack" }), { kind: "failed", exitCode: 4 }],
    ["fails with 5 when a person is needed", anObject({ phase: "Paused", reason: "Step", run: aRun({ step: 0, ladder: [{ pause: {} }] }) }), { kind: "failed", exitCode: 5 }],
    ["goes on through a pause that ends by itself", anObject({ phase: "Paused", reason: "Step", run: aRun({ step: 0, ladder: [{ pause: { duration: "1m" } }] }) }), { kind: "waiting" }],
    ["fails with 7 when another version is asked for", anObject({}, "v4"), { kind: "failed", exitCode: 7 }],
    ["fails with 7 when another revision is behind the version", anObject({ observedRevision: { version: "v3", revision: "r1-other" } }), { kind: "failed", exitCode: 7 }],
  ])("%s", (_, object, verdict) => expect(verdictOn(object, healthy, pin)).toMatchObject(verdict));

  it("learns the revision as soon as there is one", () => {
    expect(verdictOn(anObject(), healthy, { release: "v3", revision: "" })).toEqual({ kind: "waiting", pin });
  });

  it("knows phases and conditions, and suggests what may have been meant", () => {
    expect(goalOf("degraded")).toEqual({ kind: "phase", phase: "Degraded" });
    expect(goalOf("condition=Stalled=False")).toEqual({ kind: "condition", type: "Stalled", status: "False" });
    expect(verdictOn(anObject({ phase: "Degraded", reason: "Aborted" }), goalOf("Degraded"), pin)).toEqual({ kind: "met" });
    expect(() => goalOf("Redy")).toThrow("did you mean Ready?");
  });
});

describe("errors", () => {
  const ended = (error: unknown) => endingOf(error, { interrupted: new AbortController().signal });

  test.each([
    [new Failure("so it is", EXIT.paused), 5, "so it is"],
    [new ApiError('patch /apis/x: 403 rollouts.weir.dev "reviews" is forbidden', 403, "Forbidden"), 8, 'rollouts.weir.dev "reviews" is forbidden; ask for the role'],
    [new ApiError('get /apis/x: 404 rollouts.weir.dev "reviews" not found', 404, "NotFound"), 3, 'rollouts.weir.dev "reviews" not found'],
    [new ApiError("list /apis/x: 404 the server could not find the requested resource", 404, "NotFound"), 3, "is Weir installed?"],
    [new ApiError("get /apis/x: 401 Unauthorized", 401, "Unauthorized"), 8, "log in again"],
    [new Conflict("patch /apis/x: 409 modified"), 7, "say it again"],
    [new Unreachable("No answer from the API server at https://x to get rollouts: refused"), 1, "check the network, and --context"],
    [new TypeError("odd"), 1, "odd"],
  ])("%s", (error, exitCode, sentence) => {
    expect(ended(error)).toMatchObject({ exitCode, sentence: expect.stringContaining(sentence) });
  });

  it("nothing is said after Ctrl-C", () => {
    expect(endingOf(new Error("x"), { interrupted: AbortSignal.abort() })).toEqual({ sentence: "", exitCode: 130 });
  });
});

describe("a command line", () => {
  test.each([
    [["nonsense"], 2, "weir: expected a verb, got nonsense; weir --help lists them\n"],
    [["abrt", "reviews"], 2, "weir: expected a verb, got abrt; did you mean abort?\n"],
    [["get", "--colour"], 2, "weir: unknown option '--colour'\n"],
    [["get", "--timeout", "5"], 2, "weir: option '--timeout <duration>' argument '5' is invalid. Expected a duration such as 30s or 10m.\n"],
    [["playground", "break", "reviews", "v3"], 2, "weir: expected --errors or --latency, got neither; such as --errors 5%\n"],
    [["get"], 1, "weir: No cluster to talk to: there is no kubeconfig (give --kubeconfig or set KUBECONFIG), and this is not a pod of a cluster.\n"],
    [["lint", "nowhere.yaml"], 3, "weir: expected a file or directory, got nowhere.yaml, which is not there\n"],
  ])("%j", async (args, exitCode, err) => expect(await weir(args)).toEqual({ exitCode, out: "", err }));

  it("help of a verb is the same both ways", async () => {
    const [one, other] = [await weir(["help", "abort"]), await weir(["abort", "--help"])];
    expect(one).toEqual(other);
    expect(one).toMatchObject({ exitCode: 0, out: expect.stringContaining("--force") });
  });

  it("lists every verb in its help", async () => {
    const { out, exitCode } = await weir(["--help"]);
    expect(exitCode).toBe(0);
    for (const verb of Object.keys(REGISTRY)) expect(out).toMatch(new RegExp(`^  ${verb} `, "m"));
  });

  it("lint reads stdin, and exits with 1 where there are findings", async () => {
    const stdin = "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nmetadata: {name: reviews}\nspec:\n  traffic: {istio: {virtualServices: [{name: reviews}]}}\n";
    expect(await weir(["lint", "-"], { stdin })).toMatchObject({ exitCode: 1, out: expect.stringMatching(/^-:4: spec: expected exactly one of release, deployment, got none/), err: "weir: 1 finding\n" });
    expect(await weir(["lint", "rollouts"])).toEqual({ exitCode: 0, out: "", err: "" });
  });

  it("crd prints what deploy/crd.yaml has", async () => {
    const printed = parseAllDocuments((await weir(["crd"])).out).map((each) => each.toJS() as unknown);
    expect(printed).toEqual(parseAllDocuments(readFileSync("deploy/crd.yaml", "utf8")).map((each) => each.toJS() as unknown));
  });
});

describe("commands", () => {
  it("are for the run that the person sees, with an id of their own", () => {
    const command = commandOf(anObject({ run: aRun({ number: 7 }) }), { verb: "pause", reason: "lunch" }, "alice");
    expect(command).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), verb: "pause", run: 7, actor: "alice", reason: "lunch" });
    expect(commandOf(anObject(), { verb: "pause", run: 3 }, undefined)).toMatchObject({ run: 3, actor: "unverified" });
  });

  it("that wait are read, also when they were typed by hand", () => {
    const waiting = (text: string) => waitingCommand({ metadata: { name: "reviews", annotations: { "weir.dev/command": text } } });
    expect(waiting("pause id=a run=1 actor=bob")).toMatchObject({ verb: "pause", actor: "bob", id: "a" });
    expect(waiting("abort")).toMatchObject({ verb: "abort", id: "" });
    expect(waiting("dance")).toBeUndefined();
  });

  it("that are answered wait no more", () => {
    const lastCommand = { id: "a", verb: "pause", run: 1, actor: "bob", result: "Refused" as const, message: "no", at: "2026-11-21T12:00:00.000Z" };
    const object = anObject({ lastCommand });
    const annotated = { ...object, metadata: { ...object.metadata, annotations: { "weir.dev/command": "pause id=a run=1 actor=bob" } } };
    expect(waitingCommand(annotated)).toBeUndefined();
  });
});

describe("GitOps tools", () => {
  const written = (manager: string): KubernetesObject => ({ metadata: { name: "reviews", namespace: "bookinfo", managedFields: [{ manager, operation: "Apply", fieldsV1: { "f:spec": { "f:release": {} } } }] } });

  it("are told by their field managers", () => {
    expect(["argocd-controller", "kustomize-controller", "helm-controller", "kubectl"].map((manager) => gitOpsManagerOf(written(manager), "release"))).toEqual(["argocd-controller", "kustomize-controller", "helm-controller", undefined]);
    expect(gitOpsManagerOf(written("argocd-controller"), "stable")).toBeUndefined();
  });

  it("get rules that are YAML", () => {
    const route: KubernetesObject = { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: written("x").metadata };
    expect(parse(argoRule(route, "http"))).toMatchObject({ spec: { ignoreDifferences: [{ group: "networking.istio.io", kind: "VirtualService", name: "reviews", namespace: "bookinfo", jsonPointers: ["/spec/http"] }] } });
    expect(parse(fluxRule(route, "http", "helm-controller"))).toMatchObject({ spec: { driftDetection: { ignore: [{ paths: ["/spec/http"] }] } } });
    expect(parse(fluxRule(route, "http", "kustomize-controller"))).toMatchObject({ metadata: { annotations: { "kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent" } } });
  });
});

describe("completions", () => {
  it("of bash offer verbs, flags and words", async () => {
    const { out } = await weir(["completion", "bash"]);
    const offered = (...words: string[]): string[] =>
      execFileSync("bash", ["-c", `${out}\nCOMP_WORDS=(${["weir", ...words].map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _weir; printf '%s\\n' "\${COMPREPLY[@]}"`], { encoding: "utf8" }).split("\n").filter(Boolean);
    expect(offered("ab")).toEqual(["abort"]);
    expect(offered("abort", "--fo")).toEqual(["--force"]);
    expect(offered("completion", "f")).toEqual(["fish"]);
    expect(offered("playground", "")).toEqual(["break"]);
  });

  it("exist for zsh and fish, and name every verb", async () => {
    for (const shell of ["zsh", "fish"]) {
      const { out } = await weir(["completion", shell]);
      for (const verb of Object.keys(REGISTRY)) expect(out).toContain(verb);
    }
    expect(Object.keys(completionFor)).toEqual(["bash", "zsh", "fish"]);
  });
});
