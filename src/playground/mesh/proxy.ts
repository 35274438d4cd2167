/** One workload's proxy: takes its requests, sends each to a pod of the destination that the routes name, and measures. */
import { Agent, request as sendRequest, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { Random } from "../random.ts";
import { listenOnLoopback } from "../loopback.ts";
import { processClock } from "../process-clock.ts";
import { isSelected, type Endpoint } from "./endpoint.ts";
import type { Entrance, Sender } from "./http-match.ts";
import { callRefused, grpcStatusIn, isCall } from "./grpc.ts";
import { createEnvoyMetrics } from "./envoy-metrics.ts";
import { createIstioMetrics, type Caller, type FinishedRequest } from "./istio-metrics.ts";
import { createLinkerdMetrics } from "./linkerd-metrics.ts";
import type { RoutingTable, ServiceName, Shadow, Target } from "./routing-table.ts";
import { copyTo, type ShadowSent } from "./shadows.ts";
import { edited } from "./header-edit.ts";
import type { HeaderEdit } from "./mesh-objects.ts";
import type { Tally } from "./tally.ts";
import { createTunnels } from "./tunnels.ts";

export interface Proxy {
  /** Where the workload sends its requests; the Host header names the destination. Connections are asked for by `CONNECT HOST:PORT`. */
  readonly url: string;
  /** `http://…/stats/prometheus`, as Prometheus scrapes it: Istio's metrics, and Envoy's own. */
  readonly statsUrl: string;
  /** `http://…/metrics`: the same requests, told as Linkerd does. */
  readonly linkerdUrl: string;
  close(): Promise<void>;
}

export interface ProxyOptions {
  readonly caller: Caller;
  readonly entrance: Entrance;
  /** The routes in force now. */
  readonly table: () => RoutingTable;
  /** Pods that are ready now. */
  readonly endpoints: () => readonly Endpoint[];
  readonly random: Random;
  readonly tally: Tally;
}

/** A request without an answer after this long is answered 504. */
const upstreamTimeoutMs = 15_000;

export async function createProxy(options: ProxyOptions): Promise<Proxy> {
  const [istio, envoy, linkerd] = [createIstioMetrics(options.caller), createEnvoyMetrics(), createLinkerdMetrics(options.caller)];
  const metrics: ProxyMetrics = {
    record: (finished) => [istio, envoy, linkerd].forEach((each) => each.record(finished)),
    recordShadow(finished) {
      istio.recordShadow(finished);
      envoy.record(finished); // its clusters count copies as they count requests; Linkerd's proxies send none
    },
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
  const { table, endpoints, random, tally } = options;
  const tunnels = createTunnels({ table, sender: senderOf(options), random, pick: ({ service, selector }) => pick(endpoints(), service, selector, random), tally, opened: istio.opened });
  const server = await listenOnLoopback((request, response) => route(options, agent, metrics, request, response), tunnels.open);
  const stats = await listenOnLoopback((request, response) => void answerStats(response, { "/stats/prometheus": [istio, envoy], "/metrics": [linkerd] }[request.url ?? ""]));
  return {
    url: server.url,
    statsUrl: `${stats.url}/stats/prometheus`,
    linkerdUrl: `${stats.url}/metrics`,
    close: async () => {
      agent.destroy();
      tunnels.close();
      await Promise.all([server.close(), stats.close()]);
    },
  };
}

interface ProxyMetrics {
  record(finished: FinishedRequest): void;
  /** Of a copy. */
  recordShadow(finished: FinishedRequest): void;
}

async function answerStats(response: ServerResponse, metrics: readonly { text(): Promise<string> }[] | undefined): Promise<void> {
  if (!metrics) return void response.writeHead(404).end();
  response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end((await Promise.all(metrics.map(({ text }) => text()))).join(""));
}

function route(options: ProxyOptions, agent: Agent, metrics: ProxyMetrics, request: IncomingMessage, response: ServerResponse): void {
  const startedMs = processClock.nowMs();
  const host = request.headers.host ?? "";
  const asked = { host, target: request.url ?? "/", method: request.method ?? "GET", headers: request.headers };
  const target = options.table().targetOf(asked, senderOf(options), options.random());
  const endpoint = target.kind === "pods" ? pick(options.endpoints(), target.service, target.selector, options.random) : undefined;
  const finish = options.tally.add(target.service, endpoint);
  const trouble: Trouble = { flags: "-", grpcStatus: isCall(request.headers) ? "" : undefined };
  response.once("close", () => {
    const end = endOf(response, trouble.flags);
    metrics.record({ service: target.service, host, endpoint, ...end, grpcStatus: trouble.grpcStatus, durationMs: processClock.nowMs() - startedMs });
    finish(end.code);
  });
  copyTo(request, target.kind === "pods" ? target.shadows.flatMap((shadow) => shadowSent(options, { agent, metrics, request }, shadow)) : []);
  if (endpoint) forward({ agent, endpoint, answered: target.kind === "pods" ? target.answered : [] }, request, response, trouble);
  else refuse(response, trouble, ...whyNot(target));
}

/** What the metrics are to say of how a request ended. */
interface Trouble {
  flags: string;
  /** Absent where it is no call by gRPC. */
  grpcStatus: string | undefined;
}

interface Copying {
  readonly agent: Agent;
  readonly metrics: ProxyMetrics;
  readonly request: IncomingMessage;
}

/** One of those copies that chance says are to be sent, and for which there is a pod. */
function shadowSent({ endpoints, random, tally }: ProxyOptions, { agent, metrics, request }: Copying, { pods: { service, selector }, share }: Shadow): readonly ShadowSent[] {
  const endpoint = random() < share ? pick(endpoints(), service, selector, random) : undefined;
  if (!endpoint) return [];
  const finish = tally.addShadow(service, endpoint);
  return [{
    agent, endpoint, headers: endToEnd(request.headers), timeoutMs: upstreamTimeoutMs,
    ended: (end) => {
      metrics.recordShadow({ service, host: request.headers.host ?? "", endpoint, ...end });
      finish(end.code);
    },
  }];
}

function senderOf({ caller: { namespace, app, version }, entrance }: ProxyOptions): Sender {
  return { namespace, entrance, labels: entrance === "sidecar" ? { app, version } : {} };
}

/** An answer that was cut though nothing was wrong with the pod: the client went away (DC). */
function endOf(response: ServerResponse, flags: string): { readonly code: number; readonly flags: string } {
  const clientLeft = flags === "-" && !response.writableFinished;
  return clientLeft ? { code: 0, flags: "DC" } : { code: response.statusCode, flags };
}

function whyNot(target: Target): [code: number, flags: string] {
  return target.kind === "nowhere" ? [target.code, target.flags] : [503, "UH"];
}

function pick(
  endpoints: readonly Endpoint[],
  service: ServiceName,
  selector: Readonly<Record<string, string>>,
  random: Random,
): Endpoint | undefined {
  const ready = endpoints.filter((endpoint) => isSelected(endpoint, service.namespace, selector));
  return ready[Math.floor(random() * ready.length)];
}

interface Forwarding {
  readonly agent: Agent;
  readonly endpoint: Endpoint;
  readonly answered: readonly HeaderEdit[];
}

function forward({ agent, endpoint, answered }: Forwarding, request: IncomingMessage, response: ServerResponse, trouble: Trouble): void {
  const upstream = sendRequest({
    agent,
    host: "127.0.0.1",
    port: endpoint.port,
    method: request.method,
    path: request.url,
    headers: endToEnd(request.headers),
    timeout: upstreamTimeoutMs,
  });
  upstream.once("response", (answer) => {
    if (trouble.grpcStatus !== undefined) trouble.grpcStatus = grpcStatusIn(answer.headers);
    response.writeHead(answer.statusCode ?? 502, edited(endToEnd(answer.headers), answered));
    answer.once("error", () => breakOff(response, trouble)).pipe(response);
  });
  upstream.once("timeout", () => {
    refuse(response, trouble, 504, "UT");
    upstream.destroy();
  });
  upstream.on("error", (error) => refuse(response, trouble, 503, isRefusal(error) ? "UF" : "UC"));
  response.once("close", () => endUnanswered(upstream, response));
  request.pipe(upstream);
}

/** The client is gone: the pod need not go on. */
function endUnanswered(upstream: ClientRequest, response: ServerResponse): void {
  if (!response.writableFinished) upstream.destroy();
}

/** Answers in the pod's stead, unless an answer is already on its way. */
function refuse(response: ServerResponse, trouble: Trouble, code: number, flags: string): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) return breakOff(response, trouble);
  trouble.flags = flags;
  if (trouble.grpcStatus !== undefined) return refuseCall(response, trouble, code);
  response.writeHead(code, { "content-type": "text/plain" }).end(`the mesh answered: ${code} ${flags}\n`);
}

function refuseCall(response: ServerResponse, trouble: Trouble, code: number): void {
  const headers = callRefused(code);
  trouble.grpcStatus = String(headers["grpc-status"]);
  response.writeHead(200, headers).end();
}

function breakOff(response: ServerResponse, trouble: Trouble): void {
  trouble.flags = "UC";
  response.destroy();
}

function isRefusal(error: NodeJS.ErrnoException): boolean {
  return error.code === "ECONNREFUSED";
}

/** Headers about one connection stay on it. */
function endToEnd({ connection: _connection, "keep-alive": _keepAlive, ...headers }: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return headers;
}
