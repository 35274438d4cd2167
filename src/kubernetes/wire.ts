/** Sends single requests to the API server as who we are there, and notes what each tells: its time, its status, the server's clock. */
import type { IncomingMessage } from "node:http";
import { createAgents } from "./agents.ts";
import type { Connection } from "./connection.ts";
import { openAnswer, type HttpRequest } from "./exchange.ts";
import { createSkewMeter } from "./skew.ts";
import type { Time } from "./time.ts";

export interface TransportRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** With the query. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
  /** For metrics and sentences: `get`, `list`, `watch`, `create`, `patch`, `delete`, `request`. */
  readonly verb: string;
  /** For metrics: the plural; never a name. */
  readonly resource: string;
}

export interface RequestSeen {
  readonly verb: string;
  readonly resource: string;
  /** 0: no answer. */
  readonly status: number;
  /** Until the head of the answer. */
  readonly durationMs: number;
}

export interface Wire {
  /** The head of the answer to one request; any of the signals ends request and answer, at any time. */
  open(kind: "call" | "watch", request: TransportRequest, signals: readonly AbortSignal[]): Promise<IncomingMessage>;
  skewMs(): number | undefined;
  close(): void;
}

export interface WireOptions {
  readonly userAgent: string;
  readonly onRequest: (seen: RequestSeen) => void;
  readonly time: Time;
}

export function createWire(connection: Connection, { userAgent, onRequest, time }: WireOptions): Wire {
  const agents = createAgents(connection, time);
  const skew = createSkewMeter();

  async function exchange(kind: "call" | "watch", request: TransportRequest, signals: readonly AbortSignal[]): Promise<IncomingMessage> {
    const access = await agents.access(kind);
    const sentMs = time.nowMs();
    const answer = await openAnswer(httpRequestOf(connection.server, userAgent, request), access, signals);
    skew.sample(sentMs, time.nowMs(), answer.headers.date);
    if (answer.statusCode === 401) agents.forget();
    return answer;
  }

  return {
    async open(kind, request, signals) {
      const { verb, resource } = request;
      const startedMs = time.nowMs();
      const tell = (status: number): void => onRequest({ verb, resource, status, durationMs: Math.max(0, time.nowMs() - startedMs) });
      try {
        const answer = await exchange(kind, request, signals);
        tell(answer.statusCode ?? 0);
        return answer;
      } catch (error) {
        tell(0);
        throw error;
      }
    },
    skewMs: () => skew.skewMs(),
    close: () => agents.close(),
  };
}

function httpRequestOf(server: string, userAgent: string, request: TransportRequest): HttpRequest {
  const { method, path, contentType, body } = request;
  return {
    method,
    url: `${server}${path}`,
    headers: { Accept: "application/json", "User-Agent": userAgent, ...(contentType !== undefined && { "Content-Type": contentType }) },
    ...(body !== undefined && { body }),
  };
}
