/** Stands in front of a server: passes everything on, but for what somebody wants to go wrong. */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import { listenOnLoopback } from "../../src/playground/loopback.ts";
import type { ApiAddress } from "../support/api-request.ts";

export interface Passing {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: string;
}

export type Harm =
  | { readonly kind: "answer"; readonly status: number; readonly body: string; readonly contentType?: string }
  /** It takes the request and says nothing. */
  | { readonly kind: "silence" }
  /** The connection breaks; after: the server has done what was asked. */
  | { readonly kind: "cut"; readonly when: "before" | "after" };

export interface Gate {
  readonly url: string;
  /** What goes wrong from now on; undefined: nothing. Who is kept waiting is let go. */
  harm(rule: ((passing: Passing) => Harm | undefined) | undefined): void;
  /** Breaks every connection with an answer under way: all watches. */
  cutAll(): void;
  close(): Promise<void>;
}

/** Sees each answer when its last byte has been handed over. */
export type OnPassed = (passing: Passing, atMs: number) => void;

export async function createGate(upstream: ApiAddress, onPassed: OnPassed = () => undefined): Promise<Gate> {
  const under = new Set<ServerResponse>();
  const silenced = new Set<ServerResponse>();
  const forward = forwarderTo(upstream);
  let rule: ((passing: Passing) => Harm | undefined) | undefined;
  const server = await listenOnLoopback((request, response) => {
    under.add(response);
    response.once("close", () => [under, silenced].forEach((set) => set.delete(response)));
    response.once("error", () => response.destroy());
    void pass(request, response).catch(() => response.destroy());
  });

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const passing = { method: request.method ?? "GET", path: request.url ?? "/", body: await textOf(request) };
    const harm = rule?.(passing);
    if (harm?.kind === "silence") return void silenced.add(response);
    if (harm?.kind === "answer") return void response.writeHead(harm.status, { "content-type": harm.contentType ?? "application/json" }).end(harm.body);
    if (harm?.kind === "cut" && harm.when === "before") return void response.destroy();
    const answer = await forward.send(passing, request.headers, response);
    if (harm?.kind === "cut") return void (answer.resume(), response.destroy());
    response.once("finish", () => onPassed(passing, performance.now()));
    answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
    answer.once("error", () => response.destroy());
  }

  return {
    url: server.url,
    harm(next) {
      rule = next;
      for (const response of silenced) response.destroy();
    },
    cutAll: () => under.forEach((response) => response.destroy()),
    close: async () => {
      await server.close();
      forward.close();
    },
  };
}

interface Forwarder {
  send(passing: Passing, headers: IncomingMessage["headers"], response: ServerResponse): Promise<IncomingMessage>;
  close(): void;
}

function forwarderTo({ url, ca }: ApiAddress): Forwarder {
  const isTls = url.startsWith("https:");
  const agent = isTls ? new https.Agent({ keepAlive: true, ca }) : new http.Agent({ keepAlive: true });
  return {
    send: ({ method, path, body }, headers, response) =>
      new Promise((resolve, reject) => {
        const own = { ...headers, host: new URL(url).host };
        const onward = (isTls ? https : http).request(new URL(path, url), { method, agent, headers: own }, resolve);
        onward.once("error", reject);
        response.once("close", () => onward.destroy());
        onward.end(body);
      }),
    close: () => agent.destroy(),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
