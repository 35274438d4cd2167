/** Stands between a daemon and its API server, and keeps back the answer to a chosen write: the world has it, the daemon does not know. */
import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import path from "node:path";
import { parse } from "yaml";
import { listenOnLoopback } from "../../src/playground/loopback.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import type { ApiObject } from "./api-request.ts";
import type { TestApi } from "./kubernetes-apis.ts";

export interface ApiGate {
  /** Leads through the gate. */
  readonly kubeconfig: string;
  /** Settles at the first write that leaves an object like this on the server; nobody is told of that write, nor of those at the same time that follow it. */
  shutAfter(isChosen: (written: ApiObject) => boolean): Promise<void>;
  /** Lets everything through again. */
  open(): void;
  close(): Promise<void>;
}

interface Upstream {
  readonly url: string;
  readonly protocol: typeof http | typeof https;
  readonly agent: http.Agent;
}

export async function createApiGate(api: TestApi, user: string): Promise<ApiGate> {
  const { url, ca } = api.address;
  const isTls = url.startsWith("https:");
  const upstream: Upstream = { url, protocol: isTls ? https : http, agent: isTls ? new https.Agent({ keepAlive: true, ca }) : new http.Agent({ keepAlive: true }) };
  let shuts: ((written: ApiObject) => boolean) | undefined;
  const isKeptBack = (written: ApiObject): boolean => shuts?.(written) === true;
  const server = await listenOnLoopback((request, response) => pass(upstream, request, response, isKeptBack));
  const folder = createTemporaryFolder("weir-gate");
  return {
    kubeconfig: writeKubeconfig(path.join(folder.path, "kubeconfig"), api.kubeconfigFor(user), server.url),
    shutAfter: (isChosen) =>
      new Promise((resolve) => {
        let isShut = false;
        shuts = (written) => {
          isShut ||= isChosen(written);
          if (isShut) resolve();
          return isShut;
        };
      }),
    open: () => void (shuts = undefined),
    close: async () => {
      await server.close();
      upstream.agent.destroy();
      await folder.remove();
    },
  };
}

/** Reads stream through; a write's answer is read first. */
function pass({ url, protocol, agent }: Upstream, request: IncomingMessage, response: ServerResponse, isKeptBack: (written: ApiObject) => boolean): void {
  const { method, headers } = request;
  const onward = protocol.request(new URL(request.url ?? "/", url), { method, agent, headers: { ...headers, host: new URL(url).host } }, (answer) => {
    if (method === "GET") return void answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
    void deliver(answer, response, isKeptBack);
  });
  onward.once("error", () => response.destroy());
  response.once("close", () => onward.destroy());
  request.pipe(onward);
}

async function deliver(answer: IncomingMessage, response: ServerResponse, isKeptBack: (written: ApiObject) => boolean): Promise<void> {
  const chunks: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(answer, "end");
  const body = Buffer.concat(chunks);
  const status = answer.statusCode ?? 502;
  if (status < 300 && isKeptBack(JSON.parse(body.toString("utf8")) as ApiObject)) return;
  response.writeHead(status, { "content-type": answer.headers["content-type"] ?? "application/json" }).end(body);
}

interface Kubeconfig {
  readonly clusters: readonly { readonly name: string }[];
}

/** The user's own, with the gate in the server's place; JSON is YAML. */
function writeKubeconfig(file: string, original: string, server: string): string {
  const config = parse(readFileSync(original, "utf8")) as Kubeconfig;
  writeFileSync(file, JSON.stringify({ ...config, clusters: config.clusters.map(({ name }) => ({ name, cluster: { server } })) }), { mode: 0o600 });
  return file;
}
