/** A real Kubernetes control plane (etcd, kube-apiserver and, if asked for, kube-controller-manager) for tests, from KUBEBUILDER_ASSETS. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { json } from "node:stream/consumers";
import { onFreePort, startChild, untilReady, type Child } from "../../src/playground/processes/child-process.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { createServerProcess, type ServerProcess } from "../../src/playground/processes/restartable.ts";
import { createApiRequest, type ApiAddress, type ApiObject, type ApiRequest } from "./api-request.ts";
import { applyCustomResourceDefinitions, applyObjects, parseObjects, type ApplyOptions } from "./apply.ts";
import { readAuditLog, type AuditEntry } from "./audit-log.ts";
import { startFakeKubelet, type FakeKubelet } from "./fake-kubelet.ts";

export interface User {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface ControlPlaneOptions {
  /** Besides `admin`, who may do everything. */
  readonly users?: readonly User[];
  /** Default false. */
  readonly audit?: boolean;
  /** Default true; false lets every user do everything. */
  readonly rbac?: boolean;
  /** Runs kube-controller-manager and a fake kubelet, so that Deployments get pods, and pods get ready; or some controllers alone. Default false. */
  readonly controllers?: boolean | readonly string[];
}

/** Plain data, so that another process can use the same control plane. `token` is the admin's. */
export interface ControlPlaneAddress extends Required<ApiAddress> {
  readonly folder: string;
  readonly assets: string;
}

/** A control plane seen from a test that did not start it. */
export interface ConnectedControlPlane extends ControlPlaneAddress {
  /** The address alone: data that can be sent to another process. */
  readonly address: ControlPlaneAddress;
  /** As admin. */
  readonly request: ApiRequest;
  /** The path of a kubeconfig for `admin` or one of the users. */
  kubeconfigFor(user: string): string;
  /** The path of a kubeconfig for a service account, with a token that holds for a day. */
  kubeconfigForServiceAccount(namespace: string, name: string): Promise<string>;
  /** What the server was asked so far, by this user or by everybody. */
  auditLog(user?: string): readonly AuditEntry[];
  apply(objects: string | readonly ApiObject[], options?: ApplyOptions): Promise<readonly ApiObject[]>;
}

export interface ControlPlane extends ConnectedControlPlane {
  /** With all `controllers` only. */
  readonly kubelet: FakeKubelet | undefined;
  /** Both keep address and data over their ends. */
  readonly etcd: ServerProcess;
  readonly apiServer: ServerProcess;
  close(): Promise<void>;
}

/** Throws if KUBEBUILDER_ASSETS is not set; takes about three seconds and half a gigabyte. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (!assets) throw new Error("KUBEBUILDER_ASSETS is not set: it names the folder of etcd, kube-apiserver and kube-controller-manager");
  const folder = createTemporaryFolder("weir-control-plane");
  const started: ServerProcess[] = [];
  const close = async (): Promise<void> => {
    // The last one first: an API server without its etcd does not end. None has anything worth saving.
    for (const server of started.reverse()) await server.kill();
    await folder.remove();
  };
  const running: Running = async (launch) => {
    const server = createServerProcess(await launch(), launch, folder);
    started.push(server);
    return server;
  };
  try {
    const { connected, etcd, apiServer } = await startServers({ assets, folder: folder.path, options }, running);
    const kubelet = options.controllers === true ? await startFakeKubelet(connected) : undefined;
    return { ...connected, kubelet, etcd, apiServer, close: async () => void (await kubelet?.close(), await close()) };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Setup {
  readonly assets: string;
  readonly folder: string;
  readonly options: ControlPlaneOptions;
}

/** Launches a server that ends with the control plane. */
type Running = (launch: () => Promise<Child>) => Promise<ServerProcess>;

async function startServers(setup: Setup, running: Running): Promise<Pick<ControlPlane, "etcd" | "apiServer"> & { readonly connected: ConnectedControlPlane }> {
  const tokens = writeCredentials(setup);
  const token = tokens.get("admin")!;
  const etcd = await running(() => launchEtcd(setup));
  const { apiServer, port } = await onFreePort(async (free) => ({ apiServer: await running(() => launchApiServer(setup, free, token)), port: free }));
  const address = addressOf(setup, port, token);
  for (const [user, each] of tokens) writeKubeconfig(address, user, each);
  const connected = connectControlPlane(address);
  await applyCustomResourceDefinitions(connected.request, customResourceDefinitions(setup.assets));
  if (setup.options.controllers) await running(() => launchControllers(setup));
  return { connected, etcd, apiServer };
}

const AUDIT_POLICY = { apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages: ["RequestReceived"], rules: [{ level: "Metadata" }] };

/** A user of their own keeps the controllers' requests apart in the audit log. */
const CONTROLLERS_USER = "controllers";

function writeCredentials({ folder, options }: Setup): ReadonlyMap<string, string> {
  const masters = ["admin", CONTROLLERS_USER].map((name) => ({ name, groups: ["system:masters"] }));
  const users: readonly User[] = [...masters, ...(options.users ?? [])];
  const tokens = new Map(users.map(({ name }) => [name, randomBytes(16).toString("hex")]));
  const lines = users.map(({ name, groups = [] }) => `${tokens.get(name)},${name},${name},"${groups.join(",")}"\n`);
  writeFileSync(path.join(folder, "tokens.csv"), lines.join(""));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(path.join(folder, "service-account.key"), privateKey.export({ type: "pkcs1", format: "pem" }));
  writeFileSync(path.join(folder, "audit-policy.json"), JSON.stringify(AUDIT_POLICY));
  return tokens;
}

/** On Unix sockets only; the addresses that it tells others are never used. */
async function launchEtcd({ assets, folder }: Setup): Promise<Child> {
  const socket = `${folder}/etcd.sock`;
  rmSync(socket, { force: true }); // of one that was killed
  const etcd = await startChild(
    path.join(assets, "etcd"),
    [
      "--name=weir",
      `--data-dir=${folder}/etcd`,
      "--unsafe-no-fsync",
      "--log-level=error",
      `--listen-client-urls=unix://${folder}/etcd.sock`,
      "--advertise-client-urls=http://127.0.0.1:1",
      `--listen-peer-urls=unix://${folder}/etcd-peer.sock`,
      "--initial-advertise-peer-urls=http://127.0.0.1:1",
      "--initial-cluster=weir=http://127.0.0.1:1",
    ],
    path.join(folder, "etcd.log"),
  );
  await untilReady(etcd, "etcd", async () => existsSync(socket));
  return etcd;
}

/** Asks etcd to forget all that was before now, and tells the API server, which serves lists of then from memory otherwise. */
export async function compactEtcd({ folder }: Pick<ControlPlaneAddress, "folder">): Promise<void> {
  const ask = (path: string, body: object): Promise<EtcdAnswer> => askEtcd(`${folder}/etcd.sock`, path, body);
  const { revision } = (await ask("/v3/kv/range", { key: encoded("nothing") })).header;
  await ask("/v3/kv/put", { key: encoded("compact_rev_key"), value: encoded(revision) });
  await ask("/v3/kv/compaction", { revision });
}

interface EtcdAnswer {
  readonly header: { readonly revision: string };
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** Through its JSON gateway. */
function askEtcd(socketPath: string, path: string, body: object): Promise<EtcdAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, path, method: "POST" }, (response) => {
      json(response).then((answer) => (response.statusCode === 200 ? resolve(answer as EtcdAnswer) : reject(new Error(`etcd answered ${path} with ${response.statusCode}: ${JSON.stringify(answer)}`))), reject);
    });
    request.on("error", reject);
    request.end(JSON.stringify(body));
  });
}

async function launchApiServer(setup: Setup, port: number, token: string): Promise<Child> {
  const { assets, folder, options } = setup;
  const server = await startChild(
    path.join(assets, "kube-apiserver"),
    [
      `--etcd-servers=unix://${folder}/etcd.sock`,
      `--cert-dir=${folder}/certificates`, // it makes its own
      `--secure-port=${port}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      "--endpoint-reconciler-type=none", // it may not write a loopback address into the endpoints of "kubernetes"
      "--service-cluster-ip-range=10.0.0.0/16", // scenes leave their Services behind
      `--token-auth-file=${folder}/tokens.csv`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${folder}/service-account.key`,
      `--service-account-signing-key-file=${folder}/service-account.key`,
      `--authorization-mode=${options.rbac === false ? "AlwaysAllow" : "RBAC"}`,
      "--disable-admission-plugins=ServiceAccount",
      "--profiling=false",
      ...(options.audit ? [`--audit-policy-file=${folder}/audit-policy.json`, `--audit-log-path=${auditLogOf(folder)}`] : []),
    ],
    path.join(folder, `kube-apiserver-${port}.log`),
  );
  await untilReady(server, "kube-apiserver", async () => (await createApiRequest(addressOf(setup, port, token))<string>("GET", "/readyz")) === "ok");
  return server;
}

/** Known once the server has made its certificate. */
function addressOf({ assets, folder }: Setup, port: number, token: string): ControlPlaneAddress {
  return { url: `https://127.0.0.1:${port}`, ca: readFileSync(`${folder}/certificates/apiserver.crt`, "utf8"), token, folder, assets };
}

// Those that a test may need; each of the others costs requests.
const CONTROLLERS = [
  "clusterrole-aggregation-controller",
  "daemonset-controller",
  "deployment-controller",
  "disruption-controller",
  "endpointslice-controller",
  "garbage-collector-controller",
  "horizontal-pod-autoscaler-controller",
  "namespace-controller",
  "replicaset-controller",
  "resourcequota-controller",
  "serviceaccount-controller",
  "statefulset-controller",
];

function launchControllers({ assets, folder, options: { controllers } }: Setup): Promise<Child> {
  return startChild(
    path.join(assets, "kube-controller-manager"),
    [
      `--kubeconfig=${kubeconfigPath(folder, CONTROLLERS_USER)}`,
      `--controllers=${(Array.isArray(controllers) ? controllers : CONTROLLERS).join(",")}`,
      "--leader-elect=false",
      "--secure-port=0",
      "--horizontal-pod-autoscaler-sync-period=1s",
      `--service-account-private-key-file=${folder}/service-account.key`,
    ],
    path.join(folder, "kube-controller-manager.log"),
  );
}

/** VirtualService, DestinationRule, ServiceEntry and Gateway, the Gateway API's routes, and Weir's own. */
function customResourceDefinitions(assets: string): readonly ApiObject[] {
  const istio = readFileSync(path.join(assets, "crds/istio.yaml"), "utf8")
    .split(/^---$/m)
    .filter((document) => /^ {2}name: (virtualservices|destinationrules|serviceentries|gateways)\.networking\.istio\.io$/m.test(document));
  const gatewayApi = ["httproutes", "grpcroutes"].map((plural) => readFileSync(path.join(assets, `crds/gateway-api-gateway.networking.k8s.io_${plural}.yaml`), "utf8"));
  const ours = new URL("../../deploy/crd.yaml", import.meta.url);
  return [...istio, ...gatewayApi, ...(existsSync(ours) ? [readFileSync(ours, "utf8")] : [])].flatMap(parseObjects);
}

/** For a control plane that somebody else started. */
export function connectControlPlane(address: ControlPlaneAddress): ConnectedControlPlane {
  const request = createApiRequest(address);
  return {
    ...address,
    address,
    request,
    kubeconfigFor: (user) => kubeconfigPath(address.folder, user),
    kubeconfigForServiceAccount: async (namespace, name) => {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
      const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 86_400 } };
      const { status } = await request<{ status: { token: string } }>("POST", path, review);
      return writeKubeconfig(address, `${namespace}-${name}`, status.token);
    },
    auditLog: (user) => readAuditLog(auditLogOf(address.folder)).filter((entry) => user === undefined || entry.user === user),
    apply: (objects, options) => applyObjects(request, objects, options),
  };
}

function auditLogOf(folder: string): string {
  return path.join(folder, "audit.log");
}

function kubeconfigPath(folder: string, user: string): string {
  return path.join(folder, `${user}.kubeconfig`);
}

/** The token in a kubeconfig that a control plane wrote. */
export function tokenIn(kubeconfig: string): string {
  const { users } = JSON.parse(readFileSync(kubeconfig, "utf8")) as { readonly users: readonly [{ readonly user: { readonly token: string } }] };
  return users[0].user.token;
}

/** Returns the file's path; JSON is YAML. */
function writeKubeconfig({ folder, url, ca }: ControlPlaneAddress, user: string, token: string): string {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user } }],
    "current-context": "test",
  };
  const file = kubeconfigPath(folder, user);
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
