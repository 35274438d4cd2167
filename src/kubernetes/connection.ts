/** Where the API server is and who we are there: kubeconfig files or the pod's own account, read by the Kubernetes client library. */
import type { Agent } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import type { RequestOptions } from "node:https";
import type { SecureContextOptions } from "node:tls";
import { KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { z } from "zod";

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** `user:password` for basic authentication. */
  readonly basic?: string;
  readonly tls: SecureContextOptions & { readonly rejectUnauthorized?: boolean; readonly servername?: string };
  /** Where the kubeconfig names a proxy: the agent that goes through it. */
  readonly proxy?: Agent;
}

export interface Connection {
  /** `https://host:port`, with a path where the server lives behind one. */
  readonly server: string;
  /** Where commands look unless they are told otherwise. */
  readonly namespace: string;
  /** Name of the kubeconfig's context; `in-cluster` inside a pod. */
  readonly context: string;
  /** For the next request: reads token and certificate files again and runs exec plugins when they are due. */
  credentials(): Promise<Credentials>;
}

/** Where to look, in this order; the values come from flags and environment. */
export interface ConnectionSource {
  /** As $KUBECONFIG: one path, or several that are merged (the first to name a thing wins). */
  readonly kubeconfig?: string;
  /** Home directory, for `.kube/config`. */
  readonly home?: string;
  /** $KUBERNETES_SERVICE_HOST and $KUBERNETES_SERVICE_PORT. */
  readonly inCluster?: { readonly host: string; readonly port: string; readonly accountDirectory?: string };
  /** Instead of the kubeconfig's current context. */
  readonly context?: string;
}

const ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Throws an Error with one sentence where there is no cluster to talk to. */
export function loadConnection(source: ConnectionSource): Connection {
  const config = configOf(source);
  if (source.context !== undefined) config.setCurrentContext(source.context);
  const context = config.getContextObject(config.getCurrentContext());
  const cluster = config.getCurrentCluster();
  if (!context || !cluster) throw new Error(noClusterSentence(config));
  return {
    server: cluster.server.replace(/\/+$/, ""),
    namespace: context.namespace ?? "default",
    context: context.name,
    credentials: () => credentialsOf(config, cluster.proxyUrl !== undefined),
  };
}

function noClusterSentence(config: KubeConfig): string {
  const known = config.getContexts().map(({ name }) => name);
  return `The kubeconfig has no usable context ${JSON.stringify(config.getCurrentContext())}; it knows ${known.join(", ") || "none"}: choose one with --context.`;
}

function configOf(source: ConnectionSource): KubeConfig {
  if (source.kubeconfig) return merged(source.kubeconfig.split(delimiter).filter((path) => path !== ""));
  const fallback = source.home === undefined ? undefined : join(source.home, ".kube", "config");
  if (fallback !== undefined && textOf(fallback) !== undefined) return merged([fallback]);
  if (source.inCluster) return inCluster(source.inCluster);
  throw new Error("No cluster to talk to: there is no kubeconfig (give --kubeconfig or set KUBECONFIG), and this is not a pod of a cluster.");
}

function inCluster({ host, port, accountDirectory = ACCOUNT_DIRECTORY }: NonNullable<ConnectionSource["inCluster"]>): KubeConfig {
  const name = "in-cluster";
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const namespace = textOf(join(accountDirectory, "namespace"))?.trim();
  return assembled({
    clusters: [{ name, server, caFile: join(accountDirectory, "ca.crt"), skipTLSVerify: false }],
    users: [{ name, authProvider: tokenFileProvider(join(accountDirectory, "token")) }],
    contexts: [{ name, cluster: name, user: name, ...(namespace && { namespace }) }],
    currentContext: name,
  });
}

type Parts = Pick<KubeConfig, "clusters" | "users" | "contexts" | "currentContext">;

/** As kubectl merges: files that are absent are passed over, and the first to name a thing wins. */
function merged(paths: readonly string[]): KubeConfig {
  const files = paths.map(fileParts).filter((parts) => parts !== undefined);
  if (files.length === 0) throw new Error(`No kubeconfig could be read at ${paths.join(", ")}: correct the path in --kubeconfig or KUBECONFIG.`);
  return assembled({
    clusters: firstByName(files.flatMap(({ clusters }) => clusters)),
    users: firstByName(files.flatMap(({ users }) => users)),
    contexts: firstByName(files.flatMap(({ contexts }) => contexts)),
    currentContext: files.map(({ currentContext }) => currentContext).find(Boolean) ?? "",
  });
}

function fileParts(path: string): Parts | undefined {
  const text = textOf(path);
  if (text === undefined) return undefined;
  const config = new KubeConfig();
  config.loadFromString(text);
  const directory = resolve(dirname(path));
  config.makePathsAbsolute(directory);
  return { clusters: config.clusters, users: withTokenFiles(config.users, text, directory), contexts: config.contexts, currentContext: config.currentContext };
}

const TokenFiles = z.object({
  users: z.array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().optional() }).nullish() })).nullish(),
});

/** The library passes over kubectl's `tokenFile`; its own provider for the pod's token reads such a file again as it changes. */
function withTokenFiles(users: Parts["users"], text: string, directory: string): Parts["users"] {
  const named = TokenFiles.safeParse(parse(text)).data?.users ?? [];
  const fileOf = new Map(named.map(({ name, user }) => [name, user?.tokenFile]));
  return users.map((user) => {
    const file = fileOf.get(user.name);
    return file === undefined || user.token ? user : { ...user, authProvider: tokenFileProvider(resolve(directory, file)) };
  });
}

function tokenFileProvider(tokenFile: string): { name: string; config: { tokenFile: string } } {
  return { name: "tokenFile", config: { tokenFile } };
}

/** A plain `http://` server (the playground's, or `kubectl proxy`) has no certificate to verify; the library wants that said. */
function assembled(parts: Parts): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    ...parts,
    clusters: parts.clusters.map((cluster) => (cluster.server.startsWith("http:") ? { ...cluster, skipTLSVerify: true } : cluster)),
  });
  return config;
}

function firstByName<Named extends { readonly name: string }>(all: readonly Named[]): Named[] {
  return all.filter((one, index) => all.findIndex(({ name }) => name === one.name) === index);
}

async function credentialsOf(config: KubeConfig, viaProxy: boolean): Promise<Credentials> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  return {
    headers: Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)])),
    tls: { ca, cert, key, ...(rejectUnauthorized !== undefined && { rejectUnauthorized }), ...(servername && { servername }) },
    ...(options.auth && { basic: options.auth }),
    ...(viaProxy && options.agent && { proxy: options.agent as Agent }),
  };
}

/** Undefined where there is no such file; throws where it may not be read. */
function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
