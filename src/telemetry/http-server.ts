/** The daemon's own HTTP endpoints: `/healthz`, `/readyz`, `/metrics` and `/doctor`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "./logger.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Why this process should be restarted; empty: it is well. */
  readonly unhealthy: () => readonly string[];
  /** Why this process is not ready; empty: it is. Never depends on Redis (law 1). */
  readonly unready: () => readonly string[];
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** What only the daemon sees, as plain JSON; `sendTest` from `/doctor?send-test=namespace/name`. */
  readonly doctor: (sendTest?: string) => Promise<unknown>;
  readonly logger: Logger;
}

export interface HttpServer {
  readonly address: { readonly host: string; readonly port: number };
  /** Ends within about a second, whatever clients do. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const MAX_CONNECTIONS = 128;
const REQUEST_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 25_000;
const CLOSE_GRACE_MS = 1_000;

/** Listens; rejects where the address cannot be had. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const routes = routesOf(options);
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: 16_384 }, (request, response) => {
    void answer(routes, request, options.logger).then((result) => send(request, response, result));
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.host, options.port);
  return { address: { host: options.host, port: (server.address() as AddressInfo).port }, close: () => close(server) };
}

type Route = (query: URLSearchParams) => Promise<Answer>;

function routesOf({ unhealthy, unready, metrics, doctor }: HttpServerOptions): ReadonlyMap<string, Route> {
  return new Map<string, Route>([
    ["/healthz", async () => verdict(unhealthy())],
    ["/readyz", async () => verdict(unready())],
    ["/metrics", async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() })],
    ["/doctor", oneAtATime(async (query) => ({ status: 200, contentType: "application/json", body: JSON.stringify(await doctor(query.get("send-test") ?? undefined)) }))],
  ]);
}

function verdict(reasons: readonly string[]): Answer {
  const isWell = reasons.length === 0;
  return { status: isWell ? 200 : 503, contentType: "text/plain; charset=utf-8", body: isWell ? "ok\n" : `${reasons.join("\n")}\n` };
}

/** Those who ask the same while an answer is being found share it. */
function oneAtATime(route: Route): Route {
  const underWay = new Map<string, Promise<Answer>>();
  return (query) => {
    const asked = query.toString();
    const answering = underWay.get(asked) ?? route(query).finally(() => underWay.delete(asked));
    underWay.set(asked, answering);
    return answering;
  };
}

async function answer(routes: ReadonlyMap<string, Route>, request: IncomingMessage, logger: Logger): Promise<Answer> {
  const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
  const route = routes.get(path);
  if (!route) return plain(404, `nothing here; there are ${[...routes.keys()].join(", ")}`);
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "only GET");
  try {
    return await inTime(route(new URLSearchParams(query)));
  } catch (error) {
    logger.error({ path, error }, "an endpoint failed");
    return plain(500, `${path} failed; the daemon's log says more`);
  }
}

function plain(status: number, sentence: string): Answer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${sentence}\n` };
}

async function inTime(answering: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve(plain(504, `no answer within ${ANSWER_TIMEOUT_MS / 1_000}s`)), ANSWER_TIMEOUT_MS);
  });
  return Promise.race([answering, late]).finally(() => clearTimeout(timer));
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: Answer): void {
  request.resume();
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body), "cache-control": "no-store" });
  response.end(request.method === "HEAD" ? undefined : body);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
