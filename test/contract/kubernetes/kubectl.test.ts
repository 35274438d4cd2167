/** Everyday `kubectl` against both API servers: every verb that the README shows, and its answer. */
import { execFile, spawn } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createTemporaryFolder } from "../../../src/playground/processes/last-will.ts";
import { kubernetesApis, type TestApi } from "../../support/kubernetes-apis.ts";
import { until } from "../../support/until.ts";
import { prepareSubjects } from "./subject.ts";
import { widget } from "./widgets.ts";

const candidates = [path.join(process.env.KUBEBUILDER_ASSETS ?? "/nowhere", "kubectl"), "/usr/bin/kubectl", "/usr/local/bin/kubectl"];
const program = candidates.find((file) => existsSync(file));

vi.setConfig({ testTimeout: 180_000 }); // each call starts a program, ten of them in some tests

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(program === undefined).each(kubernetesApis())(`kubectl${program === undefined ? " (not installed)" : ""} and the $name API`, ({ open }) => {
  let api: TestApi;
  let namespace: string;
  const folder = createTemporaryFolder("weir-kubectl");
  const manifest = path.join(folder.path, "widget.json");

  const argumentsOf = (args: readonly string[]): readonly string[] => [`--kubeconfig=${api.kubeconfigFor("admin")}`, `--cache-dir=${folder.path}/cache`, `--namespace=${namespace}`, ...args];
  const kubectl = (...args: readonly string[]): Promise<Run> => run(args);
  const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> => {
    try {
      return { code: 0, ...(await promisify(execFile)(program as string, argumentsOf(args), { encoding: "utf8", env: { ...process.env, ...env } })) };
    } catch (error) {
      const { code, stdout, stderr } = error as Run;
      return { code, stdout, stderr };
    }
  };
  const write = (object: object): string => {
    writeFileSync(manifest, JSON.stringify(object));
    return manifest;
  };

  beforeAll(async () => {
    api = await open();
    await prepareSubjects(api);
  });
  afterAll(async () => {
    await api.close();
    await folder.remove();
  });

  /** In a namespace with one widget `a`, applied by kubectl. */
  const withWidget = async (fields: object = {}): Promise<void> => {
    namespace = await api.createNamespace();
    const applied = await kubectl("apply", "-f", write(widget("a", fields)));
    expect([applied.stderr, applied.stdout]).toEqual(["", "widget.contract.weir.dev/a created\n"]);
  };

  it("applies, applies again, and configures what changed", async () => {
    await withWidget();
    expect((await kubectl("apply", "-f", manifest)).stdout).toBe("widget.contract.weir.dev/a unchanged\n");
    const dry = await kubectl("apply", "--dry-run=server", "-o=jsonpath={.spec.size}", "-f", write(widget("a", { size: 7 })));
    expect(dry.stdout).toBe("7");
    expect((await kubectl("diff", "-f", manifest)).stdout).toContain("+  size: 7");
    expect((await kubectl("apply", "-f", manifest)).stdout).toBe("widget.contract.weir.dev/a configured\n");
    expect((await kubectl("get", "widget", "a", "-o=jsonpath={.spec.size}")).stdout).toBe("7");
  });

  it("refuses an unknown field and a broken rule in words", async () => {
    namespace = await api.createNamespace();
    const unknown = await kubectl("apply", "-f", write(widget("bad", { junk: 1 })));
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('unknown field "spec.junk"')]);
    const broken = await kubectl("apply", "-f", write(widget("bad", { stable: "v1", size: 1000 })));
    expect(broken.stderr.split("\n")).toEqual(
      expect.arrayContaining([
        'The Widget "bad" is invalid: ',
        "* spec.size: Invalid value: 1000: spec.size in body should be less than or equal to 100",
        "* spec.stable: Forbidden: expected another version than v1",
      ]),
    );
    const kind = await kubectl("apply", "-f", write({ ...widget("bad"), kind: "Gadget" }));
    expect(kind.stderr).toContain('no matches for kind "Gadget" in version "contract.weir.dev/v1"');
  });

  it("applies on the server's side, from client-side apply on, and tells of conflicts", async () => {
    await withWidget();
    expect((await kubectl("apply", "--server-side", "-f", manifest)).stdout).toBe("widget.contract.weir.dev/a serverside-applied\n");
    const conflict = await kubectl("apply", "--server-side", "--field-manager=other", "-f", write(widget("a", { release: "v2" })));
    expect([conflict.code, conflict.stderr]).toEqual([1, expect.stringContaining('Apply failed with 1 conflict: conflict with "kubectl": .spec.release')]);
    expect((await kubectl("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", manifest)).code).toBe(0);
    expect((await kubectl("get", "wdg", "a", "-o=jsonpath={.spec.release}")).stdout).toBe("v2");
  });

  it("gets tables with our columns, wide ones, YAML and names", async () => {
    await withWidget();
    const status = JSON.stringify({ status: { phase: "Healthy", weight: 10, conditions: [{ type: "Ready", status: "True" }] } });
    expect((await kubectl("patch", "wdg", "a", "--subresource=status", "--type=merge", "-p", status)).stdout).toBe("widget.contract.weir.dev/a patched\n");
    const rows = async (...args: readonly string[]): Promise<readonly string[]> => (await kubectl("get", ...args)).stdout.trim().split("\n").map((line) => line.split(/\s+/).join(" "));
    expect(await rows("wdg")).toEqual(["NAME PHASE WEIGHT AGE", expect.stringMatching(/^a Healthy 10 \d+s$/)]);
    expect(await rows("wdg", "-o=wide")).toEqual(["NAME PHASE WEIGHT READY AGE", expect.stringMatching(/^a Healthy 10 True \d+s$/)]);
    expect(await rows("wdg", "-o=name")).toEqual(["widget.contract.weir.dev/a"]);
    expect((await kubectl("get", "wdg", "a", "-o=yaml")).stdout).toContain("  phase: Healthy\n");
    expect((await kubectl("get", "wdg", "missing")).stderr).toBe('Error from server (NotFound): widgets.contract.weir.dev "missing" not found\n');
  });

  it("follows changes with get --watch", async () => {
    await withWidget();
    const watch = spawn(program as string, argumentsOf(["get", "wdg", "--watch", "-o=jsonpath={.metadata.name} {.spec.size}{\"\\n\"}"]));
    let seen = "";
    watch.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    await until(() => seen === "a 1\n");
    await kubectl("patch", "wdg", "a", "--type=merge", "-p", '{"spec":{"size":2}}');
    await until(() => seen === "a 1\na 2\n");
    await kubectl("delete", "wdg", "a");
    await until(() => seen === "a 1\na 2\na 2\n");
    watch.kill();
  });

  it("patches by JSON patch with tests", async () => {
    await withWidget();
    const patch = (from: number): string => JSON.stringify([{ op: "test", path: "/spec/size", value: from }, { op: "replace", path: "/spec/size", value: 4 }]);
    expect((await kubectl("patch", "wdg", "a", "--type=json", "-p", patch(1))).stdout).toBe("widget.contract.weir.dev/a patched\n");
    const stale = await kubectl("patch", "wdg", "a", "--type=json", "-p", patch(1));
    expect([stale.code, stale.stderr]).toEqual([1, "The request is invalid: the server rejected our request due to an error in our request\n"]);
  });

  it("annotates and labels, and takes both away", async () => {
    await withWidget();
    expect((await kubectl("annotate", "wdg/a", "weir.dev/command=abort")).stdout).toBe("widget.contract.weir.dev/a annotated\n");
    expect((await kubectl("annotate", "wdg/a", "weir.dev/command=pause")).stderr).toContain("--overwrite is false");
    expect((await kubectl("annotate", "wdg/a", "weir.dev/command-")).stdout).toBe("widget.contract.weir.dev/a annotated\n");
    expect((await kubectl("label", "wdg", "a", "app=x")).stdout).toBe("widget.contract.weir.dev/a labeled\n");
    expect((await kubectl("get", "wdg", "-l", "app=x", "-o=name")).stdout).toBe("widget.contract.weir.dev/a\n");
  });

  it("describes an object with its events", async () => {
    await withWidget();
    const uid = (await kubectl("get", "wdg", "a", "-o=jsonpath={.metadata.uid}")).stdout;
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    await api.request("POST", `/api/v1/namespaces/${namespace}/events`, {
      metadata: { name: "a.1" },
      involvedObject: { apiVersion: "contract.weir.dev/v1", kind: "Widget", name: "a", namespace, uid },
      type: "Normal", reason: "Started", message: "run 1 has begun", firstTimestamp: now, lastTimestamp: now, count: 1, source: { component: "weir" },
    });
    const { stdout } = await kubectl("describe", "wdg", "a");
    expect(stdout).toMatch(/Spec:\n {2}Mode: +enforce\n/);
    expect(stdout).toMatch(/Normal +Started +\S+ +weir +run 1 has begun/);
    expect((await kubectl("get", "events")).stdout).toMatch(/Normal +Started +widget\/a +run 1 has begun/);
  });

  it("waits for a field, for a condition and for an end", async () => {
    await withWidget();
    const waiting = Promise.all([
      kubectl("wait", "wdg/a", "--for=jsonpath={.status.phase}=Healthy", "--timeout=20s"),
      kubectl("wait", "wdg/a", "--for=condition=Ready", "--timeout=20s"),
    ]);
    const status = JSON.stringify({ status: { phase: "Healthy", conditions: [{ type: "Ready", status: "True" }] } });
    await kubectl("patch", "wdg", "a", "--subresource=status", "--type=merge", "-p", status);
    expect((await waiting).map(({ stdout }) => stdout)).toEqual(["widget.contract.weir.dev/a condition met\n", "widget.contract.weir.dev/a condition met\n"]);
    const gone = kubectl("wait", "wdg/a", "--for=delete", "--timeout=20s");
    await kubectl("delete", "wdg", "a", "--wait=false");
    expect((await gone).code).toBe(0);
  });

  it("explains fields", async () => {
    namespace = "default";
    await until(async () => (await kubectl("explain", "widget.spec")).code === 0); // the real server needs a moment
    const { stdout } = await kubectl("explain", "widget.spec");
    expect(stdout).toContain("What is wanted.");
    expect(stdout).toMatch(/ {2}release\t<string> -required-\n {4}The version\./);
    expect((await kubectl("explain", "rollout.spec", "--api-version=weir.dev/v1alpha1")).stdout).toContain("analysis\t<Object>");
  });

  it("deletes, and waits until it is so", async () => {
    await withWidget();
    expect((await kubectl("delete", "wdg", "a")).stdout).toContain('widget.contract.weir.dev "a" deleted');
    expect((await kubectl("get", "wdg")).stderr).toContain("No resources found");
  });

  it("applies built-in kinds again and changes one container's image", async () => {
    namespace = await api.createNamespace();
    const containers = (image: string): object => ({ containers: [{ name: "web", image, env: [{ name: "A", value: "b" }] }, { name: "log", image: "log:1" }] });
    const deployment = (image: string): object => ({
      apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" },
      spec: { selector: { matchLabels: { app: "web" } }, template: { metadata: { labels: { app: "web" } }, spec: containers(image) } },
    });
    const images = async (): Promise<string> => (await kubectl("get", "deploy", "web", "-o=jsonpath={.spec.template.spec.containers[*].image} {.spec.template.spec.containers[0].env[0].value}")).stdout;
    expect((await kubectl("apply", "-f", write(deployment("web:1")))).stdout).toBe("deployment.apps/web created\n");
    expect((await kubectl("apply", "-f", write(deployment("web:2")))).stdout).toBe("deployment.apps/web configured\n");
    expect(await images()).toBe("web:2 log:1 b");
    expect((await kubectl("set", "image", "deploy/web", "log=log:2")).stdout).toBe("deployment.apps/web image updated\n");
    expect(await images()).toBe("web:2 log:2 b");
  });

  it("creates and replaces from a file, and refuses what is there already and what is stale", async () => {
    namespace = await api.createNamespace();
    expect((await kubectl("create", "-f", write(widget("a")))).stdout).toBe("widget.contract.weir.dev/a created\n");
    expect((await kubectl("create", "-f", manifest)).stderr).toContain('Error from server (AlreadyExists): error when creating');
    expect((await kubectl("replace", "-f", write(widget("a", { size: 4 })))).stdout).toBe("widget.contract.weir.dev/a replaced\n");
    expect((await kubectl("get", "wdg", "a", "-o=jsonpath={.spec.size} {.metadata.generation}")).stdout).toBe("4 2");
    const stale = await kubectl("replace", "-f", write(widget("a", { size: 5 }, { resourceVersion: "1" })));
    expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining("the object has been modified; please apply your changes to the latest version and try again")]);
    expect((await kubectl("replace", "-f", write(widget("b")))).stderr).toContain('widgets.contract.weir.dev "b" not found');
  });

  it("edits in an editor of one's own, tells what is wrong with it, and writes nothing where nothing changed", async () => {
    await withWidget();
    const edit = (script: string): Promise<Run> => run(["edit", "wdg", "a"], { KUBE_EDITOR: `sed -i ${script}` });
    expect((await edit("'s/size: 1/size: 3/'")).stdout).toBe("widget.contract.weir.dev/a edited\n");
    expect((await kubectl("get", "wdg", "a", "-o=jsonpath={.spec.size}")).stdout).toBe("3");
    expect((await edit("'s/size: 3$/size: 3/'")).stderr).toContain("Edit cancelled, no changes made.");
    const wrong = await edit("'s/size: 3$/size: 300/'"); // it opens the editor once more, which changes nothing then
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('error: widgets.contract.weir.dev "a" is invalid\n')]);
    rmSync(/"(\/[^"]+)"/.exec(wrong.stderr)?.[1] ?? "", { force: true }); // where kubectl keeps what one wrote
    expect((await kubectl("get", "wdg", "a", "-o=jsonpath={.spec.size}")).stdout).toBe("3");
  });

  it("creates built-in kinds by words alone", async () => {
    namespace = await api.createNamespace();
    expect((await kubectl("create", "configmap", "c", "--from-literal=a=b")).stdout).toBe("configmap/c created\n");
    expect((await kubectl("create", "secret", "generic", "s", "--from-literal=token=x")).stdout).toBe("secret/s created\n");
    expect((await kubectl("create", "deployment", "web", "--image=web:1", "--replicas=2", "--port=8080")).stdout).toBe("deployment.apps/web created\n");
    expect((await kubectl("get", "cm/c", "secret/s", "-o=jsonpath={.items[*].data}")).stdout).toBe('{"a":"b"} {"token":"eA=="}');
    const shown = "{.spec.replicas} {.spec.selector.matchLabels.app} {.spec.template.metadata.labels.app} {.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].ports[0].containerPort}";
    expect((await kubectl("get", "deploy", "web", `-o=jsonpath=${shown}`)).stdout).toBe("2 web web web:1 8080");
    const other = `${namespace}-other`;
    expect((await kubectl("create", "namespace", other)).stdout).toBe(`namespace/${other} created\n`);
    expect((await kubectl("delete", "namespace", other, "--wait=false")).stdout).toContain(`namespace "${other}" deleted`);
  });

  it("scales, and waits until a Deployment is rolled out", async () => {
    namespace = await api.createNamespace();
    await kubectl("create", "deployment", "web", "--image=web:1");
    expect((await kubectl("scale", "deploy/web", "--replicas=3")).stdout).toBe("deployment.apps/web scaled\n");
    expect((await kubectl("scale", "deploy/web", "--replicas=2", "--current-replicas=3")).stdout).toBe("deployment.apps/web scaled\n");
    expect((await kubectl("scale", "deploy/web", "--replicas=1", "--current-replicas=7")).stderr).toContain("Expected replicas to be 7, was 2");
    const waiting = kubectl("rollout", "status", "deploy/web", "--timeout=30s");
    const status = { status: { observedGeneration: 3, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2, conditions: [{ type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" }] } };
    await kubectl("patch", "deploy", "web", "--subresource=status", "--type=merge", "-p", JSON.stringify(status));
    expect((await waiting).stdout).toContain('deployment "web" successfully rolled out\n');
    expect((await kubectl("get", "deploy", "-o=wide")).stdout).toMatch(/web +2\/2 +2 +2 +\d+s +web +web:1 +app=web/);
  });

  it("tells what there is, and what one may do", async () => {
    namespace = await api.createNamespace();
    const { stdout } = await kubectl("api-resources", "--api-group=contract.weir.dev", "--no-headers");
    expect(stdout.trim().split(/\s+/)).toEqual(["widgets", "wdg", "contract.weir.dev/v1", "true", "Widget"]);
    expect((await kubectl("api-resources", "--namespaced=false", "-o=name")).stdout).toContain("namespaces\n");
    expect((await kubectl("api-versions")).stdout).toContain("weir.dev/v1alpha1\n");
    expect((await kubectl("auth", "can-i", "patch", "rollouts.weir.dev")).stdout).toBe("yes\n");
    expect((await kubectl("auth", "can-i", "--list")).stdout).toMatch(/\*\.\* +\[\] +\[\] +\[\*\]/);
    expect((await kubectl("auth", "whoami", "-o=jsonpath={.status.userInfo.username}")).stdout).toBe("admin");
    expect((await kubectl("version", "-o=json")).stdout).toContain('"minor": "36"');
  });

  it("shows events, all of them and those of one object", async () => {
    await withWidget();
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    for (const name of ["a", "b"]) {
      const involvedObject = { apiVersion: "contract.weir.dev/v1", kind: "Widget", name, namespace };
      await api.request("POST", `/api/v1/namespaces/${namespace}/events`, { metadata: { name: `${name}.1` }, involvedObject, type: "Warning", reason: "RolledBack", message: `of ${name}`, lastTimestamp: now, count: 3 });
    }
    expect((await kubectl("events")).stdout.trim().split("\n")).toHaveLength(3);
    const { stdout } = await kubectl("events", "--for=widgets.contract.weir.dev/a", "--no-headers");
    expect(stdout).toMatch(/^\S+( \(x3 over .*\))? +Warning +RolledBack +Widget\/a +of a\n$/);
    expect((await kubectl("events", "--types=Normal")).stderr).toContain("No events found");
  });

  it("gets by JSONPath, by columns of one's own, sorted, from everywhere, and in the form of its YAML", async () => {
    await withWidget({ metrics: [{ name: "x", max: 1 }] });
    await kubectl("apply", "-f", write(widget("b", { size: 9 })));
    expect((await kubectl("get", "wdg", "--sort-by={.spec.size}", "-o=custom-columns=N:.metadata.name,S:.spec.size", "--no-headers")).stdout.split(/\s+/)).toEqual(["a", "1", "b", "9", ""]);
    expect((await kubectl("get", "wdg", '-o=jsonpath={range .items[?(@.spec.size>1)]}{.metadata.name}{end}')).stdout).toBe("b");
    expect((await kubectl("get", "wdg", "-A", "--field-selector=metadata.name=b", "-o=name")).stdout).toContain("widget.contract.weir.dev/b\n");
    const yaml = (await kubectl("get", "wdg", "a", "-o=yaml")).stdout;
    expect(yaml).toContain("spec:\n  metrics:\n  - max: 1\n    name: x\n  mode: enforce\n  release: v1\n  size: 1\n");
    expect(yaml).not.toContain("managedFields");
    expect((await kubectl("get", "wdg", "a", "-o=yaml", "--show-managed-fields")).stdout).toContain("manager: kubectl-client-side-apply");
    expect((await kubectl("get", "wdg", "--chunk-size=1", "-o=name")).stdout).toBe("widget.contract.weir.dev/a\nwidget.contract.weir.dev/b\n");
  });
});
