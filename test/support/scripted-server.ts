/** An HTTP server on loopback that answers as badly as a test tells it to. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Connection } from "../../src/kubernetes/connection.ts";

export interface Asked {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly response: ServerResponse;
}

export interface ScriptedServer {
  readonly url: string;
  /** For `createTransport`. */
  readonly connection: Connection;
  /** In the order in which they came. */
  readonly asked: readonly Asked[];
  /** How many connections were ever opened, and how many are open now. */
  opened(): number;
  open(): number;
  close(): Promise<void>;
}

/** `answer` may answer, hang, or destroy the socket; `index` counts the requests from 0. */
export async function startScriptedServer(answer: (asked: Asked, index: number) => void): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const path = request.url ?? "";
      const one = { method: request.method ?? "", path, query: new URL(path, "http://x").searchParams, headers: request.headers, body: Buffer.concat(chunks).toString(), response };
      asked.push(one);
      answer(one, asked.length - 1);
    });
  });
  server.on("connection", (socket) => {
    opened++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    connection: connectionTo(url),
    asked,
    opened: () => opened,
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Without credentials. */
export function connectionTo(url: string, headers: Readonly<Record<string, string>> = {}): Connection {
  return { server: url, namespace: "default", context: "test", credentials: async () => ({ headers, tls: {} }) };
}

export function answerJson({ response }: Asked, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** As the API server refuses. */
export function refuse(asked: Asked, status: number, reason: string, message: string = reason, headers: Readonly<Record<string, string>> = {}): void {
  answerJson(asked, status, { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code: status }, headers);
}
