/** One Prometheus: queries over `prometheus-query`, with a deadline, limits and errors that can be told to anybody. */
import { AsyncLocalStorage } from "node:async_hooks";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { PrometheusDriver } from "prometheus-query";
import { abortable } from "./abortable.ts";
import { answerIn, errorIn, type Answer } from "./answer.ts";
import type { Credentials } from "./credentials.ts";
import type { Limit } from "./limit.ts";
import { PrometheusError, type PrometheusErrorKind } from "./prometheus-error.ts";

export interface PrometheusClient {
  /**
   * Evaluates a query at one instant. Throws a PrometheusError when it fails, at the latest after the deadline;
   * throws the signal's reason as soon as it aborts.
   */
  query(promql: string, instantMs: number, signal: AbortSignal): Promise<Answer>;
  /** Evaluates it at every step of a span of time, both ends included where the steps meet them: a matrix. Throws as `query` does. */
  queryRange(promql: string, span: Span, signal: AbortSignal): Promise<Answer>;
}

export interface Span {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface ClientOptions {
  /** http or https, without user, query or fragment; the API is at `api/v1/` below it. */
  readonly url: string;
  readonly credentials: Credentials;
  /** For the whole answer, its body included. */
  readonly deadlineMs: number;
  readonly maxAnswerBytes: number;
  /** Waiting for its turn counts towards the deadline. */
  readonly limit: Limit;
}

/** Longer idle than this, and a connection is closed; Prometheus itself keeps them for five minutes. */
const IDLE_CONNECTION_MS = 30_000;

/** What one query carries through the library, and what it brings back past the library's own parser. */
interface Call {
  readonly signal: AbortSignal;
  outcome?: Answer | PrometheusError;
}

type DriverOptions = ConstructorParameters<typeof PrometheusDriver>[0];
type RequestConfig = Parameters<NonNullable<DriverOptions["requestInterceptor"]>["onFulfilled"]>[0];
type Response = Parameters<NonNullable<DriverOptions["responseInterceptor"]>["onFulfilled"]>[0];

export function createPrometheusClient(options: ClientOptions): PrometheusClient {
  const calls = new AsyncLocalStorage<Call>();
  const driver = new PrometheusDriver(driverOptions(options, calls));

  async function ask(send: () => Promise<unknown>, signal: AbortSignal): Promise<Answer> {
    const call: Call = { signal };
    // The library rejects with plain objects and loses parts of the answer: what counts is what the interceptors noted.
    await calls.run(call, send).catch(() => undefined);
    const { outcome = new PrometheusError("unreachable") } = call;
    if (outcome instanceof PrometheusError) throw outcome;
    return outcome;
  }

  function bounded(send: () => Promise<unknown>, caller: AbortSignal): Promise<Answer> {
    return withDeadline(options.deadlineMs, caller, (signal) => options.limit(() => ask(send, signal), signal));
  }

  const serverTimeout = `${options.deadlineMs}ms`;
  return {
    query: (promql, instantMs, signal) => bounded(() => driver.instantQuery(promql, instantMs, serverTimeout), signal),
    queryRange: (promql, { startMs, endMs, stepMs }, signal) => bounded(() => driver.rangeQuery(promql, startMs, endMs, stepMs / 1_000, serverTimeout), signal),
  };
}

/** Bounds the work by time and by the caller's signal. Its own controller, linked by hand: AbortSignal.any leaks with long-lived signals on Node 20. */
async function withDeadline<T>(deadlineMs: number, signal: AbortSignal, work: (bounded: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(() => controller.abort(new PrometheusError("timeout")), deadlineMs);
  try {
    return await abortable(work(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function driverOptions(options: ClientOptions, calls: AsyncLocalStorage<Call>): DriverOptions {
  const limits = limitsOf(options);
  return {
    endpoint: options.url,
    headers: headersOf(options.credentials),
    timeout: options.deadlineMs,
    preferPost: true,
    requestInterceptor: {
      onFulfilled: (config: RequestConfig) => Object.assign(config, limits, { signal: calls.getStore()?.signal }),
    },
    responseInterceptor: {
      onFulfilled: (response: Response) => {
        note(calls, () => answerIn(response.data));
        return { ...response, data: EMPTY_ANSWER };
      },
      onRejected: (error: unknown) => {
        note(calls, () => errorOf(error));
        throw new PrometheusError("unreachable"); // never the library's error: it holds the request's headers
      },
    },
  };
}

/** What the library's parser gets to see: it has nothing to lose in it. */
const EMPTY_ANSWER = { status: "success", data: { resultType: "vector", result: [] } };

function note(calls: AsyncLocalStorage<Call>, read: () => Answer | PrometheusError): void {
  const call = calls.getStore();
  if (!call) return;
  try {
    call.outcome = read();
  } catch (error) {
    call.outcome = error instanceof PrometheusError ? error : new PrometheusError("notPrometheus");
  }
}

/** `proxy: false`: nothing from the environment decides where a token goes. */
function limitsOf({ credentials, maxAnswerBytes }: ClientOptions): Partial<RequestConfig> {
  const agent = { keepAlive: true, timeout: IDLE_CONNECTION_MS };
  return {
    proxy: false,
    maxRedirects: 0,
    maxContentLength: maxAnswerBytes,
    httpAgent: new HttpAgent(agent),
    httpsAgent: new HttpsAgent({ ...agent, ...(credentials.ca ? { ca: credentials.ca } : {}) }),
  };
}

/** Not compressed: in a cluster the CPU of both sides is dearer than the bytes. */
function headersOf({ authorization, tenant }: Credentials): Record<string, string> {
  return { "Accept-Encoding": "identity", ...(authorization ? { Authorization: authorization } : {}), ...(tenant ? { "X-Scope-OrgID": tenant } : {}) };
}

interface LibraryError {
  readonly code?: string;
  readonly message?: string;
  readonly response?: { readonly status: number; readonly data?: unknown };
}

function errorOf(error: unknown): PrometheusError {
  const { code = "", message = "", response } = (error ?? {}) as LibraryError;
  if (message.startsWith("maxContentLength")) return new PrometheusError("tooLarge");
  if (response) return errorIn(response.data) ?? new PrometheusError(kindOfStatus(response.status), { detail: `HTTP ${response.status}` });
  return new PrometheusError(kindOfCode(code), code ? { detail: code } : {});
}

function kindOfStatus(status: number): PrometheusErrorKind {
  if (status >= 300 && status < 400) return "redirected";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 400 || status === 413 || status === 414) return "badQuery";
  if (status === 422) return "execution";
  return status === 429 || status >= 500 ? "unavailable" : "notPrometheus";
}

const CERTIFICATE_CODE = /CERT|SELF_SIGNED|^ERR_TLS|^ERR_SSL|^EPROTO$|UNABLE_TO_VERIFY/;
const TIMEOUT_CODE = /^(?:ECONNABORTED|ETIMEDOUT|ERR_CANCELED)$/;

function kindOfCode(code: string): PrometheusErrorKind {
  if (CERTIFICATE_CODE.test(code)) return "certificate";
  return TIMEOUT_CODE.test(code) ? "timeout" : "unreachable";
}
