/** Copies of requests, sent besides: whatever becomes of them, nobody who asked waits for it or hears of it. */
import { request as sendRequest, type Agent, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { processClock } from "../process-clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { grpcStatusIn, isCall } from "./grpc.ts";
import type { FinishedRequest } from "./istio-metrics.ts";

export interface ShadowSent {
  readonly agent: Agent;
  readonly endpoint: Endpoint;
  readonly headers: OutgoingHttpHeaders;
  /** A copy without an answer after this long is given up. */
  readonly timeoutMs: number;
  /** Told once, when it is known how it ended. */
  readonly ended: (end: Pick<FinishedRequest, "code" | "flags" | "grpcStatus" | "durationMs">) => void;
}

/** Longer bodies are not copied: they would have to be kept until all of them is there. */
const LONGEST_BODY_BYTES = 1_048_576;

/** Sends the copies once the whole request is there; the request itself goes its own way meanwhile. */
export function copyTo(request: IncomingMessage, shadows: readonly ShadowSent[]): void {
  if (shadows.length === 0) return;
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= LONGEST_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  });
  request.once("end", () => {
    if (bytes <= LONGEST_BODY_BYTES) for (const shadow of shadows) send(shadow, request, Buffer.concat(chunks));
  });
}

function send({ agent, endpoint, headers, timeoutMs, ended }: ShadowSent, request: IncomingMessage, body: Buffer): void {
  const { method, url, headers: { host = "" } } = request;
  const startedMs = processClock.nowMs();
  const shadow = sendRequest({ agent, host: "127.0.0.1", port: endpoint.port, method, path: url, headers: { ...headers, host: shadowHost(host) }, timeout: timeoutMs });
  let answer: IncomingMessage | undefined;
  let isLate = false;
  shadow.once("timeout", () => {
    isLate = true;
    shadow.destroy();
  });
  shadow.on("error", () => undefined); // told when it closes
  shadow.once("response", (response) => void (answer = response.on("error", () => undefined).resume()));
  shadow.once("close", () => ended({ ...endOf(answer, isLate), ...(isCall(request.headers) ? { grpcStatus: grpcStatusIn(answer?.headers ?? {}) } : {}), durationMs: processClock.nowMs() - startedMs }));
  shadow.end(body);
}

function endOf(answer: IncomingMessage | undefined, isLate: boolean): Pick<FinishedRequest, "code" | "flags"> {
  if (answer?.complete) return { code: answer.statusCode ?? 502, flags: "-" };
  return isLate ? { code: 504, flags: "UT" } : { code: 503, flags: "UC" };
}

/** `reviews-shadow`, as Envoy asks for it; the port stays. */
function shadowHost(host: string): string {
  return host.replace(/^[^:]*/, (name) => `${name}-shadow`);
}
