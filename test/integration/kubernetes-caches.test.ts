/** Our client, caches and Rollouts against whole API servers: the embedded one, and the real one where there is one. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createCaches, type Caches } from "../../src/kubernetes/caches.ts";
import { RESOURCES, type KubernetesClient } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createCrdCheck } from "../../src/kubernetes/crd-check.ts";
import { ApiError, Conflict } from "../../src/kubernetes/errors.ts";
import { createEventRecorder } from "../../src/kubernetes/event-recorder.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createRollouts } from "../../src/kubernetes/rollouts.ts";
import { createSecretReader } from "../../src/kubernetes/secrets.ts";
import { withServedVersions } from "../../src/kubernetes/served-versions.ts";
import { systemTime } from "../../src/kubernetes/time.ts";
import { createTransport, type Transport } from "../../src/kubernetes/transport.ts";
import { aRun, aStatus } from "../support/a-status.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { createSilentLog } from "../support/silent-log.ts";
import { until } from "../support/until.ts";

const COMMAND = "weir.dev/command";
const rolloutNamed = (name: string, annotations: Readonly<Record<string, string>> = {}) => ({
  apiVersion: "weir.dev/v1alpha1",
  kind: "Rollout",
  metadata: { name, annotations },
  spec: { release: "v3", traffic: { istio: { virtualServices: [{ name }] } } },
});
const virtualService = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews" },
  spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" }, weight: 100 }] }] },
};

describe.each(kubernetesApis())("with the $name API", ({ open }) => {
  let api: TestApi;
  const transports: Transport[] = [];
  let client: KubernetesClient;
  /** With the rights that the daemon has. */
  let ofDaemon: KubernetesClient;
  beforeAll(async () => {
    api = await open();
    [client, ofDaemon] = [await clientOf("admin"), await clientOf("daemon")];
  });
  afterAll(async () => {
    transports.forEach((transport) => transport.close());
    await api.close();
  });

  async function clientOf(user: string): Promise<KubernetesClient> {
    const transport = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor(user) }), { userAgent: "weir/test" });
    transports.push(transport);
    return withServedVersions(createKubernetesClient(transport));
  }

  const started: Caches[] = [];
  afterEach(() => started.splice(0).forEach((caches) => caches.stop()));

  async function followed(namespace?: string, as = client): Promise<Caches> {
    const caches = createCaches({ client: as, namespace, logger: createSilentLog() });
    started.push(caches);
    caches.start();
    await caches.synced;
    return caches;
  }

  /** As the daemon has them; `create` is an owner's, and settles when the daemon knows. */
  async function rolloutsIn(namespace: string) {
    const caches = await followed(namespace, ofDaemon);
    const log = createSilentLog();
    const crd = createCrdCheck({ client: ofDaemon, logger: log, time: systemTime });
    await crd.refresh();
    const create = async (rollout: ReturnType<typeof rolloutNamed>, options: { readonly fieldManager?: string } = {}): Promise<void> => {
      await client.create(RESOURCES.rollouts, namespace, rollout, options);
      await until(() => caches.rollouts.get(namespace, rollout.metadata.name));
    };
    return { caches, log, create, rollouts: createRollouts({ client: caches.client, cache: caches.rollouts, crd, logger: log }) };
  }

  describe("the client", () => {
    it("tells what is absent from what has changed", async () => {
      const namespace = await api.createNamespace();
      await expect(client.get(RESOURCES.rollouts, namespace, "absent")).rejects.toMatchObject({ name: "ApiError", status: 404, reason: "NotFound" });
      const created = await client.create(RESOURCES.rollouts, namespace, rolloutNamed("reviews"));
      await expect(client.create(RESOURCES.rollouts, namespace, rolloutNamed("reviews"))).rejects.toBeInstanceOf(Conflict);
      const stale = { metadata: { resourceVersion: created.metadata.resourceVersion, labels: { a: "b" } } };
      await client.patch(RESOURCES.rollouts, namespace, "reviews", { type: "merge", body: stale });
      await expect(client.patch(RESOURCES.rollouts, namespace, "reviews", { type: "merge", body: { metadata: { ...stale.metadata, labels: { a: "c" } } } })).rejects.toBeInstanceOf(Conflict);
    });

    it("tells a failed test of a JSON patch from an object that would be invalid", async () => {
      const namespace = await api.createNamespace();
      await client.create(RESOURCES.rollouts, namespace, rolloutNamed("reviews"));
      const patch = (body: readonly { op: "test" | "replace"; path: string; value: unknown }[]) => client.patch(RESOURCES.rollouts, namespace, "reviews", { type: "json", body });
      await expect(patch([{ op: "test", path: "/spec/release", value: "v9" }])).rejects.toBeInstanceOf(Conflict);
      await expect(patch([{ op: "test", path: "/metadata/annotations/absent", value: "x" }])).rejects.toBeInstanceOf(Conflict);
      await expect(patch([{ op: "test", path: "/metadata/resourceVersion", value: "1" }])).rejects.toBeInstanceOf(Conflict);
      const invalid = await patch([{ op: "replace", path: "/spec/strategy", value: { steps: [] } }]).catch((error: unknown) => error);
      expect(invalid).toMatchObject({ name: "ApiError", status: 422, reason: "Invalid" });
    });

    it("writes nothing in a dry run, and names the field manager", async () => {
      const namespace = await api.createNamespace();
      await client.create(RESOURCES.virtualServices, namespace, virtualService, { dryRun: true });
      await expect(client.get(RESOURCES.virtualServices, namespace, "reviews")).rejects.toBeInstanceOf(ApiError);
      await client.create(RESOURCES.virtualServices, namespace, virtualService, { fieldManager: "somebody" });
      const { metadata } = await client.get(RESOURCES.virtualServices, namespace, "reviews");
      expect(metadata.managedFields?.map(({ manager }) => manager)).toEqual(["somebody"]);
    });

    it("lists in pages", async () => {
      const namespace = await api.createNamespace();
      for (const name of ["a", "b", "c"]) await client.create(RESOURCES.rollouts, namespace, rolloutNamed(name));
      const first = await client.list(RESOURCES.rollouts, namespace, { limit: 2 });
      const second = await client.list(RESOURCES.rollouts, namespace, { limit: 2, continue: first.metadata.continue });
      expect([first.items, second.items].map((items) => items.map(({ metadata }) => metadata.name))).toEqual([["a", "b"], ["c"]]);
      expect(second.metadata.continue || undefined).toBeUndefined();
    });

    it("knows the server's clock, which is this machine's", () => {
      expect(transports.map(({ skewMs }) => skewMs())).toEqual([0, 0]);
    });
  });

  describe("the caches", () => {
    it("hold what is there, and follow what comes, changes and goes", async () => {
      const namespace = await api.createNamespace();
      await client.create(RESOURCES.rollouts, namespace, rolloutNamed("before"));
      const caches = await followed(namespace);
      const changes: string[] = [];
      caches.objects.virtualServices.onChange(({ kind, object }) => changes.push(`${kind} ${object.metadata.name}`));
      expect(caches.rollouts.list(namespace).map(({ metadata }) => metadata.name)).toEqual(["before"]);
      await client.create(RESOURCES.virtualServices, namespace, virtualService);
      await until(() => changes.length === 1);
      await client.patch(RESOURCES.virtualServices, namespace, "reviews", { type: "merge", body: { metadata: { labels: { a: "b" } } } });
      await until(() => caches.objects.virtualServices.get(namespace, "reviews")?.metadata.labels?.["a"] === "b");
      await client.delete(RESOURCES.virtualServices, namespace, "reviews");
      await until(() => changes.length === 3);
      expect(changes).toEqual(["added reviews", "modified reviews", "deleted reviews"]);
      expect(caches.objects.virtualServices.get(namespace, "reviews")).toBeUndefined();
    });

    it("of one namespace do not see another, those of all see both", async () => {
      const [one, other] = [await api.createNamespace(), await api.createNamespace()];
      for (const namespace of [one, other]) await client.create(RESOURCES.rollouts, namespace, rolloutNamed("reviews"));
      const narrow = await followed(one);
      const wide = await followed();
      expect([one, other].map((namespace) => narrow.rollouts.list(namespace).length)).toEqual([1, 0]);
      expect([one, other].map((namespace) => wide.rollouts.list(namespace).length)).toEqual([1, 1]);
    });

    it("have the answer to a write before its writer has it, and say so once", async () => {
      const namespace = await api.createNamespace();
      const caches = await followed(namespace);
      const changes: string[] = [];
      caches.objects.virtualServices.onChange(({ kind, object }) => changes.push(`${kind}@${object.metadata.resourceVersion}`));
      const created = await caches.client.create(RESOURCES.virtualServices, namespace, virtualService);
      const cached = () => caches.objects.virtualServices.get(namespace, "reviews")?.metadata;
      expect(cached()?.resourceVersion).toBe(created.metadata.resourceVersion);
      const body = [{ op: "replace", path: "/spec/hosts", value: ["ratings"] }] as const;
      const patched = await caches.client.patch(RESOURCES.virtualServices, namespace, "reviews", { type: "json", body }, { fieldManager: "weir" });
      expect(cached()?.resourceVersion).toBe(patched.metadata.resourceVersion);
      const last = await client.patch(RESOURCES.virtualServices, namespace, "reviews", { type: "merge", body: { metadata: { labels: { a: "b" } } } });
      await until(() => cached()?.resourceVersion === last.metadata.resourceVersion);
      expect(changes).toEqual([`added@${created.metadata.resourceVersion}`, `modified@${patched.metadata.resourceVersion}`, `modified@${last.metadata.resourceVersion}`]);
    });

    it("keep who wrote a route's rules, and when", async () => {
      const namespace = await api.createNamespace();
      const caches = await followed(namespace);
      await caches.client.create(RESOURCES.virtualServices, namespace, virtualService, { fieldManager: "owner" });
      const entries = caches.objects.virtualServices.get(namespace, "reviews")?.metadata.managedFields;
      expect(entries).toMatchObject([{ manager: "owner", operation: "Update", time: expect.any(String) as string, fieldsV1: { "f:spec": { "f:http": {}, "f:hosts": {} } } }]);
    });

    it("ask for nothing once they are filled", async () => {
      const namespace = await api.createNamespace();
      const asked = () => api.requestsOf("daemon").filter((request) => request.namespace === namespace);
      const own = createTransport(loadConnection({ kubeconfig: api.kubeconfigFor("daemon") }), { userAgent: "weir/test" });
      const caches = createCaches({ client: createKubernetesClient(own), namespace, logger: createSilentLog() });
      started.push(caches);
      caches.start();
      await caches.synced;
      await until(() => asked().filter(({ verb }) => verb === "watch").length === 13);
      const before = asked().length;
      for (let reads = 0; reads < 100; reads++) caches.objects.pods.list(namespace);
      await client.create(RESOURCES.rollouts, namespace, rolloutNamed("reviews"));
      await until(() => caches.rollouts.get(namespace, "reviews"));
      expect(asked()).toHaveLength(before);
      caches.stop();
      own.close();
    });
  });

  describe("the Rollouts", () => {
    it("keep every field of a status, and take away what a later one lacks", async () => {
      const namespace = await api.createNamespace();
      const { rollouts, log, create } = await rolloutsIn(namespace);
      await create(rolloutNamed("reviews"));
      const first = await rollouts.updateStatus(rollouts.get({ namespace, name: "reviews" })!, aStatus({ run: aRun({ pausedBy: "Step", pausedAt: "2026-01-01T00:00:00.000Z" }) }));
      expect(first.status?.run?.pausedBy).toBe("Step");
      const second = await rollouts.updateStatus(first, aStatus());
      expect(second.status).toEqual(aStatus());
      expect((await client.get(RESOURCES.rollouts, namespace, "reviews"))["status"]).toEqual(aStatus());
      expect(rollouts.get({ namespace, name: "reviews" })?.metadata.resourceVersion).toBe(second.metadata.resourceVersion);
      expect(rollouts.crdIsCurrent()).toBe(true);
      expect(log.lines).toEqual([]);
    });

    it("refuse a stale status, also one that would change nothing, and let a fresh one that changes nothing cost nothing", async () => {
      const namespace = await api.createNamespace();
      const { rollouts, create } = await rolloutsIn(namespace);
      await create(rolloutNamed("reviews"));
      const before = rollouts.get({ namespace, name: "reviews" })!;
      const written = await rollouts.updateStatus(before, aStatus());
      await expect(rollouts.updateStatus(before, aStatus())).rejects.toBeInstanceOf(Conflict);
      const again = await rollouts.updateStatus(written, aStatus());
      expect(again.metadata.resourceVersion).toBe(written.metadata.resourceVersion);
      const behind = createRollouts({ client, cache: { get: () => ({ ...rolloutNamed("reviews"), metadata: { ...before.metadata } }) }, crd: createCrdCheck({ client, logger: createSilentLog(), time: systemTime }), logger: createSilentLog() });
      await expect(behind.updateStatus(before, aStatus())).rejects.toBeInstanceOf(Conflict);
    });

    it("get their finalizer and lose it, beside that of somebody else", async () => {
      const namespace = await api.createNamespace();
      const { caches, rollouts, create } = await rolloutsIn(namespace);
      await create(rolloutNamed("reviews"));
      const now = () => rollouts.get({ namespace, name: "reviews" })!;
      const stale = now();
      await rollouts.setFinalizer(stale, true);
      expect(now().metadata.finalizers).toEqual(["weir.dev/traffic"]);
      await expect(rollouts.setFinalizer(stale, true)).rejects.toBeInstanceOf(Conflict);
      await caches.client.patch(RESOURCES.rollouts, namespace, "reviews", { type: "merge", body: { metadata: { finalizers: ["weir.dev/traffic", "example.com/kept"] } } });
      await rollouts.setFinalizer(now(), false);
      expect(now().metadata.finalizers).toEqual(["example.com/kept"]);
      await caches.client.patch(RESOURCES.rollouts, namespace, "reviews", { type: "merge", body: { metadata: { finalizers: null } } });
    });

    it("go when the last finalizer goes, and do not come back", async () => {
      const namespace = await api.createNamespace();
      const { rollouts, create } = await rolloutsIn(namespace);
      await create(rolloutNamed("reviews"));
      await rollouts.setFinalizer(rollouts.get({ namespace, name: "reviews" })!, true);
      await client.delete(RESOURCES.rollouts, namespace, "reviews");
      await until(() => rollouts.get({ namespace, name: "reviews" })?.metadata.deletionTimestamp);
      await rollouts.setFinalizer(rollouts.get({ namespace, name: "reviews" })!, false);
      await until(() => rollouts.get({ namespace, name: "reviews" }) === undefined);
      await create(rolloutNamed("later"));
      expect(rollouts.get({ namespace, name: "reviews" })).toBeUndefined();
    });

    it("have their command stamped and removed only while it is the one that was seen", async () => {
      const namespace = await api.createNamespace();
      const { rollouts, create } = await rolloutsIn(namespace);
      await create(rolloutNamed("reviews", { [COMMAND]: "abort" }));
      const now = () => rollouts.get({ namespace, name: "reviews" })!;
      await rollouts.replaceCommand(now(), "abort", "abort id=1 run=7 actor=unverified");
      expect(now().metadata.annotations[COMMAND]).toBe("abort id=1 run=7 actor=unverified");
      await expect(rollouts.replaceCommand(now(), "abort", null)).rejects.toBeInstanceOf(Conflict);
      await rollouts.replaceCommand(now(), "abort id=1 run=7 actor=unverified", null);
      expect(now().metadata.annotations).not.toHaveProperty(COMMAND);
      await expect(rollouts.replaceCommand(now(), "abort", null)).rejects.toBeInstanceOf(Conflict);
    });

    it("know whose hand wrote the spec last", async () => {
      const namespace = await api.createNamespace();
      const { rollouts, create } = await rolloutsIn(namespace);
      await create(rolloutNamed("reviews"), { fieldManager: "alice" });
      await rollouts.updateStatus(rollouts.get({ namespace, name: "reviews" })!, aStatus());
      expect(rollouts.get({ namespace, name: "reviews" })?.metadata.specManager).toBe("alice");
    });
  });

  it("an Event is recorded about its Rollout", async () => {
    const namespace = await api.createNamespace();
    const created = await client.create(RESOURCES.rollouts, namespace, rolloutNamed("reviews"));
    const log = createSilentLog();
    createEventRecorder({ client: ofDaemon, logger: log }).record({ namespace, name: "reviews", uid: created.metadata.uid ?? "" }, "Warning", "RolledBack", "5.1% failed");
    const found = async () => (await client.list(RESOURCES.events, namespace, { fieldSelector: "involvedObject.name=reviews" })).items;
    await until(async () => (await found()).length === 1);
    expect((await found())[0]).toMatchObject({ type: "Warning", reason: "RolledBack", message: "5.1% failed", involvedObject: { kind: "Rollout", uid: created.metadata.uid } });
    expect(log.lines).toEqual([]);
  });

  it("a Secret is read if it is set free", async () => {
    const namespace = await api.createNamespace();
    await api.admitDaemon(namespace);
    const read = createSecretReader(ofDaemon);
    await client.create(RESOURCES.secrets, namespace, { apiVersion: "v1", kind: "Secret", metadata: { name: "free", labels: { "weir.dev/use": "true" } }, data: { token: "dDE=" } });
    await client.create(RESOURCES.secrets, namespace, { apiVersion: "v1", kind: "Secret", metadata: { name: "kept" }, data: { token: "dDI=" } });
    expect(await read(namespace, { name: "free", key: "token" })).toBe("t1");
    await expect(read(namespace, { name: "kept", key: "token" })).rejects.toThrow("is not for Weir");
    await expect(read(namespace, { name: "absent", key: "token" })).rejects.toThrow("There is no Secret");
  });
});
