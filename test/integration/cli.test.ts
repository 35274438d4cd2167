/** The command line against whole API servers, without a daemon: what it shows, what it writes, and breaking the glass. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RESOURCES, type KubernetesClient } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { COMMAND_ANNOTATION, FINALIZER } from "../../src/rollout/rollout.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiObject } from "../support/api-request.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { openStandingRuns, type StandingRun } from "../support/standing-run.ts";
import { until } from "../support/until.ts";
import { weir, type Said, type Shell } from "../support/weir.ts";
import { shortened } from "../support/whole-run.ts";

describe.each(shortened(kubernetesApis()))("on the $name API", ({ open }) => {
  let api: TestApi;
  let runs: StandingRun;
  const say = (line: string, shell: Shell = {}): Promise<Said> => weir(line.split(" "), { kubeconfig: api.kubeconfigFor("admin"), namespace: runs.namespace, ...shell });
  const commandOf = async (name: string): Promise<string | undefined> => (await runs.rollout(name)).metadata.annotations?.[COMMAND_ANNOTATION];

  beforeAll(async () => {
    api = await open();
    runs = await openStandingRuns(api, [
      { name: "forced", share: 50 },
      { name: "unready", share: 50 },
      { name: "raced", share: 50 },
      { name: "written", share: 50 },
      { name: "observing", share: 50, spec: { analysis: { mode: "observe", interval: "1s" } } },
      { name: "resting", share: 0 },
      { name: "waited", share: 50 },
    ]);
    await api.admitDaemon(runs.namespace);
  });
  afterAll(() => api?.close());

  describe("weir get", () => {
    it("lists the Rollouts of the namespace", async () => {
      const { out, exitCode } = await say("get");
      const lines = out.trim().split("\n");
      expect(exitCode).toBe(0);
      expect(lines[0]!.split(/\s+/)).toEqual(["NAME", "STATUS", "STEP", "WEIGHT", "REVISION", "MESSAGE", "AGE"]);
      expect(lines.find((line) => line.startsWith("forced"))).toMatch(/^forced +Progressing +2\/3 +50% +v2 +v2 stays at 50% +\d+s$/);
      expect(lines).toHaveLength(8);
    });

    it("shows one with its steps, its checks, and the pods of both versions", async () => {
      const { out } = await say("get waited");
      for (const part of ["Run 1   v1 → v2", "● 50%", "○ 100%", "✔ errors", "v1   50%   stable   2/2 pods ready", "v2   50%   new      2/2 pods ready", "✔ waited-v2-", "weir abort waited"]) expect(out).toContain(part);
    });

    it("fills in every default where it is asked to", async () => {
      const { out } = await say("get resting -o json --resolved");
      expect(JSON.parse(out)).toMatchObject({ kind: "Rollout", spec: { suspend: false, strategy: { firstRun: "ladder", rollbackWindow: 3 }, analysis: { onNoData: "hold" } } });
      expect(JSON.parse((await say("get resting -o json")).out)).not.toHaveProperty("spec.suspend");
    });

    it("prints names for scripts, and says which name may have been meant", async () => {
      expect((await say("get resting -o name")).out).toBe("rollout.weir.dev/resting\n");
      expect(await say("get restin")).toEqual({ exitCode: 3, out: "", err: `weir: no Rollout restin in namespace ${runs.namespace}; did you mean resting?\n` });
    });
  });

  describe("commands without a daemon", () => {
    it("are written for the present run by who is logged in, wait for an answer, and say that none came", async () => {
      const { exitCode, err } = await say("pause written --reason lunch --timeout 300ms");
      expect(exitCode).toBe(6);
      expect(err).toContain("expected the daemon to obey pause within 0.3s, got no answer");
      expect(await commandOf("written")).toMatch(/^pause id=[0-9a-f-]{36} run=1 actor=admin reason=lunch$/);
    });

    it("never take the place of another one that waits, but for an abort", async () => {
      expect(await say("resume written")).toMatchObject({ exitCode: 7, err: expect.stringContaining("pause by admin waits") });
      expect(await commandOf("written")).toMatch(/^pause /);
      expect(await say("abort written --no-wait")).toMatchObject({ exitCode: 0 });
      const abort = await commandOf("written");
      expect(abort).toMatch(/^abort /);
      expect(await say("abort written --timeout 200ms")).toMatchObject({ exitCode: 6 });
      expect(await commandOf("written")).toBe(abort);
    });
  });

  describe("weir abort --force", () => {
    it("takes the traffic back alone, and status says who", async () => {
      const { exitCode, out } = await say("abort forced --force --reason on-call --timeout 200ms");
      expect(exitCode).toBe(0);
      expect(out).toContain("run 1 was aborted without it, by admin; all traffic is with v1 (the route has v1 100, v2 0)");
      expect(await runs.split("forced")).toEqual({ v1: 100, v2: 0 });
      expect(await runs.stamp("forced")).toBeUndefined();
      expect(await runs.status("forced")).toMatchObject({
        phase: "Degraded",
        reason: "Aborted",
        message: "run 1 of v2 was taken back to v1: aborted by admin: on-call",
        run: { outcome: "Aborted", actor: "admin", weight: 0 },
        refused: { version: "v2" },
        lastCommand: { verb: "abort", actor: "admin", result: "Accepted" },
        history: [{ number: 1, outcome: "Aborted", actor: "admin" }],
      });
      expect((await runs.rollout("forced")).metadata).not.toHaveProperty("finalizers");
      const left = await commandOf("forced"); // where the admission policy stands, only the daemon may take an abort away
      const { lastCommand } = (await runs.status("forced"))!;
      expect(left === undefined || left.includes(`id=${lastCommand!.id}`), "no command waits").toBe(true);
    });

    it("leaves a record, as the daemon would", async () => {
      const { metadata } = await runs.rollout("forced");
      const record = await api.request<ApiObject>("GET", `/apis/weir.dev/v1alpha1/namespaces/${runs.namespace}/rolloutruns/forced-${metadata.uid!.slice(0, 8)}-1`);
      expect(record["spec"]).toMatchObject({ number: 1, outcome: "Aborted", actor: "admin", peak: 50, message: "run 1 of v2 was taken back to v1: aborted by admin: on-call" });
    });

    it("commits status before it writes the route", async () => {
      const writes = api.requestsOf("admin").filter(({ verb, namespace, name, user }) => user === "admin" && verb === "patch" && namespace === runs.namespace && name === "forced");
      expect(writes.slice(-4).map(({ resource, subresource }) => [resource, subresource].filter(Boolean).join("/"))).toEqual(["rollouts/status", "virtualservices", "rollouts", "rollouts"]);
    });

    it("is done at once when it is said again", async () => {
      const { metadata } = await runs.rollout("forced");
      expect(await say("abort forced --force --timeout 200ms")).toMatchObject({ exitCode: 0 });
      expect(await runs.split("forced")).toEqual({ v1: 100, v2: 0 });
      expect((await runs.status("forced"))!.history).toHaveLength(1);
      expect((await runs.rollout("forced")).metadata.generation).toBe(metadata.generation);
    });

    it("moves traffic even to a stable version without a ready pod", async () => {
      const pods = `/api/v1/namespaces/${runs.namespace}/pods`;
      const { items } = await api.request<{ items: { metadata: { name: string } }[] } & { apiVersion: string; kind: string; metadata: { name: string } }>("GET", `${pods}?labelSelector=app=unready,version=v1`);
      for (const { metadata } of items) await api.request("PATCH", `${pods}/${metadata.name}/status`, { status: { conditions: [{ type: "Ready", status: "False" }] } }, "application/merge-patch+json");
      expect(await say("abort unready --force --timeout 200ms")).toMatchObject({ exitCode: 0 });
      expect(await runs.split("unready")).toEqual({ v1: 100, v2: 0 });
    });

    it("stands answered until a daemon takes it away, and another command waits for that", async () => {
      const asDaemon = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("daemon") }), { userAgent: "test" });
      const write = (client: KubernetesClient, command: string | null) => client.patch(RESOURCES.rollouts, runs.namespace, "unready", { type: "merge", body: { metadata: { annotations: { [COMMAND_ANNOTATION]: command } } } }, { fieldManager: "weir" });
      if ((await commandOf("unready")) === undefined) await write(createKubernetesClient(asDaemon), `abort id=${(await runs.status("unready"))!.lastCommand!.id} run=1`);
      const reads = (): number => api.requestsOf("admin").filter(({ verb, namespace, name }) => verb === "get" && namespace === runs.namespace && name === "unready").length;
      const before = reads();
      const retry = say("retry unready --timeout 300ms");
      await until(async () => reads() >= before + 2);
      await write(createKubernetesClient(asDaemon), null);
      expect(await retry).toMatchObject({ exitCode: 6, err: expect.stringContaining("expected the daemon to obey retry") });
      expect(await commandOf("unready")).toMatch(/^retry /);
      asDaemon.close();
    });

    it("succeeds while somebody else goes on writing the Rollout", async () => {
      let isOver = false;
      const disturb = async (): Promise<void> => {
        for (let count = 0; !isOver; count++) await api.request("PATCH", `/apis/weir.dev/v1alpha1/namespaces/${runs.namespace}/rollouts/raced?fieldManager=other`, { metadata: { labels: { count: String(count) } } });
      };
      const disturbing = disturb();
      const said = await say("abort raced --force --timeout 200ms");
      isOver = true;
      await disturbing;
      // Whoever is slower eight times in a row says so and has moved nothing; else the route is back.
      expect([0, 7]).toContain(said.exitCode);
      const status = await runs.status("raced");
      expect(await runs.split("raced")).toEqual(status!.run!.outcome === "Aborted" && said.exitCode === 0 ? { v1: 100, v2: 0 } : { v1: 50, v2: 50 });
    });

    it("leaves a route alone that another tool moves", async () => {
      expect(await say("abort observing --force --timeout 200ms")).toMatchObject({ exitCode: 7, err: expect.stringContaining("analysis.mode of observing is observe") });
      expect(await runs.split("observing")).toEqual({ v1: 50, v2: 50 });
    });
  });

  describe("weir release", () => {
    it("writes the spec as the person, and nothing else", async () => {
      expect(await say("release resting v1")).toMatchObject({ exitCode: 0, out: expect.stringContaining("spec.release was v2 and is v1") });
      expect((await runs.rollout("resting")).spec).toMatchObject({ release: "v1" });
      expect(await say("release resting v1")).toMatchObject({ exitCode: 7 });
    });

    it("refuses where a GitOps tool applies the field, with the line to change", async () => {
      const applied = { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name: "resting" }, spec: { release: "v1" } };
      await api.request("PATCH", `/apis/weir.dev/v1alpha1/namespaces/${runs.namespace}/rollouts/resting?fieldManager=argocd-controller&force=true`, applied, "application/apply-patch+yaml");
      const { exitCode, err } = await say("release resting v2");
      expect(exitCode).toBe(7);
      expect(err).toContain("applied from git by argocd-controller");
      expect(err).toContain("+   release: v2");
      expect((await runs.rollout("resting")).spec).toMatchObject({ release: "v1" });
    });
  });

  describe("weir wait and watch", () => {
    const settle = (phase: RolloutStatus["phase"], reason: RolloutStatus["reason"], change: Partial<RolloutStatus> = {}): Promise<void> => runs.setStatus("waited", { phase, reason, message: `${phase} it is`, ...change });

    it.each([
      ["Healthy", "Succeeded", 0],
      ["Degraded", "RolledBack", 4],
      ["Paused", "Command", 5],
    ] as const)("end with the exit code of %s", async (phase, reason, exitCode) => {
      await settle("Progressing", "Holding");
      let lines = 0;
      const watching = say("watch waited", { onOut: () => void lines++ });
      const waiting = say("wait waited");
      await until(() => lines > 0);
      await settle(phase, reason);
      expect((await waiting).exitCode).toBe(exitCode);
      const watched = await watching;
      expect(watched.exitCode).toBe(exitCode);
      expect(watched.out).toBe(`waited   Progressing/Holding   2/3   50%   Progressing it is\nwaited   ${phase}/${reason}   2/3   50%   ${phase} it is\n`);
    });

    it("end when Paused is what is waited for, and on timeout", async () => {
      await settle("Paused", "Command");
      expect((await say("wait waited --for=paused")).exitCode).toBe(0);
      await settle("Progressing", "Holding");
      expect(await say("wait waited --timeout 200ms")).toMatchObject({ exitCode: 6, err: expect.stringContaining("weir explain waited says why") });
    });

    it("end when another version takes the place of the one that they were started for", async () => {
      let lines = 0;
      const watching = say("watch waited", { onOut: () => void lines++ });
      await until(() => lines > 0);
      await say("release waited v3");
      expect(await watching).toMatchObject({ exitCode: 7, err: expect.stringContaining("v2 was superseded by v3") });
    });

    it("end on Ctrl-C", async () => {
      const interruption = new AbortController();
      const waiting = say("wait waited", { interrupted: interruption.signal });
      interruption.abort();
      expect(await waiting).toEqual({ exitCode: 130, out: "", err: "" });
    });
  });

  it("weir history lists what was, and weir explain says why", async () => {
    expect((await say("history forced")).out).toMatch(/1 +v1 +v2 +Aborted +50% +.* admin +aborted by admin: on-call/);
    expect((await say("explain forced")).out).toContain("run 1 of v2 was taken back to v1: aborted by admin: on-call");
  });

  describe("the record of a run", () => {
    const recordOf = async (name: string): Promise<string> => `${name}-${(await runs.rollout(name)).metadata.uid!.slice(0, 8)}-1`;

    it("is listed with those of others, by time and in every format", async () => {
      const { out } = await say("history --since 1h");
      expect(out).toMatch(/^ROLLOUT +RUN +FROM +TO +OUTCOME +REACHED +BEGAN +TOOK +BY +REASON\n/);
      expect(out).toMatch(/^forced +1 +v1 +v2 +Aborted +50% /m);
      expect(out).toMatch(/^waited +1 +v1 +v2 +goes on +50% /m);
      expect((await say("history --since 1h -o name")).out.split("\n")).toContain(`rolloutrun.weir.dev/${await recordOf("forced")}`);
      expect(JSON.parse((await say("history forced -o json")).out)).toEqual([expect.objectContaining({ namespace: runs.namespace, number: 1, outcome: "Aborted", message: "run 1 of v2 was taken back to v1: aborted by admin: on-call", checks: [], resolved: expect.objectContaining({ release: "v2" }) })]);
      const { items } = await api.request<ApiObject & { readonly items: readonly unknown[] }>("GET", `/apis/weir.dev/v1alpha1/namespaces/${runs.namespace}/rolloutruns`);
      const everywhere = (await weir(["history", "-A", "-o", "name"], { kubeconfig: api.kubeconfigFor("admin") })).out.trim().split("\n");
      expect(everywhere.filter((name) => /\/(forced|unready)-/.test(name)).length).toBeGreaterThanOrEqual(2);
      expect(items.length).toBeGreaterThanOrEqual(2);
    });

    it("is explained by its number", async () => {
      const { out, exitCode } = await say("explain forced --run 1");
      expect(exitCode).toBe(0);
      for (const part of [`${runs.namespace}/forced, run 1: Aborted (RolloutRun ${await recordOf("forced")})`, "run 1 of v2 was taken back to v1: aborted by admin: on-call.", "of the steps 10, 50, 100. It was ended by admin.", "Nothing had been judged in its last step when it ended."]) expect(out.replaceAll(/\n +/g, " ")).toContain(part);
      expect(await say("explain forced --run 9")).toMatchObject({ exitCode: 3, err: expect.stringContaining("expected the number of a run of forced (1), got 9") });
      expect((await say("explain waited --run 1")).out).toContain("stands at 50%");
    });

    it("outlives the Rollout", async () => {
      const record = await recordOf("unready");
      await api.request("DELETE", `/apis/weir.dev/v1alpha1/namespaces/${runs.namespace}/rollouts/unready`);
      expect((await say("history unready -o name")).out).toBe(`rolloutrun.weir.dev/${record}\n`);
      expect((await say("explain unready --run 1")).out).toContain("unready, run 1: Aborted");
      expect(await say("explain unready")).toMatchObject({ exitCode: 3 });
      expect(await say("history nobody")).toMatchObject({ exitCode: 3, err: expect.stringContaining("no Rollout nobody") });
    });

    it("asks for a name or for all namespaces, not for both", async () => {
      expect(await say("history forced -A")).toMatchObject({ exitCode: 2, err: "weir: expected a name, or -A, got both; leave one out\n" });
      expect(await say("history --since yesterday")).toMatchObject({ exitCode: 2, err: expect.stringContaining("Expected an age such as 30d or 36h.") });
    });
  });

  it("weir doctor finds a second VirtualService for the same host, and which of the two Istio goes by", async () => {
    const collection = `/apis/networking.istio.io/v1/namespaces/${runs.namespace}/virtualservices`;
    await api.request("POST", collection, { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "zz-legacy" }, spec: { hosts: ["resting"], http: [{ route: [{ destination: { host: "resting" } }] }] } });
    expect((await say("doctor resting")).out.replaceAll(/\s+/g, " ")).toContain(`VirtualService ${runs.namespace}/zz-legacy names host resting.${runs.namespace}.svc as well; it is younger, so Istio passes it over for callers in the mesh`);
    await api.request("DELETE", `${collection}/zz-legacy`);
  });

  it("weir doctor finds a route of ours that was applied again after its run", async () => {
    const path = `/apis/networking.istio.io/v1/namespaces/${runs.namespace}/virtualservices/resting`;
    const { spec } = await api.request<ApiObject & { readonly spec: { readonly http: readonly object[] } }>("GET", path);
    const own = { name: `weir-match.${runs.namespace}.resting`, match: [{ headers: { "x-tester": { exact: "true" } } }], route: [{ destination: { host: "resting", subset: "v2" } }] };
    await api.request("PATCH", path, { spec: { http: [own, ...spec.http] } });
    expect((await say("doctor resting")).out.replaceAll(/\s+/g, " ")).toContain(`stands weir-match.${runs.namespace}.resting, which sends matched requests to v2, and no run wants it`);
    await api.request("PATCH", path, { spec: { http: [{ ...own, name: `weir-session.${runs.namespace}.resting.canary` }, ...spec.http] } });
    expect((await say("doctor resting")).out.replaceAll(/\s+/g, " ")).toContain(`stand routes named weir-session.${runs.namespace}.resting.*, which keep users with v2, and no run wants them`);
    await api.request("PATCH", path, { spec: { http: spec.http } });
  });

  it("weir doctor says what is well, what is not, and what to do", async () => {
    const { out, exitCode } = await say("doctor");
    expect(exitCode).toBe(1);
    expect(out).toMatch(/✔ CRD +has schema version \d+/);
    expect(out).toMatch(/✔ records +each run that ends leaves one/);
    expect(out).toMatch(/· redis +not seen: no Service weir in namespace weir-system/);
    expect(out).toContain("pods have no sidecar");
    expect(out).toMatch(/✖ \S+\/resting +no daemon has looked at it yet/);
  });

  it("weir uninstall asks for --yes, then lets go of every route of the namespace", async () => {
    expect(await say("uninstall")).toMatchObject({ exitCode: 2, err: expect.stringContaining("say --yes") });
    expect(await runs.split("written")).toEqual({ v1: 50, v2: 50 });
    const { out } = await say("uninstall --yes");
    expect(out).toContain("written: run 1 was aborted; the route has v1 100, v2 0");
    expect(out).toContain(`No route is held in namespace ${runs.namespace} any more, and no Deployment.`);
    expect(await runs.split("written")).toEqual({ v1: 100, v2: 0 });
    expect(await runs.status("written")).toMatchObject({ run: { outcome: "Aborted", actor: "admin", reason: "aborted by admin: Weir is uninstalled" } });
    expect((await runs.rollout("written")).metadata.finalizers ?? []).not.toContain(FINALIZER);
    expect(await runs.split("observing")).toEqual({ v1: 50, v2: 50 });
  });
});
