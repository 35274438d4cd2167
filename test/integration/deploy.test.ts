/** What deploy/ installs, on a real API server with RBAC: least rights, and commands as verbs of their own. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createApiRequest, type ApiObject, type ApiRequest } from "../support/api-request.ts";
import { startControlPlane, tokenIn, type ControlPlane } from "../support/control-plane.ts";

const DAEMON = "system:serviceaccount:weir-system:weir";
const NAMESPACE = "bookinfo";
const ROLLOUTS = `/apis/weir.dev/v1alpha1/namespaces/${NAMESPACE}/rollouts`;
const SPEC = { release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews" }] } } };

const binding = (role: string, user: string): ApiObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: `${user}-${role}`, namespace: NAMESPACE },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
});

/** Somebody who may abort, and nothing else. */
const NIGHT_SHIFT = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name: "night-shift" },
  rules: [{ apiGroups: ["weir.dev"], resources: ["rollouts"], verbs: ["get", "patch", "abort"] }],
};

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("what deploy/ installs", () => {
  let plane: ControlPlane;
  let as: (user: string) => ApiRequest;

  const kubectl = (...args: readonly string[]): string =>
    execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("admin")}`, ...args], { encoding: "utf8" });

  beforeAll(async () => {
    plane = await startControlPlane({ users: ["alice@example.com", "bob", "nora"].map((name) => ({ name })) });
    const tokens = new Map(["alice@example.com", "bob", "nora"].map((user) => [user, tokenIn(plane.kubeconfigFor(user))]));
    kubectl("apply", "-f", "deploy/namespace.yaml");
    kubectl("apply", "--server-side", "--force-conflicts", "-k", "deploy");
    tokens.set(DAEMON, tokenIn(await plane.kubeconfigForServiceAccount("weir-system", "weir")));
    as = (user) => createApiRequest({ ...plane, token: tokens.get(user) ?? plane.token });
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
    await plane.apply([namespace, NIGHT_SHIFT, binding("weir-operate", "alice@example.com"), binding("weir-view", "bob"), binding("night-shift", "nora")]);
    kubectl("apply", "-n", NAMESPACE, "-f", "deploy/namespace-binding.yaml");
    await untilPoliciesAreInForce();
  }, 90_000);
  afterAll(async () => plane.close());

  const create = (name: string, command?: string, user = "admin") =>
    as(user)("POST", ROLLOUTS, {
      apiVersion: "weir.dev/v1alpha1",
      kind: "Rollout",
      metadata: { name, ...(command !== undefined && { annotations: { "weir.dev/command": command } }) },
      spec: SPEC,
    });
  const patch = (user: string, name: string, body: object) => as(user)("PATCH", `${ROLLOUTS}/${name}`, body);
  const command = (user: string, name: string, value: string | null) => patch(user, name, { metadata: { annotations: { "weir.dev/command": value } } });

  /** The API server learns of a policy a moment after it was written; the policies are told apart by what they refuse. */
  async function untilPoliciesAreInForce(): Promise<void> {
    await create("probe");
    let attempts = 0; // each with another value: the policy looks only where it changes
    await vi.waitFor(() => expect(command("admin", "probe", `nonsense-${attempts++}`)).rejects.toThrow(/expected one of/), { timeout: 30_000, interval: 200 });
    await vi.waitFor(() => expect(patch("nora", "probe", { spec: { release: `v${attempts++}` } })).rejects.toThrow(/expected the right to update/), { timeout: 30_000, interval: 200 });
  }

  describe("the daemon's account", () => {
    const mayOf = async (verb: string, resource: string, namespace: string, name = ""): Promise<boolean> => {
      const [plural = "", group = ""] = resource.split(/\.(.*)/s);
      const [kind = "", subresource = ""] = plural.split("/");
      const review = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: { user: DAEMON, groups: ["system:serviceaccounts", "system:authenticated"], resourceAttributes: { verb, group, resource: kind, subresource, namespace, name } },
      };
      const { status } = await plane.request<{ status: { allowed: boolean } }>("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
      return status.allowed;
    };

    test.each([
      ["list", "rollouts.weir.dev", "any", ""],
      ["watch", "rollouts.weir.dev", "any", ""],
      ["patch", "rollouts.weir.dev", "any", "x"],
      ["patch", "rollouts/status.weir.dev", "any", "x"],
      ["create", "rolloutruns.weir.dev", "any", ""],
      ["list", "rolloutruns.weir.dev", "any", ""],
      ["delete", "rolloutruns.weir.dev", "any", "x"],
      ["watch", "virtualservices.networking.istio.io", "any", ""],
      ["watch", "destinationrules.networking.istio.io", "any", ""],
      ["watch", "serviceentries.networking.istio.io", "any", ""],
      ["watch", "pods", "any", ""],
      ["watch", "services", "any", ""],
      ["watch", "replicasets.apps", "any", ""],
      ["watch", "statefulsets.apps", "any", ""],
      ["watch", "daemonsets.apps", "any", ""],
      ["watch", "controllerrevisions.apps", "any", ""],
      ["create", "events", "any", ""],
      ["get", "customresourcedefinitions.apiextensions.k8s.io", "", "rollouts.weir.dev"],
      ["patch", "virtualservices.networking.istio.io", NAMESPACE, "reviews"],
      ["get", "secrets", NAMESPACE, "slack"],
      ["watch", "deployments.apps", "any", ""],
      ["watch", "mutatingadmissionpolicybindings.admissionregistration.k8s.io", "", ""],
      ...["create", "patch", "delete"].flatMap((verb) => ["deployments.apps", "destinationrules.networking.istio.io"].map((resource) => [verb, resource, NAMESPACE, verb === "create" ? "" : "x"])),
    ] as readonly (readonly string[])[] as readonly (readonly [string, string, string, string])[])("may %s %s", async (verb, resource, namespace, name) => {
      expect(await mayOf(verb, resource, namespace, name)).toBe(true);
    });

    test.each([
      ["patch", "virtualservices.networking.istio.io", "any", "reviews"],
      ["get", "secrets", "any", "slack"],
      ["list", "secrets", NAMESPACE, ""],
      ["update", "rollouts.weir.dev", NAMESPACE, "x"],
      ["create", "rollouts.weir.dev", NAMESPACE, ""],
      ["delete", "rollouts.weir.dev", NAMESPACE, "x"],
      ["abort", "rollouts.weir.dev", NAMESPACE, "x"],
      ["update", "rolloutruns.weir.dev", NAMESPACE, "x"],
      ["patch", "rolloutruns.weir.dev", NAMESPACE, "x"],
      ["get", "rolloutruns.weir.dev", NAMESPACE, "x"],
      ["deletecollection", "rolloutruns.weir.dev", NAMESPACE, ""],
      ["delete", "pods", NAMESPACE, "x"],
      ["patch", "deployments.apps", "any", "x"],
      ["update", "deployments.apps", NAMESPACE, "x"],
      ["create", "destinationrules.networking.istio.io", "any", ""],
      ["get", "customresourcedefinitions.apiextensions.k8s.io", "", "virtualservices.networking.istio.io"],
    ])("may not %s %s", async (verb, resource, namespace, name) => {
      expect(await mayOf(verb, resource, namespace, name)).toBe(false);
    });
  });

  describe("a command", () => {
    test("is given by who has its verb", async () => {
      await create("given");
      await command("alice@example.com", "given", "promote id=1 run=7 actor=alice%40example.com reason=looks%20good");
    });

    test("is refused to who has not, in a sentence", async () => {
      await create("refused");
      await expect(command("nora", "refused", "promote")).rejects.toThrow(
        /expected the right to promote rollouts\.weir\.dev in namespace bookinfo, which nora has not; ask for the role weir-operate there/,
      );
      await expect(command("bob", "refused", "abort")).rejects.toThrow(/cannot patch resource/);
      await command("nora", "refused", "abort");
    });

    test("carries the true name, or none", async () => {
      await create("named");
      await expect(command("nora", "named", "abort id=1 run=7 actor=alice%40example.com")).rejects.toThrow(/expected actor=nora, who is logged in/);
      await expect(command("nora", "named", "abort id=1 run=7\tactor=alice%40example.com")).rejects.toThrow(/single spaces between its words/);
      await expect(command("nora", "named", "abort id=1 run=7 actor=nora actor=alice")).rejects.toThrow(/expected actor=nora/);
      await command("nora", "named", "abort id=1 run=7 actor=nora");
    });

    test("is checked at a Rollout's creation as well", async () => {
      await expect(create("created", "promote id=1 run=0 actor=nora", "alice@example.com")).rejects.toThrow(/expected actor=alice%40example\.com/);
      await create("created", "promote id=1 run=0 actor=alice%40example.com", "alice@example.com");
    });

    test("must be one that there is", async () => {
      await create("unknown");
      await expect(command("admin", "unknown", "abrot")).rejects.toThrow(/expected one of abort, promote, pause, resume, retry, undo as the command, got abrot/);
    });

    test("that is a pending abort stays, whoever wants to replace it or take it back", async () => {
      await create("pending");
      await command("nora", "pending", "abort");
      for (const [user, value] of [["alice@example.com", "promote"], ["nora", null], ["admin", "abort id=2"]] as const) {
        await expect(command(user, "pending", value)).rejects.toThrow(/expected the pending abort to stay until Weir has obeyed it/);
      }
    });

    test("is taken back by who could have given it", async () => {
      await create("back");
      await command("alice@example.com", "back", "pause");
      await expect(command("nora", "back", null)).rejects.toThrow(/expected the right to pause/);
      await command("alice@example.com", "back", null);
    });

    test("is stamped and taken away by the daemon, which gives none itself", async () => {
      await create("stamped");
      await expect(command(DAEMON, "stamped", "abort id=1 run=7 actor=unverified")).rejects.toThrow(/expected Weir's own account to stamp or remove a command/);
      await command("nora", "stamped", "abort");
      await command(DAEMON, "stamped", "abort id=1 run=7 actor=unverified");
      await command(DAEMON, "stamped", null);
    });

    test("that does not change is in nobody's way", async () => {
      await create("untouched");
      await command("nora", "untouched", "abort id=1 run=7 actor=nora");
      await patch("alice@example.com", "untouched", { metadata: { labels: { team: "a" }, annotations: { "weir.dev/command": "abort id=1 run=7 actor=nora" } } });
      await patch("alice@example.com", "untouched", { spec: { release: "v4" } });
      await patch(DAEMON, "untouched", { metadata: { finalizers: ["weir.dev/traffic"] } });
    });
  });

  test("the spec is changed by who may update Rollouts, not by who may only give commands", async () => {
    await create("spec");
    await expect(patch("nora", "spec", { spec: { release: "v4" } })).rejects.toThrow(/expected the right to update rollouts\.weir\.dev in namespace bookinfo, which nora has not/);
    await expect(patch(DAEMON, "spec", { spec: { release: "v4" } })).rejects.toThrow(/expected the right to update/);
    await patch("alice@example.com", "spec", { spec: { release: "v4" } });
  });

  test("the server finds no fault with the pods that would run", () => {
    const warnings = execFileSync("sh", ["-c", '"$0" --kubeconfig="$1" apply --server-side --force-conflicts --dry-run=server -k deploy 2>&1', path.join(plane.assets, "kubectl"), plane.kubeconfigFor("admin")], { encoding: "utf8" });
    expect(warnings).not.toMatch(/Warning|error/i);
  });

  test.each(readdirSync("rollouts", { recursive: true, encoding: "utf8" }).filter((each) => each.endsWith(".yaml")))("the example %s is accepted", async (file) => {
    await plane.apply(gatewayDefinition(plane.assets));
    await vi.waitFor(() => kubectl("get", "gateways.networking.istio.io"), { timeout: 15_000, interval: 200 });
    expect(kubectl("apply", "-n", NAMESPACE, "--dry-run=server", "-f", `rollouts/${file}`)).toContain("rollout.weir.dev/");
  });
});

function gatewayDefinition(assets: string): string {
  const definitions = readFileSync(path.join(assets, "crds/istio.yaml"), "utf8").split(/^---$/m);
  return definitions.find((each) => /^ {2}name: gateways\.networking\.istio\.io$/m.test(each))!;
}
