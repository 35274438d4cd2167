/** deploy/hold.yaml on a real API server with its controllers: a changed template waits, nothing else does, and only Weir lets it go. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiRequest, type ApiObject, type ApiRequest } from "../support/api-request.ts";
import { flawsOfSentence } from "../support/clear-sentence.ts";
import { startControlPlane, tokenIn, type ControlPlane } from "../support/control-plane.ts";
import { DAEMON } from "../support/deployed.ts";
import { until } from "../support/until.ts";

const HELD_BY = "weir.dev/held-by";
const APP = "reviews";
const LIMIT_MS = 60_000;
const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rollouts.weir.dev";
const MASTERS = ["system:masters"];
const USERS = ["alice", DAEMON.user].map((name) => ({ name, groups: MASTERS }));

interface Deployment extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly generation: number; readonly annotations?: Readonly<Record<string, string>>; readonly managedFields: readonly { readonly manager: string; readonly fieldsV1: object }[] };
  readonly spec: { readonly paused?: boolean; readonly template: { readonly spec: { readonly containers: readonly [{ readonly image: string }] } } };
  readonly status: { readonly observedGeneration?: number; readonly updatedReplicas?: number };
}

const pods = (image: string) => ({ spec: { terminationGracePeriodSeconds: 0, tolerations: [{ operator: "Exists" }], containers: [{ name: "app", image }] } });
const aDeployment = (name: string, image = "app:1"): ApiObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, ...pods(image) } },
});
const aRollout = (name: string, deployment: string, { mode = "enforce", finalizers = [] as readonly string[] } = {}): ApiObject => ({
  apiVersion: "weir.dev/v1alpha1",
  kind: "Rollout",
  metadata: { name, finalizers },
  spec: { deployment: { name: deployment }, analysis: { mode }, traffic: { istio: { virtualServices: [{ name: APP }] } } },
});
const withImage = (image: string): object => ({ spec: { template: pods(image) } });
const freed = { metadata: { annotations: { [HELD_BY]: null } }, spec: { paused: null } };

const stateOf = ({ spec, metadata }: Deployment): object => ({ image: spec.template.spec.containers[0].image, paused: spec.paused ?? false, heldBy: metadata.annotations?.[HELD_BY] });
const held = (image: string, heldBy = "delivery"): object => ({ image, paused: true, heldBy });
const free = (image: string): object => ({ image, paused: false, heldBy: undefined });

/** Who owns what the policy writes. */
const ownersOf = ({ metadata }: Deployment): readonly string[] => metadata.managedFields.filter(({ fieldsV1 }) => /f:paused|f:weir\.dev\/held-by/.test(JSON.stringify(fieldsV1))).map(({ manager }) => manager);

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("a Deployment that a Rollout delivers", { timeout: LIMIT_MS }, () => {
  let plane: ControlPlane;
  let alice: ApiRequest;
  let daemon: ApiRequest;

  beforeAll(async () => {
    plane = await startControlPlane({ controllers: true, users: USERS });
    [alice, daemon] = USERS.map(({ name }) => createApiRequest({ ...plane, token: tokenIn(plane.kubeconfigFor(name)) })) as [ApiRequest, ApiRequest];
    await openSpec(plane.request);
    kubectl(["apply", "-f", "deploy/hold.yaml"]);
  }, LIMIT_MS);
  afterAll(async () => plane?.close());

  /** As alice. */
  function kubectl(args: readonly string[], input?: ApiObject): string {
    const options = { encoding: "utf8", stdio: "pipe", ...(input && { input: JSON.stringify(input) }) } as const;
    return execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("alice")}`, ...args], options);
  }

  /** A namespace with the Deployment and these Rollouts, once the API server's policies have heard of them. */
  async function open(rollouts: readonly ApiObject[] = [aRollout("delivery", APP)], create = ["apply"]): Promise<Scene> {
    const namespace = `hold-${randomBytes(4).toString("hex")}`;
    await plane.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }]);
    const scene = sceneIn(namespace);
    scene.kubectl([...create, "-f", "-"], aDeployment(APP));
    await plane.apply([...rollouts, aDeployment("marker"), aRollout("marker", "marker")], { namespace });
    await untilHeard(scene);
    return scene;
  }

  function sceneIn(namespace: string) {
    const at = (name = APP): string => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
    const look = (): Promise<Deployment> => alice("GET", at());
    const patch = (body: object, { by = alice, name = APP, query = "" } = {}): Promise<Deployment> => by("PATCH", `${at(name)}${query}`, body, "application/strategic-merge-patch+json");
    return {
      namespace,
      look,
      patch,
      /** After the controller has seen it. */
      settled: async (): Promise<Deployment> => {
        await until(async () => ((await look()).status.observedGeneration ?? 0) >= (await look()).metadata.generation, LIMIT_MS);
        return look();
      },
      images: async (): Promise<readonly string[]> => {
        const { items } = await alice<{ readonly items: readonly Deployment[] }>("GET", `/apis/apps/v1/namespaces/${namespace}/replicasets?labelSelector=app=${APP}`);
        return items.map(({ spec }) => spec.template.spec.containers[0].image).sort();
      },
      kubectl: (args: readonly string[], input?: ApiObject): string => kubectl([`--namespace=${namespace}`, ...args], input),
      /** Again, as kubectl itself advises, where the controller has written the status between kubectl's look and its write. */
      replace: (input: ApiObject): Promise<void> => until(() => {
        try {
          return kubectl([`--namespace=${namespace}`, "replace", ...asFile], input);
        } catch (error) {
          if (String(error).includes("Error from server (Conflict)")) return false;
          throw error;
        }
      }, LIMIT_MS),
      removeRollout: (name: string): Promise<ApiObject> => alice("DELETE", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${name}`),
    };
  }
  type Scene = ReturnType<typeof sceneIn>;

  /** Each policy hears of Rollouts by a watch of its own, in the order in which they were written; the marker's was the last. */
  async function untilHeard({ patch }: Scene): Promise<void> {
    const name = "marker";
    await until(async () => (await patch(withImage("app:2"), { name, query: "?dryRun=All" })).spec.paused, LIMIT_MS);
    await patch({ metadata: { annotations: { [HELD_BY]: name } }, spec: { paused: true } }, { by: daemon, name });
    await until(() => patch(freed, { name, query: "?dryRun=All" }).then(() => false, (error: Error) => error.message.includes("to stay paused")), LIMIT_MS);
  }

  /** Once it has pods' makers for the template before: one that is held sooner never gets any. */
  async function openHeld(): Promise<Scene> {
    const scene = await open();
    await until(async () => (await scene.images()).length === 1, LIMIT_MS);
    await scene.patch(withImage("app:2"));
    return scene;
  }

  const SERVER_SIDE = ["apply", "--server-side", "--field-manager=gitops"];
  const [asFile, changed] = [["-f", "-"], aDeployment(APP, "app:2")];

  describe("waits with a new template", () => {
    it.each<[what: string, write: (scene: Scene) => unknown, create?: string[]]>([
      ["kubectl set image", ({ kubectl: run }) => run(["set", "image", `deployment/${APP}`, "app=app:2"])],
      ["kubectl apply", ({ kubectl: run }) => run(["apply", ...asFile], changed)],
      ["kubectl apply --server-side of who created it", ({ kubectl: run }) => run([...SERVER_SIDE, ...asFile], changed), SERVER_SIDE],
      ["kubectl apply --server-side of somebody else", ({ kubectl: run }) => run([...SERVER_SIDE, "--force-conflicts", ...asFile], changed)],
      ["kubectl replace", ({ replace }) => replace(changed)],
      ["a patch", ({ patch }) => patch(withImage("app:2"))],
      ["a patch that says paused: false", ({ patch }) => patch({ spec: { paused: false, template: pods("app:2") } })],
    ])("that came by %s", async (_, write, create) => {
      const scene = await open(undefined, create);
      await scene.settled();
      await write(scene);
      expect(stateOf(await scene.settled())).toEqual(held("app:2"));
      expect(ownersOf(await scene.look())).toEqual([]);
      expect(await scene.images()).toEqual(["app:1"]);
    });

    it.each([
      ["kubectl apply", ["apply"]],
      ["kubectl apply --server-side", SERVER_SIDE],
    ])("and whoever applies it again by %s owns nothing of the hold, and takes nothing of it away", async (_, apply) => {
      const scene = await open(undefined, apply);
      scene.kubectl([...apply, ...asFile], changed);
      scene.kubectl([...apply, ...asFile], changed);
      expect(stateOf(await scene.look())).toEqual(held("app:2"));
      expect(ownersOf(await scene.look())).toEqual([]);
    });

    it("under the Rollout that held it first, where two name it", async () => {
      const scene = await open([aRollout("delivery", APP), aRollout("another", APP)]);
      const first = (await scene.patch(withImage("app:2"))).metadata.annotations?.[HELD_BY];
      for (const image of ["app:3", "app:4", "app:5"]) expect(stateOf(await scene.patch(withImage(image)))).toEqual(held(image, first));
    });
  });

  it.each<[what: string, write: (scene: Scene) => unknown]>([
    ["more replicas", ({ kubectl: run }) => run(["scale", `deployment/${APP}`, "--replicas=2"])],
    ["a label of its own", ({ kubectl: run }) => run(["label", "deployment", APP, "team=web"])],
    ["the same manifest", ({ kubectl: run }) => run(["apply", ...asFile], aDeployment(APP))],
    ["the same manifest, replaced", ({ replace }) => replace(aDeployment(APP))],
  ])("waits with nothing where its template stays: %s", async (_, write) => {
    const scene = await open();
    await write(scene);
    expect(stateOf(await scene.look())).toEqual(free("app:1"));
  });

  it.each<[what: string, rollouts: readonly ApiObject[]]>([
    ["no Rollout names it", []],
    ["the Rollout names another", [aRollout("delivery", "ratings")]],
    ["the Rollout only observes", [aRollout("delivery", APP, { mode: "observe" })]],
  ])("waits with nothing where %s", async (_, rollouts) => {
    const scene = await open(rollouts);
    expect(stateOf(await scene.patch(withImage("app:2")))).toEqual(free("app:2"));
  });

  it("waits with nothing once its Rollout is being deleted, and anybody may free what still waits", async () => {
    const scene = await open([aRollout("delivery", APP, { finalizers: ["weir.dev/test"] })]);
    await scene.patch(withImage("app:2"));
    await scene.removeRollout("delivery");
    await until(() => scene.patch(freed).then(() => true, () => false), LIMIT_MS);
    await until(async () => !(await scene.patch(withImage("app:3"), { query: "?dryRun=All" })).spec.paused, LIMIT_MS);
  });

  describe("while it is held", () => {
    const DELIVER = (namespace: string): string => `use weir promote delivery --full -n ${namespace} to deliver it at once, or weir undo delivery -n ${namespace} to take the template before it back`;
    const unpaused = (namespace: string): string => `expected Deployment ${APP} to stay paused, since Rollout delivery holds its new template, got an update that un-pauses it; keep spec.paused, or ${DELIVER(namespace)}`;
    const renamed = (got: string) => (namespace: string): string => `expected the annotation ${HELD_BY} of Deployment ${APP} to stay delivery, who holds its new template, got ${got}; keep the annotation, or ${DELIVER(namespace)}`;

    it.each<[what: string, write: (scene: Scene) => unknown, sentence: (namespace: string) => string]>([
      ["kubectl rollout resume", ({ kubectl: run }) => run(["rollout", "resume", `deployment/${APP}`]), unpaused],
      ["kubectl replace without spec.paused", ({ replace }) => replace(changed), unpaused],
      ["a patch that un-pauses", ({ patch }) => patch({ spec: { paused: false } }), unpaused],
      ["the annotation taken away", ({ kubectl: run }) => run(["annotate", "deployment", APP, `${HELD_BY}-`]), renamed("none")],
      ["another name in the annotation", ({ kubectl: run }) => run(["annotate", "deployment", APP, "--overwrite", `${HELD_BY}=me`]), renamed("me")],
    ])("refuses %s, and says what to do", async (_, write, sentenceIn) => {
      const scene = await openHeld();
      const said = await Promise.resolve(scene).then(write).then(() => "let through", String);
      const sentence = sentenceIn(scene.namespace);
      expect(said).toContain(sentence);
      expect(flawsOfSentence(sentence)).toEqual([]);
      expect(stateOf(await scene.look())).toEqual(held("app:2"));
    });

    it.each<[what: string, write: (scene: Scene) => unknown, image?: string]>([
      ["more replicas", ({ kubectl: run }) => run(["scale", `deployment/${APP}`, "--replicas=3"])],
      ["a label", ({ kubectl: run }) => run(["label", "deployment", APP, "team=web"])],
      ["another template", ({ kubectl: run }) => run(["set", "image", `deployment/${APP}`, "app=app:3"]), "app:3"],
      ["another template, replaced without spec.paused", ({ replace }) => replace(aDeployment(APP, "app:3")), "app:3"],
      ["the template of its pods", ({ kubectl: run }) => run(["set", "image", `deployment/${APP}`, "app=app:1"]), "app:1"],
    ])("takes %s, and stays held", async (_, write, image = "app:2") => {
      const scene = await openHeld();
      await write(scene);
      expect(stateOf(await scene.settled())).toEqual(held(image));
      expect(await scene.images()).toEqual(["app:1"]);
    });

    it("is let go by Weir's own account, and rolls", async () => {
      const scene = await openHeld();
      expect(stateOf(await scene.patch(freed, { by: daemon }))).toEqual(free("app:2"));
      await scene.settled(); // before that, status counts the pods of the template before it
      await until(async () => (await scene.look()).status.updatedReplicas === 1, LIMIT_MS);
      expect(await scene.images()).toEqual(["app:1", "app:2"]);
    });
  });

  it("takes a template of Weir's own account at once", async () => {
    const scene = await open();
    expect(stateOf(await scene.patch(withImage("app:2"), { by: daemon }))).toEqual(free("app:2"));
  });
});

describe.skipIf(!process.env.KUBEBUILDER_ASSETS)("the policies without the Rollout CRD", () => {
  it("stand in no Deployment's way, also where the API server starts without it", { timeout: 2 * LIMIT_MS }, async () => {
    const plane = await startControlPlane();
    try {
      execFileSync(path.join(plane.assets, "kubectl"), [`--kubeconfig=${plane.kubeconfigFor("admin")}`, "apply", "-f", "deploy/hold.yaml"]);
      await plane.apply([aDeployment(APP)]);
      await plane.request("DELETE", CRD);
      await plane.apiServer.kill();
      await plane.apiServer.start();
      const patched = await plane.request<Deployment>("PATCH", `/apis/apps/v1/namespaces/default/deployments/${APP}`, withImage("app:2"), "application/strategic-merge-patch+json");
      expect(stateOf(patched)).toEqual(free("app:2"));
    } finally {
      await plane.close();
    }
  });
});

/** Lets any spec through: these tests are about the policies, not about the schema. */
async function openSpec(request: ApiRequest): Promise<void> {
  const path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
  await request("PATCH", CRD, [{ op: "replace", path, value: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }], "application/json-patch+json");
  await until(() => request("POST", "/apis/weir.dev/v1alpha1/namespaces/default/rollouts?dryRun=All", aRollout("probe", APP)).then((made) => "deployment" in (made["spec"] as object), () => false), LIMIT_MS);
}
