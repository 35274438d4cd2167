/** An embedded Kubernetes API server: as much of the real protocol as the daemon, the CLI and everyday `kubectl` use. */
import { stringify } from "yaml";
import { createDeletes } from "./deletes.ts";
import { startGarbageCollector } from "./garbage-collector.ts";
import { createFaults, type Faults } from "./faults.ts";
import { startHttpServer } from "./http-server.ts";
import { createObjects, type GivenObject, type Objects } from "./objects.ts";
import { createPages } from "./pages.ts";
import { createRegistry } from "./registry.ts";
import type { AnsweredRequest } from "./request-record.ts";
import type { Parts } from "./resource-verbs.ts";
import { answer } from "./routes.ts";
import type { ServiceAddress } from "./service-proxy.ts";
import { createStore } from "./store.ts";
import { createWatches, type OpenWatch } from "./watches.ts";
import { createWrites } from "./writes.ts";

export interface KubernetesApiOptions {
  /** Default 0: any free one. Always on 127.0.0.1. */
  readonly port?: number;
  /** CustomResourceDefinitions that are served from the start. */
  readonly crds?: readonly GivenObject[];
  /** Default: the computer's clock. */
  readonly now?: () => Date;
  /** Events that are kept for watches to go on from; default 5000. */
  readonly historyLimit?: number;
  /** Default 60000. */
  readonly bookmarkIntervalMs?: number;
  /** Called when a request is answered; a watch counts from its start. */
  readonly onRequest?: (request: AnsweredRequest) => void;
  /** For requests through the service proxy; default: nobody is there. */
  readonly serviceAddress?: ServiceAddress;
}

export interface KubernetesApi {
  readonly url: string;
  /** As YAML. The user is a name of your choice: everybody may do everything. Default "admin". */
  kubeconfig(user?: string): string;
  readonly objects: Objects;
  readonly faults: Faults;
  /** Forgets the history: watches and chunked lists from before are answered with 410. */
  compact(): void;
  watches(): readonly OpenWatch[];
  /** Breaks the connections of all watches, or of some. */
  cutWatches(which?: (watch: OpenWatch) => boolean): void;
  close(): Promise<void>;
}

const NAMESPACES = ["default", "kube-system", "kube-public"];

export async function createKubernetesApi(options: KubernetesApiOptions = {}): Promise<KubernetesApi> {
  const { now = () => new Date(), historyLimit = 5000, bookmarkIntervalMs = 60_000, onRequest = () => undefined } = options;
  const store = createStore(historyLimit);
  const registry = createRegistry(store);
  const watches = createWatches({ store, now, bookmarkIntervalMs });
  const deletes = createDeletes(store, registry, now);
  const writes = createWrites(store, now);
  const collector = startGarbageCollector({ store, registry, deletes, writes });
  const objects = createObjects(store, registry, now);
  const faults = createFaults();
  const { serviceAddress = () => undefined } = options;
  const parts: Parts = { store, registry, watches, deletes, serviceAddress, now, pages: createPages(store), writes };
  for (const name of NAMESPACES) objects.put({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const crd of options.crds ?? []) objects.put(crd);
  store.compact(); // nobody has seen anything yet: what was before the start is too old to watch from

  const server = await startHttpServer({ port: options.port ?? 0, answer: (call) => answer(parts, call), faults, onRequest });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    kubeconfig: (user = "admin") => stringify(kubeconfigFor(url, user)),
    objects,
    faults,
    compact: () => store.compact(),
    watches: () => watches.open(),
    cutWatches: (which) => watches.cut(which),
    async close() {
      collector.stop();
      watches.end();
      await server.close();
    },
  };
}

function kubeconfigFor(url: string, user: string): object {
  const name = "weir-playground";
  return {
    apiVersion: "v1",
    kind: "Config",
    // There is no TLS to verify; one of the Kubernetes clients accepts http:// only where this is said.
    clusters: [{ name, cluster: { server: url, "insecure-skip-tls-verify": true } }],
    users: [{ name: user, user: { token: user } }],
    contexts: [{ name, context: { cluster: name, user, namespace: "default" } }],
    "current-context": name,
  };
}
